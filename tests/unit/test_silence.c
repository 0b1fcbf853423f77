// SPDX-License-Identifier: MIT
/* quiet.c: a guest falls silent and wakes up, a host runs short of CPU and has enough again */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "derive/quiet.h"

static struct pace pace;

static void usual(struct quiet *quiet, double rate, unsigned int hour, int steps)
{
	for (int i = 0; i < steps; i++)
		assert_false(quiet_update(quiet, level_of(rate, false), hour, false, &pace));
}

static int steps_until(struct quiet *quiet, double rate, bool silent)
{
	for (int i = 1; i < 100; i++)
		if (quiet_update(quiet, level_of(rate, false), 3, false, &pace) == silent)
			return i;
	return 100;
}

static void test_silent_and_awake(void **state)
{
	struct quiet quiet = { .silent = false };

	(void)state;
	usual(&quiet, 500, 12, 100);
	usual(&quiet, 100, 3, 100);
	assert_int_equal(steps_until(&quiet, 0, true), 3);
	assert_int_equal(steps_until(&quiet, 20, false), 100);
	assert_int_equal(steps_until(&quiet, 30, false), 2);
}

/* What the other hours have taught counts in one that was not seen yet. */
static void test_silent_in_a_new_hour(void **state)
{
	struct quiet quiet = { .silent = false };

	(void)state;
	usual(&quiet, 500, 12, 100);
	assert_int_equal(steps_until(&quiet, 0, true), 3);
}

static void test_lower_than_by_day_is_not_silent(void **state)
{
	struct quiet quiet = { .silent = false };

	(void)state;
	usual(&quiet, 5000, 12, 100);
	usual(&quiet, 420, 3, 1000);
	usual(&quiet, 40, 3, 1);
	usual(&quiet, 42, 3, 1000);
}

/* A guest that does next to nothing cannot be silent. */
static void test_idle_guest(void **state)
{
	struct quiet quiet = { .silent = false };

	(void)state;
	usual(&quiet, 3, 3, 100);
	assert_int_equal(steps_until(&quiet, 0, true), 100);
}

static void test_young(void **state)
{
	struct quiet quiet = { .silent = false };

	(void)state;
	usual(&quiet, 1000, 3, 100);
	for (int i = 0; i < 100; i++)
		assert_false(quiet_update(&quiet, level_of(50, false), 3, true, &pace));
}

static void test_missing_is_not_silent(void **state)
{
	struct quiet quiet = { .silent = false };

	(void)state;
	usual(&quiet, 500, 3, 100);
	for (int i = 0; i < 100; i++)
		assert_false(quiet_update(&quiet, LEVEL_MISSING, 3, false, &pace));
	for (int i = 0; i < 100; i++) {
		assert_false(quiet_update(&quiet, level_of(0, false), 3, false, &pace));
		assert_false(quiet_update(&quiet, LEVEL_MISSING, 3, false, &pace));
	}
	assert_int_equal(steps_until(&quiet, 0, true), 3);
	for (int i = 0; i < 100; i++)
		assert_true(quiet_update(&quiet, LEVEL_MISSING, 3, false, &pace));
}

/* ---- the host ----------------------------------------------------------- */

/* n guests that get and wait for so many CPUs each. */
static struct demand demand_of(unsigned int n, double cpu, double wait)
{
	struct demand demand = { 0 };

	for (unsigned int i = 0; i < n; i++)
		demand_add(&demand, cpu * 1e9, wait * 1e9);
	return demand;
}

static const struct shortage_rules rules = { 0.20, false };

static int short_after(struct shortage *shortage, const struct demand *demand, const struct shortage_rules *by)
{
	for (int i = 1; i <= 1000; i++)
		if (shortage_update(shortage, demand, by, &pace, i % pace.minute == 0))
			return i;
	return 0;
}

static void test_shortage(void **state)
{
	struct demand much = demand_of(4, 2, 1), little = demand_of(4, 2, 0.1);
	struct shortage shortage = { 0 };
	int n = 0;

	(void)state;
	assert_int_equal(short_after(&shortage, &little, &rules), 0);
	assert_int_equal(short_after(&shortage, &much, &rules), 6);
	while (shortage_update(&shortage, &little, &rules, &pace, false))
		n++;
	assert_int_equal(n, 17);
}

static void test_what_is_no_shortage(void **state)
{
	struct demand two_guests = demand_of(2, 2, 1), small = demand_of(4, 0.5, 0.2), few = demand_of(4, 5, 1);
	struct shortage shortage = { 0 };

	(void)state;
	assert_int_equal(short_after(&shortage, &two_guests, &rules), 0);
	assert_int_equal(short_after(&shortage, &small, &rules), 0);
	assert_int_equal(short_after(&shortage, &few, &rules), 0);
}

/* One that is known is reported where it is a quarter worse, or where each is to be. */
static void test_known_shortage(void **state)
{
	struct demand known = demand_of(4, 2, 0.8), worse = demand_of(4, 2, 1.3);
	struct shortage shortage = { .record = level_of(1000 * demand_share(8, 3.2), false) };
	struct shortage_rules each = { 0.20, true };

	(void)state;
	assert_int_equal(short_after(&shortage, &known, &rules), 0);
	assert_int_equal(short_after(&shortage, &worse, &rules), 6);
	shortage = (struct shortage){ .record = shortage.record };
	assert_int_equal(short_after(&shortage, &known, &each), 6);
}

static void test_unknown_times_count_nothing(void **state)
{
	struct demand demand = { 0 };

	(void)state;
	demand_add(&demand, NAN, 1e9);
	demand_add(&demand, 1e9, NAN);
	assert_true(demand.cpu == 0 && demand.wait == 0 && demand.waiting == 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_silent_and_awake),
		cmocka_unit_test(test_silent_in_a_new_hour),
		cmocka_unit_test(test_lower_than_by_day_is_not_silent),
		cmocka_unit_test(test_idle_guest),
		cmocka_unit_test(test_young),
		cmocka_unit_test(test_missing_is_not_silent),
		cmocka_unit_test(test_shortage),
		cmocka_unit_test(test_what_is_no_shortage),
		cmocka_unit_test(test_known_shortage),
		cmocka_unit_test(test_unknown_times_count_nothing),
	};

	pace_set(&pace, 10);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
