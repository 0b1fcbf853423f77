/* SPDX-License-Identifier: MIT */
/*
 * test_indexmap.c - an index given to one guest is never given to another, whatever happens to the file
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "fake.h"
#include "indexfile.h"
#include "indexmap.h"

static char dir[64];

/* ---- helpers ------------------------------------------------------------ */

static const char *path(const char *name)
{
	static char text[128];

	snprintf(text, sizeof(text), "%s/%s", dir, name);
	return text;
}

static int make_dir(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/kvmstat-index-XXXXXX");
	memset(&fake_remembered, 0, sizeof(fake_remembered));
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	(void)state;
	unlink(path(INDEX_FILE));
	unlink(path(INDEX_FILE_NEW));
	unlink(path(INDEX_FILE_BAD));
	return rmdir(dir);
}

static struct indexmap *open_map(void)
{
	struct indexmap *map;

	assert_int_equal(indexmap_new(&map, dir), 0);
	return map;
}

static const uint32_t *assign(struct indexmap *map, struct fake *fake)
{
	static uint64_t generation;
	struct assignment assignment;

	fake->sample.guest_generation = ++generation;
	assert_int_equal(indexmap_assign(map, &fake->sample, &assignment), 0);
	return assignment.guest;
}

/* As a program that is started, sees these guests and ends. */
static void one_run(struct fake *fake, uint32_t *index)
{
	struct indexmap *map = open_map();

	const uint32_t *assigned = assign(map, fake);

	if (fake->sample.nrows)
		memcpy(index, assigned, fake->sample.nrows * sizeof(*index));
	indexmap_free(map);
}

static size_t read_file(const char *name, char *data, size_t size)
{
	FILE *file = fopen(path(name), "r");
	size_t len;

	if (!file)
		return 0;
	len = fread(data, 1, size, file);
	fclose(file);
	return len;
}

static void write_file(const char *data, size_t len)
{
	FILE *file = fopen(path(INDEX_FILE), "w");

	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, len, file), len);
	fclose(file);
}

static void write_lines(const char *const lines[])
{
	FILE *file = fopen(path(INDEX_FILE), "w");

	assert_non_null(file);
	for (; *lines; lines++)
		fprintf(file, "%s %08x\n", *lines, index_hash(*lines, strlen(*lines)));
	fclose(file);
}

static bool exists(const char *name)
{
	return access(path(name), F_OK) == 0;
}

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* ---- who gets which index ----------------------------------------------- */

static void test_ascending_and_stable(void **state)
{
	struct fake *fake = fake_new(3, 0, 0);
	struct indexmap *map = open_map();
	struct assignment first, again;
	struct stat before, after;

	(void)state;
	assert_int_equal(indexmap_assign(map, &fake->sample, &first), 0);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(first.guest[i], i + 1);
	assert_int_equal(stat(path(INDEX_FILE), &before), 0);
	assert_int_equal(indexmap_assign(map, &fake->sample, &again), 0);
	assert_int_equal(again.generation, first.generation);
	assert_int_equal(assign(map, fake)[2], 3);
	assert_int_equal(stat(path(INDEX_FILE), &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);	/* nothing changed: not written again */
	indexmap_free(map);
	fake_free(fake);
}

static void test_restarts(void **state)
{
	struct fake *fake = fake_new(3, 0, 0);
	uint32_t index[3];

	(void)state;
	one_run(fake, index);
	one_run(fake, index);
	assert_int_equal(index[1], 2);
	fake_key(fake, 1, "name:g1", "another boot/g1");	/* the guest was restarted */
	one_run(fake, index);
	assert_int_equal(index[1], 2);
	fake_key(fake, 1, "name:other", "another boot/other");	/* another guest in its place */
	one_run(fake, index);
	assert_int_equal(index[1], 4);
	fake_key(fake, 1, "name:g1", "third boot/g1");		/* the first one returns */
	one_run(fake, index);
	assert_int_equal(index[1], 2);
	fake_free(fake);
}

static void test_never_reused(void **state)
{
	struct fake *fake = fake_new(1, 0, 0), *none = fake_new(0, 0, 0);
	uint32_t index[1];

	(void)state;
	for (uint32_t i = 1; i <= 5; i++) {
		char key[32];

		snprintf(key, sizeof(key), "name:n%u", i);
		fake_key(fake, 0, key, key);
		one_run(fake, index);
		assert_int_equal(index[0], i);
		one_run(none, index);
	}
	fake_free(fake);
	fake_free(none);
}

/* Two guests of one key: the one that runs keeps its index, whatever the other does. */
static void test_same_key(void **state)
{
	struct fake *fake = fake_new(2, 0, 0), *one = fake_new(1, 0, 0);
	uint32_t index[2];

	(void)state;
	fake_key(fake, 0, "name:twin", "boot/1");
	fake_key(fake, 1, "name:twin", "boot/2");
	one_run(fake, index);
	assert_int_equal(index[0], 1);
	assert_int_equal(index[1], 2);
	fake_key(one, 0, "name:twin", "boot/2");
	one_run(one, index);
	assert_int_equal(index[0], 2);
	fake_key(fake, 0, "name:twin", "boot/3");	/* comes first, but 2 is taken */
	fake_key(fake, 1, "name:twin", "boot/2");
	one_run(fake, index);
	assert_int_equal(index[0], 1);
	assert_int_equal(index[1], 2);
	fake_key(fake, 0, "name:twin", "boot/4");
	fake_key(fake, 1, "name:twin", "boot/5");
	one_run(fake, index);
	assert_int_equal(index[0] + index[1], 3);
	fake_free(fake);
	fake_free(one);
}

static void test_bytes(void **state)
{
	static const char *const keys[] = { "name:a b",	     "name:a\nb",     "name:a%20b",
					    "name:\xff\xfe", "name:",	      "",
					    "name:%",	     "name:\xc3\xa9", "guest 1 x y" };
	enum { N = sizeof(keys) / sizeof(keys[0]) };
	struct fake *fake = fake_new(N + 1, 0, 0);
	uint32_t index[N + 1];
	char longest[4096];

	(void)state;
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	for (uint32_t i = 0; i < N; i++)
		fake_key(fake, i, keys[i], keys[i]);
	fake_key(fake, N, longest, "l");
	one_run(fake, index);
	for (uint32_t i = 0; i < N; i++)
		fake->guests[i].incarnation[0] ? (void)0 : fake_key(fake, i, keys[i], "was empty");
	one_run(fake, index);
	for (uint32_t i = 0; i <= N; i++)
		assert_int_equal(index[i], i + 1);
	assert_false(exists(INDEX_FILE_BAD));
	fake_free(fake);
}

static void test_last_index(void **state)
{
	static const char *const lines[] = { "kvmstat-index 1", "highest 2147483646", "end 0 0", NULL };
	struct fake *fake = fake_new(2, 0, 0);
	uint32_t index[2];

	(void)state;
	write_lines(lines);
	one_run(fake, index);
	assert_int_equal(index[0], 2147483647);
	assert_int_equal(index[1], 0);
	one_run(fake, index);
	assert_int_equal(index[0], 2147483647);
	assert_int_equal(index[1], 0);
	fake_free(fake);
}

static void test_in_memory(void **state)
{
	struct fake *fake = fake_new(2, 0, 0);
	struct indexmap *map;

	(void)state;
	assert_int_equal(indexmap_new(&map, NULL), 0);
	assert_int_equal(assign(map, fake)[1], 2);
	assert_false(exists(INDEX_FILE));
	indexmap_free(map);
	fake_free(fake);
}

/* ---- a damaged file ----------------------------------------------------- */

enum { KNOWN = 4 };

/* Guests 1 to 4, of which 2 and 4 are gone. */
static size_t make_file(char *data, size_t size)
{
	struct fake *fake = fake_new(KNOWN, 0, 0);
	uint32_t index[KNOWN];

	one_run(fake, index);
	fake_free(fake);
	return read_file(INDEX_FILE, data, size);
}

/* The message about the damage, a thousand times, would hide every other. */
static void one_quiet_run(struct fake *fake, uint32_t *index)
{
	int kept = dup(STDERR_FILENO), null = open("/dev/null", O_WRONLY);

	dup2(null, STDERR_FILENO);
	one_run(fake, index);
	dup2(kept, STDERR_FILENO);
	close(kept);
	close(null);
}

/*
 * After a start with this file everyone has the index of old, or one that nobody ever had. A newcomer
 * comes first.
 */
static void check_damaged(const char *data, size_t len)
{
	struct fake *fake = fake_new(KNOWN + 1, 0, 0);
	uint32_t index[KNOWN + 1];
	char bad[4096];

	for (uint32_t i = KNOWN; i > 0; i--)
		fake_key(fake, i, fake->guests[i - 1].key, fake->guests[i - 1].incarnation);
	fake_key(fake, 0, "name:newcomer", "boot/newcomer");
	unlink(path(INDEX_FILE_BAD));
	write_file(data, len);
	one_quiet_run(fake, index);
	assert_true(index[0] > KNOWN);
	for (uint32_t i = 1; i <= KNOWN; i++)
		assert_true(index[i] == i || index[i] > KNOWN);
	for (uint32_t i = 0; i <= KNOWN; i++)
		for (uint32_t j = 0; j < i; j++)
			assert_int_not_equal(index[i], index[j]);
	assert_int_equal(read_file(INDEX_FILE_BAD, bad, sizeof(bad)), len);
	assert_memory_equal(bad, data, len);
	unlink(path(INDEX_FILE_BAD));
	one_run(fake, index);
	assert_false(exists(INDEX_FILE_BAD));	/* repaired */
	fake_free(fake);
}

static void test_truncated_anywhere(void **state)
{
	char data[4096];
	size_t len = make_file(data, sizeof(data));

	(void)state;
	assert_true(len > 150);
	for (size_t cut = 0; cut < len; cut++)
		check_damaged(data, cut);
}

static void test_changed_anywhere(void **state)
{
	char data[4096];
	size_t len = make_file(data, sizeof(data));

	(void)state;
	for (size_t at = 0; at < len; at++) {
		char good = data[at];

		data[at] = (char)(good ^ 1);
		check_damaged(data, len);
		data[at] = '\n';
		if (good != '\n')
			check_damaged(data, len);
		data[at] = '\0';
		check_damaged(data, len);
		data[at] = good;
	}
}

static void test_line_missing(void **state)
{
	static const char *const lines[] = { "kvmstat-index 1", "highest 9", "guest 1 name:g0 boot/g0",
					     "end 2 0", NULL };
	struct fake *fake = fake_new(2, 0, 0);
	uint32_t index[2];
	char data[1024];

	(void)state;
	write_lines(lines);
	one_run(fake, index);
	assert_int_equal(index[0], 1);
	assert_int_equal(index[1], 10);
	assert_true(exists(INDEX_FILE_BAD));
	data[read_file(INDEX_FILE, data, sizeof(data) - 1)] = '\0';
	assert_non_null(strstr(data, "\nhighest 10 "));
	fake_free(fake);
}

/* Even if no guest is new. */
static void test_repaired_at_once(void **state)
{
	static const char *const lines[] = { "kvmstat-index 1", "highest 9", "guest 1 name:g0 boot/g0",
					     NULL };
	struct fake *fake = fake_new(1, 0, 0);
	uint32_t index[1];

	(void)state;
	write_lines(lines);
	one_run(fake, index);
	assert_int_equal(index[0], 1);
	assert_true(exists(INDEX_FILE_BAD));
	unlink(path(INDEX_FILE_BAD));
	one_run(fake, index);
	assert_false(exists(INDEX_FILE_BAD));
	fake_free(fake);
}

/* As if two files had been put together. */
static void test_line_after_end(void **state)
{
	static const char *const lines[] = { "kvmstat-index 1",		"highest 9",
					     "guest 1 name:g0 boot/g0", "end 1 0",
					     "guest 2 name:g1 boot/g1", NULL };
	struct fake *fake = fake_new(2, 0, 0);
	uint32_t index[2];

	(void)state;
	write_lines(lines);
	one_run(fake, index);
	assert_int_equal(index[0], 1);
	assert_int_equal(index[1], 10);
	assert_true(exists(INDEX_FILE_BAD));
	fake_free(fake);
}

static void test_duplicates(void **state)
{
	static const char *const lines[] = { "kvmstat-index 1",
					     "highest 5",
					     "guest 3 name:g0 boot/g0",
					     "guest 3 name:g1 boot/g1",
					     "guest 5 name:g2 boot/g2",
					     "guest 4 name:g2 boot/g2",
					     "end 4 0",
					     NULL };
	struct fake *fake = fake_new(3, 0, 0);
	uint32_t index[3];

	(void)state;
	write_lines(lines);
	one_run(fake, index);
	assert_true((index[0] == 3 && index[1] == 6) || (index[0] == 6 && index[1] == 3));
	assert_int_equal(index[2], 4);
	assert_true(exists(INDEX_FILE_BAD));
	fake_free(fake);
}

static void test_later_version(void **state)
{
	static const char *const lines[] = { "kvmstat-index 2", "surprise", NULL };
	struct fake *fake = fake_new(1, 0, 0);
	char before[256], after[256];
	uint32_t index[1];
	size_t len;

	(void)state;
	write_lines(lines);
	len = read_file(INDEX_FILE, before, sizeof(before));
	one_run(fake, index);
	assert_int_equal(index[0], 0);
	assert_int_equal(read_file(INDEX_FILE, after, sizeof(after)), len);
	assert_memory_equal(before, after, len);
	fake_free(fake);
}

/* ---- a file that cannot be written -------------------------------------- */

static void limit_files(rlim_t size)
{
	struct rlimit limit;

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = size;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void test_disk_full(void **state)
{
	struct fake *one = fake_new(1, 0, 0), *two = fake_new(2, 0, 0);
	struct indexmap *map = open_map();
	const uint32_t *index;
	char before[1024], after[1024];
	size_t len;

	(void)state;
	assert_int_equal(assign(map, one)[0], 1);
	len = read_file(INDEX_FILE, before, sizeof(before));
	limit_files(100);
	index = assign(map, two);
	assert_int_equal(index[0], 1);
	assert_int_equal(index[1], 0);		/* not saved, not served */
	index = assign(map, two);
	assert_int_equal(index[1], 0);
	assert_int_equal(read_file(INDEX_FILE, after, sizeof(after)), len);
	assert_memory_equal(before, after, len);
	assert_false(exists(INDEX_FILE_NEW));
	fake_key(two, 0, "name:g0", "boot/again");	/* its new incarnation cannot be saved either */
	assert_int_equal(assign(map, two)[0], 0);
	limit_files(RLIM_INFINITY);
	index = assign(map, two);
	assert_int_equal(index[0], 1);
	assert_int_equal(index[1], 2);
	indexmap_free(map);
	fake_free(one);
	fake_free(two);
}

static void test_no_directory(void **state)
{
	struct fake *fake = fake_new(2, 0, 0);
	struct indexmap *map;
	char sub[128], deep[160];

	(void)state;
	snprintf(sub, sizeof(sub), "%s/sub", dir);
	snprintf(deep, sizeof(deep), "%s/dir", sub);
	assert_int_equal(indexmap_new(&map, deep), 0);
	assert_int_equal(assign(map, fake)[0], 0);
	assert_int_equal(assign(map, fake)[1], 0);
	assert_int_equal(mkdir(sub, 0755), 0);		/* the missing one itself is made */
	assert_int_equal(assign(map, fake)[0], 1);
	assert_int_equal(assign(map, fake)[1], 2);
	indexmap_free(map);
	fake_free(fake);
	snprintf(deep, sizeof(deep), "%s/dir/" INDEX_FILE, sub);
	unlink(deep);
	snprintf(deep, sizeof(deep), "%s/dir", sub);
	rmdir(deep);
	assert_int_equal(rmdir(sub), 0);
}

static void test_two_at_once(void **state)
{
	struct fake *fake = fake_new(1, 0, 0);
	struct indexmap *first = open_map(), *second = open_map();

	(void)state;
	assert_int_equal(assign(first, fake)[0], 1);
	assert_int_equal(assign(second, fake)[0], 0);
	indexmap_free(first);
	assert_int_equal(assign(second, fake)[0], 1);
	indexmap_free(second);
	fake_free(fake);
}

/* A process that is given new guests all the time and says which index it would serve. */
static void serve_until_killed(int out, unsigned int round)
{
	struct fake *fake = fake_new(3, 0, 0);
	struct indexmap *map = open_map();

	for (unsigned int i = 0;; i++) {
		char key[40];
		const uint32_t *index;

		snprintf(key, sizeof(key), "name:%u-%u", round, i);
		fake_key(fake, i % 3, key, key);
		index = assign(map, fake);
		dprintf(out, "%s %u\n", fake->guests[i % 3].key, index[i % 3]);
	}
}

static void run_and_kill(unsigned int round, FILE *served)
{
	int ends[2];
	char line[128];
	FILE *in;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		serve_until_killed(ends[1], round);
	}
	close(ends[1]);
	in = fdopen(ends[0], "r");
	for (unsigned int i = 0; i < 3 && fgets(line, sizeof(line), in); i++)
		fputs(line, served);
	usleep(round * 7919 % 3000);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	while (fgets(line, sizeof(line), in))
		if (strchr(line, '\n'))
			fputs(line, served);
	fclose(in);
}

/* Everything that was served before a SIGKILL is known afterwards, and no index went to two guests. */
static void test_killed(void **state)
{
	FILE *served = tmpfile();
	unsigned int lines = 0;
	char key[100], word[100];
	uint32_t index;

	(void)state;
	for (unsigned int round = 0; round < 40; round++)
		run_and_kill(round, served);
	assert_false(exists(INDEX_FILE_BAD));
	rewind(served);
	while (fscanf(served, "%99s %u", key, &index) == 2) {
		struct fake *fake = fake_new(1, 0, 0);
		uint32_t now[1];

		if (lines++ % 16 == 0) {
			snprintf(word, sizeof(word), "later %u", lines);
			fake_key(fake, 0, key, word);
			one_run(fake, now);
			assert_int_equal(now[0], index);
		}
		fake_free(fake);
	}
	assert_true(lines > 40);
	assert_false(exists(INDEX_FILE_BAD));
	fclose(served);
}

/* ---- many --------------------------------------------------------------- */

static void check_many(const char *same_key)
{
	enum { N = 10000 };
	struct fake *fake = fake_new(N, 0, 0);
	uint32_t *index = calloc(N, sizeof(*index)), *again = calloc(N, sizeof(*again));
	double start;

	for (uint32_t i = 0; same_key && i < N; i++) {
		char incarnation[32];

		snprintf(incarnation, sizeof(incarnation), "i%u", i);
		fake_key(fake, i, same_key, incarnation);
	}
	start = seconds();
	one_run(fake, index);
	one_run(fake, again);
	assert_memory_equal(index, again, N * sizeof(*index));
	for (uint32_t i = 0; i < N; i++) {
		char incarnation[32];

		snprintf(incarnation, sizeof(incarnation), "again %u", i);
		fake_key(fake, i, same_key ? same_key : fake->guests[i].key, incarnation);
	}
	one_run(fake, again);
	assert_memory_equal(index, again, N * sizeof(*index));
	assert_true(seconds() - start < 20);	/* 0.1 s, several under valgrind; quadratic would be a minute */
	free(index);
	free(again);
	fake_free(fake);
}

static void test_many(void **state)
{
	(void)state;
	check_many(NULL);
}

static void test_many_of_one_key(void **state)
{
	(void)state;
	check_many("name:clone");
}

/* Guests that are gone are forgotten some day, but what runs is not, and no index comes back. */
static void test_forgotten(void **state)
{
	enum { N = 25000 };
	struct fake *many = fake_new(N, 0, 0), *one = fake_new(2, 0, 0);
	struct indexmap *map = open_map();
	struct index_content content = { 0 };
	int dirfd = open(dir, O_RDONLY | O_DIRECTORY);
	const uint32_t *index;

	(void)state;
	assert_int_equal(assign(map, many)[N - 1], N);
	assign(map, one);
	fake_key(one, 1, "name:new", "boot/new");
	index = assign(map, one);
	assert_int_equal(index[0], 1);
	assert_int_equal(index[1], N + 1);
	assert_int_equal(index_read(dirfd, &content), 0);
	assert_in_range(content.nguests, 20000, 20001);
	assert_int_equal(content.highest, N + 1);
	index_content_free(&content);
	close(dirfd);
	indexmap_free(map);
	fake_free(many);
	fake_free(one);
}

/* ---- events ------------------------------------------------------------- */

static void test_unknown_events(void **state)
{
	static const struct kvmstat_event known = { .name = "exits", .number = 12 };
	static const struct kvmstat_event unknown = { .name = "brand_new", .number = 70001 };
	struct fake *fake = fake_new(0, 2, 2);
	struct indexmap *map = open_map();
	struct assignment assignment;

	(void)state;
	fake->columns[0] = (struct kvmstat_column){ .event = &known, .cells = 1, .reason = "" };
	fake->columns[1] =
		(struct kvmstat_column){ .event = &unknown, .column = 1, .cells = 1, .reason = "" };
	limit_files(0);
	assert_int_equal(indexmap_assign(map, &fake->sample, &assignment), 0);
	assert_true(assignment.event[0]);
	assert_false(assignment.event[1]);	/* its number is not saved */
	limit_files(RLIM_INFINITY);
	assert_int_equal(indexmap_assign(map, &fake->sample, &assignment), 0);
	assert_true(assignment.event[1]);
	indexmap_free(map);
	map = open_map();
	indexmap_remember_events(map, NULL);
	assert_int_equal(fake_remembered.count, 1);
	assert_string_equal(fake_remembered.name[0], "brand_new");
	assert_int_equal(fake_remembered.number[0], 70001);
	assert_int_equal(indexmap_assign(map, &fake->sample, &assignment), 0);
	assert_true(assignment.event[1]);
	indexmap_free(map);
	fake_free(fake);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, make_dir, remove_dir)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_ascending_and_stable),
		TEST(test_restarts),
		TEST(test_never_reused),
		TEST(test_same_key),
		TEST(test_bytes),
		TEST(test_last_index),
		TEST(test_in_memory),
		TEST(test_truncated_anywhere),
		TEST(test_changed_anywhere),
		TEST(test_line_missing),
		TEST(test_line_after_end),
		TEST(test_repaired_at_once),
		TEST(test_duplicates),
		TEST(test_later_version),
		TEST(test_disk_full),
		TEST(test_no_directory),
		TEST(test_two_at_once),
		TEST(test_killed),
		TEST(test_many),
		TEST(test_many_of_one_key),
		TEST(test_forgotten),
		TEST(test_unknown_events),
	};

	return cmocka_run_group_tests_name("indexmap", tests, NULL, NULL);
}
