// SPDX-License-Identifier: MIT
/* alarm.c: numbers, what is reported when, and how long it is kept */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "derive/alarm.h"

#define S UINT64_C(1000000000)

static struct alarms alarms;

static struct moment at(uint64_t seconds)
{
	return (struct moment){ seconds * S, (1700000000 + seconds) * S };
}

static struct alarm *raise(uint64_t seconds)
{
	struct kvmstat_alarm what = { .guest = "g", .key = "name:g", .cause = kvmstat_cause(KVMSTAT_CAUSE_IO),
				      .event = kvmstat_judged(1180), .rate = 100, .usual = 10 };
	struct moment now = at(seconds);
	struct alarm *alarm;

	alarm_describe(&what, 1, 9, NULL);
	alarm = alarm_raise(&alarms, &what, &now);
	assert_non_null(alarm);
	return alarm;
}

static void clear(struct alarm *alarm, uint64_t seconds)
{
	struct moment now = at(seconds);

	alarm_clear(&alarms, alarm, KVMSTAT_NORMAL_AGAIN, &now);
}

/* How many of a kind are reported now. */
static size_t reported(uint64_t seconds, enum kvmstat_change_kind kind)
{
	struct moment now = at(seconds);
	size_t n = 0;

	alarms_report(&alarms, &now);
	for (size_t i = 0; i < alarms.nchanges; i++)
		n += alarms.changes[i].kind == kind;
	return n;
}

static int teardown(void **state)
{
	(void)state;
	alarms_free(&alarms);
	return 0;
}

static void test_once_each(void **state)
{
	struct alarm *alarm = raise(1000);

	(void)state;
	assert_int_equal(alarm->public.number, 1);
	assert_int_equal(reported(1000, KVMSTAT_RAISED), 1);
	assert_int_equal(reported(1010, KVMSTAT_RAISED), 0);
	clear(alarm, 1020);
	assert_int_equal(reported(1020, KVMSTAT_CLEARED), 1);
	assert_int_equal(alarms.nchanges, 1);
	assert_string_equal(alarms.changes[0].alarm->text, "g: normal again after 0 min: instruction_tsch (io)");
	assert_int_equal(reported(1030, KVMSTAT_CLEARED), 0);
	assert_int_equal(raise(1040)->public.number, 2);
}

static void test_text(void **state)
{
	(void)state;
	assert_string_equal(raise(1000)->public.text,
			    "g: instruction_tsch 100/s, never above 10 for a minute in 9 days (io). virsh domblkstat g");
}

/* Nanoseconds a second are CPUs. */
static void test_text_of_time(void **state)
{
	struct kvmstat_alarm what = { .guest = "g", .key = "name:g", .cause = kvmstat_cause(KVMSTAT_CAUSE_OVERCOMMIT),
				      .event = kvmstat_judged(KVMSTAT_NUMBER_WAIT), .rate = 63.42e9, .usual = 0,
				      .vcpus = 64, .cpus = 2 };

	(void)state;
	alarm_describe(&what, 2, 9, NULL);
	assert_string_equal(what.text, "g: 64 vCPUs on 2 CPUs: waiting for 63.42 CPUs, never above 0.00 for a minute in 9 days "
				       "(overcommit). virsh vcpuinfo g");
}

/* A name is bytes, a sentence is cut where it is full. */
static void test_awkward_names(void **state)
{
	struct kvmstat_alarm what = { .key = "k", .cause = kvmstat_cause(KVMSTAT_CAUSE_CPU_STARVED), .usual = NAN };
	struct taker taker = { "a\nb\t\xff", 3 };
	char name[1000];

	(void)state;
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	what.guest = name;
	alarm_describe(&what, 0, 0, &taker);
	assert_true(strlen(what.text) < sizeof(what.text));
	for (const char *c = what.text; *c; c++)
		assert_true(*c >= ' ' && *c < 0x7f);
}

static void test_update_once(void **state)
{
	struct alarm *alarm = raise(1000);
	struct kvmstat_alarm better = alarm->public;

	(void)state;
	assert_int_equal(reported(1000, KVMSTAT_RAISED), 1);
	better.cause = kvmstat_cause(KVMSTAT_CAUSE_MEMORY);
	alarm_update(&alarms, alarm, &better);
	assert_int_equal(reported(1010, KVMSTAT_UPDATED), 1);
	assert_ptr_equal(alarm->public.cause, better.cause);
	better.cause = kvmstat_cause(KVMSTAT_CAUSE_TIMER);
	alarm_update(&alarms, alarm, &better);
	assert_int_equal(reported(1020, KVMSTAT_UPDATED), 0);
	assert_int_equal(alarm->public.cause->number, KVMSTAT_CAUSE_MEMORY);
}

/* 30 a minute, clears first; how many were held back is reported in the next minute; each raise has its clear. */
static void test_bursts(void **state)
{
	struct alarm *alarm[50];
	size_t raised, cleared = 0;

	(void)state;
	for (int i = 0; i < 50; i++)
		alarm[i] = raise(1000);
	raised = reported(1000, KVMSTAT_RAISED);
	assert_int_equal(raised, ALARM_REPORTS);
	assert_int_equal(alarms.count, 50);
	assert_int_equal(reported(1010, KVMSTAT_RAISED), 0);
	for (int i = 0; i < 50; i++)
		clear(alarm[i], 1020);
	assert_int_equal(reported(1020, KVMSTAT_CLEARED), 0);
	for (uint64_t t = 1030; t < 1300; t += 10) {
		struct alarm *later = raise(t);

		cleared += reported(t, KVMSTAT_CLEARED);
		if (t == 1060) {
			assert_int_equal(alarms.changes[0].kind, KVMSTAT_SUPPRESSED);
			assert_true(alarms.changes[0].count >= 20);
			assert_int_equal(alarms.nchanges, ALARM_REPORTS);
			assert_int_equal(alarms.changes[1].kind, KVMSTAT_CLEARED);
		}
		(void)later;
	}
	assert_int_equal(cleared, raised);
}

static void test_over_before_it_was_reported(void **state)
{
	struct alarm *alarm = raise(1000);

	(void)state;
	clear(alarm, 1000);
	assert_int_equal(reported(1000, KVMSTAT_RAISED), 0);
	assert_int_equal(alarms.nchanges, 0);
}

static void test_kept_a_day(void **state)
{
	struct alarm *alarm = raise(1000);

	(void)state;
	reported(1000, KVMSTAT_RAISED);
	reported(1000 + 3 * 86400, KVMSTAT_RAISED);
	assert_int_equal(alarms.count, 1);
	clear(alarm, 1000 + 3 * 86400);
	reported(1000 + 3 * 86400, KVMSTAT_CLEARED);
	reported(1000 + 4 * 86400, KVMSTAT_CLEARED);
	assert_int_equal(alarms.count, 1);
	reported(1010 + 4 * 86400, KVMSTAT_CLEARED);
	assert_int_equal(alarms.count, 0);
}

/* However many come and go in a day. */
static void test_past_ones_are_bounded(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 5000; i++) {
		struct alarm *alarm = raise(1000 + 10 * i);

		reported(1000 + 10 * i, KVMSTAT_RAISED);
		clear(alarm, 1000 + 10 * i);
		reported(1000 + 10 * i, KVMSTAT_CLEARED);
	}
	assert_true(alarms.count <= ALARM_PAST_MAX + 1);
	assert_int_equal(alarms.last_number, 5000);
}

static void test_joined(void **state)
{
	struct alarm *alarm = raise(1000);

	(void)state;
	for (int i = 0; i < 3; i++) {
		alarm_join(alarm, kvmstat_judged(1180));
		alarm_join(alarm, kvmstat_judged(1256));
	}
	assert_int_equal(alarm->public.nevents, 2);
}

#define TEST(function) cmocka_unit_test_teardown(function, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_once_each),
		TEST(test_text),
		TEST(test_text_of_time),
		TEST(test_awkward_names),
		TEST(test_update_once),
		TEST(test_bursts),
		TEST(test_over_before_it_was_reported),
		TEST(test_kept_a_day),
		TEST(test_past_ones_are_bounded),
		TEST(test_joined),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
