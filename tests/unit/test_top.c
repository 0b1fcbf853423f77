/* SPDX-License-Identifier: MIT */
/* The busiest guests one by one, the others in one row: nothing is lost, counted twice, or falls. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab.h"

enum { GUESTS = 12, PASSES = 80 };

static struct lab *lab;
static struct kvmstat_sample *before;	/* of the pass before lab->sample */

static void is_dir(char dir[32], int guest)
{
	snprintf(dir, 32, "kvm/%d-10", 100 + guest);
}

static void set(int guest, const char *event, uint64_t value)
{
	char dir[32], text[32];

	is_dir(dir, guest);
	snprintf(text, sizeof(text), "%llu\n", (unsigned long long)value);
	lab_value(lab, dir, event, text);
}

static void add_guest(int guest)
{
	char name[16];

	snprintf(name, sizeof(name), "g%d", guest);
	lab_qemu(lab, 100 + guest, name);
	lab_vcpu(lab, 100 + guest, 0, 10000 + guest, "5 6 7\n");
	set(guest, "exits", 0);
	set(guest, "io_exits", 0);
	set(guest, "pages_4k", 0);
	set(guest, "max_mmu_rmap_size", 0);
}

static int setup(void **state)
{
	(void)state;
	lab = lab_new();
	before = NULL;
	lab_event(lab, "kvm", "exits", 0644);
	lab_event(lab, "kvm", "io_exits", 0644);
	lab_event(lab, "kvm", "pages_4k", 0444);
	lab_event(lab, "kvm", "max_mmu_rmap_size", 0644);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	kvmstat_sample_put(before);
	lab_free(lab);
	return 0;
}

static const struct kvmstat_sample *pass(void)
{
	kvmstat_sample_put(before);
	before = lab->sample ? kvmstat_sample_get(lab->sample) : NULL;
	return lab_pass(lab);
}

static bool is_shown(const struct kvmstat_sample *sample, int guest)
{
	char name[16];

	snprintf(name, sizeof(name), "g%d", guest);
	return lab_find(sample, name) != NULL;
}

/* What all rows together have counted of an event since the pass before. */
static uint64_t counted(const char *event)
{
	uint64_t sum = 0, was, is;

	for (uint32_t i = 0; i < lab->sample->nrows; i++) {
		const char *name = lab->sample->rows[i].guest->name;

		if (!lab_find(before, name) || !lab_get(before, name, event, &was) ||
		    !lab_get(lab->sample, name, event, &is))
			continue;
		if (is < was)
			fail_msg("%s of %s fell from %llu to %llu", event, name, (unsigned long long)was,
				 (unsigned long long)is);
		sum += is - was;
	}
	return sum;
}

static void test_busiest(void **state)
{
	const struct kvmstat_sample *sample;

	(void)state;
	lab_set(lab, "TopGuests", "2");
	/* One by one: a directory has no order, and ids are given in the order in which guests are found. */
	for (int i = 0; i < 5; i++) {
		add_guest(i);
		pass();
	}
	for (int i = 0; i < 5; i++) {
		set(i, "exits", i == 1 ? 1000 : i == 4 ? 500 : 10u + (unsigned)i);
		set(i, "pages_4k", 100u + (unsigned)i);
		set(i, "max_mmu_rmap_size", 7u + (unsigned)i);
	}
	/* At first the lowest ids were as good as any: g0 is shown, and may go. Then all rest, and nobody changes sides. */
	pass();
	sample = pass();
	assert_int_equal(sample->nguests, 5);
	assert_int_equal(sample->nrows, 3);
	assert_string_equal(sample->rows[0].guest->name, KVMSTAT_OTHERS);
	assert_string_equal(sample->rows[0].guest->key, "others");
	assert_int_equal(sample->rows[0].guest->id, 0);
	assert_int_equal(sample->rows[0].vcpu_count, 3);
	assert_true(is_shown(sample, 1));
	assert_true(is_shown(sample, 4));
	lab_is(sample, "g1", "exits", 1000);
	lab_is(sample, "g4", "exits", 500);
	lab_is(sample, KVMSTAT_OTHERS, "pages_4k", 100 + 102 + 103);
	lab_is(sample, KVMSTAT_OTHERS, "max_mmu_rmap_size", 10);
}

static void test_all_fit(void **state)
{
	const struct kvmstat_sample *sample;

	(void)state;
	for (int i = 0; i < 3; i++)
		add_guest(i);
	lab_set(lab, "TopGuests", "3");
	sample = pass();
	assert_int_equal(sample->nrows, 3);
	assert_null(lab_find(sample, KVMSTAT_OTHERS));
	/* One more: now there are others; and they stay when all fit again, since a counter does not end. */
	add_guest(3);
	assert_int_equal(pass()->nrows, 4);
	lab_end_guest(lab, "kvm/100-10");
	for (int i = 0; i < 6; i++)
		sample = pass();
	assert_int_equal(sample->nrows, 4);
	assert_non_null(lab_find(sample, KVMSTAT_OTHERS));
	assert_true(is_shown(sample, 3));
}

/* Guests come, go, rest and run at random; whoever is shown, the sum is that of all. */
static void test_sums(void **state)
{
	uint64_t exits[GUESTS] = {0}, io[GUESTS] = {0};
	bool there[GUESTS] = {false};
	int since[GUESTS], shown[GUESTS] = {0};

	(void)state;
	srandom(1);
	lab_set(lab, "TopGuests", "3");
	for (int p = 0; p < PASSES; p++) {
		uint64_t expected[2] = {0};
		const struct kvmstat_sample *sample;
		uint32_t nthere = 0;

		for (int i = 0; i < GUESTS; i++) {
			unsigned more = (unsigned)random() % 1000 * (random() % 5 == 0 ? 50 : 1);
			char dir[32];

			if (!there[i] && (p == 0 ? i < 6 : random() % 10 == 0)) {
				add_guest(i);
				there[i] = true;
				exits[i] = io[i] = 0;
				since[i] = p;
				shown[i] = 0;
			} else if (there[i] && random() % 30 == 0) {
				is_dir(dir, i);
				lab_end_guest(lab, dir);
				there[i] = false;
			}
			if (!there[i])
				continue;
			nthere++;
			exits[i] += more;
			io[i] += more / 3;
			set(i, "exits", exits[i]);
			set(i, "io_exits", io[i]);
			expected[0] += since[i] < p ? more : 0;
			expected[1] += since[i] < p ? more / 3 : 0;
		}
		sample = pass();
		assert_int_equal(sample->nguests, nthere);
		assert_true(sample->nrows <= 4);
		if (before) {
			assert_int_equal(counted("exits"), expected[0]);
			assert_int_equal(counted("io_exits"), expected[1]);
		}
		for (int i = 0; i < GUESTS; i++) {
			char name[16];

			snprintf(name, sizeof(name), "g%d", i);
			if (!there[i] || !is_shown(sample, i))
				continue;
			lab_is(sample, name, "exits", exits[i]);
			/* It was not seen for long enough that nobody takes the growth meanwhile for its rate. */
			assert_true(!shown[i] || shown[i] == p - 1 || p - shown[i] > 3);
			shown[i] = p;
		}
	}
	assert_int_equal(lab->sample->rows[0].guest->id, 0);
}

/* A new event: what was counted of the old ones is still there. */
static void test_new_event(void **state)
{
	uint64_t was, is;

	(void)state;
	for (int i = 0; i < 4; i++)
		add_guest(i);
	lab_set(lab, "TopGuests", "1");
	for (unsigned p = 1; p < 8; p++) {
		for (int i = 0; i < 4; i++)
			set(i, "exits", p * 100);
		pass();
	}
	assert_true(lab_get(lab->sample, KVMSTAT_OTHERS, "exits", &was));
	assert_true(was >= 1500);
	lab_event(lab, "kvm-arm64", "a_new_one", 0644);
	pass();
	assert_non_null(lab_column(lab->sample, "a_new_one"));
	assert_true(lab_get(lab->sample, KVMSTAT_OTHERS, "exits", &is));
	assert_int_equal(is, was);
	for (int i = 0; i < 4; i++)
		set(i, "exits", 900);
	pass();
	assert_true(lab_get(lab->sample, KVMSTAT_OTHERS, "exits", &is));
	assert_int_equal(is, was + 600);
}

/* A counter that somebody cleared makes no sum fall. */
static void test_cleared(void **state)
{
	uint64_t was, is;

	(void)state;
	for (int i = 0; i < 3; i++)
		add_guest(i);
	lab_set(lab, "TopGuests", "1");
	for (unsigned p = 1; p < 4; p++) {
		for (int i = 0; i < 3; i++)
			set(i, "exits", p * 100 * (i ? 1 : 10));
		pass();
	}
	assert_true(lab_get(lab->sample, KVMSTAT_OTHERS, "exits", &was));
	set(1, "exits", 0);
	set(2, "exits", 310);
	pass();
	assert_true(lab_get(lab->sample, KVMSTAT_OTHERS, "exits", &is));
	assert_int_equal(is, was + 10);
}

static void test_words(void **state)
{
	static const char *const wrong[] = {"", "-1", "many", "3 guests", "99999999999999999999", "0x10"};
	char error[256];

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(kvmstat_config_set(lab->config, "TopGuests", wrong[i], error, sizeof(error)), -EINVAL);
		assert_non_null(strstr(error, "not a number"));
	}
	assert_int_equal(kvmstat_config_set(lab->config, "topguests", "0", error, sizeof(error)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_busiest, setup, teardown),
		cmocka_unit_test_setup_teardown(test_all_fit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sums, setup, teardown),
		cmocka_unit_test_setup_teardown(test_new_event, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cleared, setup, teardown),
		cmocka_unit_test_setup_teardown(test_words, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
