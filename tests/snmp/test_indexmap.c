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
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "fake.h"
#include "index/file.h"
#include "index/map.h"

static char dir[64];

/* Not the disk's speed is to be tested. */
static unsigned int synced;

__attribute__((visibility("default"))) int fsync(int fd)
{
	synced += fd >= 0;
	return 0;
}

/* What the subagent takes for chance. Libraries, which ask for another number of bytes, get what they ask for. */
static uint64_t chance;

__attribute__((visibility("default"))) ssize_t getrandom(void *buffer, size_t size, unsigned int flags)
{
	if (size != sizeof(chance))
		return syscall(SYS_getrandom, buffer, size, flags);
	memcpy(buffer, &chance, size);
	return (ssize_t)size;
}

/* ---- helpers ------------------------------------------------------------ */

static const char *path(const char *name)
{
	static char text[128];

	snprintf(text, sizeof(text), "%s/%s", dir, name);
	return text;
}

static int screen = -1, heard = -1;

static void stop_listening(void)
{
	if (screen < 0)
		return;
	dup2(screen, STDERR_FILENO);
	close(screen);
	screen = -1;
}

static void listen_log(void)
{
	screen = dup(STDERR_FILENO);
	heard = memfd_create("log", 0);
	dup2(heard, STDERR_FILENO);
}

/* How many lines since listen_log() have this text. */
static unsigned int lines_with(const char *text)
{
	char line[4096];
	unsigned int n = 0;
	FILE *file;

	stop_listening();
	file = fdopen(heard, "r");
	rewind(file);
	while (fgets(line, sizeof(line), file))
		n += strstr(line, text) != NULL;
	fclose(file);
	return n;
}

static void limit_files(rlim_t size)
{
	struct rlimit limit;

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = size;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* Without chance, indices begin at 1. */
static int make_dir(void **state)
{
	(void)state;
	limit_files(RLIM_INFINITY);
	chance = 0;
	synced = 0;
	strcpy(dir, "/tmp/kvmstat-index-XXXXXX");
	memset(&fake_remembered, 0, sizeof(fake_remembered));
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	(void)state;
	stop_listening();
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
	assert_int_equal(synced, 2);			/* the file, and its name */
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

/* As long as it is not known who it is, it has no index, but by its incarnation. */
static void test_unknown(void **state)
{
	struct fake *fake = fake_new(3, 0, 0);
	uint32_t index[3];

	(void)state;
	fake_key(fake, 1, "", "boot/unknown");
	one_run(fake, index);
	assert_int_equal(index[0], 1);
	assert_int_equal(index[1], 0);
	assert_int_equal(index[2], 2);
	fake_key(fake, 1, "name:late", "boot/unknown");
	one_run(fake, index);
	assert_int_equal(index[1], 3);
	fake_key(fake, 1, "", "boot/unknown");	/* the subagent was restarted, and is short of descriptors */
	one_run(fake, index);
	assert_int_equal(index[1], 3);
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
					    "name:\xff\xfe", "name:",	      "name:%",
					    "name:\xc3\xa9", "guest 1 x y" };
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

/* In make check-fire each byte, else each third. */
static size_t step(void)
{
	return getenv("FIRE") ? 1 : 3;
}

static void test_truncated_anywhere(void **state)
{
	char data[4096];
	size_t len = make_file(data, sizeof(data));

	(void)state;
	assert_true(len > 150);
	for (size_t cut = 0; cut < len; cut += step())
		check_damaged(data, cut);
}

static void test_changed_anywhere(void **state)
{
	char data[4096];
	size_t len = make_file(data, sizeof(data));

	(void)state;
	for (size_t at = 0; at < len; at += step()) {
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

/* One of the ways in which a file is damaged, at random. False: it is as it was. */
static bool damage(char *data, size_t *len, size_t size)
{
	char was[4096];
	size_t was_len = *len, at = (size_t)rand() % *len, other = (size_t)rand() % *len, n = (size_t)rand() % 64;

	memcpy(was, data, *len);
	if (n > *len - (at > other ? at : other))
		n = *len - (at > other ? at : other);
	switch (rand() % 5) {
	case 0:				/* cut */
		*len = at;
		break;
	case 1:				/* a bit, or some */
		for (int i = rand() % 4; i >= 0; i--)
			data[(size_t)rand() % *len] ^= (char)(1 << rand() % 8);
		break;
	case 2:				/* a block of zeros, as after a crash */
		memset(data + at, 0, n);
		break;
	case 3:				/* a piece of it elsewhere */
		memmove(data + at, data + other, n);
		break;
	default:			/* a piece twice */
		if (*len + n > size)
			n = size - *len;
		memmove(data + at + n, data + at, *len - at);
		*len += n;
	}
	return *len != was_len || memcmp(data, was, was_len) != 0;
}

static void test_damaged_at_random(void **state)
{
	unsigned int rounds = getenv("FIRE") ? 3000 : 50, damaged = 0;
	char data[4096], copy[4096];
	size_t len = make_file(data, sizeof(data));

	(void)state;
	srand(1);
	for (unsigned int round = 0; round < rounds; round++) {
		size_t copy_len = len;

		memcpy(copy, data, len);
		if (!damage(copy, &copy_len, sizeof(copy)))
			continue;
		damaged++;
		check_damaged(copy, copy_len);
	}
	printf("%u damaged files of %u: each kept, no index given again\n", damaged, rounds);
	assert_true(damaged > rounds / 2);
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

/* Nowhere to keep it: then it stays what it is. */
static void test_bad_cannot_be_kept(void **state)
{
	static const char *const lines[] = { "kvmstat-index 1", "highest 9", "guest 1 name:g0 boot/g0", NULL };
	struct fake *fake = fake_new(2, 0, 0);
	struct indexmap *map;
	const uint32_t *index;
	char before[256], after[256];
	size_t len;

	(void)state;
	write_lines(lines);
	len = read_file(INDEX_FILE, before, sizeof(before));
	assert_int_equal(mkdir(path(INDEX_FILE_BAD), 0755), 0);
	listen_log();
	for (int run = 0; run < 2; run++) {
		map = open_map();
		for (int pass = 0; pass < 2; pass++) {
			index = assign(map, fake);
			assert_int_equal(index[0], 1);
			assert_int_equal(index[1], 0);
			assert_int_equal(read_file(INDEX_FILE, after, sizeof(after)), len);
			assert_memory_equal(before, after, len);
		}
		if (run == 0)
			indexmap_free(map);
	}
	assert_int_equal(lines_with("cannot keep the damaged"), 2);
	rmdir(path(INDEX_FILE_BAD));
	assert_int_equal(assign(map, fake)[1], 10);
	assert_int_equal(read_file(INDEX_FILE_BAD, after, sizeof(after)), len);
	assert_memory_equal(before, after, len);
	indexmap_free(map);
	fake_free(fake);
}

/* ---- no file at all ----------------------------------------------------- */

static void put_fifo(const char *name)
{
	assert_int_equal(mkfifo(name, 0644), 0);
}

static void put_directory(const char *name)
{
	assert_int_equal(mkdir(name, 0755), 0);
}

static void put_link(const char *name)
{
	assert_int_equal(symlink("/dev/zero", name), 0);
}

static void put_socket(const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", name);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
}

/* It is not waited for (the alarm ends the test), said so once, and left alone. */
static void test_not_a_file(void **state)
{
	static void (*const put[])(const char *) = { put_fifo, put_directory, put_link, put_socket };
	struct fake *fake = fake_new(1, 0, 0);

	(void)state;
	alarm(20);
	for (size_t i = 0; i < sizeof(put) / sizeof(put[0]); i++) {
		struct indexmap *map = open_map();
		struct stat before, after;
		char data[1024];

		put[i](path(INDEX_FILE));
		assert_int_equal(lstat(path(INDEX_FILE), &before), 0);
		listen_log();
		for (int pass = 0; pass < 3; pass++)
			assert_int_equal(assign(map, fake)[0], 0);
		assert_int_equal(lines_with(INDEX_FILE ", which keeps the indices of guests: it is not a "
						       "regular file"), 1);
		assert_int_equal(lstat(path(INDEX_FILE), &after), 0);
		assert_int_equal(before.st_ino, after.st_ino);
		assert_int_equal(remove(path(INDEX_FILE)), 0);
		assert_int_equal(assign(map, fake)[0], 1);
		put[i](path(INDEX_FILE_NEW));
		fake_key(fake, 0, "name:g0", "boot/again");
		assert_int_equal(assign(map, fake)[0], 1);
		assert_int_equal(lstat(path(INDEX_FILE_NEW), &after), put[i] == put_directory ? 0 : -1);
		data[read_file(INDEX_FILE, data, sizeof(data) - 1)] = '\0';
		assert_int_equal(strstr(data, "boot/again") != NULL, put[i] != put_directory);
		fake_key(fake, 0, "name:g0", "boot/g0");
		indexmap_free(map);
		remove(path(INDEX_FILE_NEW));
		unlink(path(INDEX_FILE));
	}
	alarm(0);
	fake_free(fake);
}

/* More than is read: bounded in time and memory, and what is beyond is not given again. */
static void test_huge(void **state)
{
	struct fake *fake = fake_new(2, 0, 0);
	FILE *file = fopen(path(INDEX_FILE), "w");
	static const char *const head[] = { "kvmstat-index 1", "highest 9000000" };
	double start = seconds();
	struct rusage before, after;
	uint32_t index[2];
	struct stat st;

	(void)state;
	for (int i = 0; i < 2; i++)
		fprintf(file, "%s %08x\n", head[i], index_hash(head[i], strlen(head[i])));
	for (uint32_t i = 1; ftell(file) < INDEX_SIZE_MAX + 100000; i++) {
		char line[600];

		snprintf(line, sizeof(line), "guest %u name:g%u boot/%0500u", i, i - 1, i);
		fprintf(file, "%s %08x\n", line, index_hash(line, strlen(line)));
	}
	fclose(file);
	assert_int_equal(truncate(path(INDEX_FILE), UINT32_MAX), 0);
	fake_key(fake, 1, "name:new", "boot/new");
	getrusage(RUSAGE_SELF, &before);
	one_run(fake, index);
	getrusage(RUSAGE_SELF, &after);
	assert_int_equal(index[0], 1);
	assert_int_equal(index[1], 9000001);
	assert_int_equal(stat(path(INDEX_FILE_BAD), &st), 0);
	assert_int_equal(st.st_size, UINT32_MAX);
	assert_true(seconds() - start < 10);		/* 0.3 s; valgrind 4 s */
	assert_true(after.ru_maxrss - before.ru_maxrss < 200000);
	one_run(fake, index);
	assert_int_equal(index[1], 9000001);
	fake_free(fake);
}

/* ---- a file that cannot be written -------------------------------------- */

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
	fake_key(two, 0, "name:g0", "boot/again");	/* its index is in the file all the same */
	assert_int_equal(assign(map, two)[0], 1);
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

/* A host that was booted with a read-only root: every guest is a new incarnation. */
static void test_read_only(void **state)
{
	struct fake *four = fake_new(4, 0, 0), *five = fake_new(5, 0, 0);
	const uint32_t *index;
	uint32_t first[4];
	struct indexmap *map;

	(void)state;
	fake_key(four, 2, "name:twin", "boot/1");
	fake_key(four, 3, "name:twin", "boot/2");
	one_run(four, first);
	limit_files(0);
	for (uint32_t i = 0; i < 4; i++) {
		char later[32];

		snprintf(later, sizeof(later), "later/%u", i);
		fake_key(five, i, four->guests[i].key, later);
	}
	for (int run = 0; run < 2; run++) {
		map = open_map();
		index = assign(map, five);
		assert_int_equal(index[0], 1);
		assert_int_equal(index[1], 2);
		assert_int_equal(index[2], 0);	/* which of the two is which nobody could say the next time */
		assert_int_equal(index[3], 0);
		assert_int_equal(index[4], 0);
		indexmap_free(map);
	}
	fake_key(five, 2, "name:twin", "boot/2");	/* one of them had gone on */
	map = open_map();
	index = assign(map, five);
	assert_int_equal(index[2], 4);
	assert_int_equal(index[3], 0);
	limit_files(RLIM_INFINITY);
	index = assign(map, five);
	for (uint32_t i = 0; i < 5; i++)
		assert_int_equal(index[i], i == 2 ? 4 : i == 3 ? 3 : i + 1);
	indexmap_free(map);
	fake_free(four);
	fake_free(five);
}

/* ---- a directory or file that is another one suddenly ------------------- */

static char old[80];

static void move_dir_away(void)
{
	snprintf(old, sizeof(old), "%s.old", dir);
	assert_int_equal(rename(dir, old), 0);
}

/* As cp -r does, if there is something. */
static void copy_dir_back(const char *data, size_t len)
{
	assert_int_equal(mkdir(dir, 0755), 0);
	if (len)
		write_file(data, len);
}

static size_t read_old(char *data, size_t size)
{
	char name[128];
	size_t len;
	FILE *file;

	snprintf(name, sizeof(name), "%s/" INDEX_FILE, old);
	file = fopen(name, "r");
	assert_non_null(file);
	len = fread(data, 1, size, file);
	fclose(file);
	unlink(name);
	rmdir(old);
	return len;
}

/* What is there is the file of three guests; the next ones get 4 and 5, and a second subagent nothing. */
static void check_taken_up(struct indexmap *map, struct fake *three)
{
	struct fake *five = fake_new(5, 0, 0);
	struct indexmap *second;
	uint32_t later[5];

	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(assign(map, three)[i], i + 1);
	second = open_map();
	assert_int_equal(assign(second, three)[0], 0);
	indexmap_free(second);
	indexmap_free(map);
	one_run(five, later);
	for (uint32_t i = 0; i < 5; i++)
		assert_int_equal(later[i], i + 1);
	fake_free(five);
}

/* copy: the file as it was with so many guests; -1: nothing is put in the directory's place. */
static void check_replaced(int copy)
{
	struct fake *two = fake_new(2, 0, 0), *three = fake_new(3, 0, 0);
	struct indexmap *map = open_map();
	char data[1024], before[1024], after[1024];
	size_t len = 0, was;

	assert_int_equal(assign(map, two)[1], 2);
	if (copy == 2)
		len = read_file(INDEX_FILE, data, sizeof(data));
	assert_int_equal(assign(map, three)[2], 3);
	if (copy == 3)
		len = read_file(INDEX_FILE, data, sizeof(data));
	was = read_file(INDEX_FILE, before, sizeof(before));
	move_dir_away();
	if (copy >= 0)
		copy_dir_back(data, len);
	listen_log();
	assert_int_equal(assign(map, three)[2], 3);
	assert_int_equal(lines_with("replaced, changed or removed"), 1);
	assert_int_equal(read_old(after, sizeof(after)), was);	/* nothing is written there any more */
	assert_memory_equal(before, after, was);
	check_taken_up(map, three);
	fake_free(two);
	fake_free(three);
}

static void test_directory_replaced(void **state)
{
	(void)state;
	check_replaced(3);
}

static void test_directory_replaced_by_older(void **state)
{
	(void)state;
	check_replaced(2);
}

static void test_directory_emptied(void **state)
{
	(void)state;
	check_replaced(0);
}

static void test_directory_removed(void **state)
{
	(void)state;
	check_replaced(-1);
}

/* In a pass in which nothing else happens. */
static void test_file_replaced(void **state)
{
	struct fake *two = fake_new(2, 0, 0), *three = fake_new(3, 0, 0);
	struct indexmap *map = open_map();
	struct assignment assignment;
	char older[1024], newer[1024], now[1024];
	size_t older_len, newer_len;

	(void)state;
	assign(map, two);
	older_len = read_file(INDEX_FILE, older, sizeof(older));
	assign(map, three);
	newer_len = read_file(INDEX_FILE, newer, sizeof(newer));
	for (int removed = 0; removed < 2; removed++) {
		if (removed)
			unlink(path(INDEX_FILE));
		else
			write_file(older, older_len);
		listen_log();
		assert_int_equal(indexmap_assign(map, &three->sample, &assignment), 0);
		assert_int_equal(lines_with("replaced, changed or removed"), 1);
		assert_int_equal(assignment.guest[2], 3);
		assert_int_equal(read_file(INDEX_FILE, now, sizeof(now)), newer_len);
		assert_memory_equal(now, newer, newer_len);
	}
	check_taken_up(map, three);
	fake_free(two);
	fake_free(three);
}

/* Somebody else's: what is served stays, what only the other knows keeps its index, and what both gave goes to nobody. */
static void test_another_file(void **state)
{
	static const char *const lines[] = { "kvmstat-index 1",
					     "highest 70",
					     "guest 7 name:y boot/y",
					     "guest 8 name:y boot/y2",
					     "guest 9 name:g1 boot/g1",
					     "guest 21 name:x boot/x",
					     "event 70001 other",
					     "end 4 1",
					     NULL };
	static const uint32_t expected[] = { 21, 22, 71, 8, 7, 72 };
	struct fake *two = fake_new(2, 0, 0), *six = fake_new(6, 0, 0);
	struct indexmap *map = open_map();

	(void)state;
	chance = 20;
	assert_int_equal(assign(map, two)[1], 22);
	chance = 0;
	write_lines(lines);
	fake_key(six, 2, "name:x", "boot/x");
	fake_key(six, 3, "name:y", "boot/y2");
	fake_key(six, 4, "name:y", "boot/y");
	for (int run = 0; run < 3; run++) {
		const uint32_t *index = assign(map, six);

		for (int i = 0; i < 6; i++)
			assert_int_equal(index[i], expected[i]);
		fake_key(six, 1, "name:g1", run ? "boot/third" : "boot/second");
		indexmap_free(map);
		map = open_map();
	}
	indexmap_remember_events(map, NULL);
	assert_string_equal(fake_remembered.name[0], "other");
	indexmap_free(map);
	fake_free(two);
	fake_free(six);
}

/* Another subagent has the directory that was put there. */
static void test_replaced_and_taken(void **state)
{
	struct fake *two = fake_new(2, 0, 0), *three = fake_new(3, 0, 0), *theirs = fake_new(1, 0, 0);
	struct indexmap *map = open_map(), *other;
	const uint32_t *index;
	char data[1024];

	(void)state;
	fake_key(theirs, 0, "name:theirs", "boot/theirs");
	assign(map, two);
	move_dir_away();
	other = open_map();
	assert_int_equal(assign(other, theirs)[0], 1);
	for (int pass = 0; pass < 2; pass++) {
		index = assign(map, three);
		assert_int_equal(index[0], 1);
		assert_int_equal(index[1], 2);
		assert_int_equal(index[2], 0);
	}
	indexmap_free(other);
	for (int run = 0; run < 2; run++) {
		index = assign(map, three);
		assert_int_equal(index[0], 1);
		assert_int_equal(index[1], 2);
		assert_int_equal(index[2], 4);	/* 3 was meant for it, but never served */
		indexmap_free(map);
		map = open_map();
	}
	assert_int_equal(assign(map, theirs)[0], 5);
	indexmap_free(map);
	read_old(data, sizeof(data));
	fake_free(two);
	fake_free(three);
	fake_free(theirs);
}

/* ---- a file that was lost, or an older one ------------------------------ */

static void test_start(void **state)
{
	struct fake *fake = fake_new(3, 0, 0);
	struct indexmap *map = open_map();

	(void)state;
	chance = 7 * UINT64_C(250000000) + 41;
	listen_log();
	assert_int_equal(assign(map, fake)[0], 42);
	assert_int_equal(lines_with("does not exist: guest indices start at 42"), 1);
	assert_int_equal(assign(map, fake)[2], 44);
	fake_key(fake, 0, "name:n", "boot/n");
	assert_int_equal(assign(map, fake)[0], 45);	/* one after the other in one run */
	indexmap_free(map);
	chance = 9 * UINT64_C(500000) + 100;
	map = open_map();
	assert_int_equal(assign(map, fake)[0], 45);
	fake_key(fake, 0, "name:o", "boot/o");
	assert_int_equal(assign(map, fake)[0], 146);
	fake_key(fake, 0, "name:p", "boot/p");
	assert_int_equal(assign(map, fake)[0], 147);
	indexmap_free(map);
	fake_free(fake);
}

/* A host's lives: after each start, so many guests that nobody knew. */
static void give(unsigned int life, uint32_t *index)
{
	enum { N = 100 };
	struct fake *fake = fake_new(N, 0, 0);

	for (uint32_t i = 0; i < N; i++) {
		char key[32];

		snprintf(key, sizeof(key), "name:%u-%u", life, i);
		fake_key(fake, i, key, key);
	}
	chance = chance * UINT64_C(6364136223846793005) + 1442695040888963407;
	chance = chance >> 33 | chance << 31;
	one_quiet_run(fake, index);
	fake_free(fake);
}

static unsigned int in_both(const uint32_t *a, const uint32_t *b, size_t na, size_t nb)
{
	unsigned int n = 0;

	for (size_t i = 0; i < na; i++)
		for (size_t j = 0; j < nb; j++)
			n += a[i] == b[j];
	return n;
}

/* What the man page promises, with a chance that is the same in each test run. */
static void test_lost_and_older(void **state)
{
	unsigned int rounds = getenv("FIRE") ? 5000 : 30, again_older = 0, again_lost = 0;
	char data[16384];

	(void)state;
	for (unsigned int round = 0; round < rounds; round++) {
		uint32_t given[300], later[100];
		size_t len;

		give(round * 5, given);
		len = read_file(INDEX_FILE, data, sizeof(data));
		assert_true(len < sizeof(data));
		give(round * 5 + 1, given + 100);
		give(round * 5 + 2, given + 200);
		write_file(data, len);			/* a backup is put back */
		give(round * 5 + 3, later);
		again_older += in_both(given, later, 300, 100) > 0;
		unlink(path(INDEX_FILE));
		give(round * 5 + 4, later);
		again_lost += in_both(given, later, 300, 100) > 0;
		unlink(path(INDEX_FILE));
	}
	assert_true(again_older <= rounds / 1000);
	assert_true(again_lost <= rounds / 1000);
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
	unsigned int rounds = getenv("FIRE") ? 40 : 12, lines = 0;
	FILE *served = tmpfile();
	char key[100], word[100];
	uint32_t index;

	(void)state;
	for (unsigned int round = 0; round < rounds; round++)
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
	assert_true(lines > rounds);
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
	size_t left_out;

	(void)state;
	assert_int_equal(assign(map, many)[N - 1], N);
	assign(map, one);
	fake_key(one, 1, "name:new", "boot/new");
	index = assign(map, one);
	assert_int_equal(index[0], 1);
	assert_int_equal(index[1], N + 1);
	assert_int_equal(index_read(dirfd, &content, &left_out), 0);
	assert_in_range(content.nguests, 20000, 20001);
	assert_int_equal(content.highest, N + 1);
	index_content_free(&content);
	close(dirfd);
	indexmap_free(map);
	fake_free(many);
	fake_free(one);
}

/* What is in the file of guests whose keys begin so. */
static size_t kept(const char *key)
{
	struct index_content content = { 0 };
	int dirfd = open(dir, O_RDONLY | O_DIRECTORY);
	size_t left_out, n = 0;

	assert_int_equal(index_read(dirfd, &content, &left_out), 0);
	for (size_t i = 0; i < content.nguests; i++)
		n += strncmp(content.guests[i].key, key, strlen(key)) == 0;
	index_content_free(&content);
	close(dirfd);
	return n;
}

enum { NAMELESS = 3500 };

static struct fake *nameless_guests(void)
{
	struct fake *fake = fake_new(NAMELESS, 0, 0);

	for (uint32_t i = 0; i < NAMELESS; i++) {
		char key[32];

		snprintf(key, sizeof(key), "dir:boot/%u", i);
		fake_key(fake, i, key, key + 4);
	}
	return fake;
}

/* Guests that can never return go before those that can. */
static void test_nameless_first(void **state)
{
	enum { NAMED = 15000, MORE = 3000 };
	struct fake *named = fake_new(NAMED, 0, 0), *more = fake_new(MORE, 0, 0), *one = fake_new(1, 0, 0);
	struct fake *nameless = nameless_guests();
	struct indexmap *map = open_map();

	(void)state;
	for (uint32_t i = 0; i < MORE; i++) {
		char key[32];

		snprintf(key, sizeof(key), "name:more%u", i);
		fake_key(more, i, key, key);
	}
	fake_key(one, 0, "name:one", "boot/one");
	assign(map, named);
	assign(map, nameless);
	assign(map, one);
	assign(map, more);
	assign(map, one);
	fake_key(one, 0, "name:one", "boot/two");
	assign(map, one);
	assert_int_equal(kept("name:"), NAMED + MORE + 1);
	assert_int_equal(kept("dir:"), INDEX_GUESTS_MAX - NAMED - MORE - 1);
	assert_int_equal(assign(map, named)[0], 1);
	indexmap_free(map);
	fake_free(named);
	fake_free(nameless);
	fake_free(more);
	fake_free(one);
}

/* One guest, restarted so many minutes later. */
static void restart_at(struct indexmap *map, struct fake *one, unsigned int minutes)
{
	char incarnation[32];

	snprintf(incarnation, sizeof(incarnation), "minute/%u", minutes);
	fake_key(one, 0, "name:one", incarnation);
	one->sample.time_ns = (1000 + minutes) * UINT64_C(60000000000);
	assign(map, one);
}

/* And soon: ten minutes after they were seen last, or after the start. */
static void test_nameless_soon(void **state)
{
	struct fake *nameless = nameless_guests(), *one = fake_new(1, 0, 0);
	struct indexmap *map = open_map();

	(void)state;
	restart_at(map, one, 0);
	nameless->sample.time_ns = one->sample.time_ns;
	assert_int_equal(assign(map, nameless)[0], 2);
	restart_at(map, one, 1);
	restart_at(map, one, 10);
	assert_int_equal(kept("dir:"), NAMELESS);
	nameless->sample.time_ns = one->sample.time_ns;
	assert_int_equal(assign(map, nameless)[0], 2);	/* a source had failed */
	for (int run = 0; run < 2; run++) {
		restart_at(map, one, 20 + 20 * (unsigned int)run);
		assert_int_equal(kept("dir:"), NAMELESS);
		if (run == 1)
			break;
		indexmap_free(map);
		map = open_map();
		restart_at(map, one, 39);
	}
	restart_at(map, one, 50);
	assert_int_equal(kept("dir:"), 0);
	assert_int_equal(kept("name:"), 1);
	indexmap_free(map);
	fake_free(nameless);
	fake_free(one);
}

/* ---- events ------------------------------------------------------------- */

/* More than are kept: said once, the first ones stay, and there is room for those of this host. */
static void test_too_many_events(void **state)
{
	static const struct kvmstat_event unknown = { .name = "brand_new", .number = 70001 },
					  taken = { .name = "taken", .number = 100001 };
	FILE *file = fopen(path(INDEX_FILE), "w");
	struct fake *fake = fake_new(0, 2, 2);
	struct index_content content = { 0 };
	struct assignment assignment;
	struct indexmap *map = open_map();
	char line[100];
	size_t left_out;
	int dirfd = open(dir, O_RDONLY | O_DIRECTORY);

	(void)state;
	for (int i = -2; i <= 5000; i++) {
		snprintf(line, sizeof(line), "event %d old_%d", 100000 + i, i);
		if (i < 0)
			strcpy(line, i < -1 ? "kvmstat-index 1" : "highest 3");
		if (i == 5000)
			strcpy(line, "end 0 5000");
		fprintf(file, "%s %08x\n", line, index_hash(line, strlen(line)));
	}
	fclose(file);
	fake_remembered.result = -EEXIST;
	fake->columns[0] = (struct kvmstat_column){ .event = &unknown, .cells = 1, .reason = "" };
	fake->columns[1] = (struct kvmstat_column){ .event = &taken, .first_cell = 1, .cells = 1, .reason = "" };
	listen_log();
	indexmap_remember_events(map, NULL);
	assert_int_equal(indexmap_assign(map, &fake->sample, &assignment), 0);
	assert_int_equal(indexmap_assign(map, &fake->sample, &assignment), 0);
	assert_int_equal(lines_with(""), 3);	/* 904 more; 4096 that are not taken back; a number that is taken */
	assert_true(assignment.event[0]);
	assert_false(assignment.event[1]);
	indexmap_free(map);
	assert_int_equal(index_read(dirfd, &content, &left_out), 0);
	assert_int_equal(left_out, 0);
	assert_int_equal(content.nevents, INDEX_EVENTS_MAX);
	assert_string_equal(content.events[0].name, "old_1");
	assert_string_equal(content.events[INDEX_EVENTS_MAX - 1].name, "brand_new");
	index_content_free(&content);
	close(dirfd);
	fake_free(fake);
}

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
		(struct kvmstat_column){ .event = &unknown, .first_cell = 1, .cells = 1, .reason = "" };
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
		TEST(test_unknown),
		TEST(test_never_reused),
		TEST(test_same_key),
		TEST(test_bytes),
		TEST(test_last_index),
		TEST(test_in_memory),
		TEST(test_truncated_anywhere),
		TEST(test_changed_anywhere),
		TEST(test_damaged_at_random),
		TEST(test_line_missing),
		TEST(test_line_after_end),
		TEST(test_repaired_at_once),
		TEST(test_duplicates),
		TEST(test_later_version),
		TEST(test_bad_cannot_be_kept),
		TEST(test_not_a_file),
		TEST(test_huge),
		TEST(test_disk_full),
		TEST(test_no_directory),
		TEST(test_two_at_once),
		TEST(test_read_only),
		TEST(test_directory_replaced),
		TEST(test_directory_replaced_by_older),
		TEST(test_directory_emptied),
		TEST(test_directory_removed),
		TEST(test_file_replaced),
		TEST(test_another_file),
		TEST(test_replaced_and_taken),
		TEST(test_start),
		TEST(test_lost_and_older),
		TEST(test_killed),
		TEST(test_many),
		TEST(test_many_of_one_key),
		TEST(test_forgotten),
		TEST(test_nameless_first),
		TEST(test_nameless_soon),
		TEST(test_too_many_events),
		TEST(test_unknown_events),
	};

	return cmocka_run_group_tests_name("indexmap", tests, NULL, NULL);
}
