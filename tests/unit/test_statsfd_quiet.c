/* SPDX-License-Identifier: MIT */
/*
 * The statsfd source while no VM begins or ends, when it does not look where the fds of a VMM are: what
 * changes all the same. With VMs of this process, and debugfs, which tells of new vCPUs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include "collector.h"
#include "debugfs.h"
#include "statsfd.h"

#ifndef KVM_GET_STATS_FD
#define KVM_GET_STATS_FD _IO(KVMIO, 0xce)
#endif

enum { VCPUS = LOAN_MAX + 4 };

static const uint64_t SECOND = 1000000000;

static int kvm = -1;
static char why[300];

static struct kvmstat *kvmstat;
static struct kvmstat_sample *sample;
static int vm_fd, vcpus[VCPUS], stats[VCPUS];

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void make_vcpu(int id)
{
	vcpus[id] = ioctl(vm_fd, KVM_CREATE_VCPU, (unsigned long)id);
	assert_true(vcpus[id] >= 0);
}

static void keep_stats(int id)
{
	stats[id] = ioctl(vcpus[id], KVM_GET_STATS_FD, 0);
	assert_true(stats[id] >= 0);
}

static void make_vm(void)
{
	vm_fd = ioctl(kvm, KVM_CREATE_VM, 0ul);
	assert_true(vm_fd >= 0);
	for (int id = 0; id < 2; id++) {
		make_vcpu(id);
		keep_stats(id);
	}
}

static void end_vm(void)
{
	for (int i = 0; i < VCPUS; i++) {
		close_fd(&stats[i]);
		close_fd(&vcpus[i]);
	}
	close_fd(&vm_fd);
}

static bool heard; /* are announcements, or do they get lost? Others on this host may make VMs all the time */

static void collect(void)
{
	char text[32] = "";

	kvmstat_sample_put(sample);
	if (!heard && kvmstat->uevents.is_open) {
		assert_true(pread(kvmstat->uevents.fd, text, sizeof(text) - 1, 0) > 0);
		kvmstat->uevents.number = strtoull(text, NULL, 10);
	}
	assert_int_equal(kvmstat_collect(kvmstat, &sample), 0);
}

static const struct kvmstat_row *pass(void)
{
	collect();
	assert_int_equal(sample->nrows, 1);
	return &sample->rows[0];
}

static struct guest *guest(void)
{
	for (uint32_t i = 0; i < kvmstat->guests.count; i++)
		if (kvmstat->guests.list[i]->wanted)
			return kvmstat->guests.list[i];
	fail_msg("no guest");
	return NULL;
}

static void seconds_pass(unsigned int seconds)
{
	kvmstat->uevents.changed_ns -= seconds * SECOND;
	if (kvmstat->uevents.looked_ns)
		kvmstat->uevents.looked_ns -= seconds * SECOND;
}

static void open_with(const char *sources, const char *event)
{
	struct kvmstat_config *config = kvmstat_config_new();
	char error[256], text[32];

	snprintf(text, sizeof(text), "/-%d/", getpid()); /* what a guest without a name is called */
	assert_int_equal(kvmstat_config_set(config, "Source", sources, error, sizeof(error)), 0);
	assert_int_equal(kvmstat_config_set(config, "Guest", text, error, sizeof(error)), 0);
	if (event)
		assert_int_equal(kvmstat_config_set(config, "Event", event, error, sizeof(error)), 0);
	assert_int_equal(kvmstat_open(&kvmstat, config), 0);
	kvmstat_config_free(config);
}

/* Is nothing looked for any more? */
static bool is_quiet(void)
{
	const struct stats_fds *fds = &guest()->stats_fds;

	return fds->links && fds->quiet_since && fds->quiet_since == kvmstat->uevents.looked_ns;
}

static void settle(void)
{
	heard = false;
	for (int i = 0; i < 10; i++) {
		pass();
		if (is_quiet())
			return;
		seconds_pass(2);
	}
	fail_msg("it does not settle");
}

static int setup(void **state)
{
	(void)state;
	vm_fd = -1;
	for (int i = 0; i < VCPUS; i++)
		vcpus[i] = stats[i] = -1;
	if (why[0])
		return 0;
	make_vm();
	open_with("statsfd debugfs", NULL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	kvmstat_sample_put(sample);
	sample = NULL;
	kvmstat_close(kvmstat);
	kvmstat = NULL;
	end_vm();
	return 0;
}

static void begin(void)
{
	char path[64];

	if (why[0]) {
		print_message("nothing to test with: %s\n", why);
		skip();
	}
	snprintf(path, sizeof(path), "/sys/kernel/debug/kvm/%d-%d/vcpu1", gettid(), vm_fd);
	if (access(path, F_OK) < 0) {
		print_message("vCPUs have no directories here\n");
		skip();
	}
	settle();
}

/* debugfs is mounted for this program alone, where it is not. */
static int group_setup(void **state)
{
	struct kvmstat_sample *first = NULL;

	(void)state;
	kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (kvm < 0) {
		snprintf(why, sizeof(why), "/dev/kvm: %s", strerror(errno));
		return 0;
	}
	if (ioctl(kvm, KVM_CHECK_EXTENSION, 203) <= 0) {
		snprintf(why, sizeof(why), "this kernel has no binary statistics (Linux 5.14)");
		return 0;
	}
	if (access("/sys/kernel/debug/kvm", X_OK) < 0 &&
	    (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	     mount("none", "/sys/kernel/debug", "debugfs", 0, NULL) < 0)) {
		snprintf(why, sizeof(why), "debugfs cannot be looked at: %s", strerror(errno));
		return 0;
	}
	open_with("statsfd debugfs", NULL);
	assert_int_equal(kvmstat_collect(kvmstat, &first), 0);
	if (first->sources[KVMSTAT_STATSFD].state == KVMSTAT_DENIED)
		snprintf(why, sizeof(why), "%s", first->sources[KVMSTAT_STATSFD].text);
	kvmstat_sample_put(first);
	kvmstat_close(kvmstat);
	return 0;
}

static uint32_t present(const struct kvmstat_row *row)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < sample->ncells; i++)
		count += row->from[i] == KVMSTAT_STATSFD;
	return count;
}

static void expect_all(uint32_t number_of_vcpus)
{
	const struct kvmstat_row *row = pass();

	assert_int_equal(row->vcpus, number_of_vcpus);
	assert_true(present(row) > 5);
	assert_int_equal(sample->sources[KVMSTAT_STATSFD].state, KVMSTAT_ACTIVE);
}

static void expect_none(const char *reason)
{
	assert_int_equal(present(pass()), 0);
	if (!strstr(sample->sources[KVMSTAT_STATSFD].text, reason))
		fail_msg("\"%s\" does not say \"%s\"", sample->sources[KVMSTAT_STATSFD].text, reason);
}

/* Though there are as many fds as before, it is in the sums of the next pass. */
static void test_new_vcpu(void **state)
{
	int taken[2];

	(void)state;
	taken[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	taken[1] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	begin();
	close(taken[0]);
	close(taken[1]);
	make_vcpu(2);
	keep_stats(2);
	expect_all(3);
	settle();
	make_vcpu(3);
	keep_stats(3);
	expect_all(4);
}

/* What bpf finds it need not look for anew: it may walk over all files in each pass, where that is cheaper.
 */
static void test_bpf_beside(void **state)
{
	uint64_t since;

	(void)state;
	begin();
	kvmstat_sample_put(sample);
	sample = NULL;
	kvmstat_close(kvmstat);
	open_with("statsfd bpf", NULL);
	pass();
	if (sample->sources[KVMSTAT_BPF].state == KVMSTAT_MISSING ||
	    sample->sources[KVMSTAT_BPF].state == KVMSTAT_DENIED) {
		print_message("bpf: %s\n", sample->sources[KVMSTAT_BPF].text);
		skip();
	}
	settle();
	since = kvmstat->uevents.looked_ns;
	for (int i = 0; i < 5; i++) {
		expect_all(2);
		assert_true(is_quiet());
		assert_int_equal(kvmstat->uevents.looked_ns, since);
	}
}

/* More than are borrowed at a time. */
static void test_many_vcpus(void **state)
{
	(void)state;
	begin();
	for (int id = 2; id < VCPUS; id++) {
		make_vcpu(id);
		keep_stats(id);
	}
	expect_all(VCPUS);
	settle();
	expect_all(VCPUS);
}

/* One whose fds are closed has its directory still: this does not tell how many there are to read. */
static void test_unseen_vcpu(void **state)
{
	(void)state;
	if (!why[0]) {
		make_vcpu(2);
		close_fd(&vcpus[2]);
		for (int i = 0; i < 6; i++) {
			pass();
			assert_false(is_quiet());
			seconds_pass(2);
		}
	}
}

/* One without statistics: a sum over the others is not the guest's. */
static void test_new_vcpu_without(void **state)
{
	(void)state;
	begin();
	make_vcpu(2);
	expect_none("keeps no statistics fds for all of its vCPUs");
	expect_none("keeps no statistics fds for all of its vCPUs");
	keep_stats(2);
	expect_all(3);
}

/* What is not a vCPU's statistics any more is not taken for it, in the very next pass. */
static void test_number_of_another(void **state)
{
	int pipes[2];

	(void)state;
	begin();
	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	assert_int_equal(dup2(pipes[0], stats[1]), stats[1]);
	close(pipes[0]);
	close(pipes[1]);
	expect_none("keeps no statistics fds");
}

/* A file as large, open for reading only; and one that begins as the statistics do. */
static void test_number_of_file(void **state)
{
	FILE *copy;
	char block[16384];
	ssize_t len;

	(void)state;
	begin();
	len = pread(stats[0], block, sizeof(block), 0);
	assert_true(len > 1000);
	copy = tmpfile();
	assert_non_null(copy);
	for (int turn = 0; turn < 2; turn++) {
		char path[40];
		int fd;

		rewind(copy);
		assert_int_equal(fwrite(block, 1, (size_t)len, copy), (size_t)len);
		fflush(copy);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fileno(copy));
		fd = open(path, O_RDONLY | O_CLOEXEC);
		assert_int_equal(dup2(fd, stats[1]), stats[1]);
		close(fd);
		expect_none("keeps no statistics fds");
		memset(block, 0x55, sizeof(block));
		close_fd(&stats[1]);
		keep_stats(1);
		settle();
		expect_all(2);
	}
	fclose(copy);
}

/* Another vCPU's statistics. */
static void test_number_of_other_vcpu(void **state)
{
	(void)state;
	begin();
	assert_int_equal(dup2(stats[0], stats[1]), stats[1]);
	expect_none("several VMs");
}

static void test_closed(void **state)
{
	(void)state;
	begin();
	close_fd(&stats[1]);
	expect_none("keeps no statistics fds");
	keep_stats(1);
	expect_all(2);
}

/* Exactly the same numbers of fds, the same thread, and another VM: another guest. */
static void test_recreated(void **state)
{
	uint64_t id;
	int fd, last;

	(void)state;
	begin();
	id = sample->rows[0].guest->id;
	fd = vm_fd;
	last = stats[1];
	heard = true;
	end_vm();
	make_vm();
	assert_int_equal(vm_fd, fd);
	assert_int_equal(stats[1], last);
	expect_all(2);
	assert_int_not_equal(sample->rows[0].guest->id, id);
}

/* The other VM of a process is announced. */
static void test_second_vm(void **state)
{
	int other;

	(void)state;
	begin();
	heard = true;
	other = ioctl(kvm, KVM_CREATE_VM, 0ul);
	assert_true(other >= 0);
	collect();
	assert_int_equal(sample->nrows, 2);
	for (uint32_t i = 0; i < sample->nrows; i++)
		assert_int_equal(present(&sample->rows[i]), 0);
	close(other);
	/* What the collector opens itself counts as well here, where it is the VMM. */
	for (int passes = 0; !present(pass()); passes++)
		assert_true(passes < 10);
	expect_all(2);
}

static void test_lost_end(void **state)
{
	(void)state;
	begin();
	end_vm();
	collect();
	for (uint32_t i = 0; i < sample->nrows; i++)
		assert_int_equal(present(&sample->rows[i]), 0);
}

/*
 * All fds are where they were, and what is in them says the same of itself, but it is another VM. debugfs has
 * nothing to read that would tell.
 */
static void test_lost_recreation(void **state)
{
	char event[64] = "";

	(void)state;
	begin();
	for (uint32_t i = 0; i < sample->ncolumns; i++)
		if (sample->columns[i].source == KVMSTAT_STATSFD)
			snprintf(event, sizeof(event), "%s", sample->columns[i].event->name);
	kvmstat_sample_put(sample);
	sample = NULL;
	kvmstat_close(kvmstat);
	open_with("statsfd debugfs", event);
	for (int kept = 0; kept < 2; kept++) {
		uint64_t id;

		settle();
		((struct statsfd_state *)kvmstat->sources[KVMSTAT_STATSFD].state)->keep_below =
			kept ? 1 << 19 : 0;
		((struct debugfs_state *)kvmstat->sources[KVMSTAT_DEBUGFS].state)->keep_below =
			kept ? 1 << 19 : 0;
		assert_int_equal(present(pass()), 1);
		id = sample->rows[0].guest->id;
		end_vm();
		make_vm();
		collect();
		for (uint32_t i = 0; i < sample->nrows; i++)
			if (sample->rows[i].guest->id == id)
				assert_int_equal(present(&sample->rows[i]), 0);
	}
}

/* The header is not what it was: nothing behind it is believed. */
static void test_other_header(void **state)
{
	struct stats_fds *fds;

	(void)state;
	begin();
	fds = &guest()->stats_fds;
	fds->blocks[KVMSTAT_VCPU].header.num_desc++;
	fds->links = 0;
	expect_none("makes no sense");
	fds->blocks[KVMSTAT_VCPU].header.num_desc--;
	expect_all(2);
}

static uint32_t vm_events(const struct kvmstat_row *row)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < sample->ncolumns; i++)
		count += sample->columns[i].event->scope == KVMSTAT_VM &&
			 row->from[sample->columns[i].column] == KVMSTAT_STATSFD;
	return count;
}

/* Statistics of the VM that the VMM begins to keep are found within a minute: until then nobody looks. */
static void test_minute(void **state)
{
	int more = open("/dev/null", O_RDONLY | O_CLOEXEC);

	(void)state;
	begin();
	/* As many fds as before. */
	close(more);
	more = ioctl(vm_fd, KVM_GET_STATS_FD, 0);
	assert_true(more >= 0);
	assert_int_equal(vm_events(pass()), 0);
	seconds_pass(61);
	pass();
	seconds_pass(2);
	assert_true(vm_events(pass()) > 0);
	close(more);
	expect_all(2);
	assert_int_equal(vm_events(&sample->rows[0]), 0);
}

static uint32_t open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	uint32_t count = 0;

	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

/* Kept are the process and the directory, and they end with the guest; when they are scarce, they are not
 * kept. */
static void test_what_is_kept(void **state)
{
	struct statsfd_state *statsfd;
	struct debugfs_state *debugfs;
	uint32_t with;

	(void)state;
	begin();
	statsfd = kvmstat->sources[KVMSTAT_STATSFD].state;
	debugfs = kvmstat->sources[KVMSTAT_DEBUGFS].state;
	with = open_fds();
	assert_true(guest()->stats_fds.pidfd >= 0 && guest()->dirfd >= 0);
	for (int i = 0; i < 20; i++)
		expect_all(2);
	assert_int_equal(open_fds(), with);
	statsfd->keep_below = debugfs->keep_below = 0;
	for (int i = 0; i < 3; i++) {
		expect_all(2);
		assert_int_equal(open_fds(), with - 2);
	}
	statsfd->keep_below = debugfs->keep_below = 1 << 19;
	expect_all(2);
	assert_int_equal(open_fds(), with);
	heard = true;
	end_vm();
	for (int i = 0; i < 4; i++)
		collect();
	/* The VM, two vCPUs and their statistics, and what was kept of the guest. */
	assert_int_equal(open_fds(), with - 7);
}

/* With as few descriptors as there can be. */
static void test_few_descriptors(void **state)
{
	struct rlimit before, few;

	(void)state;
	begin();
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = before;
	few.rlim_cur = (rlim_t)dup(kvm) + 1;
	close((int)few.rlim_cur - 1);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	expect_all(2);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

/* A kernel on which statistics keep no VM alive: each is read beside the vCPU itself. */
static void test_guarded(void **state)
{
	struct statsfd_state *statsfd;
	uint32_t before;

	(void)state;
	begin();
	statsfd = kvmstat->sources[KVMSTAT_STATSFD].state;
	before = open_fds();
	statsfd->needs_guard = true;
	for (int i = 0; i < 3; i++)
		expect_all(2);
	assert_int_equal(open_fds(), before);
	make_vcpu(2);
	keep_stats(2);
	expect_all(3);
	/* Not the vCPU any more. */
	settle();
	assert_int_equal(dup2(kvm, vcpus[1]), vcpus[1]);
	expect_none("keeps no statistics fds");
	assert_int_equal(open_fds(), before + 2);
}

#define quiet_test(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		quiet_test(test_new_vcpu),	  quiet_test(test_new_vcpu_without),
		quiet_test(test_bpf_beside),	  quiet_test(test_many_vcpus),
		quiet_test(test_unseen_vcpu),	  quiet_test(test_number_of_another),
		quiet_test(test_number_of_file),  quiet_test(test_number_of_other_vcpu),
		quiet_test(test_closed),	  quiet_test(test_recreated),
		quiet_test(test_second_vm),	  quiet_test(test_lost_end),
		quiet_test(test_lost_recreation), quiet_test(test_other_header),
		quiet_test(test_minute),	  quiet_test(test_what_is_kept),
		quiet_test(test_few_descriptors), quiet_test(test_guarded),
	};

	return cmocka_run_group_tests(tests, group_setup, NULL);
}
