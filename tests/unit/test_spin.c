// SPDX-License-Identifier: MIT
/* vCPUs that compute all the time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "derive/spin.h"

enum { STEP = 10 };

static struct spin spin;
static struct pace pace;

static int setup(void **state)
{
	(void)state;
	spin = (struct spin){0};
	pace_set(&pace, STEP);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	spin_free(&spin);
	return 0;
}

/* So many of eight vCPUs compute, beginning with vCPU 3. */
static void pass(unsigned int seconds, uint32_t spinning, bool judged)
{
	for (unsigned int s = 0; s < seconds; s += STEP) {
		for (uint32_t i = 0; i < 8; i++) {
			bool computes = i >= 3 && i < 3 + spinning;

			assert_int_equal(spin_note(&spin, i, computes ? 0.99e9 : 0.9e9, computes ? 0 : 3, STEP), 0);
		}
		spin_step(&spin, judged, &pace);
	}
}

static void test_one(void **state)
{
	(void)state;
	pass(3600, 0, true);
	pass(290, 1, true);
	assert_false(spin.abnormal);
	pass(20, 1, true);
	assert_true(spin.abnormal);
	assert_int_equal(spin.count, 1);
	assert_int_equal(spin.first, 3);
	pass(170, 0, true);
	assert_true(spin.abnormal);
	pass(20, 0, true);
	assert_false(spin.abnormal);
}

/* A halt in between, or a value that is missing, begins the time again. */
static void test_interrupted(void **state)
{
	(void)state;
	pass(280, 1, true);
	spin_note(&spin, 3, 0.99e9, 1, STEP);
	pass(280, 1, true);
	spin_note(&spin, 3, NAN, 0, STEP);
	pass(280, 1, true);
	spin_note(&spin, 3, 0.99e9, NAN, STEP);
	pass(290, 1, true);
	assert_false(spin.abnormal);
}

/* What a job does every night on one vCPU is reported once, and two of them are more. */
static void test_learnt(void **state)
{
	(void)state;
	pass(400, 1, true);
	assert_true(spin.abnormal);
	pass(200, 0, true);
	pass(400, 1, true);
	assert_false(spin.abnormal);
	pass(400, 2, true);
	assert_true(spin.abnormal);
}

static void test_not_judged_is_learnt(void **state)
{
	(void)state;
	pass(400, 2, false);
	assert_false(spin.abnormal);
	pass(400, 2, true);
	assert_false(spin.abnormal);
}

/* After two weeks a record of one is forgotten, after a week it is not. */
static void test_fade(void **state)
{
	(void)state;
	pass(400, 1, false);
	pass(20, 0, false);
	spin_fade(&spin, 512);
	pass(400, 1, true);
	assert_false(spin.abnormal);
	pass(20, 0, false);
	spin_fade(&spin, 1025);
	pass(400, 1, true);
	assert_true(spin.abnormal);
}

static void test_adopt_and_forget(void **state)
{
	(void)state;
	pass(400, 3, true);
	spin_adopt(&spin);
	assert_false(spin.abnormal);
	pass(20, 3, true);
	assert_false(spin.abnormal);
	pass(400, 5, true);
	assert_true(spin.abnormal);
	spin_forget(&spin);
	assert_false(spin.abnormal);
	pass(290, 5, true);
	assert_false(spin.abnormal);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_one), TEST(test_interrupted), TEST(test_learnt), TEST(test_not_judged_is_learnt), TEST(test_fade),
		TEST(test_adopt_and_forget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
