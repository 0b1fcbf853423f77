/* SPDX-License-Identifier: MIT */
/* When may the iterator look at the files of known VMMs only? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bpf_walk.h"

enum { VMMS = 3, FILES = 10000 };

static const uint64_t SECOND = 1000000000;

static char dir[] = "/tmp/kvmstat-walk-XXXXXX", file[80];
static struct sysroot root;

static void write_uevents(const char *text)
{
	FILE *out = fopen(file, "w");

	assert_non_null(out);
	fputs(text, out);
	fclose(out);
}

static int setup(void **state)
{
	char path[80];

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/sys", dir);
	assert_int_equal(mkdir(path, 0755), 0);
	snprintf(path, sizeof(path), "%s/sys/kernel", dir);
	assert_int_equal(mkdir(path, 0755), 0);
	snprintf(file, sizeof(file), "%s/sys/kernel/uevent_seqnum", dir);
	return sysroot_init(&root, dir);
}

static int teardown(void **state)
{
	char path[80];

	(void)state;
	sysroot_exit(&root);
	unlink(file);
	snprintf(path, sizeof(path), "%s/sys/kernel", dir);
	rmdir(path);
	snprintf(path, sizeof(path), "%s/sys", dir);
	rmdir(path);
	return rmdir(dir);
}

/* A pass: was it limited? */
static bool pass(struct bpf_walk *walk, double seconds)
{
	uint64_t now = (uint64_t)(seconds * (double)SECOND);

	if (bpf_walk_is_limited(walk, &root, now))
		return true;
	bpf_walk_begin(walk, now);
	for (pid_t pid = 1; pid <= VMMS; pid++)
		for (int fd = 0; fd < 2; fd++)
			assert_int_equal(bpf_walk_note(walk, pid), 0);
	assert_int_equal(walk->count, VMMS);
	walk->files_of_all = FILES;
	return false;
}

static void test_settles(void **state)
{
	struct bpf_walk walk = {0};

	(void)state;
	write_uevents("100\n");
	assert_false(pass(&walk, 10));
	/* What was announced just before that walk may not have been there yet. */
	assert_false(pass(&walk, 20));
	assert_true(pass(&walk, 30));
	assert_true(pass(&walk, 31));
	write_uevents("101\n");
	assert_false(pass(&walk, 40));
	assert_false(pass(&walk, 40.5));
	assert_false(pass(&walk, 41.1));
	assert_true(pass(&walk, 41.2));
	bpf_walk_exit(&walk);
}

static void test_now_and_then(void **state)
{
	struct bpf_walk walk = {0};
	unsigned int limited = 0;

	(void)state;
	write_uevents("100\n");
	for (int second = 10; second < 610; second += 10)
		limited += pass(&walk, second);
	assert_true(limited > 40 && limited < 55);
	bpf_walk_exit(&walk);
}

static void test_no_number(void **state)
{
	struct bpf_walk walk = {0};

	(void)state;
	unlink(file);
	for (int second = 10; second < 100; second += 10)
		assert_false(pass(&walk, second));
	bpf_walk_exit(&walk);
}

static void test_cannot(void **state)
{
	struct bpf_walk walk = {.cannot = true};

	(void)state;
	write_uevents("100\n");
	for (int second = 10; second < 100; second += 10)
		assert_false(pass(&walk, second));
	bpf_walk_exit(&walk);
}

static void test_not_worth_it(void **state)
{
	struct bpf_walk walk = {0};

	(void)state;
	write_uevents("100\n");
	pass(&walk, 10);
	pass(&walk, 20);
	walk.files_of_vmms = FILES - 1;
	assert_false(pass(&walk, 30));
	walk.files_of_vmms = FILES / 2;
	assert_true(pass(&walk, 40));
	bpf_walk_exit(&walk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_settles),
		cmocka_unit_test(test_now_and_then),
		cmocka_unit_test(test_no_number),
		cmocka_unit_test(test_cannot),
		cmocka_unit_test(test_not_worth_it),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
