// SPDX-License-Identifier: MIT
/*
 * test_rates.c - rates, discontinuities and categories from samples made by hand
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kvmstat.h"

#define S UINT64_C(1000000000)
#define BIT(category) (1u << (category))

enum { MAX_ROWS = 8, MAX_CELLS = 16 };

/* In order of number. */
static const struct kvmstat_event exits = { .name = "exits", .number = 10, .class = KVMSTAT_CUMULATIVE,
					    .category = KVMSTAT_EXITS, .adds_to = BIT(KVMSTAT_EXITS) };
static const struct kvmstat_event io = { .name = "io_exits", .number = 20, .class = KVMSTAT_CUMULATIVE,
					 .category = KVMSTAT_IO, .adds_to = BIT(KVMSTAT_IO) };
static const struct kvmstat_event mmio = { .name = "mmio_exits", .number = 30, .class = KVMSTAT_CUMULATIVE,
					   .category = KVMSTAT_IO,
					   .adds_to = BIT(KVMSTAT_IO) | BIT(KVMSTAT_USERSPACE) };
static const struct kvmstat_event hist = { .name = "wait_hist", .number = 40, .class = KVMSTAT_LOG_HIST,
					   .category = KVMSTAT_OTHER, .adds_to = BIT(KVMSTAT_OTHER) };
static const struct kvmstat_event level = { .name = "pages", .number = 50, .class = KVMSTAT_INSTANT,
					    .category = KVMSTAT_MEMORY };
static const struct kvmstat_event peak = { .name = "max_pages", .number = 60, .class = KVMSTAT_PEAK,
					   .category = KVMSTAT_MEMORY };

/* A sample with room of its own; guests and columns are added in order. */
struct fake {
	struct kvmstat_sample sample;
	struct kvmstat_row rows[MAX_ROWS];
	struct kvmstat_guest guests[MAX_ROWS];
	struct kvmstat_column columns[MAX_CELLS];
	uint64_t value[MAX_ROWS][MAX_CELLS];
	uint8_t from[MAX_ROWS][MAX_CELLS];
};

static void start(struct fake *fake, uint64_t time_ns)
{
	memset(fake, 0, sizeof(*fake));
	fake->sample.time_ns = time_ns;
	fake->sample.rows = fake->rows;
	fake->sample.columns = fake->columns;
}

static uint32_t column(struct fake *fake, const struct kvmstat_event *event, uint32_t cells)
{
	uint32_t first = fake->sample.ncells;

	fake->columns[fake->sample.ncolumns++] =
		(struct kvmstat_column){ .event = event, .first_cell = first, .cells = cells, .reason = "" };
	fake->sample.ncells += cells;
	return first;
}

static uint32_t guest(struct fake *fake, uint64_t id)
{
	uint32_t row = fake->sample.nrows++;

	fake->guests[row] = (struct kvmstat_guest){ .id = id, .name = "g", .uuid = "" };
	fake->rows[row] = (struct kvmstat_row){ .guest = &fake->guests[row], .value = fake->value[row],
						.from = fake->from[row] };
	return row;
}

static void put(struct fake *fake, uint32_t row, uint32_t cell, uint64_t value)
{
	fake->value[row][cell] = value;
	fake->from[row][cell] = KVMSTAT_BPF;
}

/* One guest, one event: the rate from a to b in 2 s. */
static double one(const struct kvmstat_event *event, uint64_t a, uint64_t b, struct kvmstat_rates *rates)
{
	struct fake before, now;

	start(&before, 100 * S);
	start(&now, 102 * S);
	column(&before, event, 1);
	column(&now, event, 1);
	put(&before, guest(&before, 1), 0, a);
	put(&now, guest(&now, 1), 0, b);
	assert_int_equal(kvmstat_rates_update(rates, rates, &before.sample, &now.sample), 0);
	return kvmstat_rate(rates, 0, 0);
}

static int setup(void **state)
{
	*state = kvmstat_rates_new();
	return !*state;
}

static int teardown(void **state)
{
	kvmstat_rates_free(*state);
	return 0;
}

static void test_rate(void **state)
{
	assert_true(one(&exits, 1000, 1500, *state) == 250.0);
	assert_true(one(&exits, 7, 7, *state) == 0.0);
	assert_true(one(&exits, 0, 1, *state) == 0.5);
	assert_true(kvmstat_discontinuity(*state, 0) == 0);
}

static void test_near_the_end_of_64_bits(void **state)
{
	assert_true(one(&exits, UINT64_MAX - 10, UINT64_MAX, *state) == 5.0);
	assert_true(one(&exits, 0, UINT64_MAX, *state) == (double)UINT64_MAX / 2);
	assert_true(kvmstat_discontinuity(*state, 0) == 0);
	assert_true(isnan(one(&exits, UINT64_MAX, 3, *state)));
	assert_true(kvmstat_discontinuity(*state, 0) == 102 * S);
}

static void test_levels_have_no_rate(void **state)
{
	assert_true(isnan(one(&level, 10, 20, *state)));
	assert_true(isnan(one(&peak, 10, 20, *state)));
	assert_true(isnan(one(&level, 20, 10, *state)));
	assert_true(isnan(one(&peak, 20, 10, *state)));
	assert_true(kvmstat_discontinuity(*state, 0) == 0);
}

static void test_fall_is_a_discontinuity_that_is_remembered(void **state)
{
	struct fake a, b, c;
	struct fake *all[] = { &a, &b, &c };
	static const uint64_t value[3][2] = { { 100, 50 }, { 40, 60 }, { 44, 70 } };

	for (int i = 0; i < 3; i++) {
		start(all[i], (uint64_t)(i + 1) * S);
		column(all[i], &exits, 1);
		column(all[i], &io, 1);
		guest(all[i], 5);
		put(all[i], 0, 0, value[i][0]);
		put(all[i], 0, 1, value[i][1]);
	}
	assert_int_equal(kvmstat_rates_update(*state, NULL, NULL, &a.sample), 0);
	assert_int_equal(kvmstat_rates_update(*state, *state, &a.sample, &b.sample), 0);
	assert_true(isnan(kvmstat_rate(*state, 0, 0)));
	assert_true(kvmstat_rate(*state, 0, 1) == 10.0);
	assert_true(kvmstat_discontinuity(*state, 0) == 2 * S);
	assert_int_equal(kvmstat_rates_update(*state, *state, &b.sample, &c.sample), 0);
	assert_true(kvmstat_rate(*state, 0, 0) == 4.0);
	assert_true(kvmstat_discontinuity(*state, 0) == 2 * S);
}

static void test_first_sample_has_no_rates(void **state)
{
	struct fake now;

	start(&now, S);
	column(&now, &exits, 1);
	put(&now, guest(&now, 1), 0, 10);
	assert_int_equal(kvmstat_rates_update(*state, NULL, NULL, &now.sample), 0);
	assert_true(isnan(kvmstat_rate(*state, 0, 0)));
	assert_true(isnan(kvmstat_rate_cpu(*state, 0)));
}

static void test_empty_samples(void **state)
{
	struct fake a, b;

	start(&a, S);
	start(&b, 2 * S);
	assert_int_equal(kvmstat_rates_update(*state, NULL, NULL, &a.sample), 0);
	assert_int_equal(kvmstat_rates_update(*state, *state, &a.sample, &b.sample), 0);
	assert_true(isnan(kvmstat_rate(*state, 0, 0)));
	assert_true(kvmstat_discontinuity(*state, 0) == 0);
}

/* Guests 2 and 9 end, 1, 4 and 11 are new; 3 and 10 stay, in other rows. Each counts 100 times its id a
 * second. When guest 1 was created is known. */
static void test_guests_come_and_go(void **state)
{
	static const uint64_t first[] = { 2, 3, 9, 10 }, second[] = { 1, 3, 4, 10, 11 };
	struct fake a, b;

	start(&a, S);
	start(&b, 2 * S);
	column(&a, &exits, 1);
	column(&b, &exits, 1);
	for (int i = 0; i < 4; i++)
		put(&a, guest(&a, first[i]), 0, first[i] * 1000);
	for (int i = 0; i < 5; i++)
		put(&b, guest(&b, second[i]), 0, second[i] * 1100);
	b.guests[0].created_ns = 1;
	assert_int_equal(kvmstat_rates_update(*state, NULL, NULL, &a.sample), 0);
	for (uint32_t i = 0; i < 4; i++)
		assert_true(kvmstat_discontinuity(*state, i) == 0);
	assert_int_equal(kvmstat_rates_update(*state, *state, &a.sample, &b.sample), 0);
	assert_true(isnan(kvmstat_rate(*state, 0, 0)));
	assert_true(kvmstat_rate(*state, 1, 0) == 300.0);
	assert_true(isnan(kvmstat_rate(*state, 2, 0)));
	assert_true(kvmstat_rate(*state, 3, 0) == 1000.0);
	assert_true(isnan(kvmstat_rate(*state, 4, 0)));
	assert_true(isnan(kvmstat_rate(*state, 5, 0)));
	for (uint32_t i = 0; i < 5; i++)
		assert_true(kvmstat_discontinuity(*state, i) == (i == 2 || i == 4 ? 2 * S : 0));
}

static void test_discontinuity_follows_its_guest(void **state)
{
	struct fake a, b, c;

	start(&a, S);
	start(&b, 2 * S);
	start(&c, 3 * S);
	column(&a, &exits, 1);
	column(&b, &exits, 1);
	column(&c, &exits, 1);
	put(&a, guest(&a, 1), 0, 5);
	put(&a, guest(&a, 7), 0, 50);
	put(&b, guest(&b, 1), 0, 6);
	put(&b, guest(&b, 7), 0, 3);
	put(&c, guest(&c, 6), 0, 1);
	put(&c, guest(&c, 7), 0, 4);
	put(&c, guest(&c, 8), 0, 1);
	c.guests[0].created_ns = c.guests[2].created_ns = 1;
	assert_int_equal(kvmstat_rates_update(*state, NULL, NULL, &a.sample), 0);
	assert_int_equal(kvmstat_rates_update(*state, *state, &a.sample, &b.sample), 0);
	assert_int_equal(kvmstat_rates_update(*state, *state, &b.sample, &c.sample), 0);
	assert_true(kvmstat_discontinuity(*state, 0) == 0);
	assert_true(kvmstat_discontinuity(*state, 1) == 2 * S);
	assert_true(kvmstat_discontinuity(*state, 2) == 0);
}

/* An event is added in front, one goes, so that the others change places. */
static void test_columns_move(void **state)
{
	struct fake a, b;

	start(&a, S);
	start(&b, 2 * S);
	column(&a, &io, 1);
	column(&a, &mmio, 1);
	column(&a, &level, 1);
	column(&b, &exits, 1);
	column(&b, &mmio, 1);
	column(&b, &level, 1);
	guest(&a, 1);
	guest(&b, 1);
	for (uint32_t i = 0; i < 3; i++) {
		put(&a, 0, i, 1000 * (i + 1));
		put(&b, 0, i, 2300);
	}
	assert_int_equal(kvmstat_rates_update(*state, NULL, &a.sample, &b.sample), 0);
	assert_true(isnan(kvmstat_rate(*state, 0, 0)));
	assert_true(kvmstat_rate(*state, 0, 1) == 300.0);
	assert_true(isnan(kvmstat_rate(*state, 0, 2)));
	assert_true(kvmstat_discontinuity(*state, 0) == 0);
}

static void test_histogram_cells(void **state)
{
	struct fake a, b;

	start(&a, S);
	start(&b, 2 * S);
	column(&a, &hist, 4);
	column(&b, &exits, 1);
	column(&b, &hist, 4);
	guest(&a, 1);
	guest(&b, 1);
	for (uint32_t i = 0; i < 4; i++) {
		put(&a, 0, i, 10);
		put(&b, 0, i + 1, 10 + i);
	}
	assert_int_equal(kvmstat_rates_update(*state, NULL, &a.sample, &b.sample), 0);
	for (uint32_t i = 0; i < 4; i++)
		assert_true(kvmstat_rate(*state, 0, i + 1) == (double)i);
	b.columns[1].cells = 3;
	assert_int_equal(kvmstat_rates_update(*state, NULL, &a.sample, &b.sample), 0);
	assert_true(isnan(kvmstat_rate(*state, 0, 1)));
}

static void test_absent_in_either(void **state)
{
	for (int which = 0; which < 2; which++) {
		struct fake a, b;

		start(&a, S);
		start(&b, 2 * S);
		column(&a, &exits, 1);
		column(&b, &exits, 1);
		put(&a, guest(&a, 1), 0, 10);
		put(&b, guest(&b, 1), 0, 5);
		(which ? &a : &b)->from[0][0] = KVMSTAT_ABSENT;
		assert_int_equal(kvmstat_rates_update(*state, NULL, &a.sample, &b.sample), 0);
		assert_true(isnan(kvmstat_rate(*state, 0, 0)));
		assert_true(kvmstat_discontinuity(*state, 0) == 0);
	}
}

static void test_clock_stands_or_goes_back(void **state)
{
	static const uint64_t then[] = { 5 * S, 4 * S };

	for (int i = 0; i < 2; i++) {
		struct fake a, b;

		start(&a, 5 * S);
		start(&b, then[i]);
		column(&a, &exits, 1);
		column(&b, &exits, 1);
		put(&a, guest(&a, 1), 0, 10);
		put(&b, guest(&b, 1), 0, 20);
		assert_int_equal(kvmstat_rates_update(*state, NULL, &a.sample, &b.sample), 0);
		assert_true(isnan(kvmstat_rate(*state, 0, 0)));
	}
}

/* Two samples of a guest whose CPU times are known, two seconds apart. */
static void start_timed(struct fake *a, struct fake *b)
{
	start(a, S);
	start(b, 3 * S);
	guest(a, 1);
	guest(b, 1);
	a->rows[0].has_cpu = b->rows[0].has_cpu = true;
}

static void test_cpu_time(void **state)
{
	struct fake a, b;

	start_timed(&a, &b);
	a.rows[0].cpu_ns = 7 * S;
	b.rows[0].cpu_ns = 8 * S;
	b.rows[0].wait_ns = 500;
	assert_int_equal(kvmstat_rates_update(*state, NULL, &a.sample, &b.sample), 0);
	assert_true(kvmstat_rate_cpu(*state, 0) == 5e8);
	assert_true(kvmstat_rate_wait(*state, 0) == 250.0);
	b.rows[0].cpu_ns = 6 * S; /* a vCPU was unplugged, its thread's time is gone */
	assert_int_equal(kvmstat_rates_update(*state, NULL, &a.sample, &b.sample), 0);
	assert_true(isnan(kvmstat_rate_cpu(*state, 0)));
	assert_true(kvmstat_discontinuity(*state, 0) == 3 * S);
	for (int i = 0; i < 2; i++) {
		a.rows[0].has_cpu = !i;
		b.rows[0].has_cpu = i;
		assert_int_equal(kvmstat_rates_update(*state, NULL, &a.sample, &b.sample), 0);
		assert_true(isnan(kvmstat_rate_cpu(*state, 0)));
		assert_true(isnan(kvmstat_rate_wait(*state, 0)));
		assert_true(kvmstat_discontinuity(*state, 0) == 0);
	}
}

/* The kernel adds a long wait at its end. Who does not know how many threads there are cannot say that it is too long. */
static void test_wait_that_began_before(void **state)
{
	static const struct { uint32_t vcpus; double share; } expected[] = { { 1, 1e9 }, { 2, 2e9 }, { 3, 2.5e9 }, { 0, 2.5e9 } };
	struct kvmstat_vcpu before = { .has_cpu = true }, now = { .has_cpu = true, .wait_ns = 5 * S };
	struct fake a, b;

	start_timed(&a, &b);
	b.rows[0].wait_ns = 5 * S;
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		b.rows[0].vcpu_count = expected[i].vcpus;
		assert_int_equal(kvmstat_rates_update(*state, NULL, &a.sample, &b.sample), 0);
		assert_true(kvmstat_rate_wait(*state, 0) == expected[i].share);
	}
	a.sample.vcpus = a.rows[0].vcpus = &before;
	b.sample.vcpus = b.rows[0].vcpus = &now;
	a.sample.nvcpus = b.sample.nvcpus = a.rows[0].nvcpus = b.rows[0].nvcpus = 1;
	assert_int_equal(kvmstat_rates_update(*state, NULL, &a.sample, &b.sample), 0);
	assert_true(kvmstat_rate_vcpu_wait(*state, 0) == 1e9);
}

/* Two sets of rates in turn say the same as one that is its own last. */
static void test_last_may_be_another(void **state)
{
	struct kvmstat_rates *other = kvmstat_rates_new();
	struct fake a, b, c;

	start(&a, S);
	start(&b, 2 * S);
	start(&c, 3 * S);
	column(&a, &exits, 1);
	column(&b, &exits, 1);
	column(&c, &exits, 1);
	put(&a, guest(&a, 3), 0, 9);
	put(&b, guest(&b, 3), 0, 1);
	put(&c, guest(&c, 3), 0, 2);
	assert_non_null(other);
	assert_int_equal(kvmstat_rates_update(*state, NULL, &a.sample, &b.sample), 0);
	assert_int_equal(kvmstat_rates_update(other, *state, &b.sample, &c.sample), 0);
	assert_true(kvmstat_discontinuity(other, 0) == 2 * S);
	assert_true(kvmstat_rate(other, 0, 0) == 1.0);
	assert_true(kvmstat_discontinuity(*state, 0) == 2 * S);
	assert_true(isnan(kvmstat_rate(*state, 0, 0)));
	kvmstat_rates_free(other);
}

static void activity_of(struct fake *now, const struct kvmstat_rates *rates,
			struct kvmstat_activity activity[KVMSTAT_NCATEGORIES])
{
	memset(activity, 0xff, KVMSTAT_NCATEGORIES * sizeof(*activity));
	kvmstat_activity(&now->sample, rates, 0, activity);
}

static void test_activity(void **state)
{
	struct kvmstat_activity activity[KVMSTAT_NCATEGORIES];
	struct fake a, b;

	start(&a, S);
	start(&b, 2 * S);
	for (int i = 0; i < 2; i++) {
		struct fake *fake = i ? &b : &a;

		column(fake, &exits, 1);
		column(fake, &io, 1);
		column(fake, &mmio, 1);
		column(fake, &hist, 2);
		guest(fake, 1);
		for (uint32_t cell = 1; cell < 5; cell++)
			put(fake, 0, cell, 100 * cell + (uint64_t)i * 10 * cell);
	}
	assert_int_equal(kvmstat_rates_update(*state, NULL, &a.sample, &b.sample), 0);
	activity_of(&b, *state, activity);
	assert_false(activity[KVMSTAT_EXITS].has_count);
	assert_false(activity[KVMSTAT_EXITS].has_rate);
	assert_true(activity[KVMSTAT_IO].has_count && activity[KVMSTAT_IO].has_rate);
	assert_true(activity[KVMSTAT_IO].count == 330 && activity[KVMSTAT_IO].rate == 30.0);
	assert_true(activity[KVMSTAT_USERSPACE].count == 220 && activity[KVMSTAT_USERSPACE].rate == 20.0);
	assert_false(activity[KVMSTAT_OTHER].has_count);

	activity_of(&b, NULL, activity);
	assert_true(activity[KVMSTAT_IO].has_count && !activity[KVMSTAT_IO].has_rate);

	/* One part of the total fell: the total has no rate, the other total has one. */
	put(&b, 0, 1, 3);
	assert_int_equal(kvmstat_rates_update(*state, NULL, &a.sample, &b.sample), 0);
	activity_of(&b, *state, activity);
	assert_true(activity[KVMSTAT_IO].has_count && !activity[KVMSTAT_IO].has_rate);
	assert_true(activity[KVMSTAT_IO].count == 223);
	assert_true(activity[KVMSTAT_USERSPACE].has_rate);
}

/* More guests and fewer, down to none, with the same arrays. */
static void test_grows_and_shrinks(void **state)
{
	for (uint32_t round = 0; round < 40; round++) {
		uint32_t nrows = round % (MAX_ROWS + 1), seen = 0;
		struct fake a, b;

		start(&a, S);
		start(&b, 2 * S);
		column(&a, &exits, 1);
		column(&b, &exits, 1);
		for (uint32_t i = 0; i < MAX_ROWS; i++)
			put(&a, guest(&a, i), 0, i);
		for (uint32_t i = 0; i < nrows; i++)
			put(&b, guest(&b, i), 0, 3 * i);
		assert_int_equal(kvmstat_rates_update(*state, *state, &a.sample, &b.sample), 0);
		while (!isnan(kvmstat_rate(*state, seen, 0)))
			seen++;
		assert_int_equal(seen, nrows);
		assert_true(!nrows || kvmstat_rate(*state, nrows - 1, 0) == 2.0 * (nrows - 1));
	}
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_rate),
		TEST(test_near_the_end_of_64_bits),
		TEST(test_levels_have_no_rate),
		TEST(test_fall_is_a_discontinuity_that_is_remembered),
		TEST(test_first_sample_has_no_rates),
		TEST(test_empty_samples),
		TEST(test_guests_come_and_go),
		TEST(test_discontinuity_follows_its_guest),
		TEST(test_columns_move),
		TEST(test_histogram_cells),
		TEST(test_absent_in_either),
		TEST(test_clock_stands_or_goes_back),
		TEST(test_cpu_time),
		TEST(test_wait_that_began_before),
		TEST(test_last_may_be_another),
		TEST(test_activity),
		TEST(test_grows_and_shrinks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
