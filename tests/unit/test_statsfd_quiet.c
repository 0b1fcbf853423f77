/* SPDX-License-Identifier: MIT */
/*
 * The statsfd source while no VM begins or ends, when it does not look where the fds of a VMM are: what
 * changes all the same. With VMs of this process, and debugfs, which shows new vCPUs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "quiet_vm.h"
#include "sources/debugfs/debugfs.h"

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

/* What bpf finds it need not look for again: it may walk over all files in each pass, where that is cheaper.
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
	since = kvmstat->context.uevents.looked_ns;
	for (int i = 0; i < 5; i++) {
		expect_all(2);
		assert_true(is_quiet());
		assert_int_equal(kvmstat->context.uevents.looked_ns, since);
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
	expect_none("does not keep a statistics fd of each vCPU");
	expect_none("does not keep a statistics fd of each vCPU");
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
	expect_none("does not keep a statistics fd");
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
		expect_none("does not keep a statistics fd");
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
	expect_none("does not keep a statistics fd");
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
		((struct statsfd_state *)kvmstat->sources[KVMSTAT_STATSFD].state)->fd_limit =
			kept ? 1 << 19 : 0;
		((struct debugfs_state *)kvmstat->sources[KVMSTAT_DEBUGFS].state)->fd_limit =
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
	fds = stats_fds_of(guest());
	fds->blocks[KVMSTAT_VCPU].header.num_desc++;
	fds->links = 0;
	expect_none("are invalid");
	fds->blocks[KVMSTAT_VCPU].header.num_desc--;
	expect_all(2);
}

static uint32_t vm_events(const struct kvmstat_row *row)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < sample->ncolumns; i++)
		count += sample->columns[i].event->scope == KVMSTAT_VM &&
			 row->from[sample->columns[i].first_cell] == KVMSTAT_STATSFD;
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
		quiet_test(test_minute),
	};

	return cmocka_run_group_tests(tests, group_setup, NULL);
}
