/* SPDX-License-Identifier: MIT */
/* The debugfs source: which files are opened, and what becomes of what is in them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "interpose.h"
#include "lab.h"

static struct lab *lab;

/* Two guests on a host that has three events: a counter, a peak, and an instant value. */
static int setup(void **state)
{
	(void)state;
	lab = lab_new();
	lab_event(lab, "kvm", "exit_null", 0644);
	lab_event(lab, "kvm", "exit_instruction", 0644);
	lab_event(lab, "kvm", "blocking", 0444);
	lab_qemu(lab, 100, "web");
	lab_value(lab, "kvm/100-10", "exit_null", "5\n");
	lab_value(lab, "kvm/100-10", "exit_instruction", "18446744073709551615\n");
	lab_value(lab, "kvm/100-10", "blocking", "1\n");
	lab_qemu(lab, 200, "db");
	lab_value(lab, "kvm/200-10", "exit_null", "0\n");
	lab_value(lab, "kvm/200-10", "exit_instruction", "7");
	lab_value(lab, "kvm/200-10", "blocking", "2\n");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	on_open = NULL;
	lab_free(lab);
	return 0;
}

static void test_values(void **state)
{
	const struct kvmstat_sample *sample = lab_pass(lab);

	(void)state;
	assert_int_equal(sample->nrows, 2);
	assert_int_equal(sample->ncolumns, 3);
	assert_int_equal(sample->cpus, 5);
	lab_is(sample, "web", "exit_null", 5);
	lab_is(sample, "web", "exit_instruction", UINT64_MAX);
	lab_is(sample, "web", "blocking", 1);
	lab_is(sample, "db", "exit_null", 0);
	lab_is(sample, "db", "exit_instruction", 7);
	assert_int_equal(lab_column(sample, "exit_null")->source, KVMSTAT_DEBUGFS);
	assert_int_equal(sample->sources[KVMSTAT_DEBUGFS].state, KVMSTAT_ACTIVE);
	for (int i = 0; i < KVMSTAT_NPROBLEMS; i++)
		assert_false(sample->problems[i].active);
	lab_value(lab, "kvm/100-10", "exit_null", "6\n");
	lab_is(lab_pass(lab), "web", "exit_null", 6);
	lab_is(lab->sample, "db", "exit_null", 0);
}

/* What is no decimal number of 64 bits is no value, and is told once. */
static void test_malformed(void **state)
{
	static const char *const texts[] = {
		"",
		"\n",
		" 5\n",
		"12x",
		"-1\n",
		"+1\n",
		"1234567890123456789012345\n",
		"18446744073709551616\n",
		"NaN\n",
		"5\n6\n",
		"0x5\n",
		"5 \n",
		"5\n\n",
		"5.0\n",
		"\x01\x02\xff",
		"00000000000000000000000000000000000123\n",
		"000000000000000000000000000000000",
		"5e1\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		uint64_t value;

		lab_value(lab, "kvm/100-10", "exit_null", texts[i]);
		if (lab_get(lab_pass(lab), "web", "exit_null", &value))
			fail_msg("\"%s\" was taken for %llu", texts[i], (unsigned long long)value);
		lab_is(lab->sample, "web", "blocking", 1);
		lab_is(lab->sample, "db", "exit_null", 0);
		assert_true(lab_problem(lab->sample, KVMSTAT_MALFORMED));
		assert_int_equal(lab->sample->problems[KVMSTAT_MALFORMED].count, i + 1);
		assert_non_null(
			strstr(lab->sample->problems[KVMSTAT_MALFORMED].text, "kvm/100-10/exit_null"));
	}
	lab_value(lab, "kvm/100-10", "exit_null", "8\n");
	lab_is(lab_pass(lab), "web", "exit_null", 8);
	assert_false(lab_problem(lab->sample, KVMSTAT_MALFORMED));
	assert_int_equal(lab->sample->problems[KVMSTAT_MALFORMED].count, sizeof(texts) / sizeof(texts[0]));
}

static void test_large_files(void **state)
{
	char *big = malloc(1 << 20);

	(void)state;
	memset(big, '1', 1 << 20);
	tree_file(lab->tree, "sys/kernel/debug/kvm/100-10/exit_null", big, 1 << 20);
	memset(big, '0', 1 << 20);
	tree_file(lab->tree, "sys/kernel/debug/kvm/200-10/exit_null", big, 1 << 20);
	memcpy(big, "5\n", 3);
	tree_file(lab->tree, "sys/kernel/debug/kvm/100-10/exit_instruction", big, 1 << 20);
	/* A NUL in the middle, and a file that is nothing but one. */
	tree_file(lab->tree, "sys/kernel/debug/kvm/100-10/blocking", "1\0\n", 3);
	tree_file(lab->tree, "sys/kernel/debug/kvm/200-10/blocking", "\0", 1);
	free(big);
	lab_pass(lab);
	lab_absent(lab->sample, "web", "exit_null");
	lab_absent(lab->sample, "db", "exit_null");
	lab_absent(lab->sample, "web", "exit_instruction");
	lab_absent(lab->sample, "web", "blocking");
	lab_absent(lab->sample, "db", "blocking");
	lab_is(lab->sample, "db", "exit_instruction", 7);
}

/* Neither a pipe nor a link nor a directory is waited for, followed or taken for a number. */
static void test_odd_files(void **state)
{
	(void)state;
	tree_remove(lab->tree, "sys/kernel/debug/kvm/100-10/exit_null");
	assert_int_equal(mkfifoat(lab->tree->root.fd, "sys/kernel/debug/kvm/100-10/exit_null", 0644), 0);
	tree_symlink(lab->tree, "sys/kernel/debug/kvm/100-10/exit_instruction", "../200-10/exit_instruction");
	tree_remove(lab->tree, "sys/kernel/debug/kvm/100-10/blocking");
	tree_dir(lab->tree, "sys/kernel/debug/kvm/100-10/blocking");
	lab_pass(lab);
	lab_absent(lab->sample, "web", "exit_null");
	lab_absent(lab->sample, "web", "exit_instruction");
	lab_absent(lab->sample, "web", "blocking");
	lab_is(lab->sample, "db", "exit_instruction", 7);
	assert_true(lab_problem(lab->sample, KVMSTAT_UNREADABLE));
}

static void test_missing_file(void **state)
{
	(void)state;
	tree_remove(lab->tree, "sys/kernel/debug/kvm/100-10/exit_null");
	lab_pass(lab);
	lab_absent(lab->sample, "web", "exit_null");
	lab_is(lab->sample, "web", "blocking", 1);
	assert_int_equal(lab->sample->nrows, 2);
	/* A guest's directory without any file is a guest without any value. */
	lab_discard(lab, "sys/kernel/debug/kvm/200-10");
	lab_guest(lab, "kvm/200-10");
	lab_pass(lab);
	lab_absent(lab->sample, "db", "blocking");
}

/* A file that only a guest's directory has may take locks: nobody opens it. */
static char forbidden[64];

static int trap(int dirfd, const char *path)
{
	(void)dirfd;
	if (forbidden[0] && strstr(path, forbidden))
		fail_msg("%s was opened", path);
	return 0;
}

static void test_unknown_files_are_not_opened(void **state)
{
	(void)state;
	lab_value(lab, "kvm/100-10", "mmu_rmaps_stat", "5\n");
	lab_value(lab, "kvm/100-10", "vcpu0/pid", "5\n");
	strcpy(forbidden, "mmu_rmaps_stat");
	on_open = trap;
	lab_pass(lab);
	lab_pass(lab);
	strcpy(forbidden, "vcpu0");
	lab_pass(lab);
	assert_int_equal(lab->sample->ncolumns, 3);
}

static int count_counters;

/* Files of mode 0644, which the kernel refuses and complains about. */
static int locked_down(int dirfd, const char *path)
{
	(void)dirfd;
	if (!strstr(path, "exit_null") && !strstr(path, "exit_instruction"))
		return 0;
	count_counters++;
	return EPERM;
}

static void test_integrity(void **state)
{
	(void)state;
	count_counters = 0;
	on_open = locked_down;
	lab_lockdown(lab, "none [integrity] confidentiality\n");
	lab_pass(lab);
	lab_pass(lab);
	assert_int_equal(count_counters, 0);
	assert_int_equal(lab->sample->lockdown, KVMSTAT_LOCKDOWN_INTEGRITY);
	lab_absent(lab->sample, "web", "exit_null");
	lab_is(lab->sample, "web", "blocking", 1);
	assert_int_equal(lab->sample->ncolumns, 3);
	assert_int_equal(lab_column(lab->sample, "exit_null")->source, KVMSTAT_ABSENT);
	assert_non_null(strstr(lab_column(lab->sample, "exit_null")->reason, "lockdown=integrity"));
	assert_true(lab_problem(lab->sample, KVMSTAT_REFUSED));
	assert_non_null(strstr(lab->sample->problems[KVMSTAT_REFUSED].text, "2 of 3"));
	assert_int_equal(lab->sample->sources[KVMSTAT_DEBUGFS].state, KVMSTAT_PARTIAL);
	assert_non_null(strstr(lab->sample->sources[KVMSTAT_DEBUGFS].text, "2 of 3"));
}

static void test_confidentiality(void **state)
{
	(void)state;
	count_counters = 0;
	on_open = locked_down;
	lab_lockdown(lab, "none integrity [confidentiality]\n");
	lab_pass(lab);
	assert_int_equal(count_counters, 0);
	lab_is(lab->sample, "web", "blocking", 1);
	assert_int_equal(lab->sample->lockdown, KVMSTAT_LOCKDOWN_CONFIDENTIALITY);
}

/* Lockdown can be raised while the host runs. */
static void test_raised_later(void **state)
{
	uint64_t generation;

	(void)state;
	lab_lockdown(lab, "[none] integrity confidentiality\n");
	lab_is(lab_pass(lab), "web", "exit_null", 5);
	assert_int_equal(lab->sample->lockdown, KVMSTAT_LOCKDOWN_NONE);
	generation = lab->sample->event_generation;
	count_counters = 0;
	on_open = locked_down;
	lab_lockdown(lab, "none [integrity] confidentiality\n");
	lab_pass(lab);
	assert_int_equal(count_counters, 0);
	lab_absent(lab->sample, "web", "exit_null");
	lab_is(lab->sample, "web", "blocking", 1);
	assert_true(lab->sample->event_generation > generation);
	assert_true(lab_problem(lab->sample, KVMSTAT_REFUSED));
}

/* Without securityfs the first refusal tells, and is the last. */
static void test_hidden_lockdown(void **state)
{
	(void)state;
	count_counters = 0;
	on_open = locked_down;
	for (int i = 0; i < 3; i++) {
		lab_pass(lab);
		assert_int_equal(count_counters, 1);
		assert_int_equal(lab->sample->nrows, 2);
		lab_absent(lab->sample, "web", "exit_null");
		lab_is(lab->sample, "web", "blocking", 1);
		lab_is(lab->sample, "db", "blocking", 2);
	}
	assert_int_equal(lab->sample->lockdown, KVMSTAT_LOCKDOWN_UNKNOWN);
	assert_true(lab_problem(lab->sample, KVMSTAT_REFUSED));
}

static int refuse_blocking(int dirfd, const char *path)
{
	(void)dirfd;
	return strcmp(path, "blocking") == 0 ? EPERM : 0;
}

/* Something else than lockdown refuses what lockdown does not: the rest is read, and no guest is lost. */
static void test_gauge_refused(void **state)
{
	(void)state;
	on_open = refuse_blocking;
	for (int i = 0; i < 2; i++) {
		lab_pass(lab);
		assert_int_equal(lab->sample->nrows, 2);
		lab_absent(lab->sample, "web", "blocking");
		lab_absent(lab->sample, "db", "blocking");
		assert_true(lab_problem(lab->sample, KVMSTAT_UNREADABLE));
	}
}

static int no_access(int dirfd, const char *path)
{
	(void)dirfd;
	return strcmp(path, "exit_null") == 0 ? EACCES : 0;
}

static void test_unreadable(void **state)
{
	(void)state;
	on_open = no_access;
	lab_pass(lab);
	lab_absent(lab->sample, "web", "exit_null");
	lab_is(lab->sample, "web", "exit_instruction", UINT64_MAX);
	assert_true(lab_problem(lab->sample, KVMSTAT_UNREADABLE));
	assert_int_equal(lab->sample->problems[KVMSTAT_UNREADABLE].count, 2);
	assert_non_null(strstr(lab->sample->problems[KVMSTAT_UNREADABLE].text, "exit_null"));
	on_open = NULL;
	lab_is(lab_pass(lab), "web", "exit_null", 5);
	assert_false(lab_problem(lab->sample, KVMSTAT_UNREADABLE));
	assert_non_null(strstr(lab->sample->problems[KVMSTAT_UNREADABLE].text, "exit_null"));
}

/* A guest ends in the middle of a pass, between two of its files. */
static bool ended;

static bool is_directory(int fd, const char *end)
{
	char link[32], path[PATH_MAX];
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, sizeof(path));
	return len > (ssize_t)strlen(end) && memcmp(path + len - strlen(end), end, strlen(end)) == 0;
}

static int end_guest(int dirfd, const char *path)
{
	if (ended || strcmp(path, "exit_instruction") != 0 || !is_directory(dirfd, "kvm/100-10"))
		return 0;
	ended = true;
	lab_end_guest(lab, "kvm/100-10");
	return ENOENT;
}

static void test_ends_in_pass(void **state)
{
	(void)state;
	lab_pass(lab);
	ended = false;
	on_open = end_guest;
	lab_pass(lab);
	assert_true(ended);
	assert_null(lab_find(lab->sample, "web"));
	lab_is(lab->sample, "db", "exit_instruction", 7);
	for (int i = 0; i < KVMSTAT_NPROBLEMS; i++)
		assert_false(lab->sample->problems[i].active);
}

/* Ended between the listing and the first look at it: the newcomer never was there. */
static int end_new_guest(int dirfd, const char *path)
{
	(void)dirfd;
	if (!ended && strstr(path, "kvm/100-10")) {
		ended = true;
		lab_end_guest(lab, "kvm/100-10");
	}
	return 0;
}

static void test_ends_before_first_read(void **state)
{
	(void)state;
	ended = false;
	on_open = end_new_guest;
	lab_pass(lab);
	assert_true(ended);
	assert_null(lab_find(lab->sample, "web"));
	assert_int_equal(lab->sample->nrows, 1);
}

/* More guests than this process may have files open. */
static void test_few_descriptors(void **state)
{
	struct rlimit before, few;

	(void)state;
	for (int pid = 1000; pid < 1100; pid++) {
		char guest[32], name[16];

		snprintf(guest, sizeof(guest), "kvm/%d-10", pid);
		snprintf(name, sizeof(name), "g%d", pid);
		lab_qemu(lab, pid, name);
		lab_value(lab, guest, "blocking", "3\n");
	}
	getrlimit(RLIMIT_NOFILE, &before);
	few = (struct rlimit){40, before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	for (int i = 0; i < 3; i++) {
		lab_pass(lab);
		assert_int_equal(lab->sample->nrows, 102);
		assert_false(lab_problem(lab->sample, KVMSTAT_UNREADABLE));
		lab_is(lab->sample, "g1000", "blocking", 3);
		lab_is(lab->sample, "g1099", "blocking", 3);
	}
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

#define debugfs_test(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		debugfs_test(test_values),	    debugfs_test(test_malformed),
		debugfs_test(test_large_files),	    debugfs_test(test_odd_files),
		debugfs_test(test_missing_file),    debugfs_test(test_unknown_files_are_not_opened),
		debugfs_test(test_integrity),	    debugfs_test(test_confidentiality),
		debugfs_test(test_raised_later),    debugfs_test(test_hidden_lockdown),
		debugfs_test(test_gauge_refused),   debugfs_test(test_unreadable),
		debugfs_test(test_ends_in_pass),    debugfs_test(test_ends_before_first_read),
		debugfs_test(test_few_descriptors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
