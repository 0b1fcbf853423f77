/* SPDX-License-Identifier: MIT */
/*
 * test_bucket.c - bounds of histograms, against the kernel's own rule for where a value is counted
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kvmstat.h"

static const struct kvmstat_event log_hist = { .name = "h", .class = KVMSTAT_LOG_HIST };

/* Position of the highest bit, from 1, and no more than the last bucket: kvm_stats_log_hist_update(). */
static uint32_t bucket_of(uint64_t value, uint32_t buckets)
{
	uint32_t place = 0;

	for (; value; value >>= 1)
		place++;
	return place < buckets ? place : buckets - 1;
}

static void check_value(const struct kvmstat_column *column, uint64_t value)
{
	uint32_t bucket = bucket_of(value, column->cells);
	uint64_t from, below;

	assert_true(kvmstat_bucket(column, bucket, &from, &below));
	assert_true(from <= value);
	assert_true(value < below || (below == UINT64_MAX && bucket + 1 == column->cells));
}

static void every_value_is_in_the_bucket_that_counts_it(void **state)
{
	static const uint32_t sizes[] = { 1, 2, 10, 32, 64, 65 };

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct kvmstat_column column = { .event = &log_hist, .cells = sizes[i] };

		check_value(&column, 0);
		for (uint32_t bit = 0; bit < 64; bit++) {
			check_value(&column, UINT64_C(1) << bit);
			check_value(&column, (UINT64_C(1) << bit) - 1);
			check_value(&column, (UINT64_C(1) << bit) + 1);
		}
		check_value(&column, UINT64_MAX);
	}
}

static void buckets_leave_no_gap(void **state)
{
	struct kvmstat_column column = { .event = &log_hist, .cells = 32 };
	uint64_t from, below, end = 0;

	(void)state;
	for (uint32_t bucket = 0; bucket < 32; bucket++) {
		assert_true(kvmstat_bucket(&column, bucket, &from, &below));
		assert_int_equal(from, end);
		assert_true(below > from);
		end = below;
	}
	assert_int_equal(from, 1 << 30);
	assert_true(end == UINT64_MAX);
}

static void what_is_not_known_is_not_told(void **state)
{
	static const struct kvmstat_event linear = { .name = "l", .class = KVMSTAT_LINEAR_HIST };
	static const struct kvmstat_event counter = { .name = "c", .class = KVMSTAT_CUMULATIVE };
	struct kvmstat_column column = { .event = &linear, .cells = 10 };
	uint64_t from, below;

	(void)state;
	assert_false(kvmstat_bucket(&column, 0, &from, &below));
	column.event = &counter;
	assert_false(kvmstat_bucket(&column, 0, &from, &below));
	column = (struct kvmstat_column){ .event = &log_hist, .cells = 100 };
	assert_false(kvmstat_bucket(&column, 65, &from, &below));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_value_is_in_the_bucket_that_counts_it),
		cmocka_unit_test(buckets_leave_no_gap),
		cmocka_unit_test(what_is_not_known_is_not_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
