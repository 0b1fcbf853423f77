/* SPDX-License-Identifier: MIT */
/* Every call that sources need is refused with every errno, on the running kernel, and what is said of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/refusal.h"
#include "interpose.h"
#include "kvmstat.h"
#if WITH_LIBVIRT
#include "sources/libvirt/thread.h"
#endif

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_clone3
#define SYS_clone3 435
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif

#define ALL_CAPABILITIES ~0ull

/* A way in which a source asks the kernel. */
struct way {
	const char *name;
	enum kvmstat_source source;
	const char *sources;		/* the option Source */
	int calls[3];			/* refused by a filter, 0-terminated; or */
	const char *path;		/* whose opening is refused */
	const char *capability;		/* one of those that it needs; NULL: none */
	const char *filtered;		/* what a filter must allow; NULL: it is no filter's doing */
};

static const struct way ways[] = {
	{ "bpf", KVMSTAT_BPF, "bpf", { SYS_bpf }, NULL, "CAP_BPF", "bpf" },
	{ "BTF", KVMSTAT_BPF, "bpf", { 0 }, "sys/kernel/btf/", NULL, NULL },
	{ "pidfd_open", KVMSTAT_STATSFD, "statsfd", { SYS_pidfd_open }, NULL, NULL, "pidfd_open" },
	{ "pidfd_getfd", KVMSTAT_STATSFD, "statsfd", { SYS_pidfd_getfd }, NULL, "CAP_SYS_PTRACE", "pidfd_getfd" },
	{ "debugfs", KVMSTAT_DEBUGFS, "debugfs", { 0 }, "sys/kernel/debug", "CAP_DAC_READ_SEARCH", NULL },
	{ "bpf for reasons", KVMSTAT_TRACEPOINT, "debugfs", { SYS_bpf }, NULL, "CAP_BPF", "bpf" },
	{ "perf_event_open", KVMSTAT_TRACEPOINT, "debugfs", { SYS_perf_event_open }, NULL, "CAP_PERFMON",
	  "perf_event_open" },
	{ "tracefs", KVMSTAT_TRACEPOINT, "debugfs", { 0 }, "sys/kernel/", "CAP_DAC_READ_SEARCH", NULL },
};

static const struct way plain_bpf = { "bpf", KVMSTAT_BPF, "bpf", { 0 }, NULL, NULL, NULL };
static const struct way plain_reasons = { "reasons", KVMSTAT_TRACEPOINT, "debugfs", { 0 }, NULL, NULL, NULL };

static char why[300];	/* nothing of this can be tried here */

static void need(void)
{
	if (!*why)
		return;
	print_message("%s\n", why);
	skip();
}

static const char *refused_path;
static int refused_error;

static int refuse(int dirfd, const char *path)
{
	(void)dirfd;
	if (!refused_path || strncmp(path, refused_path, strlen(refused_path)) != 0)
		return 0;
	/* Of what is below /sys/kernel, what stands for a place of tracefs alone. */
	return strcmp(refused_path, "sys/kernel/") != 0 || strstr(path, "tracing") ? refused_error : 0;
}

/* ---- in a child: what it may not do, and what comes of it ---- */

static void child_must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	_exit(3);
}

static void refuse_calls(const int *calls, int error)
{
	for (; *calls; calls++) {
		struct sock_filter filter[] = {
			BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
			BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned int)*calls, 0, 1),
			BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned int)error),
			BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		};
		struct sock_fprog program = { sizeof(filter) / sizeof(filter[0]), filter };

		child_must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "no new privileges");
		child_must(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0, "seccomp");
	}
}

static void keep_capabilities(uint64_t kept)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (kept == ALL_CAPABILITIES)
		return;
	child_must(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0 && setresgid(65534, 65534, 65534) == 0 &&
		   setresuid(65534, 65534, 65534) == 0, "another user");
	/* /proc/self is to be ours, whoever owns the program's file. */
	child_must(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0, "dumpable");
	for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		data[i] = (struct __user_cap_data_struct){ (__u32)(kept >> 32 * i), (__u32)(kept >> 32 * i), 0 };
	child_must(syscall(SYS_capset, &header, data) == 0, "capset");
}

static struct kvmstat *open_collector(const struct way *way)
{
	const char *reasons = way->source == KVMSTAT_TRACEPOINT ? "true" : "false";
	struct kvmstat_config *config = kvmstat_config_new();
	struct kvmstat *kvmstat = NULL;
	char error[256];

	child_must(config && kvmstat_config_set(config, "Source", way->sources, error, sizeof(error)) == 0, "Source");
	child_must(kvmstat_config_set(config, "ReportExitReasons", reasons, error, sizeof(error)) == 0, "ReportExitReasons");
	/* What others run on this host changes nothing. */
	child_must(kvmstat_config_set(config, "Guest", "none of them", error, sizeof(error)) == 0, "Guest");
	child_must(kvmstat_open(&kvmstat, config) == 0, "kvmstat_open()");
	kvmstat_config_free(config);
	return kvmstat;
}

static struct kvmstat_source_status status_after(struct kvmstat *kvmstat, enum kvmstat_source source)
{
	struct kvmstat_source_status status;
	struct kvmstat_sample *sample;
	int rc = kvmstat_collect(kvmstat, &sample);

	if (rc < 0) {
		/* No sample is worse than any status. */
		status = (struct kvmstat_source_status){ KVMSTAT_NSTATES, "" };
		snprintf(status.text, sizeof(status.text), "no sample: %s", strerror(-rc));
		return status;
	}
	status = sample->sources[source];
	kvmstat_sample_put(sample);
	return status;
}

/* A process whose whole life is one function. */
struct child {
	pid_t pid;
	int out;		/* where it writes what the function returned */
};

static struct child begin_child(struct kvmstat_source_status (*run)(const void *data), const void *data)
{
	struct kvmstat_source_status status = { KVMSTAT_NSTATES, "" };
	int pipes[2];
	pid_t child;

	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	fflush(NULL);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		status = run(data);
		_exit(write(pipes[1], &status, sizeof(status)) == sizeof(status) ? 0 : 4);
	}
	close(pipes[1]);
	return (struct child){ child, pipes[0] };
}

static struct kvmstat_source_status end_child(const struct child *child)
{
	struct kvmstat_source_status status;
	int ended;

	assert_int_equal(read(child->out, &status, sizeof(status)), sizeof(status));
	close(child->out);
	assert_int_equal(waitpid(child->pid, &ended, 0), child->pid);
	assert_int_equal(ended, 0);
	return status;
}

static struct kvmstat_source_status in_child(struct kvmstat_source_status (*run)(const void *data), const void *data)
{
	struct child child = begin_child(run, data);

	return end_child(&child);
}

struct trial {
	const struct way *way;
	int error;
	uint64_t capabilities;
};

static struct kvmstat_source_status run_trial(const void *data)
{
	const struct trial *trial = data;
	struct kvmstat_source_status status;
	struct kvmstat *kvmstat;

	keep_capabilities(trial->capabilities);
	refused_path = trial->way->path;
	refused_error = trial->error;
	refuse_calls(trial->way->calls, trial->error);
	kvmstat = open_collector(trial->way);
	status = status_after(kvmstat, trial->way->source);
	kvmstat_close(kvmstat);
	return status;
}

static struct kvmstat_source_status try(const struct way *way, int error, uint64_t capabilities)
{
	struct trial trial = { way, error, capabilities };

	return in_child(run_trial, &trial);
}

/* ---- what is expected ---- */

static void check_words(const struct way *way, int error, const struct kvmstat_source_status *status,
			enum kvmstat_source_state state, const char *words, bool there)
{
	if (status->state == state && !strstr(status->text, words) == !there)
		return;
	fail_msg("%s, %s: %s, with%s '%s', was expected: %s: %s", way->name, strerror(error), kvmstat_state_name(state),
		 there ? "" : "out", words, kvmstat_state_name(status->state), status->text);
}

/* To a process that has everything. */
static void check_privileged(const struct way *way, int error, struct kvmstat_source_status status)
{
	char words[64];

	if (error == EPERM || error == EACCES) {
		snprintf(words, sizeof(words), "a seccomp filter forbids %s;", way->filtered);
		check_words(way, error, &status, KVMSTAT_DENIED, way->filtered ? words : "security module forbids it;", true);
	} else if (error == ENOSYS && way->filtered) {
		check_words(way, error, &status, KVMSTAT_DENIED, "a seccomp filter forbids ", true);
	} else if (error == EMFILE) {
		check_words(way, error, &status, KVMSTAT_DENIED, "raise LimitNOFILE=", true);
	} else if (error == ENFILE) {
		check_words(way, error, &status, KVMSTAT_DENIED, "raise sysctl fs.file-max", true);
	} else if (error == ENOMEM) {
		check_words(way, error, &status, KVMSTAT_DENIED, "short of memory;", true);
	} else if (error == EAGAIN || error == EINTR) {
		check_words(way, error, &status, KVMSTAT_DENIED, "will retry", true);
	} else if (error == EIO) {
		check_words(way, error, &status, KVMSTAT_MISSING, "returned errno 5 for an unknown reason; please report this", true);
	}
	check_words(way, error, &status, status.state, "CAP_", false);
	check_words(way, error, &status, status.state, "run as root", false);
	check_words(way, error, &status, status.state, "requires Linux", false);
}

/*
 * One of each kind that the table of refusal.c has, which test_refusal.c tries in full. libbpf has words of its own for some:
 * of bpf(2) all are tried. Two children at a time.
 */
static void test_privileged(void **state)
{
	static const int errors[] = { EPERM, EACCES, ENOSYS, EINVAL, EMFILE, ENOMEM, EINTR, EIO, ENFILE, EAGAIN, E2BIG, EOPNOTSUPP };
	enum { ALL = sizeof(errors) / sizeof(errors[0]), KINDS = ALL - 4 };

	(void)state;
	need();
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		size_t n = ways[i].calls[0] == SYS_bpf ? ALL : KINDS;

		for (size_t k = 0; k < n; k += 2) {
			struct trial one = { &ways[i], errors[k], ALL_CAPABILITIES }, other = { &ways[i], errors[k + 1], ALL_CAPABILITIES };
			struct child first = begin_child(run_trial, &one), second = begin_child(run_trial, &other);
			struct kvmstat_source_status status = end_child(&first);

			check_privileged(&ways[i], errors[k], status);
			status = end_child(&second);
			check_privileged(&ways[i], errors[k + 1], status);
		}
	}
}

/* To one that has nothing: then filters are not to blame. */
static void test_without_capabilities(void **state)
{
	static const int errors[] = { EPERM, EACCES };

	(void)state;
	need();
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		const struct way *way = &ways[i];

		for (size_t k = 0; way->capability && k < 2; k++) {
			/* It does not get as far as BPF and perf without tracefs, nor to tracefs' format without BPF. */
			uint64_t kept = way->source == KVMSTAT_TRACEPOINT && way->calls[0] ? 1ull << CAP_DAC_READ_SEARCH : 0;
			struct kvmstat_source_status status;

			kept |= way->calls[0] == SYS_perf_event_open ? 1ull << 39 : 0;
			status = try(way, errors[k], kept);
			if (strstr(status.text, "CAP_BPF") && strcmp(way->capability, "CAP_PERFMON") == 0)
				continue;
			check_words(way, errors[k], &status, KVMSTAT_DENIED, way->capability, true);
			check_words(way, errors[k], &status, KVMSTAT_DENIED, "seccomp", false);
		}
	}
}

/* What refuses is really not there, or not allowed: nothing is made up. */
static void test_real(void **state)
{
	struct kvmstat_source_status status;

	(void)state;
	need();
	status = try(&plain_bpf, 0, 0);
	check_words(&plain_bpf, EPERM, &status, KVMSTAT_DENIED, "this process lacks CAP_BPF and CAP_PERFMON; run as root or add them", true);
	status = try(&plain_bpf, 0, 1ull << 39);
	check_words(&plain_bpf, EPERM, &status, KVMSTAT_DENIED, "this process lacks CAP_PERFMON; run as root or add it", true);
	status = try(&plain_bpf, 0, 1ull << 38 | 1ull << 39);
	check_words(&plain_bpf, 0, &status, KVMSTAT_ACTIVE, "", true);
}

/* ---- what can pass ---- */

/* Only so many descriptors for a while, and then as many as before. */
static struct kvmstat_source_status run_short_of_files(const void *data)
{
	struct kvmstat_source_status status = { KVMSTAT_NSTATES, "" };
	struct kvmstat *kvmstat = open_collector(&plain_bpf);
	struct rlimit limit, few;

	child_must(getrlimit(RLIMIT_NOFILE, &limit) == 0, "getrlimit()");
	few = limit;
	few.rlim_cur = *(const unsigned int *)data;
	child_must(setrlimit(RLIMIT_NOFILE, &few) == 0, "setrlimit()");
	status = status_after(kvmstat, KVMSTAT_BPF);
	child_must(setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit()");
	if (status.state != KVMSTAT_ACTIVE && (status.state != KVMSTAT_DENIED || !strstr(status.text, "raise LimitNOFILE=")))
		return status;
	for (int i = 0; i < 8 && status.state != KVMSTAT_ACTIVE; i++)
		status = status_after(kvmstat, KVMSTAT_BPF);
	kvmstat_close(kvmstat);
	return status;
}

static void test_files_come_back(void **state)
{
	(void)state;
	need();
	for (unsigned int files = 5; files < 40; files += 6) {
		unsigned int more = files + 3;
		struct child first = begin_child(run_short_of_files, &files), second = begin_child(run_short_of_files, &more);
		struct kvmstat_source_status status = end_child(&first);

		check_words(&plain_bpf, EMFILE, &status, KVMSTAT_ACTIVE, "", true);
		status = end_child(&second);
		check_words(&plain_bpf, EMFILE, &status, KVMSTAT_ACTIVE, "", true);
	}
}

/* The same for the openings of files alone. */
static struct kvmstat_source_status run_refused_for_a_while(const void *data)
{
	const struct way *way = data;
	struct kvmstat_source_status status;
	struct kvmstat *kvmstat;

	refused_path = way->path;
	refused_error = ENOMEM;
	kvmstat = open_collector(way);
	status = status_after(kvmstat, way->source);
	refused_path = NULL;
	for (int i = 0; i < 8 && status.state == KVMSTAT_DENIED; i++)
		status = status_after(kvmstat, way->source);
	kvmstat_close(kvmstat);
	return status;
}

static void test_memory_comes_back(void **state)
{
	struct kvmstat_source_status status;

	(void)state;
	need();
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct kvmstat_source_status usual;

		if (!ways[i].path)
			continue;
		usual = try(&ways[i], 0, ALL_CAPABILITIES);
		status = in_child(run_refused_for_a_while, &ways[i]);
		check_words(&ways[i], ENOMEM, &status, usual.state, usual.text, true);
	}
}

/* ---- threads ---- */

#if WITH_LIBVIRT

static struct kvmstat_source_status run_without_threads(const void *data)
{
	static const int calls[] = { SYS_clone, SYS_clone3, 0 };
	struct kvmstat_source_status status = { KVMSTAT_NSTATES, "a thread was started" };
	struct libvirt_client *client;
	struct sysroot root;
	int rc;

	child_must(libvirt_client_new(&client, "test:///default") == 0 && sysroot_init(&root, "/") == 0, "the client");
	refuse_calls(calls, *(const int *)data);
	rc = libvirt_client_prepare(client);
	if (rc < 0)
		refusal_report(&status, &root, CALL_THREAD, rc);
	libvirt_client_free(client);
	return status;
}

static void test_threads(void **state)
{
	static const struct way way = { "clone", KVMSTAT_LIBVIRT, NULL, { 0 }, NULL, NULL, NULL };
	struct kvmstat_source_status status;
	int error = EPERM;

	(void)state;
	need();
	status = in_child(run_without_threads, &error);
	check_words(&way, error, &status, KVMSTAT_DENIED, "a seccomp filter forbids clone;", true);
	error = EAGAIN;
	status = in_child(run_without_threads, &error);
	/* What the limit is depends on where the test runs. */
	check_words(&way, error, &status, KVMSTAT_DENIED, "seccomp", false);
	if (!strstr(status.text, "TasksMax=") && !strstr(status.text, "LimitNPROC=") && !strstr(status.text, "threads-max"))
		fail_msg("%s", status.text);
}

#else

static void test_threads(void **state)
{
	(void)state;
	print_message("built without libvirt, for which threads are started\n");
	skip();
}

#endif

/* ---- */

/* A file system that not every host has mounted; for this process alone. */
static void mount_one(const char *type, const char *place)
{
	char inside[64];
	struct stat st;

	snprintf(inside, sizeof(inside), "%s/.", place);
	if (mount(type, place, type, 0, NULL) < 0 && stat(inside, &st) < 0)
		print_message("%s: %s\n", place, strerror(errno));
}

static int setup(void **state)
{
	struct kvmstat_source_status bpf, reasons;

	(void)state;
	if (geteuid() || unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
		snprintf(why, sizeof(why), "it takes root and a mount namespace");
		return 0;
	}
	mount_one("debugfs", "/sys/kernel/debug");
	mount_one("tracefs", "/sys/kernel/tracing");
	on_open = refuse;
	bpf = try(&plain_bpf, 0, ALL_CAPABILITIES);
	reasons = try(&plain_reasons, 0, ALL_CAPABILITIES);
	if (bpf.state != KVMSTAT_ACTIVE)
		snprintf(why, sizeof(why), "the bpf source: %s", bpf.text);
	else if (reasons.state != KVMSTAT_ACTIVE)
		snprintf(why, sizeof(why), "the tracepoint source: %s", reasons.text);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_privileged),	  cmocka_unit_test(test_without_capabilities),
		cmocka_unit_test(test_real),		  cmocka_unit_test(test_files_come_back),
		cmocka_unit_test(test_memory_comes_back),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
