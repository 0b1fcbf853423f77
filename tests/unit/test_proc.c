/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <time.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/proc.h"
#include "tree.h"

static int setup(void **state)
{
	*state = tree_new();
	return 0;
}

static int teardown(void **state)
{
	tree_free(*state);
	return 0;
}

/* ---- status ---- */

static void test_tgid(void **state)
{
	static const struct {
		const char *status;
		int expected;
	} cases[] = {
		{ "Name:\tvmm\nUmask:\t0022\nState:\tS (sleeping)\nTgid:\t4711\nNgid:\t0\n", 4711 },
		{ "Name:\tTgid:\t5\nTgid:\t4711\n", 4711 },
		{ "Name:\tvmm\nPid:\t4712\n", -EINVAL },
		{ "Name:\tvmm\nTgid:\t47", -EINVAL },	/* cut off: 4711? */
		{ "Name:\tvmm\nTgid:\t\n", -EINVAL },
		{ "Name:\tvmm\nTgid:\t0\n", -EINVAL },
		{ "Name:\tvmm\nTgid:\t-4711\n", -EINVAL },
		{ "Name:\tvmm\nTgid:\t99999999999\n", -EINVAL },
		{ "Name:\tvmm\nTgid:\t99999999999999999999999\n", -EINVAL },
		{ "", -EINVAL },
	};
	struct tree *tree = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		tree_text(tree, "proc/4712/status", cases[i].status);
		assert_int_equal(proc_tgid(&tree->root, 4712), cases[i].expected);
	}
	assert_int_equal(proc_tgid(&tree->root, 4713), -ENOENT);
}

/* ---- stat ---- */

#define STAT_BEFORE ") S 1 4711 4711 0 -1 4194624 1234 0 5 0 77 33 0 0 20 0 7 0 "
#define STAT_AFTER " 2345678848 12345 18446744073709551615 1 1 0 0 0 0 0 4096 0 0 0 0 17 3 0 0 0 0 0 0\n"

static void test_start(void **state)
{
	static const char *const comms[] = {
		"qemu-system-s39", "", "a b c", "a) R 1 2 3 4", ")", "(((", "a\nb", "x) S 1\n) 2", "\xff\xfe",
	};
	struct tree *tree = *state;
	char stat[1024];
	uint64_t ns;

	for (size_t i = 0; i < sizeof(comms) / sizeof(comms[0]); i++) {
		snprintf(stat, sizeof(stat), "4711 (%s" STAT_BEFORE "174033" STAT_AFTER, comms[i]);
		tree_text(tree, "proc/4711/stat", stat);
		ns = 0;
		assert_int_equal(proc_start(&tree->root, 4711, &ns), 0);
		assert_int_equal(ns, 174033 * (1000000000ull / (uint64_t)sysconf(_SC_CLK_TCK)));
	}
	assert_int_equal(proc_start(&tree->root, 4712, &ns), -ENOENT);
}

static void test_start_malformed(void **state)
{
	static const char *const stats[] = {
		"", "4711", "4711 (x", "4711 (x)", "4711 (x) S 1 2 3\n", "4711 (x" STAT_BEFORE,
		"4711 (x" STAT_BEFORE "-1" STAT_AFTER, "4711 (x" STAT_BEFORE "abc" STAT_AFTER,
		"4711 (x" STAT_BEFORE "18446744073709551615" STAT_AFTER,
		"4711 (x" STAT_BEFORE "184467440737095516150" STAT_AFTER,
	};
	struct tree *tree = *state;
	uint64_t ns = 42;

	for (size_t i = 0; i < sizeof(stats) / sizeof(stats[0]); i++) {
		tree_text(tree, "proc/4711/stat", stats[i]);
		assert_int_equal(proc_start(&tree->root, 4711, &ns), -EINVAL);
	}
	assert_int_equal(ns, 42);
}

/* A line that is cut off gives no time, or the right one. */
static void test_start_cut(void **state)
{
	static const char stat[] = "4711 (a) b" STAT_BEFORE "174033" STAT_AFTER;
	const uint64_t right = 174033 * (1000000000ull / (uint64_t)sysconf(_SC_CLK_TCK));
	struct tree *tree = *state;
	int found = 0;
	uint64_t ns;

	for (size_t len = 0; len < strlen(stat); len++) {
		tree_file(tree, "proc/4711/stat", stat, len);
		if (proc_start(&tree->root, 4711, &ns) == 0) {
			assert_int_equal(ns, right);
			found++;
		}
	}
	assert_true(found > 0);
}

/* ---- fd ---- */

static void test_kvm_one(void **state)
{
	struct tree *tree = *state;
	struct proc_kvm kvm;

	tree_symlink(tree, "proc/4711/fd/0", "/dev/null");
	tree_symlink(tree, "proc/4711/fd/10", "/dev/kvm");
	tree_symlink(tree, "proc/4711/fd/12", "anon_inode:kvm-vm");
	tree_symlink(tree, "proc/4711/fd/13", "anon_inode:kvm-vcpu:0");
	tree_symlink(tree, "proc/4711/fd/14", "anon_inode:kvm-vcpu:255");
	tree_symlink(tree, "proc/4711/fd/15", "anon_inode:kvm-vcpu:0");	/* a dup of 13 */
	tree_symlink(tree, "proc/4711/fd/16", "anon_inode:kvm-vcpu-stats:0");
	tree_symlink(tree, "proc/4711/fd/17", "anon_inode:kvm-vcpu:");
	tree_symlink(tree, "proc/4711/fd/18", "anon_inode:kvm-vcpu:1x");
	tree_symlink(tree, "proc/4711/fd/19", "anon_inode:kvm-vm-stats");
	tree_symlink(tree, "proc/4711/fd/20", "/tmp/anon_inode:kvm-vm");
	tree_symlink(tree, "proc/4711/fd/21", "anon_inode:[eventfd]");
	tree_symlink(tree, "proc/4711/fd/x", "anon_inode:kvm-vm");
	assert_int_equal(proc_kvm(&tree->root, 4711, &kvm), 0);
	assert_int_equal(kvm.nvms, 1);
	assert_int_equal(kvm.vms[0], 12);
	assert_int_equal(kvm.vcpus, 2);
	proc_kvm_free(&kvm);
}

static void test_kvm_several(void **state)
{
	struct tree *tree = *state;
	struct proc_kvm kvm;

	tree_symlink(tree, "proc/4711/fd/100", "anon_inode:kvm-vm");
	tree_symlink(tree, "proc/4711/fd/9", "anon_inode:kvm-vm");
	tree_symlink(tree, "proc/4711/fd/23", "anon_inode:kvm-vm");
	tree_symlink(tree, "proc/4711/fd/24", "anon_inode:kvm-vcpu:0");
	assert_int_equal(proc_kvm(&tree->root, 4711, &kvm), 0);
	assert_int_equal(kvm.nvms, 3);
	assert_int_equal(kvm.vms[0], 9);
	assert_int_equal(kvm.vms[1], 23);
	assert_int_equal(kvm.vms[2], 100);
	assert_int_equal(kvm.vcpus, 0);
	proc_kvm_free(&kvm);
}

static void test_kvm_many(void **state)
{
	struct tree *tree = *state;
	struct proc_kvm kvm;
	char path[64], target[64];

	tree_symlink(tree, "proc/4711/fd/3", "anon_inode:kvm-vm");
	for (int i = 0; i < 300; i++) {
		snprintf(path, sizeof(path), "proc/4711/fd/%d", 10 + i);
		snprintf(target, sizeof(target), "anon_inode:kvm-vcpu:%d", 299 - i);
		tree_symlink(tree, path, target);
	}
	assert_int_equal(proc_kvm(&tree->root, 4711, &kvm), 0);
	assert_int_equal(kvm.vcpus, 300);
	proc_kvm_free(&kvm);
}

static void test_kvm_none(void **state)
{
	struct tree *tree = *state;
	struct proc_kvm kvm;

	assert_int_equal(proc_kvm(&tree->root, 4711, &kvm), -ENOENT);
	tree_dir(tree, "proc/4711/fd");
	assert_int_equal(proc_kvm(&tree->root, 4711, &kvm), 0);
	assert_int_equal(kvm.nvms, 0);
	assert_int_equal(kvm.vcpus, 0);
	proc_kvm_free(&kvm);
	/* What is no link can be no fd of KVM's: tell it rather than count none. */
	tree_text(tree, "proc/4711/fd/3", "");
	assert_int_equal(proc_kvm(&tree->root, 4711, &kvm), -EINVAL);
}

static void test_kvm_denied(void **state)
{
	struct tree *tree = *state;
	struct proc_kvm kvm;
	uid_t uid = geteuid();

	tree_dir(tree, "proc/4711/fd");
	assert_int_equal(fchmodat(tree->root.fd, "proc/4711/fd", 0, 0), 0);
	assert_int_equal(chmod(tree->path, 0711), 0);
	/* Nothing is denied to root. */
	if (uid == 0 && seteuid(65534) != 0)
		skip();
	assert_int_equal(proc_kvm(&tree->root, 4711, &kvm), -EACCES);
	if (uid == 0)
		assert_int_equal(seteuid(0), 0);
	assert_int_equal(fchmodat(tree->root.fd, "proc/4711/fd", 0755, 0), 0);
}

/* ---- threads ---- */

static void add_thread(struct tree *tree, int tid, const char *comm)
{
	char path[64], line[64];

	snprintf(path, sizeof(path), "proc/4711/task/%d/comm", tid);
	snprintf(line, sizeof(line), "%s\n", comm);
	tree_text(tree, path, line);
}

static void test_vcpu_thread_names(void **state)
{
	static const struct {
		const char *comm;
		int expected;
	} cases[] = {
		{ "CPU 0/KVM", 1 },	 { "CPU 1000/KVM", 1 },	 { "fc_vcpu 0", 1 },   { "vcpu0", 1 },
		{ "vcpu17", 1 },	 { "crosvm_vcpu12", 1 }, { "kvm-vcpu-3", 1 },  { "CPU 0/TCG", 0 },
		{ "CPU /KVM", 0 },	 { "CPU -1/KVM", 0 },	 { "CPU 0/KVM ", 0 },  { "CPU 0", 0 },
		{ "ALL CPUs/TCG", 0 },	 { "qemu-kvm", 0 },	 { "fc_vcpu", 0 },     { "fc_api", 0 },
		{ "vcpu", 0 },		 { "vcpu0x", 0 },	 { "vcpu 0", 0 },      { "IO iothread1", 0 },
		{ "kvm-nx-lpage-re", 0 }, { "vhost-4711", 0 },	 { "kvm-vcpu-", 0 },   { "", 0 },
		{ "vcpu99999999999999999999999", 0 },
	};
	struct tree *tree = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct vcpu_thread *threads = NULL;

		add_thread(tree, 4712, cases[i].comm);
		assert_int_equal(proc_vcpu_threads(&tree->root, 4711, &threads), cases[i].expected);
		if (cases[i].expected)
			assert_int_equal(threads[0].tid, 4712);
		free(threads);
	}
}

static void test_vcpu_threads(void **state)
{
	struct tree *tree = *state;
	struct vcpu_thread *threads;
	char comm[32];

	assert_int_equal(proc_vcpu_threads(&tree->root, 4711, &threads), -ENOENT);
	add_thread(tree, 4711, "qemu-kvm");
	assert_int_equal(proc_vcpu_threads(&tree->root, 4711, &threads), 0);
	for (int i = 0; i < 40; i++) {
		snprintf(comm, sizeof(comm), "CPU %d/KVM", i);
		add_thread(tree, 5000 - i, comm);
	}
	/* A thread that ended between readdir and open. */
	tree_dir(tree, "proc/4711/task/6000");
	assert_int_equal(proc_vcpu_threads(&tree->root, 4711, &threads), 40);
	for (int i = 0; i < 40; i++) {
		assert_int_equal(threads[i].tid, 4961 + i);
		assert_int_equal(threads[i].id, 39 - i);
	}
	free(threads);
}

/* ---- schedstat ---- */

static void test_schedstat(void **state)
{
	static const struct {
		const char *text;
		int rc;
	} cases[] = {
		{ "", -EINVAL },
		{ "1\n", -EINVAL },
		{ "1 2\n", -EINVAL },
		{ "1 2 3", -EINVAL },	/* cut off */
		{ "-1 2 3\n", -EINVAL },
		{ "1  2 3\n", -EINVAL },
		{ "99999999999999999999999 2 3\n", -EINVAL },
		{ "0 0 0\n", -ENODATA },	/* the kernel keeps no account */
	};
	struct tree *tree = *state;
	uint64_t cpu = 1, wait = 2;

	assert_int_equal(proc_schedstat(&tree->root, 4711, 4712, &cpu, &wait), -ENOENT);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		tree_text(tree, "proc/4711/task/4712/schedstat", cases[i].text);
		assert_int_equal(proc_schedstat(&tree->root, 4711, 4712, &cpu, &wait), cases[i].rc);
	}
	assert_int_equal(cpu, 1);
	assert_int_equal(wait, 2);
	tree_text(tree, "proc/4711/task/4712/schedstat", "18446744073709551615 0 7\n");
	assert_int_equal(proc_schedstat(&tree->root, 4711, 4712, &cpu, &wait), 0);
	assert_true(cpu == UINT64_MAX);
	assert_int_equal(wait, 0);
}

/* ---- the running host ---- */

static void test_self(void **state)
{
	struct timespec now;
	struct sysroot root;
	uint64_t ns, boot;
	struct vcpu_thread *threads;
	struct proc_kvm kvm;

	(void)state;
	assert_int_equal(sysroot_init(&root, "/"), 0);
	assert_int_equal(proc_tgid(&root, getpid()), getpid());
	assert_int_equal(proc_start(&root, getpid(), &ns), 0);
	clock_gettime(CLOCK_BOOTTIME, &now);
	boot = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	assert_true(ns <= boot);
	assert_true(boot - ns < 600ull * 1000000000);
	assert_int_equal(proc_kvm(&root, getpid(), &kvm), 0);
	assert_int_equal(kvm.nvms, 0);
	proc_kvm_free(&kvm);
	assert_int_equal(proc_vcpu_threads(&root, getpid(), &threads), 0);
	sysroot_exit(&root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_tgid, setup, teardown),
		cmocka_unit_test_setup_teardown(test_start, setup, teardown),
		cmocka_unit_test_setup_teardown(test_start_malformed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_start_cut, setup, teardown),
		cmocka_unit_test_setup_teardown(test_kvm_one, setup, teardown),
		cmocka_unit_test_setup_teardown(test_kvm_several, setup, teardown),
		cmocka_unit_test_setup_teardown(test_kvm_many, setup, teardown),
		cmocka_unit_test_setup_teardown(test_kvm_none, setup, teardown),
		cmocka_unit_test_setup_teardown(test_kvm_denied, setup, teardown),
		cmocka_unit_test_setup_teardown(test_vcpu_thread_names, setup, teardown),
		cmocka_unit_test_setup_teardown(test_vcpu_threads, setup, teardown),
		cmocka_unit_test_setup_teardown(test_schedstat, setup, teardown),
		cmocka_unit_test(test_self),
	};

	return cmocka_run_group_tests_name("proc", tests, NULL, NULL);
}
