// SPDX-License-Identifier: MIT
/* level.c: each way from one state of a cell to another, at intervals of 1 to 300 s */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "derive/level.h"

static const struct limits work = { .margin = LEVEL_OF_LOG2(0.8), .floor = LEVEL_OF_LOG2(4.4), .ceiling = LEVEL_MAX,
				    .judged = true };
static const struct limits pressure = { .margin = LEVEL_OF_LOG2(0.6), .floor = LEVEL_OF_LOG2(4.4),
					.ceiling = LEVEL_MAX, .judged = true, .pressure = true };

static struct pace pace_of(double step)
{
	struct pace pace;

	pace_set(&pace, step);
	return pace;
}

/* n steps at a rate; every so many are a minute. */
static void feed(struct cell *cell, double rate, unsigned int n, const struct limits *limits, const struct pace *pace)
{
	for (unsigned int i = 1; i <= n; i++)
		cell_update(cell, level_of(rate, false), limits, pace, i % pace->minute == 0);
}

/* A cell that knows 100 a second. */
static struct cell learnt(const struct pace *pace)
{
	struct limits only = work;
	struct cell cell = { 0 };

	only.judged = false;
	feed(&cell, 100, 4u * pace->minute, &only, pace);
	assert_int_equal(cell.two, level_of(100, false));
	assert_int_equal(cell.minute, level_of(100, false));
	return cell;
}

static unsigned int steps_until_abnormal(struct cell *cell, double rate, const struct limits *limits,
					 const struct pace *pace)
{
	unsigned int n = 0;

	while (!cell_is_abnormal(cell) && n < 1000) {
		n++;
		cell_update(cell, level_of(rate, false), limits, pace, n % pace->minute == 0);
	}
	return n;
}

static void test_levels(void **state)
{
	(void)state;
	assert_int_equal(level_of(0, false), 0);
	assert_int_equal(level_of(1, false), 1024);
	assert_int_equal(level_of(3, false), 2048);
	assert_int_equal(level_of(3e6, true), 2048);
	assert_int_equal(level_of(NAN, false), LEVEL_MISSING);
	assert_int_equal(level_of(1e300, false), LEVEL_MAX);
	for (double rate = 0.5; rate < 1e9; rate *= 3)
		assert_true(fabs(level_rate(level_of(rate, false), false) / rate - 1) < 0.002);
}

static void test_pace(void **state)
{
	static const struct {
		double step;
		unsigned int minute, clear;
	} want[] = { { 10, 6, 18 }, { 20, 3, 9 }, { 60, 2, 3 }, { 300, 2, 2 } };

	(void)state;
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		struct pace pace = pace_of(want[i].step);

		assert_int_equal(pace.minute, want[i].minute);
		assert_int_equal(pace.clear, want[i].clear);
		assert_true(pace.small * pace.minute >= CELL_NEED);
	}
}

/* Twice above both records: two steps. Above that of a minute alone: a minute. A single step: never. */
static void test_big_and_small(void **state)
{
	static const double step[] = { 10, 60, 300 };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct pace pace = pace_of(step[i]);
		struct cell big = learnt(&pace), small = big, once = big;

		assert_int_equal(steps_until_abnormal(&big, 1000, &work, &pace), 2);
		small.two = level_of(250, false);
		assert_int_equal(steps_until_abnormal(&small, 250, &work, &pace), pace.minute);
		for (int n = 0; n < 100; n++) {
			feed(&once, 1e6, 1, &work, &pace);
			assert_false(cell_is_abnormal(&once));
			feed(&once, 100, 3, &work, &pace);
		}
	}
}

static void test_within_the_margin(void **state)
{
	struct pace pace = pace_of(10);
	struct cell cell = learnt(&pace);

	(void)state;
	assert_int_equal(steps_until_abnormal(&cell, 170, &work, &pace), 1000);
	assert_int_equal(cell.minute, level_of(170, false));
	cell = learnt(&pace);
	assert_int_equal(steps_until_abnormal(&cell, 170, &pressure, &pace), 2);
}

static void test_below_the_floor(void **state)
{
	struct pace pace = pace_of(10);
	struct cell cell = { 0 };

	(void)state;
	assert_int_equal(steps_until_abnormal(&cell, 20, &work, &pace), 1000);
}

/* Under suspicion nothing is learnt; when it is over nothing was. */
static void test_suspicion_teaches_nothing(void **state)
{
	struct pace pace = pace_of(10);
	struct cell cell = learnt(&pace);

	(void)state;
	for (int i = 0; i < 50; i++) {
		feed(&cell, 100000, 1, &work, &pace);
		feed(&cell, 90, 5, &work, &pace);
	}
	assert_int_equal(cell.two, level_of(100, false));
	assert_int_equal(cell.minute, level_of(100, false));
}

static void clear_after(const struct limits *limits, uint16_t minute)
{
	struct pace pace = pace_of(10);
	struct cell cell = learnt(&pace);

	feed(&cell, 10000, 18, limits, &pace);
	assert_true(cell_is_abnormal(&cell));
	feed(&cell, 100, 17u, limits, &pace);
	assert_true(cell_is_abnormal(&cell));
	feed(&cell, 100, 1, limits, &pace);
	assert_false(cell_is_abnormal(&cell));
	assert_in_range(cell.minute, minute - 2, minute + 2);
}

/* A third of what an alarm showed, of work; of pressure nothing. */
static void test_what_an_alarm_teaches(void **state)
{
	uint16_t low = level_of(100, false), high = level_of(10000, false);
	struct limits good = work;

	(void)state;
	clear_after(&work, (uint16_t)(low + (high - low) / 3));
	clear_after(&pressure, low);
	good.ceiling = level_of(200, false);
	clear_after(&good, (uint16_t)(low + (good.ceiling - low) / 3));
}

/* A loud step takes three calm ones away. */
static void test_calm_is_interrupted(void **state)
{
	struct pace pace = pace_of(10);
	struct cell cell = learnt(&pace);

	(void)state;
	feed(&cell, 10000, 3, &work, &pace);
	feed(&cell, 100, 15, &work, &pace);
	feed(&cell, 10000, 1, &work, &pace);
	feed(&cell, 100, 5, &work, &pace);
	assert_true(cell_is_abnormal(&cell));
	feed(&cell, 100, 1, &work, &pace);
	assert_false(cell_is_abnormal(&cell));
}

/* A missing value is never a zero: it does not calm, and what is held over it teaches nothing. */
static void test_missing(void **state)
{
	struct pace pace = pace_of(10);
	struct cell cell = learnt(&pace);

	(void)state;
	feed(&cell, 10000, 3, &work, &pace);
	for (int i = 0; i < 100; i++)
		cell_update(&cell, LEVEL_MISSING, &work, &pace, i % 6 == 5);
	assert_true(cell_is_abnormal(&cell));
	cell = learnt(&pace);
	for (int i = 0; i < 600; i++)
		cell_update(&cell, i % 2 ? LEVEL_MISSING : level_of(160, false), &work, &pace, i % 6 == 5);
	assert_int_equal(cell.two, level_of(100, false));
	assert_int_equal(cell.minute, level_of(100, false));
}

static void test_adopt(void **state)
{
	struct pace pace = pace_of(10);
	struct cell cell = learnt(&pace);

	(void)state;
	feed(&cell, 10000, 60, &pressure, &pace);
	cell_adopt(&cell, &pressure);
	assert_false(cell_is_abnormal(&cell));
	assert_int_equal(cell.minute, level_of(10000, false));
	feed(&cell, 10000, 60, &pressure, &pace);
	assert_false(cell_is_abnormal(&cell));
}

static void test_fade(void **state)
{
	struct cell cell = { .two = 3000, .minute = 500 };

	(void)state;
	for (int i = 0; i < 1024; i++)
		cell_fade(&cell, 1);
	assert_int_equal(cell.two, 3000 - 1024);
	assert_int_equal(cell.minute, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_pace),
		cmocka_unit_test(test_big_and_small),
		cmocka_unit_test(test_within_the_margin),
		cmocka_unit_test(test_below_the_floor),
		cmocka_unit_test(test_suspicion_teaches_nothing),
		cmocka_unit_test(test_what_an_alarm_teaches),
		cmocka_unit_test(test_calm_is_interrupted),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_adopt),
		cmocka_unit_test(test_fade),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
