/* SPDX-License-Identifier: MIT */
/* Guests that come, go and change their looks between whole passes over a made-up host. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lab.h"
#include "open_fds.h"

static struct lab *lab;

static uint32_t descriptors;

static int setup(void **state)
{
	(void)state;
	descriptors = open_fds();
	lab = lab_new();
	lab_event(lab, "kvm", "exit_null", 0644);
	lab_event(lab, "kvm", "blocking", 0444);
	lab_qemu(lab, 100, "web");
	lab_value(lab, "kvm/100-10", "exit_null", "5\n");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	lab_free(lab);
	/* Whatever happened, nothing is left open. */
	return open_fds() == descriptors ? 0 : -1;
}

static const struct kvmstat_guest *known(const char *name)
{
	return lab_row(lab->sample, name)->guest;
}

static void test_comes_and_goes(void **state)
{
	uint64_t first, second, generation, events;

	(void)state;
	lab_pass(lab);
	first = known("web")->id;
	generation = lab->sample->guest_generation;
	events = lab->sample->event_generation;
	for (int i = 0; i < 3; i++)
		assert_int_equal(lab_pass(lab)->guest_generation, generation);
	lab_qemu(lab, 50, "db");
	lab_value(lab, "kvm/50-10", "exit_null", "1\n");
	assert_int_equal(lab_pass(lab)->nrows, 2);
	assert_true(lab->sample->guest_generation > generation);
	generation = lab->sample->guest_generation;
	second = known("db")->id;
	assert_true(second > first);
	assert_int_equal(known("web")->id, first);
	lab_end_guest(lab, "kvm/100-10");
	assert_int_equal(lab_pass(lab)->nrows, 1);
	assert_null(lab_find(lab->sample, "web"));
	assert_true(lab->sample->guest_generation > generation);
	lab_is(lab->sample, "db", "exit_null", 1);
	assert_int_equal(known("db")->id, second);
	assert_int_equal(lab->sample->event_generation, events);
}

/* The directory's name and the process are the same, the VM is another. */
static void test_name_reused(void **state)
{
	char incarnation[128];
	uint64_t id;

	(void)state;
	lab_pass(lab);
	id = known("web")->id;
	snprintf(incarnation, sizeof(incarnation), "%s", known("web")->incarnation);
	assert_string_equal(known("web")->key, "name:web");
	lab_end_guest(lab, "kvm/100-10");
	lab_guest(lab, "kvm/100-10");
	lab_value(lab, "kvm/100-10", "exit_null", "1\n");
	assert_int_equal(lab_pass(lab)->nrows, 1);
	assert_true(known("web")->id > id);
	assert_string_not_equal(known("web")->incarnation, incarnation);
	assert_string_equal(known("web")->key, "name:web");
	lab_is(lab->sample, "web", "exit_null", 1);
}

static void test_identity(void **state)
{
	(void)state;
	lab_vcpu(lab, 100, 0, 101, "1000 20 3\n");
	lab_vcpu(lab, 100, 1, 102, "2000 30 3\n");
	lab_pass(lab);
	assert_int_equal(known("web")->pid, 100);
	assert_int_equal(known("web")->fd, 10);
	assert_string_equal(known("web")->vmm, "qemu");
	assert_string_equal(known("web")->uuid, "");
	assert_int_equal(known("web")->start_ns, 1100ull * (1000000000ull / (uint64_t)sysconf(_SC_CLK_TCK)));
	assert_true(known("web")->created_ns > 0);
	assert_non_null(strstr(known("web")->incarnation, "b00710ad-"));
	assert_non_null(strstr(known("web")->incarnation, "/100-10/"));
	assert_int_equal(lab_row(lab->sample, "web")->vcpu_count, 2);
	assert_true(lab_row(lab->sample, "web")->has_cpu);
	assert_int_equal(lab_row(lab->sample, "web")->cpu_ns, 3000);
	assert_int_equal(lab_row(lab->sample, "web")->wait_ns, 50);
	lab_vcpu(lab, 100, 1, 102, "2500 31 3\n");
	lab_pass(lab);
	assert_int_equal(lab_row(lab->sample, "web")->cpu_ns, 3500);
	/* A vCPU's thread has ended: what is left is not the guest's time. */
	tree_remove(lab->tree, "proc/100/task/102");
	lab_pass(lab);
	assert_false(lab_row(lab->sample, "web")->has_cpu);
	lab_is(lab->sample, "web", "exit_null", 5);
}

/* The directory's number is the thread's that made the VM. */
static void test_thread_made_it(void **state)
{
	(void)state;
	lab_process(lab, 300, "threaded", 7);
	lab_thread(lab, 307, 300);
	lab_fd(lab, 300, 12, "anon_inode:kvm-vm");
	lab_guest(lab, "kvm/307-12");
	lab_value(lab, "kvm/307-12", "exit_null", "9\n");
	lab_pass(lab);
	lab_is(lab->sample, "threaded", "exit_null", 9);
	assert_int_equal(known("threaded")->pid, 300);
	assert_int_equal(known("threaded")->fd, 12);
}

/* That thread has ended, and its number may be another process' by now. */
static void test_thread_has_ended(void **state)
{
	(void)state;
	lab_process(lab, 300, "owner", 7);
	lab_fd(lab, 300, 12, "anon_inode:kvm-vm");
	lab_guest(lab, "kvm/307-12");
	lab_pass(lab);
	assert_int_equal(known("owner")->pid, 300);
	lab_process(lab, 400, "second", 8);
	lab_fd(lab, 400, 13, "anon_inode:kvm-vm");
	lab_process(lab, 411, "foreigner", 9);
	lab_guest(lab, "kvm/411-13");
	lab_pass(lab);
	assert_int_equal(known("second")->pid, 400);
	assert_null(lab_find(lab->sample, "foreigner"));
	assert_int_equal(lab->sample->nrows, 3);
}

static void test_several_vms(void **state)
{
	(void)state;
	lab_process(lab, 500, NULL, 7);
	for (int fd = 4; fd < 7; fd++) {
		char guest[32], text[8];

		lab_fd(lab, 500, fd, "anon_inode:kvm-vm");
		snprintf(guest, sizeof(guest), "kvm/500-%d", fd);
		snprintf(text, sizeof(text), "%d\n", fd);
		lab_guest(lab, guest);
		lab_value(lab, guest, "exit_null", text);
	}
	lab_vcpu(lab, 500, 0, 501, "1000 20 3\n");
	assert_int_equal(lab_pass(lab)->nrows, 4);
	for (uint32_t i = 0; i < 4; i++) {
		const struct kvmstat_row *row = &lab->sample->rows[i];

		for (uint32_t j = 0; j < i; j++)
			assert_string_not_equal(row->guest->name, lab->sample->rows[j].guest->name);
		if (row->guest->pid != 500)
			continue;
		assert_int_equal(row->value[lab_column(lab->sample, "exit_null")->first_cell], row->guest->fd);
		assert_int_equal(strncmp(row->guest->key, "dir:", 4), 0);
		/* Whose of them the vCPU is cannot be told. */
		assert_int_equal(row->vcpu_count, 0);
		assert_false(row->has_cpu);
	}
}

static void test_two_kvms(void **state)
{
	(void)state;
	lab_event(lab, "kvm-arm64", "wfi_exit_stat", 0644);
	lab_event(lab, "kvm-arm64", "exits", 0644);
	lab_process(lab, 600, "arm", 7);
	lab_fd(lab, 600, 9, "anon_inode:kvm-vm");
	lab_guest(lab, "kvm-arm64/600-9");
	lab_value(lab, "kvm-arm64/600-9", "wfi_exit_stat", "3\n");
	lab_value(lab, "kvm-arm64/600-9", "exit_null", "777\n");
	lab_pass(lab);
	lab_is(lab->sample, "arm", "wfi_exit_stat", 3);
	lab_absent(lab->sample, "arm", "exits");
	lab_absent(lab->sample, "arm", "exit_null");
	lab_absent(lab->sample, "web", "wfi_exit_stat");
	lab_is(lab->sample, "web", "exit_null", 5);
	/* One of the two modules is unloaded. */
	lab_discard(lab, "sys/kernel/debug/kvm-arm64");
	lab_pass(lab);
	assert_int_equal(lab->sample->nrows, 1);
	assert_null(lab_column(lab->sample, "wfi_exit_stat"));
	lab_is(lab->sample, "web", "exit_null", 5);
}

/* A kernel with more unknown events than are taken: what is known, and as many as are taken, are served. */
static void test_too_many_events(void **state)
{
	enum { EXTRA = 3 };
	const struct kvmstat_problem_status *problem;
	uint32_t unknown = 0;
	char name[32];

	(void)state;
	for (int i = 0; i < REGISTRY_MAX_UNKNOWN + EXTRA; i++) {
		snprintf(name, sizeof(name), "made_up_%d", i);
		lab_event(lab, "kvm", name, 0644);
	}
	for (int pass = 0; pass < 2; pass++) {
		unknown = 0;
		lab_pass(lab);
		lab_is(lab->sample, "web", "exit_null", 5);
		for (uint32_t i = 0; i < lab->sample->ncolumns; i++)
			unknown += !lab->sample->columns[i].event->known;
		assert_int_equal(unknown, REGISTRY_MAX_UNKNOWN);
		problem = &lab->sample->problems[KVMSTAT_TOO_MANY];
		assert_true(problem->active);
		assert_memory_equal(problem->text, "3 events are left out: this kernel has more than 4096 events", 60);
		assert_int_equal(lab->sample->sources[KVMSTAT_DEBUGFS].state, KVMSTAT_ACTIVE);
	}
}

static void test_not_guests(void **state)
{
	static const char *const names[] = {
		"kvm/100",	 "kvm/100-",
		"kvm/-10",	 "kvm/100-10-1",
		"kvm/a-10",	 "kvm/1000000000000000000000000000-99999999",
		"kvmfoo/100-11", "kvm-with-a-long-name/100-11",
		"kvm/ 1-1",	 "kvm/vcpu0",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		lab_guest(lab, names[i]);
	lab_write(lab, "5\n", "sys/kernel/debug/kvm/100-12");
	tree_symlink(lab->tree, "sys/kernel/debug/kvm/100-13", "100-10");
	assert_int_equal(lab_pass(lab)->nrows, 1);
	lab_is(lab->sample, "web", "exit_null", 5);
}

/* Nobody knows the process: the guest is counted all the same, and the missing name is told. */
static void test_nobody(void **state)
{
	(void)state;
	lab_guest(lab, "kvm/900-10");
	lab_value(lab, "kvm/900-10", "exit_null", "3\n");
	lab_pass(lab);
	assert_int_equal(lab->sample->nrows, 2);
	lab_is(lab->sample, "900-10", "exit_null", 3);
	assert_int_equal(known("900-10")->pid, 0);
	assert_true(lab_problem(lab->sample, KVMSTAT_UNNAMED));
	lab_end_guest(lab, "kvm/900-10");
	lab_pass(lab);
	assert_false(lab_problem(lab->sample, KVMSTAT_UNNAMED));
}

static void test_twins(void **state)
{
	(void)state;
	lab_qemu(lab, 200, "web");
	lab_value(lab, "kvm/200-10", "exit_null", "9\n");
	assert_int_equal(lab_pass(lab)->nrows, 2);
	assert_string_equal(lab->sample->rows[0].guest->name, "web");
	assert_string_equal(lab->sample->rows[1].guest->name, "web");
	assert_int_not_equal(lab->sample->rows[0].guest->id, lab->sample->rows[1].guest->id);
}

/* debugfs goes, /proc takes over, debugfs comes back: it is the same guest all the time. */
static void test_source_changes(void **state)
{
	uint64_t id;

	(void)state;
	lab_vcpu(lab, 100, 0, 101, "1000 20 3\n");
	lab_pass(lab);
	id = known("web")->id;
	assert_int_equal(lab->sample->sources[KVMSTAT_PROC].state, KVMSTAT_UNUSED);
	tree_must(renameat(lab->tree->root.fd, "sys/kernel/debug", lab->tree->root.fd, "away") == 0, "rename",
		  "debug");
	for (int i = 0; i < 8; i++) {
		lab_pass(lab);
		assert_int_equal(lab->sample->nrows, 1);
		assert_int_equal(known("web")->id, id);
		assert_int_equal(lab->sample->ncolumns, 0);
		assert_int_equal(lab->sample->sources[KVMSTAT_PROC].state, KVMSTAT_ACTIVE);
		assert_int_equal(lab->sample->sources[KVMSTAT_DEBUGFS].state, KVMSTAT_MISSING);
		assert_true(lab_problem(lab->sample, KVMSTAT_NO_SOURCE));
	}
	tree_must(renameat(lab->tree->root.fd, "away", lab->tree->root.fd, "sys/kernel/debug") == 0, "rename",
		  "debug");
	for (int i = 0; i < 100 && !lab->sample->ncolumns; i++)
		lab_pass(lab);
	lab_is(lab->sample, "web", "exit_null", 5);
	assert_int_equal(known("web")->id, id);
	assert_false(lab_problem(lab->sample, KVMSTAT_NO_SOURCE));
}

static void test_proc_only(void **state)
{
	uint64_t id;

	(void)state;
	tree_remove(lab->tree, "sys/kernel/debug");
	lab_vcpu(lab, 100, 0, 101, "1000 20 3\n");
	lab_process(lab, 500, NULL, 7);
	lab_fd(lab, 500, 4, "anon_inode:kvm-vm");
	lab_fd(lab, 500, 5, "anon_inode:kvm-vm");
	lab_fd(lab, 500, 6, "/tmp/anon_inode:kvm-vm");
	lab_fd(lab, 500, 7, "anon_inode:kvm-vmx");
	lab_process(lab, 501, NULL, 7);
	assert_int_equal(lab_pass(lab)->nrows, 3);
	assert_int_equal(lab->sample->ncolumns, 0);
	assert_int_equal(lab_row(lab->sample, "web")->vcpu_count, 1);
	assert_non_null(strstr(lab->sample->sources[KVMSTAT_DEBUGFS].text, "debugfs"));
	id = known("web")->id;
	/* Another process with the same pid and fd is another guest. */
	lab_process(lab, 100, "web", 123456);
	lab_pass(lab);
	assert_int_equal(lab->sample->nrows, 3);
	assert_true(known("web")->id > id);
	tree_remove(lab->tree, "proc/100");
	assert_int_equal(lab_pass(lab)->nrows, 2);
	/* Its fd is something else by now. */
	lab_fd(lab, 500, 5, "socket:[5]");
	assert_int_equal(lab_pass(lab)->nrows, 1);
	/* A newcomer is found sooner or later. */
	lab_process(lab, 700, "new", 7);
	lab_fd(lab, 700, 4, "anon_inode:kvm-vm");
	for (int i = 0; i < 6; i++)
		lab_pass(lab);
	assert_non_null(lab_find(lab->sample, "new"));
}

/* debugfs vanishes in the moment in which a guest has come: /proc is searched at once. */
static void test_proc_takes_over(void **state)
{
	(void)state;
	for (int before = 0; before < 7; before++) {
		char name[16];

		for (int i = 0; i < before; i++)
			lab_pass(lab);
		snprintf(name, sizeof(name), "new%d", before);
		lab_process(lab, 700 + before, name, 7);
		lab_fd(lab, 700 + before, 4, "anon_inode:kvm-vm");
		tree_must(renameat(lab->tree->root.fd, "sys/kernel/debug", lab->tree->root.fd, "away") == 0,
			  "rename", "");
		lab_pass(lab);
		assert_non_null(lab_find(lab->sample, name));
		tree_must(renameat(lab->tree->root.fd, "away", lab->tree->root.fd, "sys/kernel/debug") == 0,
			  "rename", "");
		for (int i = 0; i < 130 && !lab->sample->ncolumns; i++)
			lab_pass(lab);
		assert_true(lab->sample->ncolumns > 0);
	}
}

static void test_no_kvm(void **state)
{
	(void)state;
	tree_remove(lab->tree, "sys/kernel/debug");
	tree_remove(lab->tree, "sys/module/kvm");
	tree_remove(lab->tree, "proc/100");
	for (int i = 1; i < 4; i++) {
		assert_int_equal(lab_pass(lab)->nrows, 0);
		assert_true(lab_problem(lab->sample, KVMSTAT_NO_KVM));
		assert_int_equal(lab->sample->problems[KVMSTAT_NO_KVM].count, i);
		assert_non_null(strstr(lab->sample->problems[KVMSTAT_NO_KVM].text, "modprobe"));
		assert_false(lab_problem(lab->sample, KVMSTAT_NO_SOURCE));
	}
	/* Nothing at all: not even /proc. */
	tree_remove(lab->tree, "proc");
	tree_remove(lab->tree, "sys");
	assert_int_equal(lab_pass(lab)->nrows, 0);
	assert_int_equal(lab->sample->lockdown, KVMSTAT_LOCKDOWN_UNKNOWN);
}

static void test_kvm_is_loaded_later(void **state)
{
	(void)state;
	tree_must(renameat(lab->tree->root.fd, "sys/kernel/debug/kvm", lab->tree->root.fd, "away") == 0,
		  "rename", "");
	tree_remove(lab->tree, "sys/module/kvm");
	tree_remove(lab->tree, "proc/100/fd");
	lab_pass(lab);
	assert_true(lab_problem(lab->sample, KVMSTAT_NO_KVM));
	tree_must(renameat(lab->tree->root.fd, "away", lab->tree->root.fd, "sys/kernel/debug/kvm") == 0,
		  "rename", "");
	lab->kvmstat->context.host.read_at_ns = 0;
	for (int i = 0; i < 100 && !lab->sample->nrows; i++)
		lab_pass(lab);
	lab_is(lab->sample, "web", "exit_null", 5);
	assert_false(lab_problem(lab->sample, KVMSTAT_NO_KVM));
}

static void test_source_not_asked_for(void **state)
{
	(void)state;
	lab_set(lab, "Source", "bpf");
	lab_pass(lab);
	assert_int_equal(lab->sample->sources[KVMSTAT_DEBUGFS].state, KVMSTAT_UNUSED);
	assert_int_equal(lab->sample->sources[KVMSTAT_BPF].state, KVMSTAT_MISSING);
	assert_true(lab->sample->sources[KVMSTAT_BPF].text[0] != '\0');
	assert_int_equal(lab->sample->ncolumns, 0);
}

/* ---- what is told of sources ---- */

static int fake_error;

/* As bpf, it has every event, here just one; and no guest. */
static int fake_open(struct context *context, struct source *source)
{
	struct event_hint hint = { .class = KVMSTAT_CUMULATIVE, .unit = KVMSTAT_COUNT, .scope = KVMSTAT_VM };

	if (fake_error < 0)
		source_status(source, KVMSTAT_DENIED, "so it is");
	else
		source_status(source, KVMSTAT_ACTIVE, "%s", "");
	return fake_error < 0 ? fake_error :
				source_offer(source, registry_intern(context->registry, "", "exit_null", &hint), "exit_null", 1, false);
}

static void fake_close(struct source *source)
{
	(void)source;
}

static int fake_find(struct source *source, struct pass *pass)
{
	(void)pass;
	if (fake_error < 0)
		source_status(source, KVMSTAT_DENIED, "so it is");
	return fake_error;
}

static const struct source_ops fake_bpf = { .id = KVMSTAT_BPF, .open = fake_open, .close = fake_close, .find = fake_find };

static void told(enum kvmstat_source source, enum kvmstat_source_state state, const char *words)
{
	const struct kvmstat_source_status *status = &lab->sample->sources[source];

	if (status->state != state || !strstr(status->text, words))
		fail_msg("source %s is not '%s: %s', but '%s: %s'", kvmstat_source_name(source), kvmstat_state_name(state), words,
			 kvmstat_state_name(status->state), status->text);
}

/* Where bpf has everything, nobody needs to know what stands in the way of the others; where it fails, everybody. */
static void test_not_needed(void **state)
{
	(void)state;
	tree_remove(lab->tree, "sys/kernel/debug");
	lab_set(lab, "ReportExitReasons", "true");
	lab_open(lab);
	lab->kvmstat->sources[KVMSTAT_BPF].ops = &fake_bpf;
	for (int round = 0; round < 2; round++) {
		fake_error = 0;
		do
			lab_pass(lab);
		while (!lab->kvmstat->sources[KVMSTAT_BPF].is_open);
		told(KVMSTAT_BPF, KVMSTAT_ACTIVE, "");
		told(KVMSTAT_STATSFD, KVMSTAT_UNUSED, "not needed");
		told(KVMSTAT_DEBUGFS, KVMSTAT_UNUSED, "not needed");
		told(KVMSTAT_PROC, KVMSTAT_UNUSED, "not needed");
		told(KVMSTAT_LIBVIRT, KVMSTAT_UNUSED, "only if the option Source lists it");
		/* What it counts no other source has. */
		told(KVMSTAT_TRACEPOINT, KVMSTAT_MISSING, WITH_BPF ? "running kernel" : "");
		fake_error = -EPERM;
		lab_pass(lab);
		told(KVMSTAT_BPF, KVMSTAT_DENIED, "so it is");
		told(KVMSTAT_STATSFD, KVMSTAT_MISSING, "running guests");
		told(KVMSTAT_DEBUGFS, KVMSTAT_MISSING, "no /sys/kernel/debug");
		told(KVMSTAT_PROC, KVMSTAT_ACTIVE, "");
		told(KVMSTAT_TRACEPOINT, KVMSTAT_MISSING, WITH_BPF ? "running kernel" : "");
	}
}

/* debugfs has no histograms and no single vCPUs: what keeps the others from them is told. */
static void test_debugfs_is_not_everything(void **state)
{
	(void)state;
	lab_set(lab, "Source", "debugfs, bpf, statsfd");
	lab_pass(lab);
	told(KVMSTAT_DEBUGFS, KVMSTAT_ACTIVE, "");
	told(KVMSTAT_BPF, KVMSTAT_MISSING, WITH_BPF ? "running kernel" : "");
	told(KVMSTAT_STATSFD, KVMSTAT_MISSING, "running guests");
}

static void has_effective(int bit, bool has)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	uint32_t mask = 1u << bit;

	assert_int_equal(syscall(SYS_capget, &header, data), 0);
	data[0].effective = has ? data[0].effective | (data[0].permitted & mask) : data[0].effective & ~mask;
	assert_int_equal(syscall(SYS_capset, &header, data), 0);
}

/* Names that cannot be read: the remedy is for those whom it helps. */
static void test_unnamed(void **state)
{
	const char *text = NULL;

	(void)state;
	lab_set(lab, "Source", "debugfs");
	lab_guest(lab, "kvm/300-10");
	lab_pass(lab);
	assert_true(lab_problem(lab->sample, KVMSTAT_UNNAMED));
	text = lab->sample->problems[KVMSTAT_UNNAMED].text;
	assert_non_null(strstr(text, "1 of 2 guests: no process in /proc"));
	/* As if this were the host's own /proc, which does not even show process 1. */
	lab->kvmstat->context.root.live = true;
	has_effective(CAP_SYS_PTRACE, false);
	lab_pass(lab);
	has_effective(CAP_SYS_PTRACE, true);
	text = lab->sample->problems[KVMSTAT_UNNAMED].text;
	assert_non_null(strstr(text, "hidepid"));
	assert_non_null(strstr(text, "lacks CAP_SYS_PTRACE"));
	assert_int_equal(strstr(text, "run as root") != NULL, geteuid() != 0);
	/* It is hidden no more. */
	lab_process(lab, 1, "init", 1);
	lab_pass(lab);
	text = lab->sample->problems[KVMSTAT_UNNAMED].text;
	assert_non_null(strstr(text, "1 of 2 guests: no process in /proc"));
}

static void test_bad_root(void **state)
{
	(void)state;
	lab_set(lab, "Root", "/nonexistent/kvmstat");
	assert_true(kvmstat_open(&lab->kvmstat, lab->config) < 0);
	assert_null(lab->kvmstat);
}

#define collector_test(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		collector_test(test_comes_and_goes),
		collector_test(test_name_reused),
		collector_test(test_identity),
		collector_test(test_thread_made_it),
		collector_test(test_thread_has_ended),
		collector_test(test_several_vms),
		collector_test(test_two_kvms),
		collector_test(test_too_many_events),
		collector_test(test_not_guests),
		collector_test(test_nobody),
		collector_test(test_twins),
		collector_test(test_source_changes),
		collector_test(test_proc_only),
		collector_test(test_proc_takes_over),
		collector_test(test_no_kvm),
		collector_test(test_kvm_is_loaded_later),
		collector_test(test_source_not_asked_for),
		collector_test(test_not_needed),
		collector_test(test_debugfs_is_not_everything),
		collector_test(test_unnamed),
		collector_test(test_bad_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
