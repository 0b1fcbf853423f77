/* SPDX-License-Identifier: MIT */
/*
 * What the statsfd source keeps open of a guest from pass to pass, and what not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/resource.h>

#include "open_fds.h"
#include "quiet_vm.h"
#include "sources/debugfs/debugfs.h"

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
	assert_true(stats_fds_of(guest())->pidfd >= 0 && guest()->dirfd >= 0);
	for (int i = 0; i < 20; i++)
		expect_all(2);
	assert_int_equal(open_fds(), with);
	statsfd->fd_limit = debugfs->fd_limit = 0;
	for (int i = 0; i < 3; i++) {
		expect_all(2);
		assert_int_equal(open_fds(), with - 2);
	}
	statsfd->fd_limit = debugfs->fd_limit = 1 << 19;
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
	expect_none("does not keep a statistics fd");
	assert_int_equal(open_fds(), before + 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		quiet_test(test_what_is_kept),
		quiet_test(test_few_descriptors),
		quiet_test(test_guarded),
	};

	return cmocka_run_group_tests(tests, group_setup, NULL);
}
