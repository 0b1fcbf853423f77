/* SPDX-License-Identifier: MIT */
/* The bpf source on the running kernel, with VMs of this process, against what /proc says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kvmstat.h"

enum { VCPUS = 2, LOOPS = 1000 };

static int kvm = -1;
static struct kvmstat *bpf, *proc;
static char why[400];

static struct kvmstat *open_with(const char *source)
{
	struct kvmstat_config *config = kvmstat_config_new();
	struct kvmstat *kvmstat = NULL;
	char error[256];

	assert_int_equal(kvmstat_config_set(config, "Source", source, error, sizeof(error)), 0);
	assert_int_equal(kvmstat_config_set(config, "ReportVcpus", "true", error, sizeof(error)), 0);
	assert_int_equal(kvmstat_open(&kvmstat, config), 0);
	kvmstat_config_free(config);
	return kvmstat;
}

static struct kvmstat_sample *collect(struct kvmstat *kvmstat)
{
	struct kvmstat_sample *sample = NULL;

	assert_int_equal(kvmstat_collect(kvmstat, &sample), 0);
	return sample;
}

static int setup(void **state)
{
	struct kvmstat_sample *sample;

	(void)state;
	kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (kvm < 0)
		snprintf(why, sizeof(why), "/dev/kvm: %s", strerror(errno));
	bpf = open_with("bpf");
	proc = open_with("debugfs");
	sample = collect(bpf);
	if (!why[0] && sample->sources[KVMSTAT_BPF].state != KVMSTAT_ACTIVE)
		snprintf(why, sizeof(why), "the bpf source: %s", sample->sources[KVMSTAT_BPF].text);
	kvmstat_sample_put(sample);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	kvmstat_close(bpf);
	kvmstat_close(proc);
	if (kvm >= 0)
		close(kvm);
	return 0;
}

static void need_bpf(void)
{
	if (!why[0])
		return;
	print_message("nothing to test with: %s\n", why);
	skip();
}

struct vm {
	int fd, vcpu[VCPUS];
	struct kvm_run *run;
	void *memory;
};

static struct vm make_vm(void)
{
	struct vm vm = {.fd = ioctl(kvm, KVM_CREATE_VM, 0ul)};

	assert_true(vm.fd >= 0);
	for (int i = 0; i < VCPUS; i++) {
		vm.vcpu[i] = ioctl(vm.fd, KVM_CREATE_VCPU, (unsigned long)i);
		assert_true(vm.vcpu[i] >= 0);
	}
	return vm;
}

static void end_vm(struct vm *vm)
{
	for (int i = 0; i < VCPUS; i++)
		close(vm->vcpu[i]);
	close(vm->fd);
}

/* Rows of VMs of this process. */
static uint32_t own(const struct kvmstat_sample *sample, const struct kvmstat_row **row)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < sample->nrows; i++) {
		if (sample->rows[i].guest->pid != getpid())
			continue;
		*row = &sample->rows[i];
		count++;
	}
	return count;
}

static void test_found(void **state)
{
	struct kvmstat_sample *before = NULL, *after;
	const struct kvmstat_row *row = NULL;
	struct vm vm;
	int twin;

	(void)state;
	need_bpf();
	before = collect(bpf);
	assert_int_equal(own(before, &row), 0);
	vm = make_vm();
	after = collect(bpf);
	assert_int_equal(own(after, &row), 1);
	assert_true(after->guest_generation > before->guest_generation);
	assert_int_equal(row->vcpu_count, VCPUS);
	assert_int_equal(row->guest->fd, vm.fd);
	assert_true(after->ncolumns > 5);
	for (uint32_t i = 0; i < after->ncells; i++)
		assert_int_equal(row->from[i], KVMSTAT_BPF);
	kvmstat_sample_put(before);
	before = after;
	/* Open twice, it is still one, and the same. */
	twin = dup(vm.fd);
	after = collect(bpf);
	{
		uint64_t id = row->guest->id;

		assert_int_equal(own(after, &row), 1);
		assert_int_equal(row->guest->id, id);
	}
	close(twin);
	kvmstat_sample_put(before);
	kvmstat_sample_put(after);
	end_vm(&vm);
	after = collect(bpf);
	assert_int_equal(own(after, &row), 0);
	kvmstat_sample_put(after);
}

/* A vCPU whose fd is closed cannot be seen: no sums then, rather than wrong ones. */
static void test_closed_vcpu(void **state)
{
	const struct kvmstat_row *row = NULL;
	struct kvmstat_sample *sample;
	struct vm vm;

	(void)state;
	need_bpf();
	vm = make_vm();
	close(vm.vcpu[0]);
	sample = collect(bpf);
	assert_int_equal(own(sample, &row), 1);
	for (uint32_t i = 0; i < sample->ncolumns; i++) {
		const struct kvmstat_column *column = &sample->columns[i];

		if (column->event->known)
			assert_int_equal(row->from[column->first_cell],
					 column->event->scope == KVMSTAT_VM ? KVMSTAT_BPF : KVMSTAT_ABSENT);
	}
	assert_false(row->has_cpu);
	kvmstat_sample_put(sample);
	close(vm.vcpu[1]);
	close(vm.fd);
}

/* ---- when only the files of known VMMs are looked at ---- */

enum { FOREIGN = 30000 };

static uint32_t rows_of(pid_t pid)
{
	struct kvmstat_sample *sample = collect(bpf);
	uint32_t count = 0;

	for (uint32_t i = 0; i < sample->nrows; i++)
		count += sample->rows[i].guest->pid == pid;
	kvmstat_sample_put(sample);
	return count;
}

/* So many files that are none of KVM's make it worth while. */
static void hold_foreign(void)
{
	const struct rlimit files = {FOREIGN, FOREIGN};
	int spare[8], fd = 0;

	setrlimit(RLIMIT_NOFILE, &files);
	for (int i = 0; i < 8; i++)
		spare[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	while (fd >= 0)
		fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	for (int i = 0; i < 8; i++)
		close(spare[i]);
}

/* Passes until nothing has been announced for long enough. */
static void settle(void)
{
	const struct timespec pause = {0, 50000000};

	for (int i = 0; i < 50; i++) {
		rows_of(0);
		nanosleep(&pause, NULL);
	}
}

/* Another process that has all files of this one, and makes a VM of its own when it is told to. */
static pid_t start_other(int *to, int *from)
{
	int down[2], up[2];
	char word = 0;
	pid_t pid;

	assert_int_equal(pipe(down) | pipe(up), 0);
	pid = fork();
	if (pid == 0) {
		close(down[1]);
		hold_foreign();
		while (write(up[1], "", 1) == 1 && read(down[0], &word, 1) == 1)
			make_vm();
		_exit(0);
	}
	close(down[0]);
	close(up[1]);
	*to = down[1];
	*from = up[0];
	assert_int_equal(read(*from, &word, 1), 1);
	return pid;
}

/* A VM of a process that was none of the VMMs, and one that goes on in another process than it was seen in. */
static void test_elsewhere(void **state)
{
	struct vm vm;
	int to, from;
	pid_t other;
	char word;

	(void)state;
	need_bpf();
	vm = make_vm();
	settle();
	other = start_other(&to, &from);
	settle();
	assert_int_equal(rows_of(getpid()) + rows_of(other), 1);
	end_vm(&vm);
	assert_int_equal(rows_of(getpid()) + rows_of(other), 1);
	settle();
	assert_int_equal(write(to, "m", 1), 1);
	assert_int_equal(read(from, &word, 1), 1);
	assert_int_equal(rows_of(getpid()) + rows_of(other), 2);
	close(to);
	close(from);
	assert_int_equal(waitpid(other, NULL, 0), other);
	assert_int_equal(rows_of(getpid()) + rows_of(other), 0);
}

static bool reads_debugfs(const struct kvmstat_sample *sample)
{
	return sample->sources[KVMSTAT_DEBUGFS].state == KVMSTAT_ACTIVE ||
	       sample->sources[KVMSTAT_DEBUGFS].state == KVMSTAT_PARTIAL;
}

/* The other sources see the same VM: same name and process, and debugfs the same incarnation; /proc has no inode. */
static void test_same_guest(void **state)
{
	const struct kvmstat_row *row = NULL, *other = NULL;
	struct kvmstat_sample *sample, *second;
	struct vm vm;

	(void)state;
	need_bpf();
	vm = make_vm();
	sample = collect(bpf);
	second = collect(proc);
	assert_int_equal(own(sample, &row), 1);
	assert_int_equal(own(second, &other), 1);
	assert_string_equal(row->guest->name, other->guest->name);
	if (reads_debugfs(second)) {
		assert_string_equal(row->guest->key, other->guest->key);
		assert_string_equal(row->guest->incarnation, other->guest->incarnation);
	}
	assert_int_equal(row->guest->fd, other->guest->fd);
	assert_int_equal(row->guest->start_ns, other->guest->start_ns);
	kvmstat_sample_put(sample);
	kvmstat_sample_put(second);
	end_vm(&vm);
}

#ifdef __x86_64__

/* "out" in a loop, in real mode, each of which comes back to us. */
static void prepare(struct vm *vm)
{
	static const unsigned char code[] = {0xba, 0xf8, 0x03, 0xee, 0xeb, 0xfd};
	struct kvm_userspace_memory_region region = {.guest_phys_addr = 0x1000, .memory_size = 0x1000};
	struct kvm_sregs sregs;
	struct kvm_regs regs = {.rip = 0x1000, .rflags = 2};

	vm->memory = mmap(NULL, 0x1000, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(vm->memory, MAP_FAILED);
	memcpy(vm->memory, code, sizeof(code));
	region.userspace_addr = (uint64_t)(uintptr_t)vm->memory;
	assert_int_equal(ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region), 0);
	assert_int_equal(ioctl(vm->vcpu[1], KVM_GET_SREGS, &sregs), 0);
	sregs.cs.base = sregs.cs.selector = 0;
	assert_int_equal(ioctl(vm->vcpu[1], KVM_SET_SREGS, &sregs), 0);
	assert_int_equal(ioctl(vm->vcpu[1], KVM_SET_REGS, &regs), 0);
	vm->run = mmap(NULL, (size_t)ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0), PROT_READ | PROT_WRITE,
		       MAP_SHARED, vm->vcpu[1], 0);
	assert_ptr_not_equal(vm->run, MAP_FAILED);
}

static uint64_t value_of(const struct kvmstat_sample *sample, const struct kvmstat_row *row,
			 const char *event)
{
	for (uint32_t i = 0; i < sample->ncolumns; i++)
		if (strcmp(sample->columns[i].event->name, event) == 0)
			return row->value[sample->columns[i].first_cell];
	fail_msg("no event %s", event);
	return 0;
}

/* Only the second vCPU ran, in this thread; the rest of the guest's number is nobody else's. */
static void check_vcpus(const struct kvmstat_sample *sample, const struct kvmstat_row *row)
{
	uint32_t ran = 0;

	assert_int_equal(row->nvcpus, row->vcpu_count);
	for (uint32_t i = 0; i < sample->ncolumns; i++) {
		const struct kvmstat_column *column = &sample->columns[i];
		uint64_t sum = 0;

		for (uint32_t k = 0; k < row->nvcpus; k++) {
			assert_int_equal(row->vcpus[k].from[column->first_cell],
					 column->event->scope == KVMSTAT_VCPU ? KVMSTAT_BPF : KVMSTAT_ABSENT);
			sum += column->event->scope == KVMSTAT_VCPU ? row->vcpus[k].value[column->first_cell] : 0;
		}
		if (column->event->scope == KVMSTAT_VCPU && column->event->class == KVMSTAT_CUMULATIVE)
			assert_int_equal(sum, row->value[column->first_cell]);
		if (strcmp(column->event->name, "fpu_reload") == 0)
			ran = column->first_cell;
	}
	assert_int_equal(row->vcpus[0].value[ran], 0);
	assert_int_equal(row->vcpus[1].value[ran], row->value[ran]);
	assert_int_equal(row->vcpus[0].tid, 0);
	assert_int_equal(row->vcpus[1].tid, gettid());
	assert_true(row->vcpus[1].has_cpu && row->vcpus[1].cpu_ns > 0);
}

static void test_counts(void **state)
{
	const struct kvmstat_row *row = NULL;
	struct kvmstat_sample *sample;
	struct vm vm;

	(void)state;
	need_bpf();
	vm = make_vm();
	prepare(&vm);
	for (int round = 1; round < 4; round++) {
		for (int i = 0; i < LOOPS; i++) {
			assert_int_equal(ioctl(vm.vcpu[1], KVM_RUN, 0), 0);
			assert_int_equal(vm.run->exit_reason, KVM_EXIT_IO);
		}
		sample = collect(bpf);
		assert_int_equal(own(sample, &row), 1);
		/* Once for each KVM_RUN. */
		assert_int_equal(value_of(sample, row, "fpu_reload"), LOOPS * round);
		assert_true(value_of(sample, row, "exits") >= (uint64_t)LOOPS * (uint64_t)round);
		assert_true(row->has_cpu);
		assert_true(row->cpu_ns > 0);
		check_vcpus(sample, row);
		kvmstat_sample_put(sample);
	}
	munmap(vm.run, (size_t)ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0));
	end_vm(&vm);
	munmap(vm.memory, 0x1000);
}

#else

static void test_counts(void **state)
{
	(void)state;
	print_message(
		"what this architecture's guest shall run is not written here; tests/integration has it\n");
	skip();
}

#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_found),
		cmocka_unit_test(test_closed_vcpu),
		cmocka_unit_test(test_elsewhere),
		cmocka_unit_test(test_same_guest),
		cmocka_unit_test(test_counts),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
