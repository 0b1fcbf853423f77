/* SPDX-License-Identifier: MIT */
/* How long does what a look at the whole host has found hold? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/uevents.h"

static const double SECOND = 1e9;

static char dir[] = "/tmp/kvmstat-uevents-XXXXXX", file[80];
static struct sysroot root;
static struct uevents uevents;

static void write_number(const char *text)
{
	FILE *out = fopen(file, "w");

	assert_non_null(out);
	fputs(text, out);
	fclose(out);
}

static int group_setup(void **state)
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

static int group_teardown(void **state)
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

static int teardown(void **state)
{
	(void)state;
	uevents_exit(&uevents);
	return 0;
}

/* A pass: since when is it quiet? If it is not, everything is looked at. */
static uint64_t pass(double seconds)
{
	uint64_t since = uevents_ask(&uevents, &root, (uint64_t)(seconds * SECOND));

	if (!since)
		uevents_look(&uevents);
	return since;
}

static void test_settles(void **state)
{
	uint64_t since;

	(void)state;
	write_number("100\n");
	assert_int_equal(pass(10), 0);
	/* What was announced just before that look may not have been there yet. */
	assert_int_equal(pass(20), 0);
	since = pass(30);
	assert_int_not_equal(since, 0);
	assert_int_equal(pass(31), since);
	write_number("101\n");
	assert_int_equal(pass(40), 0);
	assert_int_equal(pass(40.5), 0);
	assert_int_equal(pass(41.1), 0);
	assert_true(pass(41.2) > since);
}

/* It was read before the look began: what is announced in between is not lost. */
static void test_announced_while_looking(void **state)
{
	(void)state;
	write_number("100\n");
	assert_int_equal(pass(10), 0);
	assert_int_equal(uevents_ask(&uevents, &root, (uint64_t)(20 * SECOND)), 0);
	write_number("101\n");
	uevents_look(&uevents);
	assert_int_equal(pass(30), 0);
}

static void test_now_and_then(void **state)
{
	unsigned int quiet = 0, looks = 0;
	uint64_t since = 0;

	(void)state;
	write_number("100\n");
	for (int second = 10; second < 610; second += 10) {
		uint64_t now = pass(second);

		quiet += now != 0;
		looks += now && now != since;
		since = now ? now : since;
	}
	assert_true(quiet > 40 && quiet < 55);
	/* Each time it is another one. */
	assert_true(looks > 7 && looks < 12);
}

static void test_no_number(void **state)
{
	(void)state;
	unlink(file);
	for (int second = 10; second < 100; second += 10)
		assert_int_equal(pass(second), 0);
	write_number("nonsense\n");
	for (int second = 100; second < 200; second += 10)
		assert_int_equal(pass(second), 0);
}

static void test_doubt(void **state)
{
	(void)state;
	write_number("100\n");
	pass(10);
	pass(20);
	assert_int_not_equal(pass(30), 0);
	uevents_doubt(&uevents);
	assert_int_equal(pass(31), 0);
	assert_int_not_equal(pass(32), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_settles, teardown),
		cmocka_unit_test_teardown(test_announced_while_looking, teardown),
		cmocka_unit_test_teardown(test_now_and_then, teardown),
		cmocka_unit_test_teardown(test_no_number, teardown),
		cmocka_unit_test_teardown(test_doubt, teardown),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
