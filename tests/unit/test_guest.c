/* SPDX-License-Identifier: MIT */
/* The table of guests: many of them, found again, swept, and each one's /proc read once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "guests/guest_dir.h"
#include "interpose.h"
#include "lab.h"

enum { MANY = 10000 };

#define S UINT64_C(1000000000)

/* The clocks of a test that drives them; without one the host's. */
static bool driven;
static uint64_t wall_ns, boot_ns;

__attribute__((visibility("default"))) int clock_gettime(clockid_t clock, struct timespec *ts)
{
	uint64_t ns = clock == CLOCK_REALTIME ? wall_ns : boot_ns;

	if (!driven)
		return (int)syscall(SYS_clock_gettime, clock, ts);
	*ts = (struct timespec){.tv_sec = (time_t)(ns / S), .tv_nsec = (long)(ns % S)};
	return 0;
}

static struct tree *tree;
static struct guests guests;
static struct filter *filter;

static int setup(void **state)
{
	(void)state;
	tree = tree_new();
	filter = filter_new();
	tree_text(tree, "proc/sys/kernel/random/boot_id", "boot\n");
	assert_int_equal(guests_init(&guests, &tree->root), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	on_open = NULL;
	driven = false;
	guests_exit(&guests);
	filter_free(filter);
	tree_free(tree);
	return 0;
}

static struct sighting sighting_of(int number)
{
	struct sighting s = {.ino = 1000 + (uint64_t)number, .ctime_ns = 1, .fd = -1, .base = "kvm"};

	snprintf(s.dir, sizeof(s.dir), "%d-10", 100 + number);
	return s;
}

static struct guest *see(const struct sighting *sighting, uint64_t pass, bool *newcomer)
{
	struct guest *guest = guests_see(&guests, &tree->root, filter, sighting, newcomer);

	assert_non_null(guest);
	guest->pass = pass;
	return guest;
}

/* Every guest is found again, and its /proc is not touched again. */
static void test_many(void **state)
{
	unsigned long asked;
	bool newcomer;

	(void)state;
	opened = 0;
	for (int i = 0; i < MANY; i++) {
		struct sighting s = sighting_of(i);

		assert_false(guests_known(&guests, &s));
		assert_int_equal(see(&s, 1, &newcomer)->public.id, i + 1);
		assert_true(newcomer);
		assert_true(guests_known(&guests, &s));
	}
	asked = opened;
	assert_true(asked < MANY * 12ul);
	guests_sweep(&guests, 1);
	assert_int_equal(guests.count, MANY);
	assert_int_equal(guests.generation, MANY);
	for (int i = MANY - 1; i >= 0; i--) {
		struct sighting s = sighting_of(i);

		assert_int_equal(see(&s, 2, &newcomer)->public.id, i + 1);
		assert_false(newcomer);
	}
	guests_sweep(&guests, 2);
	assert_int_equal(guests.count, MANY);
	assert_int_equal(guests.generation, MANY);
	assert_int_equal(opened, asked);
}

static void test_sweep(void **state)
{
	uint64_t generation;
	bool newcomer;

	(void)state;
	for (int i = 0; i < MANY; i++) {
		struct sighting s = sighting_of(i);

		see(&s, 1, &newcomer);
	}
	generation = guests.generation;
	for (int i = 0; i < MANY; i += 3) {
		struct sighting s = sighting_of(i);

		see(&s, 2, &newcomer);
		assert_false(newcomer);
	}
	guests_sweep(&guests, 2);
	assert_int_equal(guests.count, (MANY + 2) / 3);
	assert_true(guests.generation > generation);
	for (uint32_t i = 1; i < guests.count; i++)
		assert_true(guests.list[i]->public.id > guests.list[i - 1]->public.id);
	for (int i = 0; i < MANY; i++) {
		struct sighting s = sighting_of(i);

		assert_int_equal(guests_known(&guests, &s), i % 3 == 0);
	}
	/* Those that come again are others. */
	for (int i = 0; i < 100; i++) {
		struct sighting s = sighting_of(i);
		uint64_t id = see(&s, 3, &newcomer)->public.id;

		assert_int_equal(newcomer, i % 3 != 0);
		assert_int_equal(id > MANY, newcomer);
	}
	guests_sweep(&guests, 4);
	assert_int_equal(guests.count, 0);
}

/* A guest that a sample still shows lives on. */
static void test_reference(void **state)
{
	struct sighting s = sighting_of(1);
	struct guest *guest;
	bool newcomer;

	(void)state;
	guest = see(&s, 1, &newcomer);
	guest_get(guest);
	guests_sweep(&guests, 2);
	assert_int_equal(guests.count, 0);
	assert_string_equal(guest->public.name, "101-10");
	guest_put(guest);
}

/* debugfs, the iterator and /proc see one guest, in any order. */
static void test_three_views(void **state)
{
	static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
	struct sighting views[3] = {
		{.dir = "101-10", .base = "kvm", .ino = 77, .ctime_ns = 5, .fd = -1},
		{.dir = "101-10",
		 .base = "kvm",
		 .ino = 77,
		 .ctime_ns = 5,
		 .tgid = 100,
		 .fd = 10,
		 .kvm = 0x1000,
		 .start_ns = 70000123},
		{.dir = "100-10", .tgid = 100, .fd = 10, .start_ns = 70000000},
	};

	(void)state;
	tree_text(tree, "proc/101/status", "Name:\tx\nTgid:\t100\n");
	tree_text(tree, "proc/100/status", "Name:\tx\nTgid:\t100\n");
	tree_text(tree, "proc/100/stat", "100 (x) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 7 0 0\n");
	tree_symlink(tree, "proc/100/fd/10", "anon_inode:kvm-vm");
	for (uint64_t i = 0; i < 6; i++) {
		uint64_t id = 0;

		for (int j = 0; j < 3; j++) {
			bool newcomer;
			struct guest *guest = see(&views[orders[i][j]], i + 1, &newcomer);

			assert_int_equal(newcomer, j == 0);
			assert_true(!id || guest->public.id == id);
			id = guest->public.id;
			assert_int_equal(guest->seen_as.tgid, 100);
		}
		assert_int_equal(guests.count, 1);
		guests_sweep(&guests, 0);
		assert_int_equal(guests.count, 0);
	}
}

/* Addresses are used again: what makes a guest is its directory. */
static void test_address_reused(void **state)
{
	struct sighting first = sighting_of(1), second = sighting_of(2);
	bool newcomer;

	(void)state;
	first.kvm = second.kvm = 0x1000;
	see(&first, 1, &newcomer);
	assert_non_null(guests_by_kvm(&guests, &first, 2));
	assert_null(guests_by_kvm(&guests, &second, 2));
	see(&second, 2, &newcomer);
	assert_true(newcomer);
	assert_ptr_not_equal(guests_by_kvm(&guests, &first, 2), guests_by_kvm(&guests, &second, 2));
}

/* Where a guest has no directory, the VM that its VMM makes in its place is another guest. */
static void test_no_directory(void **state)
{
	struct sighting s = {.dir = "100-10", .tgid = 100, .fd = 10, .start_ns = 70000000, .kvm = 0x1000};
	uint64_t id;
	bool newcomer;

	(void)state;
	for (uint64_t had_one = 0; had_one < 2; had_one++) {
		s.ino = had_one ? 77 : 0;
		s.kvm = 0x1000;
		id = see(&s, 1, &newcomer)->public.id;
		see(&s, 2, &newcomer);
		assert_false(newcomer);
		s.ino = 0;
		s.kvm = 0x2000;
		assert_true(see(&s, 3, &newcomer)->public.id > id);
		assert_true(newcomer);
		guests_sweep(&guests, 3);
		assert_int_equal(guests.count, 1);
		/* A source that knows no addresses sees the same one. */
		s.kvm = 0;
		see(&s, 4, &newcomer);
		assert_false(newcomer);
		guests_sweep(&guests, 5);
	}
}

/* The second VM of a process that nobody named says which it is; a guest named by its user keeps the name. */
static void test_siblings(void **state)
{
	struct sighting s = {.dir = "100-4", .base = "kvm", .ino = 1, .fd = -1};
	bool newcomer;

	(void)state;
	tree_text(tree, "proc/100/status", "Name:\tx\nTgid:\t100\n");
	tree_text(tree, "proc/100/stat", "100 (myvmm) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 7 0 0\n");
	tree_text(tree, "proc/100/comm", "myvmm\n");
	tree_symlink(tree, "proc/100/fd/4", "anon_inode:kvm-vm");
	tree_symlink(tree, "proc/100/fd/5", "anon_inode:kvm-vm");
	assert_string_equal(see(&s, 1, &newcomer)->public.name, "myvmm-100");
	strcpy(s.dir, "100-5");
	s.ino = 2;
	assert_string_equal(see(&s, 1, &newcomer)->public.name, "myvmm-100-5");
	/* The first one ends, and its fd is another VM's: it inherits the name. */
	strcpy(s.dir, "100-4");
	s.ino = 3;
	assert_string_equal(see(&s, 2, &newcomer)->public.name, "myvmm-100");
	assert_true(newcomer);
	guests_sweep(&guests, 2);
	/* That one is closed too before its successor is seen. */
	tree_remove(tree, "proc/100/fd/4");
	tree_symlink(tree, "proc/100/fd/6", "anon_inode:kvm-vm");
	strcpy(s.dir, "100-6");
	s.ino = 4;
	assert_string_equal(see(&s, 3, &newcomer)->public.name, "myvmm-100");
	assert_int_equal(guests.unnamed, 0);
}

static void expect_directory(struct guest *guest, bool has, int links)
{
	assert_true(guest_has_directory(guest, &tree->root) == has);
	assert_int_equal(guest_links(guest, &tree->root), links);
	fd_close_high(&guest->dirfd, 0);
}

/* A directory that is gone says that the VM has ended, but not where debugfs is gone as well. */
static void test_directory(void **state)
{
	struct sighting s = {.dir = "100-4", .base = "kvm", .fd = -1};
	struct guest *guest;
	bool newcomer;
	struct stat st;

	(void)state;
	guest = see(&s, 1, &newcomer);
	expect_directory(guest, true, -ENODATA); /* it was not seen by its directory */
	tree_dir(tree, "sys/kernel/debug/kvm/100-4");
	assert_int_equal(sysroot_stat(&tree->root, &st, "sys/kernel/debug/kvm/100-4"), 0);
	s.ino = st.st_ino;
	guest = see(&s, 2, &newcomer);
	expect_directory(guest, true, (int)st.st_nlink);
	tree_remove(tree, "sys/kernel/debug/kvm/100-4");
	expect_directory(guest, false, 0);
	tree_remove(tree, "sys/kernel/debug/kvm");
	expect_directory(guest, true, -ENOENT);
	/* Another VM's, at the same numbers. */
	tree_dir(tree, "sys/kernel/debug/kvm/100-4");
	assert_int_equal(sysroot_stat(&tree->root, &st, "sys/kernel/debug/kvm/100-4"), 0);
	guest->seen_as.ino = st.st_ino + 1;
	expect_directory(guest, false, 0);
}

/* Directory names that overflow every number. */
static void test_huge_numbers(void **state)
{
	static const char *const dirs[] = {"99999999999-1", "1-99999999999", "0-0", "2147483648-2147483648",
					   ""};

	(void)state;
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		struct sighting s = {.base = "kvm", .ino = 5000 + i, .fd = -1};
		bool newcomer;

		strcpy(s.dir, dirs[i]);
		assert_string_equal(see(&s, 1, &newcomer)->public.name, dirs[i]);
	}
}

/* What is made of the two clocks is made once: neither a step of the wall clock nor another source changes it. */
static void test_began(void **state)
{
	struct sighting early = {.dir = "100-10", .base = "kvm", .ino = 1, .ctime_ns = 5000 * S + 3, .fd = -1};
	struct sighting process = {.dir = "101-10", .tgid = 101, .fd = 10, .start_ns = 70 * S};
	struct sighting other_host = {.dir = "102-10", .base = "kvm", .ino = 2, .ctime_ns = 9000 * S, .fd = -1};
	struct sighting both = {.dir = "103-10", .base = "kvm", .ino = 3, .ctime_ns = 4950 * S, .tgid = 103, .fd = 10,
				.start_ns = 60 * S};
	const struct kvmstat_guest *web, *db, *strange, *late;
	bool newcomer;

	(void)state;
	driven = true;
	wall_ns = 5010 * S;
	boot_ns = 110 * S;
	web = &see(&early, 1, &newcomer)->public;
	db = &see(&process, 1, &newcomer)->public;
	strange = &see(&other_host, 1, &newcomer)->public;
	late = &see(&both, 1, &newcomer)->public;
	for (uint64_t step = 0; step <= 3600; step += 1800) {
		wall_ns = (5010 + step) * S;
		boot_ns += 10 * S;
		early.kvm = 0x1000 + step;
		assert_ptr_equal(&see(&early, 2, &newcomer)->public, web);
		assert_int_equal(web->began_ns, 100 * S + 3);
		assert_int_equal(web->began_realtime_ns, 5000 * S + 3);
		assert_int_equal(db->began_ns, 70 * S);
		assert_int_equal(db->began_realtime_ns, 4970 * S);
		assert_int_equal(strange->began_ns, 0);
		assert_int_equal(strange->began_realtime_ns, 9000 * S);
		assert_int_equal(late->began_ns, 60 * S);
		assert_int_equal(late->began_realtime_ns, 4950 * S);
	}
}

#define guest_test(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		guest_test(test_many),	       guest_test(test_sweep),		guest_test(test_reference),
		guest_test(test_three_views),  guest_test(test_address_reused), guest_test(test_siblings),
		guest_test(test_began),
		guest_test(test_no_directory), guest_test(test_directory),	guest_test(test_huge_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
