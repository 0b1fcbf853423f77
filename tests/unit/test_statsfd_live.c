/* SPDX-License-Identifier: MIT */
/* The statsfd source on the running kernel, with a VM of this process, which keeps its statistics fds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "counting.h"
#include "kvmstat.h"
#include "open_fds.h"
#include "sources/statsfd/format.h"

#ifndef KVM_GET_STATS_FD
#define KVM_GET_STATS_FD _IO(KVMIO, 0xce)
#endif

enum { VCPUS = 3 };

static int kvm = -1;
static char why[400];

struct vm {
	struct kvmstat *kvmstat;
	struct kvmstat_sample *sample;	/* of the last pass */
	uint64_t event_generation;	/* of the one before */
	int fd, vcpu[VCPUS], stats[VCPUS];
	pid_t creator, maker;
	sem_t looked;
};

static struct vm vm;

static void add_vcpu(int id)
{
	vm.vcpu[id] = ioctl(vm.fd, KVM_CREATE_VCPU, (unsigned long)id);
	assert_true(vm.vcpu[id] >= 0);
	vm.stats[id] = ioctl(vm.vcpu[id], KVM_GET_STATS_FD, 0);
	assert_true(vm.stats[id] >= 0);
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void end_vm(void)
{
	for (int i = 0; i < VCPUS; i++) {
		close_fd(&vm.stats[i]);
		close_fd(&vm.vcpu[i]);
	}
	close_fd(&vm.fd);
}

static struct kvmstat *open_with(const char *source, const char *vcpus)
{
	struct kvmstat_config *config = kvmstat_config_new();
	struct kvmstat *kvmstat = NULL;
	char error[256], text[16];

	assert_int_equal(kvmstat_config_set(config, "Source", source, error, sizeof(error)), 0);
	assert_int_equal(kvmstat_config_set(config, "ReportVcpus", vcpus, error, sizeof(error)), 0);
	snprintf(text, sizeof(text), "/-%d/", getpid());	/* what a guest without a name is called */
	assert_int_equal(kvmstat_config_set(config, "Guest", text, error, sizeof(error)), 0);
	assert_int_equal(kvmstat_open(&kvmstat, config), 0);
	kvmstat_config_free(config);
	return kvmstat;
}

static int setup(void **state)
{
	(void)state;
	vm = (struct vm){ .fd = -1, .vcpu = { -1, -1, -1 }, .stats = { -1, -1, -1 }, .creator = gettid() };
	if (why[0])
		return 0;
	vm.fd = ioctl(kvm, KVM_CREATE_VM, 0ul);
	assert_true(vm.fd >= 0);
	add_vcpu(0);
	add_vcpu(1);
	vm.kvmstat = open_with("statsfd", "false");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	kvmstat_sample_put(vm.sample);
	kvmstat_close(vm.kvmstat);
	end_vm();
	return 0;
}

static void need_stats(void)
{
	if (!why[0])
		return;
	print_message("nothing to test with: %s\n", why);
	skip();
}

static int group_setup(void **state)
{
	int fd;

	(void)state;
	kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (kvm < 0) {
		snprintf(why, sizeof(why), "/dev/kvm: %s", strerror(errno));
		return 0;
	}
	if (ioctl(kvm, KVM_CHECK_EXTENSION, 203) <= 0)
		snprintf(why, sizeof(why), "this kernel has no binary statistics (Linux 5.14)");
	fd = ioctl(kvm, KVM_CREATE_VM, 0ul);
	if (fd < 0)
		snprintf(why, sizeof(why), "no VM can be made: %s", strerror(errno));
	close(fd);
	return 0;
}

static const struct kvmstat_row *pass(void)
{
	struct kvmstat_sample *sample = NULL;

	assert_int_equal(kvmstat_collect(vm.kvmstat, &sample), 0);
	if (vm.sample)
		vm.event_generation = vm.sample->event_generation;
	kvmstat_sample_put(vm.sample);
	vm.sample = sample;
	assert_int_equal(sample->nrows, 1);
	return &sample->rows[0];
}

/*
 * Passes until the descriptors of this process, which is its own guest, are those of the VM: the helper that reads
 * command lines has one in the first.
 */
static void begin(void)
{
	pass();
	pass();
}

static uint32_t present(const struct kvmstat_row *row)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < vm.sample->ncells; i++) {
		assert_true(row->from[i] == KVMSTAT_ABSENT || row->from[i] == KVMSTAT_STATSFD);
		count += row->from[i] == KVMSTAT_STATSFD;
	}
	return count;
}

static void expect_none(const struct kvmstat_row *row, const char *reason)
{
	const char *text = vm.sample->sources[KVMSTAT_STATSFD].text;

	assert_int_equal(present(row), 0);
	assert_int_equal(vm.sample->sources[KVMSTAT_STATSFD].state, KVMSTAT_MISSING);
	if (!strstr(text, reason))
		fail_msg("\"%s\" does not say \"%s\"", text, reason);
	assert_true(vm.sample->problems[KVMSTAT_UNREADABLE].active);
	assert_non_null(strstr(vm.sample->problems[KVMSTAT_UNREADABLE].text, reason));
}

/* All is there at the first pass, the one in which it is found out what there is. */
static void test_first_pass(void **state)
{
	const struct kvmstat_row *row;

	(void)state;
	need_stats();
	row = pass();
	assert_int_equal(vm.sample->sources[KVMSTAT_STATSFD].state, KVMSTAT_ACTIVE);
	assert_true(vm.sample->ncolumns > 5);
	assert_int_equal(present(row), vm.sample->ncells);
	assert_int_equal(row->vcpu_count, 2);
	for (uint32_t i = 0; i < vm.sample->ncolumns; i++) {
		assert_int_equal(vm.sample->columns[i].event->scope, KVMSTAT_VCPU);
		assert_int_equal(vm.sample->columns[i].cells, 1);
	}
	pass();
	assert_int_equal(vm.sample->event_generation, vm.event_generation);
}

/* Every vCPU by itself. All were made by the main thread, which says nothing of who runs them. */
static void test_vcpus(void **state)
{
	const struct kvmstat_row *row;

	(void)state;
	need_stats();
	kvmstat_close(vm.kvmstat);
	vm.kvmstat = open_with("statsfd", "true");
	row = pass();
	assert_int_equal(row->nvcpus, 2);
	for (uint32_t k = 0; k < 2; k++) {
		assert_int_equal(row->vcpus[k].id, k);
		assert_int_equal(row->vcpus[k].tid, 0);
		assert_false(row->vcpus[k].has_cpu);
		for (uint32_t i = 0; i < vm.sample->ncells; i++)
			assert_int_equal(row->vcpus[k].from[i], KVMSTAT_STATSFD);
	}
	for (uint32_t i = 0; i < vm.sample->ncells; i++)
		if (vm.sample->columns[i].event->class == KVMSTAT_CUMULATIVE)
			assert_int_equal(row->vcpus[0].value[i] + row->vcpus[1].value[i], row->value[i]);
	close_fd(&vm.stats[1]);
	expect_none(pass(), "does not keep a statistics fd of each vCPU");
	assert_int_equal(vm.sample->nvcpus, 0);
}

static void *make_third_vcpu(void *unused)
{
	(void)unused;
	vm.maker = gettid();
	add_vcpu(2);
	/* Until the test has looked. */
	sem_wait(&vm.looked);
	return NULL;
}

/* One that a thread made for itself: it is the thread's, as long as that lives. */
static void test_thread(void **state)
{
	const struct kvmstat_row *row;
	pthread_t thread;

	(void)state;
	need_stats();
	kvmstat_close(vm.kvmstat);
	vm.kvmstat = open_with("statsfd", "true");
	sem_init(&vm.looked, 0, 0);
	assert_int_equal(pthread_create(&thread, NULL, make_third_vcpu, NULL), 0);
	for (int i = 0; (row = pass())->nvcpus < 3; i++)
		assert_true(i < 100000);
	assert_int_equal(row->vcpus[2].tid, vm.maker);
	assert_true(row->vcpus[2].has_cpu);
	assert_true(row->vcpus[2].cpu_ns > 0);
	sem_post(&vm.looked);
	pthread_join(thread, NULL);
	/* The kernel may still be at it. */
	for (int i = 0; (row = pass())->vcpus[2].tid; i++)
		assert_true(i < 100000);
	assert_false(row->vcpus[2].has_cpu);
}

/* A vCPU without statistics: no sums, rather than wrong ones; and they come back. */
static void test_one_is_missing(void **state)
{
	(void)state;
	need_stats();
	pass();
	close_fd(&vm.stats[1]);
	expect_none(pass(), "does not keep a statistics fd of each vCPU");
	vm.stats[1] = ioctl(vm.vcpu[1], KVM_GET_STATS_FD, 0);
	assert_int_equal(present(pass()), vm.sample->ncells);
	assert_false(vm.sample->problems[KVMSTAT_UNREADABLE].active);
	assert_int_equal(vm.sample->sources[KVMSTAT_STATSFD].state, KVMSTAT_ACTIVE);
}

/* The vCPU's own fd is held while its statistics are read: without it they are not. */
static void test_no_guard(void **state)
{
	(void)state;
	need_stats();
	pass();
	close_fd(&vm.vcpu[0]);
	expect_none(pass(), "does not keep a statistics fd");
	/* Nor if all of the vCPU is out of sight: it still counts. */
	close_fd(&vm.stats[0]);
	expect_none(pass(), "does not keep a statistics fd");
}

static void test_new_vcpu(void **state)
{
	const struct kvmstat_row *row;

	(void)state;
	need_stats();
	pass();
	add_vcpu(2);
	row = pass();
	assert_int_equal(present(row), vm.sample->ncells);
	assert_int_equal(row->vcpu_count, 3);
}

/* A new vCPU's fds may have the numbers of others that were closed: it is noticed some passes later. */
static void test_new_vcpu_at_old_numbers(void **state)
{
	int passes = 0, taken[2];

	(void)state;
	need_stats();
	taken[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	taken[1] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	pass();
	close(taken[0]);
	close(taken[1]);
	add_vcpu(2);
	while (pass()->vcpu_count != 3)
		assert_true(++passes < 10);
	assert_int_equal(vm.sample->sources[KVMSTAT_STATSFD].state, KVMSTAT_ACTIVE);
}

/* Which of them an fd of a vCPU is of nobody can tell. */
static void test_two_vms(void **state)
{
	int other;

	(void)state;
	need_stats();
	begin();
	other = ioctl(kvm, KVM_CREATE_VM, 0ul);
	assert_true(other >= 0);
	expect_none(pass(), "several VMs");
	close(other);
	assert_int_equal(present(pass()), vm.sample->ncells);
}

/* Something else has the number now: it is neither read nor kept. */
static void test_number_of_another(void **state)
{
	int pipes[2];

	(void)state;
	need_stats();
	pass();
	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	pass();
	assert_int_equal(dup2(pipes[0], vm.stats[1]), vm.stats[1]);
	close(pipes[0]);
	close(pipes[1]);
	expect_none(pass(), "does not keep a statistics fd");
}

/* Exactly the same numbers of fds, and another VM. */
static void test_recreated(void **state)
{
	int fd = vm.fd, stats = vm.stats[1];

	(void)state;
	need_stats();
	pass();
	end_vm();
	vm.fd = ioctl(kvm, KVM_CREATE_VM, 0ul);
	add_vcpu(0);
	add_vcpu(1);
	assert_int_equal(vm.fd, fd);
	assert_int_equal(vm.stats[1], stats);
	assert_int_equal(present(pass()), vm.sample->ncells);
}

/* The VM's own statistics, where a VMM keeps them too. */
static void test_vm_scope(void **state)
{
	const struct kvmstat_row *row;
	uint32_t vm_events = 0;
	int stats;

	(void)state;
	need_stats();
	begin();
	stats = ioctl(vm.fd, KVM_GET_STATS_FD, 0);
	assert_true(stats >= 0);
	row = pass();
	assert_int_equal(vm.sample->event_generation, vm.event_generation + 1);
	assert_int_equal(present(row), vm.sample->ncells);
	for (uint32_t i = 0; i < vm.sample->ncolumns; i++)
		vm_events += vm.sample->columns[i].event->scope == KVMSTAT_VM;
	assert_true(vm_events > 0);
	/* Without them, those events have no value: not 0, and not the last one. */
	close(stats);
	row = pass();
	assert_int_equal(present(row), vm.sample->ncells - vm_events);
}

/* The source of blocking, which debugfs shows under lockdown too. */
static uint8_t source_of_blocking(const struct kvmstat_row *row)
{
	for (uint32_t i = 0; i < vm.sample->ncolumns; i++)
		if (strcmp(vm.sample->columns[i].event->name, "blocking") == 0)
			return row->from[vm.sample->columns[i].first_cell];
	return KVMSTAT_NSOURCES;
}

/* debugfs fills what this source leaves open, and nothing else. */
static void test_debugfs_beside(void **state)
{
	(void)state;
	need_stats();
	kvmstat_close(vm.kvmstat);
	vm.kvmstat = open_with("statsfd debugfs", "false");
	if (access("/sys/kernel/debug/kvm/blocking", R_OK) < 0) {
		print_message("debugfs cannot be read, or has no blocking\n");
		skip();
	}
	assert_int_equal(source_of_blocking(pass()), KVMSTAT_STATSFD);
	close_fd(&vm.stats[0]);
	assert_int_equal(source_of_blocking(pass()), KVMSTAT_DEBUGFS);
	vm.stats[0] = ioctl(vm.vcpu[0], KVM_GET_STATS_FD, 0);
	assert_int_equal(source_of_blocking(pass()), KVMSTAT_STATSFD);
}

/* Nothing that keeps the VM is kept between passes, and passes do not open more and more. */
static void test_nothing_is_kept(void **state)
{
	uint32_t before;
	char path[96];

	(void)state;
	need_stats();
	begin();
	before = open_fds();
	for (int i = 0; i < 20; i++)
		pass();
	assert_int_equal(open_fds(), before);
	snprintf(path, sizeof(path), "/sys/kernel/debug/kvm/%d-%d", vm.creator, vm.fd);
	if (access(path, F_OK) < 0) {
		print_message("debugfs cannot be looked at\n");
		return;
	}
	end_vm();
	assert_int_equal(access(path, F_OK), -1);
}

/* Make and end VMs until the parent has seen enough. Most of them end before a pass is over, some do not. */
static void live_and_die(int stop)
{
	unsigned long without = 0, made = 0;
	bool visible = access("/sys/kernel/debug/kvm", X_OK) == 0;
	char path[96], c;

	end_vm();
	vm.creator = gettid();
	while (read(stop, &c, 1) < 0) {
		vm.fd = ioctl(kvm, KVM_CREATE_VM, 0ul);
		if (vm.fd < 0)
			_exit(255);
		add_vcpu(0);
		add_vcpu(1);
		snprintf(path, sizeof(path), "/sys/kernel/debug/kvm/%d-%d", vm.creator, vm.fd);
		without += visible && access(path, F_OK) < 0;
		usleep(made % 64 ? made % 4 * 500 : 50000);
		made++;
		end_vm();
	}
	print_message("%lu VMs, %lu of them without a directory\n", made, without);
	_exit(made > 10 ? 0 : 254);
}

/* They never ran: whatever has a value that is not 0 was read from something else. */
static bool is_idle(const struct kvmstat_sample *sample, const struct kvmstat_row *row)
{
	bool any = false;

	for (uint32_t i = 0; i < sample->ncolumns; i++) {
		const struct kvmstat_column *column = &sample->columns[i];

		if (row->from[column->first_cell] != KVMSTAT_STATSFD)
			continue;
		any = true;
		if (strstr(column->event->name, "halt") || strstr(column->event->name, "exits"))
			assert_int_equal(row->value[column->first_cell], 0);
	}
	return any;
}

/* Passes without a pause over a process that recreates its VM without a pause. */
static void test_lifecycles(void **state)
{
	char name[32], error[256];
	struct kvmstat_config *config;
	struct kvmstat *kvmstat;
	uint32_t read_well = 0, passes = 0;
	int stop[2], status;
	pid_t child;

	(void)state;
	need_stats();
	assert_int_equal(pipe2(stop, O_CLOEXEC | O_NONBLOCK), 0);
	child = fork();
	if (!child) {
		close(stop[1]);
		live_and_die(stop[0]);
	}
	close(stop[0]);
	end_vm();
	snprintf(name, sizeof(name), "/-%d/", child);
	config = kvmstat_config_new();
	assert_int_equal(kvmstat_config_set(config, "Source", "statsfd debugfs", error, sizeof(error)), 0);
	assert_int_equal(kvmstat_config_set(config, "Guest", name, error, sizeof(error)), 0);
	assert_int_equal(kvmstat_open(&kvmstat, config), 0);
	kvmstat_config_free(config);
	for (; passes < 4000 || (!read_well && passes < 40000); passes++) {
		struct kvmstat_sample *sample = NULL;

		assert_int_equal(kvmstat_collect(kvmstat, &sample), 0);
		for (uint32_t row = 0; row < sample->nrows; row++)
			read_well += is_idle(sample, &sample->rows[row]);
		kvmstat_sample_put(sample);
	}
	close(stop[1]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	print_message("%u of %u passes read one\n", read_well, passes);
	assert_true(read_well > 0);
	kvmstat_close(kvmstat);
}

static void test_no_allocations(void **state)
{
	void *(*volatile allocate)(size_t size) = malloc;
	unsigned long before = allocations, last = 1;

	(void)state;
	need_stats();
	free(allocate(1));
	if (allocations == before) {
		print_message("allocations cannot be counted under valgrind\n");
		skip();
	}
	pass();
	/* /proc is searched for new guests now and then, which takes memory: some passes must do without. */
	for (int tries = 0; tries < 20 && last; tries++) {
		before = allocations;
		for (int i = 0; i < 4; i++)
			pass();
		last = allocations - before;
	}
	assert_int_equal(last, 0);
}

#define live_test(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		live_test(test_first_pass),
		live_test(test_vcpus),
		live_test(test_thread),
		live_test(test_one_is_missing),
		live_test(test_no_guard),
		live_test(test_new_vcpu),
		live_test(test_new_vcpu_at_old_numbers),
		live_test(test_two_vms),
		live_test(test_number_of_another),
		live_test(test_recreated),
		live_test(test_vm_scope),
		live_test(test_debugfs_beside),
		live_test(test_nothing_is_kept),
		live_test(test_lifecycles),
		live_test(test_no_allocations),
	};

	return cmocka_run_group_tests(tests, group_setup, NULL);
}
