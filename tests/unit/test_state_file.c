// SPDX-License-Identifier: MIT
/* state_file.c and file.c: what is saved is there after a crash, and what makes no sense is kept aside */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "kvmstat.h"

static const struct kvmstat_diagnosis_config config;
static struct kvmstat_diagnosis *diagnosis;
static char dir[64], error[256];

static const char *path_of(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static bool exists(const char *name)
{
	struct stat st;

	return lstat(path_of(name), &st) == 0;
}

static int setup(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/kvmstat-state-XXXXXX");
	diagnosis = kvmstat_diagnosis_new(&config);
	return diagnosis && mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	static const char *const names[] = { "baseline", "baseline.bad", "baseline.new", "target" };

	(void)state;
	kvmstat_diagnosis_free(diagnosis);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		remove(path_of(names[i]));
	return rmdir(dir);
}

static int load(void)
{
	error[0] = '\0';
	return kvmstat_diagnosis_load(diagnosis, dir, error, sizeof(error));
}

static void put(const char *name, const char *text)
{
	FILE *file = fopen(path_of(name), "w");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

static void get(const char *name, char *text, size_t size)
{
	FILE *file = fopen(path_of(name), "r");

	assert_non_null(file);
	text[fread(text, 1, size - 1, file)] = '\0';
	fclose(file);
}

static void test_saved_and_loaded(void **state)
{
	(void)state;
	assert_int_equal(load(), 0);
	assert_int_equal(kvmstat_diagnosis_save(diagnosis, dir), 0);
	assert_true(exists("baseline") && !exists("baseline.new"));
	assert_int_equal(load(), 0);
	assert_string_equal(error, "");
}

/* Of a run that was killed: a part of a file, or anything. */
static void test_left_over(void **state)
{
	(void)state;
	put("baseline.new", "kvmst");
	assert_int_equal(kvmstat_diagnosis_save(diagnosis, dir), 0);
	assert_int_equal(load(), 0);
	assert_int_equal(symlink("target", path_of("baseline.new")), 0);
	assert_int_equal(kvmstat_diagnosis_save(diagnosis, dir), 0);
	assert_false(exists("target") || exists("baseline.new"));
}

/* Wherever it is cut, it is called damaged and kept, and what was kept before goes. */
static void test_damaged(void **state)
{
	char whole[4096], kept[4096];
	size_t size;

	(void)state;
	assert_int_equal(kvmstat_diagnosis_save(diagnosis, dir), 0);
	get("baseline", whole, sizeof(whole));
	size = strlen(whole);
	for (size_t cut = 0; cut < size; cut++) {
		char part[4096];

		snprintf(part, sizeof(part), "%.*s", (int)cut, whole);
		put("baseline", part);
		assert_int_equal(load(), 1);
		assert_string_not_equal(error, "");
		assert_false(exists("baseline"));
		get("baseline.bad", kept, sizeof(kept));
		assert_string_equal(kept, part);
		assert_int_equal(load(), 0);
	}
}

/* A link may lead anywhere, a FIFO would be waited for. Neither is replaced. */
static void test_no_regular_file(void **state)
{
	(void)state;
	put("target", "somebody's");
	assert_int_equal(symlink("target", path_of("baseline")), 0);
	assert_int_equal(load(), -ELOOP);
	assert_int_equal(unlink(path_of("baseline")), 0);
	assert_int_equal(mkfifo(path_of("baseline"), 0600), 0);
	assert_int_equal(load(), -ENXIO);
	assert_true(exists("baseline") && !exists("baseline.bad"));
}

/* A directory is made, but not those above it; where it cannot be, the error says so and the old file stays. */
static void test_directory(void **state)
{
	char inner[128], deep[160];
	struct stat st;

	(void)state;
	snprintf(inner, sizeof(inner), "%s/inner", dir);
	snprintf(deep, sizeof(deep), "%s/inner/baseline", dir);
	assert_int_equal(kvmstat_diagnosis_load(diagnosis, inner, error, sizeof(error)), 0);
	assert_int_equal(kvmstat_diagnosis_save(diagnosis, deep), -ENOENT);
	assert_int_equal(kvmstat_diagnosis_save(diagnosis, inner), 0);
	assert_int_equal(stat(inner, &st), 0);
	assert_int_equal(kvmstat_diagnosis_save(diagnosis, deep), -ENOTDIR);
	assert_int_equal(kvmstat_diagnosis_load(diagnosis, deep, error, sizeof(error)), -ENOTDIR);
	assert_int_equal(unlink(deep), 0);
	assert_int_equal(rmdir(inner), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_saved_and_loaded, setup, teardown),
		cmocka_unit_test_setup_teardown(test_left_over, setup, teardown),
		cmocka_unit_test_setup_teardown(test_damaged, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_regular_file, setup, teardown),
		cmocka_unit_test_setup_teardown(test_directory, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
