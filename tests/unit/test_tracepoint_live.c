/* SPDX-License-Identifier: MIT */
/* The tracepoint source on the running kernel: whose exits are whose, whatever happens to threads and their numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <linux/sched.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "counting.h"
#include "kvmstat.h"
#if WITH_BPF
#include <linux/perf_event.h>

#include "events/reason_table.h"
#include "sources/tracepoint/load.h"
#endif

#define IO_EXITS "kvm_userspace_exit_IO"
#define ALL_EXITS "kvm_userspace_exit"

static int kvm = -1;
static struct kvmstat *collector;
static char why[600];

static struct kvmstat *open_collector(void)
{
	static const char *const options[][2] = {
		{ "Source", "bpf" }, { "ReportExitReasons", "true" }, { "ReportVcpus", "true" },
	};
	struct kvmstat_config *config = kvmstat_config_new();
	struct kvmstat *kvmstat = NULL;
	char error[256];

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		assert_int_equal(kvmstat_config_set(config, options[i][0], options[i][1], error, sizeof(error)), 0);
	assert_int_equal(kvmstat_open(&kvmstat, config), 0);
	kvmstat_config_free(config);
	return kvmstat;
}

static struct kvmstat_sample *collect(void)
{
	struct kvmstat_sample *sample = NULL;

	assert_int_equal(kvmstat_collect(collector, &sample), 0);
	return sample;
}

static int setup(void **state)
{
	struct kvmstat_sample *sample;
	int error;

	(void)state;
	kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	error = errno;
	collector = open_collector();
	sample = collect();
	if (kvm < 0)
		snprintf(why, sizeof(why), "/dev/kvm: %s", strerror(error));
	else if (sample->sources[KVMSTAT_BPF].state != KVMSTAT_ACTIVE)
		snprintf(why, sizeof(why), "the bpf source: %s", sample->sources[KVMSTAT_BPF].text);
	else if (sample->sources[KVMSTAT_TRACEPOINT].state != KVMSTAT_ACTIVE &&
		 sample->sources[KVMSTAT_TRACEPOINT].state != KVMSTAT_PARTIAL)
		snprintf(why, sizeof(why), "the tracepoint source: %s", sample->sources[KVMSTAT_TRACEPOINT].text);
	kvmstat_sample_put(sample);
#ifndef __x86_64__
	snprintf(why, sizeof(why), "what this architecture's guest shall run is not written here");
#endif
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	kvmstat_close(collector);
	if (kvm >= 0)
		close(kvm);
	return 0;
}

static void need(void)
{
	if (!why[0])
		return;
	print_message("%s\n", why);
	skip();
}

/* ---- guests ---- */

enum { VCPUS = 2, CODE = 0x1000 };

struct vm {
	int fd, vcpu[VCPUS];
	struct kvm_run *run[VCPUS];
	void *memory;
};

#ifdef __x86_64__

/* "out" in a loop, in real mode, each of which comes back to us; and "hlt". */
static const unsigned char code[] = { 0xba, 0xf8, 0x03, 0xee, 0xeb, 0xfd, 0xf4, 0xeb, 0xfd };
enum { IO = 0, HALT = 6 };

static int start_at(int vcpu, int offset)
{
	struct kvm_regs regs = { .rip = CODE + (unsigned int)offset, .rflags = 2 };
	struct kvm_sregs sregs;

	if (ioctl(vcpu, KVM_GET_SREGS, &sregs))
		return -1;
	sregs.cs.base = sregs.cs.selector = 0;
	return ioctl(vcpu, KVM_SET_SREGS, &sregs) || ioctl(vcpu, KVM_SET_REGS, &regs) ? -1 : 0;
}

#else

static const unsigned char code[1];
enum { IO, HALT };

static int start_at(int vcpu, int offset)
{
	(void)vcpu;
	(void)offset;
	return -1;
}

#endif

/* 0 if all went well: it is used in child processes too. */
static int make_vm(struct vm *vm, int device)
{
	struct kvm_userspace_memory_region region = { .guest_phys_addr = CODE, .memory_size = 4096 };
	size_t size = (size_t)ioctl(device, KVM_GET_VCPU_MMAP_SIZE, 0);

	vm->fd = ioctl(device, KVM_CREATE_VM, 0ul);
	vm->memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (vm->fd < 0 || vm->memory == MAP_FAILED)
		return -1;
	memcpy(vm->memory, code, sizeof(code));
	region.userspace_addr = (uint64_t)(uintptr_t)vm->memory;
	if (ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region))
		return -1;
	for (int i = 0; i < VCPUS; i++) {
		vm->vcpu[i] = ioctl(vm->fd, KVM_CREATE_VCPU, (unsigned long)i);
		vm->run[i] = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, vm->vcpu[i], 0);
		if (vm->vcpu[i] < 0 || vm->run[i] == MAP_FAILED)
			return -1;
	}
	return 0;
}

static void end_vm(struct vm *vm)
{
	size_t size = (size_t)ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);

	for (int i = 0; i < VCPUS; i++) {
		munmap(vm->run[i], size);
		close(vm->vcpu[i]);
	}
	close(vm->fd);
	munmap(vm->memory, 4096);
}

static int run(struct vm *vm, int vcpu, int program, int count)
{
	uint32_t expected = program == IO ? KVM_EXIT_IO : KVM_EXIT_HLT;

	if (start_at(vm->vcpu[vcpu], program))
		return -1;
	for (int i = 0; i < count; i++)
		if (ioctl(vm->vcpu[vcpu], KVM_RUN, 0) || vm->run[vcpu]->exit_reason != expected)
			return -1;
	return 0;
}

/* As run(), but KVM_RUN fails: kvm_run keeps the reason of the return before. */
static int run_to_fail(struct vm *vm, int vcpu, int error, int count)
{
	struct kvm_run *page = vm->run[vcpu];
	int failed = 0;

	page->immediate_exit = error == EINTR;
	page->kvm_valid_regs = error == EINTR ? 0 : UINT64_MAX;
	for (int i = 0; i < count; i++)
		failed += ioctl(vm->vcpu[vcpu], KVM_RUN, 0) < 0 && errno == error;
	page->immediate_exit = 0;
	page->kvm_valid_regs = 0;
	return failed == count ? 0 : -1;
}

struct work {
	struct vm *vm;
	int vcpu, program, count, result; /* program: IO, HALT, or an error with which it fails, negative */
	int from, to;		/* pipes: do it once for each byte, and answer */
	pthread_t thread;
};

static void *work(void *arg)
{
	struct work *w = arg;
	char byte;

	while (read(w->from, &byte, 1) == 1) {
		w->result = w->program < 0 ? run_to_fail(w->vm, w->vcpu, -w->program, w->count) :
					     run(w->vm, w->vcpu, w->program, w->count);
		if (write(w->to, &byte, 1) != 1)
			break;
	}
	return NULL;
}

/* A vCPU thread, which waits for do_work(). */
static void begin_work(struct work *w, int ends[2])
{
	int to_thread[2], from_thread[2];

	assert_int_equal(pipe(to_thread), 0);
	assert_int_equal(pipe(from_thread), 0);
	w->from = to_thread[0];
	w->to = from_thread[1];
	ends[0] = from_thread[0];
	ends[1] = to_thread[1];
	assert_int_equal(pthread_create(&w->thread, NULL, work, w), 0);
}

/* A VM of one vCPU, and a thread of its own that works for it. */
static void begin_vm(struct vm *vm, struct work *w, int ends[2])
{
	need();
	assert_int_equal(make_vm(vm, kvm), 0);
	w->vm = vm;
	begin_work(w, ends);
}

static void do_work(struct work *w, const int ends[2], int program, int count)
{
	char byte = 'x';

	w->program = program;
	w->count = count;
	assert_int_equal(write(ends[1], &byte, 1), 1);
	assert_int_equal(read(ends[0], &byte, 1), 1);
	assert_int_equal(w->result, 0);
}

static void end_work(struct work *w, const int ends[2])
{
	close(ends[1]);
	pthread_join(w->thread, NULL);
	close(ends[0]);
	close(w->from);
	close(w->to);
}

/* ---- what was counted ---- */

static const struct kvmstat_row *row_of(const struct kvmstat_sample *sample, pid_t pid, int fd)
{
	for (uint32_t i = 0; i < sample->nrows; i++)
		if (sample->rows[i].guest->pid == pid && (fd < 0 || sample->rows[i].guest->fd == fd))
			return &sample->rows[i];
	fail_msg("no guest of process %d", pid);
	return NULL;
}

/* -1: absent */
static long value_in(const struct kvmstat_sample *sample, const char *event, const uint64_t *value, const uint8_t *from)
{
	for (uint32_t i = 0; i < sample->ncolumns; i++) {
		uint32_t cell = sample->columns[i].first_cell;

		if (strcmp(sample->columns[i].event->name, event) == 0)
			return from[cell] == KVMSTAT_TRACEPOINT ? (long)value[cell] : -1;
	}
	return -1;
}

static long value_of(pid_t pid, int fd, const char *event)
{
	struct kvmstat_sample *sample = collect();
	const struct kvmstat_row *row = row_of(sample, pid, fd);
	long value = value_in(sample, event, row->value, row->from);

	kvmstat_sample_put(sample);
	return value;
}

/* ---- threads of this process ---- */

static void test_vcpus(void **state)
{
	struct work works[VCPUS] = { { 0 } };
	struct kvmstat_sample *sample;
	const struct kvmstat_row *row;
	int ends[VCPUS][2];
	struct vm vm;

	(void)state;
	need();
	assert_int_equal(make_vm(&vm, kvm), 0);
	assert_int_equal(value_of(getpid(), vm.fd, ALL_EXITS), 0);
	for (int i = 0; i < VCPUS; i++) {
		works[i] = (struct work){ .vm = &vm, .vcpu = i };
		begin_work(&works[i], ends[i]);
		do_work(&works[i], ends[i], IO, 10 + i);
		do_work(&works[i], ends[i], HALT, 3);
	}
	sample = collect();
	row = row_of(sample, getpid(), vm.fd);
	assert_int_equal(value_in(sample, IO_EXITS, row->value, row->from), 21);
	assert_int_equal(value_in(sample, "kvm_userspace_exit_HLT", row->value, row->from), 6);
	assert_int_equal(value_in(sample, ALL_EXITS, row->value, row->from), 27);
	assert_int_equal(row->nvcpus, VCPUS);
	for (int i = 0; i < VCPUS; i++) {
		const struct kvmstat_vcpu *vcpu = &row->vcpus[i];

		assert_int_equal(value_in(sample, IO_EXITS, vcpu->value, vcpu->from), 10 + i);
		assert_int_equal(value_in(sample, ALL_EXITS, vcpu->value, vcpu->from), 13 + i);
	}
	kvmstat_sample_put(sample);
	for (int i = 0; i < VCPUS; i++)
		end_work(&works[i], ends[i]);
	end_vm(&vm);
}

static void test_two_guests(void **state)
{
	struct work works[2] = { { 0 } };
	struct vm vms[2];
	int ends[2][2];

	(void)state;
	need();
	for (int i = 0; i < 2; i++) {
		assert_int_equal(make_vm(&vms[i], kvm), 0);
		works[i].vm = &vms[i];
		begin_work(&works[i], ends[i]);
	}
	for (int i = 0; i < 2; i++)
		do_work(&works[i], ends[i], i ? HALT : IO, 30 + i);
	assert_int_equal(value_of(getpid(), vms[0].fd, IO_EXITS), 30);
	assert_int_equal(value_of(getpid(), vms[0].fd, ALL_EXITS), 30);
	assert_int_equal(value_of(getpid(), vms[1].fd, IO_EXITS), 0);
	assert_int_equal(value_of(getpid(), vms[1].fd, ALL_EXITS), 31);
	for (int i = 0; i < 2; i++) {
		end_work(&works[i], ends[i]);
		end_vm(&vms[i]);
	}
}

static void test_errors(void **state)
{
	struct work w = { 0 };
	struct vm vm;
	int ends[2];

	(void)state;
	begin_vm(&vm, &w, ends);
	do_work(&w, ends, IO, 5);
	do_work(&w, ends, -EINVAL, 4);
	do_work(&w, ends, -EINTR, 3);
	assert_int_equal(value_of(getpid(), vm.fd, IO_EXITS), 5);
	assert_int_equal(value_of(getpid(), vm.fd, ALL_EXITS "_error"), 4);
	assert_int_equal(value_of(getpid(), vm.fd, ALL_EXITS "_INTR"), 3);
	assert_int_equal(value_of(getpid(), vm.fd, ALL_EXITS), 12);
	end_work(&w, ends);
	end_vm(&vm);
}

/* A guest's sum does not fall when one of its threads ends and another one runs the vCPU. */
static void test_thread_ends(void **state)
{
	struct vm vm;

	(void)state;
	need();
	assert_int_equal(make_vm(&vm, kvm), 0);
	for (int round = 1; round < 5; round++) {
		struct work w = { .vm = &vm };
		int ends[2];

		begin_work(&w, ends);
		do_work(&w, ends, IO, 10);
		assert_int_equal(value_of(getpid(), vm.fd, IO_EXITS), 10 * round);
		end_work(&w, ends);
		assert_int_equal(value_of(getpid(), vm.fd, IO_EXITS), 10 * round);
	}
	end_vm(&vm);
}

/* Nobody can tell whose exits they are: neither guest gets them, and this is told. Alone, it counts from now on. */
static void test_contested(void **state)
{
	struct kvmstat_sample *sample;
	struct work w = { 0 };
	struct vm a, b;
	int ends[2];

	(void)state;
	need();
	assert_int_equal(make_vm(&a, kvm), 0);
	assert_int_equal(make_vm(&b, kvm), 0);
	begin_work(&w, ends);
	w.vm = &a;
	do_work(&w, ends, IO, 10);
	assert_int_equal(value_of(getpid(), a.fd, IO_EXITS), 10);
	w.vm = &b;
	do_work(&w, ends, IO, 20);
	assert_int_equal(value_of(getpid(), a.fd, IO_EXITS), -1);
	assert_int_equal(value_of(getpid(), b.fd, ALL_EXITS), -1);
	sample = collect();
	assert_int_equal(sample->sources[KVMSTAT_TRACEPOINT].state, KVMSTAT_PARTIAL);
	assert_non_null(strstr(sample->sources[KVMSTAT_TRACEPOINT].text, "one thread runs vCPUs of several guests"));
	kvmstat_sample_put(sample);
	end_vm(&a);
	assert_int_equal(value_of(getpid(), b.fd, IO_EXITS), 0);
	do_work(&w, ends, IO, 5);
	assert_int_equal(value_of(getpid(), b.fd, IO_EXITS), 5);
	end_work(&w, ends);
	end_vm(&b);
}

/* A thread that had run a guest that is gone: the next guest does not get what was counted for that one. */
static void test_next_guest_of_a_thread(void **state)
{
	struct work w = { 0 };
	int ends[2];

	(void)state;
	need();
	begin_work(&w, ends);
	for (int round = 0; round < 3; round++) {
		struct vm vm;

		assert_int_equal(make_vm(&vm, kvm), 0);
		w.vm = &vm;
		do_work(&w, ends, HALT, 1);
		value_of(getpid(), vm.fd, ALL_EXITS);
		do_work(&w, ends, IO, 7);
		if (round)
			assert_int_equal(value_of(getpid(), vm.fd, ALL_EXITS), 7);
		else
			assert_int_equal(value_of(getpid(), vm.fd, ALL_EXITS), 8);
		end_vm(&vm);
	}
	end_work(&w, ends);
}

static void test_steady_pass_allocates_nothing(void **state)
{
	unsigned long least = 1000;
	struct work w = { 0 };
	struct vm vm;
	int ends[2];

	(void)state;
	begin_vm(&vm, &w, ends);
	/* Other guests of the host may come and go meanwhile: then there is something to allocate. */
	for (int i = 0; i < 100 && least; i++) {
		unsigned long before;

		do_work(&w, ends, i % 2 ? IO : HALT, 3);
		before = allocations;
		kvmstat_sample_put(collect());
		if (allocations - before < least)
			least = allocations - before;
	}
	assert_int_equal(least, 0);
	end_work(&w, ends);
	end_vm(&vm);
}

/* More threads than slots for reasons, but not at once: their slots are given back. */
static void test_many_threads(void **state)
{
	struct kvmstat_sample *sample;
	struct vm vm;

	(void)state;
	need();
	assert_int_equal(make_vm(&vm, kvm), 0);
	for (int i = 0; i < 4500; i++) {
		struct work w = { .vm = &vm };
		int ends[2];

		begin_work(&w, ends);
		do_work(&w, ends, IO, 1);
		do_work(&w, ends, HALT, 1);
		end_work(&w, ends);
		if (i % 50 == 0)
			kvmstat_sample_put(collect());
	}
	sample = collect();
	if (strstr(sample->sources[KVMSTAT_TRACEPOINT].text, "slots for reasons"))
		fail_msg("%s", sample->sources[KVMSTAT_TRACEPOINT].text);
	kvmstat_sample_put(sample);
	end_vm(&vm);
}

/* ---- processes that get the number that they are told to ---- */

struct child {
	pid_t pid;
	int to, from;
};

/* Runs this many exits for each number that it reads. It has the device from us: glibc is not told of the fork. */
static void be_vmm(int from, int to)
{
	struct vm vm;
	int count;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (make_vm(&vm, kvm))
		_exit(1);
	while (read(from, &count, sizeof(count)) == sizeof(count))
		if (run(&vm, 0, IO, count) || write(to, &count, sizeof(count)) != sizeof(count))
			_exit(1);
	_exit(0);
}

static struct child start_child(pid_t pid)
{
	struct clone_args args = { .exit_signal = SIGCHLD };
	int to_child[2], from_child[2];
	struct child child;

	assert_int_equal(pipe(to_child), 0);
	assert_int_equal(pipe(from_child), 0);
	if (pid) {
		args.set_tid = (uint64_t)(uintptr_t)&pid;
		args.set_tid_size = 1;
	}
	child.pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	if (child.pid == 0) {
		close(to_child[1]);
		close(from_child[0]);
		be_vmm(to_child[0], from_child[1]);
	}
	close(to_child[0]);
	close(from_child[1]);
	child.to = to_child[1];
	child.from = from_child[0];
	return child;
}

static void exits(const struct child *child, int count)
{
	int done = 0;

	assert_int_equal(write(child->to, &count, sizeof(count)), sizeof(count));
	assert_int_equal(read(child->from, &done, sizeof(done)), sizeof(done));
	assert_int_equal(done, count);
}

static void end_child(struct child *child)
{
	close(child->to);
	close(child->from);
	waitpid(child->pid, NULL, 0);
}

/* The same thread id, another thread, another guest: in the same moment, or after a pass that saw nobody. */
static void thread_id_used_again(bool pass_between)
{
	struct child child = start_child(0);
	pid_t pid = child.pid;

	assert_true(pid > 0);
	exits(&child, 100);
	assert_int_equal(value_of(pid, -1, IO_EXITS), 100);
	exits(&child, 11);
	end_child(&child);
	if (pass_between)
		kvmstat_sample_put(collect());
	child = start_child(pid);
	if (child.pid < 0) {
		print_message("no thread id of one's own choice here: %s\n", strerror(errno));
		skip();
	}
	assert_int_equal(child.pid, pid);
	exits(&child, 7);
	assert_int_equal(value_of(pid, -1, IO_EXITS), 7);
	exits(&child, 1);
	assert_int_equal(value_of(pid, -1, IO_EXITS), 8);
	end_child(&child);
}

static void test_thread_id_used_again(void **state)
{
	(void)state;
	need();
	thread_id_used_again(false);
	thread_id_used_again(true);
}

/* ---- others at the same tracepoint, and no room ---- */

#if WITH_BPF

static int count_with_perf(uint64_t id)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_TRACEPOINT, .size = sizeof(attr), .config = id };

	return (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

/* What we count, perf and kvm_stat still see. */
static void test_others_see_it(void **state)
{
	struct tracepoint tracepoints[TRACEPOINT_MAX];
	struct kvmstat_source_status status;
	struct sysroot root;
	uint64_t hits = 0;
	struct vm vm;
	int perf = -1;

	(void)state;
	need();
	assert_int_equal(sysroot_init(&root, "/"), 0);
	for (int i = tracepoint_find_all(&root, tracepoints, &status); i-- > 0;)
		if (strcmp(format_table[tracepoints[i].config.format].tracepoint, ALL_EXITS) == 0)
			perf = count_with_perf(tracepoints[i].id);
	assert_true(perf >= 0);
	assert_int_equal(make_vm(&vm, kvm), 0);
	assert_int_equal(run(&vm, 0, IO, 12), 0);
	assert_int_equal(read(perf, &hits, sizeof(hits)), sizeof(hits));
	assert_int_equal(hits, 12);
	close(perf);
	end_vm(&vm);
	sysroot_exit(&root);
}

static bool is_ours(const struct tracepoint_slot *slot)
{
	return tracepoint_tid(slot->key.what) == (uint32_t)gettid();
}

static void test_full(void **state)
{
	struct tracepoint tracepoints[TRACEPOINT_MAX];
	struct kvmstat_source_status status;
	const struct tracepoint_slot *slot;
	struct tracepoint_loader *loader;
	struct sysroot root;
	struct vm vm;
	int count;

	(void)state;
	need();
	assert_int_equal(sysroot_init(&root, "/"), 0);
	count = tracepoint_find_all(&root, tracepoints, &status);
	assert_true(count > 0);
	assert_int_equal(tracepoint_open(&loader, &root, tracepoints, count, 1, &status), 0);
	slot = tracepoint_slots(loader);
	assert_int_equal(make_vm(&vm, kvm), 0);
	/* Others may have the only slot: then ours have none at all. */
	assert_int_equal(run(&vm, 0, IO, 5), 0);
	assert_int_equal(run(&vm, 0, HALT, 3), 0);
	assert_true(tracepoint_lost(loader) >= 3);
	if (is_ours(slot)) {
		assert_int_equal(slot->count, 5);
		/* Given back, it is another reason's, and the first one finds none. */
		tracepoint_free_slot(loader, 0);
		assert_int_equal(run(&vm, 0, HALT, 4), 0);
		assert_int_equal(run(&vm, 0, IO, 2), 0);
		assert_true(slot->key.what != 0);
		assert_true(!is_ours(slot) || slot->count == 4);
	}
	end_vm(&vm);
	tracepoint_close(loader);
	sysroot_exit(&root);
}

#else

static void test_others_see_it(void **state)
{
	(void)state;
	print_message("built without BPF\n");
	skip();
}

static void test_full(void **state)
{
	(void)state;
	print_message("built without BPF\n");
	skip();
}

#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vcpus),
		cmocka_unit_test(test_two_guests),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_thread_ends),
		cmocka_unit_test(test_contested),
		cmocka_unit_test(test_next_guest_of_a_thread),
		cmocka_unit_test(test_steady_pass_allocates_nothing),
		cmocka_unit_test(test_many_threads),
		cmocka_unit_test(test_thread_id_used_again),
		cmocka_unit_test(test_others_see_it),
		cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
