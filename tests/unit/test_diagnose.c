// SPDX-License-Identifier: MIT
/* diagnose.c end to end: what is reported of guests that do what a test says, and what is not */
#include <math.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "trial.h"
#include "util/filter.h"

static const char *const events[] = { "exit_instruction", "exit_wait_state", "deliver_ckc", "instruction_tsch",
				      "instruction_diagnose_44", "instruction_diagnose_9c", NULL };
enum { INSTRUCTION, WAIT_STATE, CKC, TSCH, DIAG_44, DIAG_9C };

static struct trial trial;

/* A guest that does a little of everything. */
static struct trial_guest *usual(const char *name, uint32_t vcpus)
{
	struct trial_guest *guest = trial_guest(&trial, name, vcpus);
	static const double rate[] = { 300, 200, 50, 60, 10, 0 };

	memcpy(guest->rate, rate, sizeof(rate));
	guest->cpu = 1.5;
	guest->wait = 0.01;
	return guest;
}

/* 64 vCPUs on 14 CPUs, from now on. */
static void storm(struct trial_guest *guest)
{
	guest->rate[DIAG_44] = 4000;
	guest->rate[INSTRUCTION] = 4300;
	guest->cpu = 6;
	guest->wait = 1;
}

static void calm(struct trial_guest *guest)
{
	guest->rate[DIAG_44] = 10;
	guest->rate[INSTRUCTION] = 300;
	guest->cpu = 1.5;
	guest->wait = 0.01;
}

static int teardown(void **state)
{
	(void)state;
	trial_close(&trial);
	return 0;
}

/* Begins with the next sample: raised at the second, cleared within three minutes and a sample of its end. */
static void see_storm(struct trial_guest *guest, double interval)
{
	double began = trial.now, ended;
	size_t before = trial.nchanges;
	const struct trial_change *change = &trial.change[before];
	double held = interval < 10 ? 20 : 2 * interval;

	storm(guest);
	trial_run(&trial, held + interval);
	assert_int_equal(trial.nchanges, before + 1);
	assert_int_equal(change->kind, KVMSTAT_RAISED);
	assert_string_equal(change->guest, "rhel7");
	assert_string_equal(change->cause, "overcommit");
	assert_string_equal(change->event, "instruction_diagnose_44");
	assert_true(change->at - began <= held + (interval < 10 ? 10 : 0));
	assert_non_null(strstr(change->text, "rhel7: 64 vCPUs on 14 CPUs: instruction_diagnose_44 "));
	assert_non_null(strstr(change->text, "(overcommit). virsh vcpuinfo rhel7"));
	trial_run(&trial, 20 * interval);
	calm(guest);
	ended = trial.now;
	trial_run(&trial, 180 + 2 * interval);
	assert_int_equal(trial.nchanges, before + 2);
	assert_int_equal(trial.change[before + 1].kind, KVMSTAT_CLEARED);
	assert_int_equal(trial.change[before + 1].number, change->number);
	assert_int_equal(trial.change[before + 1].ending, KVMSTAT_NORMAL_AGAIN);
	assert_true(trial.change[before + 1].at - ended <= (interval < 60 ? 180 : 3 * interval));
}

static struct filter *all_but(const char *word)
{
	struct filter *filter = filter_new();
	char error[256];

	assert_non_null(filter);
	assert_int_equal(filter_add(filter, true, word, error, sizeof(error)), 0);
	return filter;
}

/* Whoever is excluded is not judged; if that is since a restart, its alarm ends. The others are judged as before. */
static void test_excluded(void **state)
{
	struct trial_guest *guest, *other;

	(void)state;
	trial_open(&trial, 10, 14, events);
	guest = usual("rhel7", 64);
	other = usual("rhel8", 64);
	trial_run(&trial, 3 * DAY);
	storm(guest);
	trial_run(&trial, 5 * MINUTE);
	assert_int_equal(trial.nchanges, 1);
	trial.config.guests = all_but("/7$/");
	trial_restart(&trial);
	filter_free(trial.config.guests);
	trial.config.guests = NULL;
	trial_run(&trial, 10 * MINUTE);
	assert_int_equal(trial.nchanges, 2);
	assert_int_equal(trial.change[1].kind, KVMSTAT_CLEARED);
	assert_int_equal(trial.change[1].ending, KVMSTAT_NOT_OBSERVED);
	storm(other);
	trial_run(&trial, 5 * MINUTE);
	assert_int_equal(trial.nchanges, 3);
	assert_string_equal(trial.change[2].guest, "rhel8");
	assert_true(isnan(kvmstat_diagnosis_learnt(trial.diagnosis, guest->guest.id)));
	assert_false(isnan(kvmstat_diagnosis_learnt(trial.diagnosis, other->guest.id)));
}

/* The article's case after a week, at each interval. */
static void test_storm_after_a_week(void **state)
{
	static const double intervals[] = { 10, 60, 300 };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct trial_guest *guest;

		trial_open(&trial, intervals[i], 14, events);
		guest = usual("rhel7", 64);
		usual("other", 4);
		trial_run(&trial, 8 * DAY);
		assert_int_equal(trial.nchanges, 0);
		see_storm(guest, intervals[i]);
		assert_non_null(strstr(trial.change[0].text, "for a minute in 8 days"));
		trial_run(&trial, HOUR);
		assert_int_equal(trial.nchanges, 2);
		if (i < 2)
			trial_close(&trial);
	}
}

/* At one second it takes twenty, as at ten; a day is learnt, or the test would take long. */
/* Where vCPUs are reported, one that makes most of the event is named. */
static void test_one_vcpu(void **state)
{
	static const struct {
		double share;
		const char *words;
	} cases[] = {
		{ 1, "/s, all of it on vCPU 3, never above" }, { 0.9, "/s, 90 % of it on vCPU 3, never above" },
		{ 0.5, "/s, never above" },
	};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct trial_guest *guest;

		trial_open(&trial, 10, 14, events);
		guest = usual("rhel7", 64);
		trial.split = guest;
		trial.share = cases[i].share;
		trial_run(&trial, 3 * DAY);
		storm(guest);
		trial_run(&trial, MINUTE);
		assert_int_equal(trial.nchanges, 1);
		assert_non_null(strstr(trial.change[0].text, cases[i].words));
		if (i < 2)
			trial_close(&trial);
	}
}

static void test_storm_at_one_second(void **state)
{
	struct trial_guest *guest;

	(void)state;
	trial_open(&trial, 1, 14, events);
	guest = usual("rhel7", 64);
	trial_run(&trial, 2 * DAY);
	assert_int_equal(trial.nchanges, 0);
	see_storm(guest, 1);
}

/* With a recorded good case a host is judged from the beginning. */
static void test_storm_with_a_good_case(void **state)
{
	struct trial_guest *guest;
	char *text, error[256];
	size_t size;

	(void)state;
	trial_open(&trial, 10, 14, events);
	usual("rhel7", 64);
	trial_run(&trial, 600);
	assert_int_equal(kvmstat_diagnosis_write(trial.diagnosis, &text, &size), 0);
	trial_close(&trial);
	trial_open(&trial, 10, 14, events);
	assert_int_equal(kvmstat_diagnosis_read_good(trial.diagnosis, text, size, error, sizeof(error)), 0);
	free(text);
	guest = usual("rhel7", 64);
	trial_run(&trial, 60);
	see_storm(guest, 10);
	/* It is reported each time: alarms teach nothing of yields. */
	trial_run(&trial, HOUR);
	see_storm(guest, 10);
}

/* Whoever starts, stops, reboots or arrives does much for a while. */
static void test_coming_and_going(void **state)
{
	struct trial_guest *guest;

	(void)state;
	trial_open(&trial, 10, 14, events);
	guest = usual("g", 2);
	trial_run(&trial, 2 * DAY);
	for (int i = 0; i < 1000; i++) {
		guest->there = false;
		trial_run(&trial, i % 3 * 10);
		trial_begin(&trial, guest);
		for (int e = 0; e < 5; e++)
			guest->rate[e] *= 50;
		guest->cpu = 2;
		trial_run(&trial, 120);
		for (int e = 0; e < 5; e++)
			guest->rate[e] /= 50;
		guest->cpu = 1.5;
		trial_run(&trial, i % 10 ? 0 : 1200);
	}
	assert_int_equal(trial.nchanges, 0);
}

/* Nobody knows when it began, but it was not there before. */
static void test_arrival_of_unknown_age(void **state)
{
	struct trial_guest *guest;

	(void)state;
	trial_open(&trial, 10, 14, events);
	guest = usual("g", 2);
	trial_run(&trial, 2 * DAY);
	for (int i = 0; i < 50; i++) {
		guest->there = false;
		trial_run(&trial, 60);
		trial_begin(&trial, guest);
		guest->guest.began_ns = guest->guest.created_ns = 0;
		guest->rate[DIAG_44] = 5000;
		trial_run(&trial, 300);
		guest->rate[DIAG_44] = 10;
		trial_run(&trial, 600);
	}
	assert_int_equal(trial.nchanges, 0);
}

/* One kernel yields by 44, the other by 9C, and much more often: each is compared with itself. */
static void test_two_kernels(void **state)
{
	struct trial_guest *old, *new;

	(void)state;
	trial_open(&trial, 10, 14, events);
	old = usual("old", 4);
	new = usual("new", 4);
	old->rate[DIAG_44] = 30;
	new->rate[DIAG_44] = 0;
	new->rate[DIAG_9C] = 5000;
	trial_run(&trial, 9 * DAY);
	assert_int_equal(trial.nchanges, 0);
}

static void test_stalled_and_looping(void **state)
{
	struct trial_guest *guest;
	struct trial_guest saved;

	(void)state;
	trial_open(&trial, 10, 14, events);
	guest = usual("g", 2);
	trial_run(&trial, 2 * HOUR);
	saved = *guest;
	memset(guest->rate, 0, sizeof(guest->rate));
	guest->cpu = 0;
	trial_run(&trial, 60);
	assert_int_equal(trial.nchanges, 1);
	assert_string_equal(trial.change[0].cause, "stalled");
	memcpy(guest->rate, saved.rate, sizeof(guest->rate));
	guest->cpu = saved.cpu;
	trial_run(&trial, 60);
	assert_int_equal(trial.nchanges, 2);
	assert_int_equal(trial.change[1].ending, KVMSTAT_NORMAL_AGAIN);
	memset(guest->rate, 0, sizeof(guest->rate));
	guest->cpu = 1;
	trial_run(&trial, 60);
	assert_int_equal(trial.nchanges, 3);
	assert_string_equal(trial.change[2].cause, "looping");
	assert_int_equal(trial.change[2].number, 2);
	guest->there = false;
	trial_run(&trial, 60);
	assert_int_equal(trial.nchanges, 4);
	assert_int_equal(trial.change[3].ending, KVMSTAT_GUEST_ENDED);
}

/* No value is no zero: a guest whose counters cannot be read is not silent, and an alarm does not end of it at once. */
static void test_missing_values(void **state)
{
	struct trial_guest *guest;

	(void)state;
	trial_open(&trial, 10, 14, events);
	guest = usual("rhel7", 64);
	trial_run(&trial, 2 * DAY);
	memset(guest->absent, 1, sizeof(guest->absent));
	trial_run(&trial, HOUR);
	memset(guest->absent, 0, sizeof(guest->absent));
	trial_run(&trial, 30);
	assert_int_equal(trial.nchanges, 0);
	storm(guest);
	trial_run(&trial, 60);
	assert_int_equal(trial.raised, 1);
	memset(guest->absent, 1, sizeof(guest->absent));
	trial_run(&trial, 590);
	assert_int_equal(trial.cleared, 0);
	trial_run(&trial, 30);
	assert_int_equal(trial.cleared, 1);
	assert_int_equal(trial.change[1].ending, KVMSTAT_NOT_OBSERVED);
}

/* Where the option Event lets nothing pass that shows a guest at work, its alarm ends with the storm and not before. */
static void test_only_one_event(void **state)
{
	static const char *const only[] = { "instruction_diagnose_44", NULL };
	struct trial_guest *guest;

	(void)state;
	trial_open(&trial, 10, 14, only);
	guest = trial_guest(&trial, "rhel7", 64);
	guest->rate[0] = 10;
	guest->cpu = 1.5;
	trial_run(&trial, 2 * DAY);
	guest->rate[0] = 4000;
	trial_run(&trial, HOUR);
	assert_int_equal(trial.nchanges, 1);
	assert_int_equal(trial.change[0].kind, KVMSTAT_RAISED);
	guest->rate[0] = 10;
	trial_run(&trial, 240);
	assert_int_equal(trial.nchanges, 2);
	assert_int_equal(trial.change[1].ending, KVMSTAT_NORMAL_AGAIN);
}

/* Samples that are missing make no alarm, and hide none. */
static void test_missing_samples(void **state)
{
	struct trial_guest *guest;

	(void)state;
	trial_open(&trial, 10, 14, events);
	guest = usual("rhel7", 64);
	for (int i = 0; i < 4000; i++) {
		trial_run(&trial, 50);
		trial_step(&trial, i % 7 ? 20 : 600);
	}
	assert_int_equal(trial.nchanges, 0);
	storm(guest);
	trial_step(&trial, 30);
	trial_step(&trial, 30);
	assert_int_equal(trial.raised, 1);
}

/* A host that slept has not learnt meanwhile. */
static void test_long_gap(void **state)
{
	struct trial_guest *guest;

	(void)state;
	trial_open(&trial, 10, 14, events);
	guest = usual("g", 2);
	trial_run(&trial, 50);
	assert_true(isnan(kvmstat_diagnosis_usual(trial.diagnosis, guest->guest.id, 1180)));	/* no minute has passed */
	trial_run(&trial, HOUR);
	trial_step(&trial, 10 * DAY);
	trial_run(&trial, HOUR);
	assert_true(kvmstat_diagnosis_learnt(trial.diagnosis, guest->guest.id) < 0.1);
	assert_true(fabs(kvmstat_diagnosis_usual(trial.diagnosis, guest->guest.id, 1180) / 60 - 1) < 0.3);
	assert_true(isnan(kvmstat_diagnosis_usual(trial.diagnosis, guest->guest.id, 1175)));
	assert_int_equal(kvmstat_diagnosis_alarm_of(trial.diagnosis, guest->guest.id), 0);
	assert_true(kvmstat_diagnosis_row_learnt(trial.diagnosis, 0) == kvmstat_diagnosis_learnt(trial.diagnosis, guest->guest.id));
	assert_true(kvmstat_diagnosis_row_usual(trial.diagnosis, 0, 1180) ==
		    kvmstat_diagnosis_usual(trial.diagnosis, guest->guest.id, 1180));
	assert_int_equal(kvmstat_diagnosis_row_alarm(trial.diagnosis, 0), 0);
	assert_true(isnan(kvmstat_diagnosis_row_learnt(trial.diagnosis, 1)));
}

static void test_guest_restarted(void **state)
{
	struct trial_guest *guest;

	(void)state;
	trial_open(&trial, 10, 14, events);
	guest = usual("rhel7", 64);
	trial_run(&trial, 2 * DAY);
	storm(guest);
	trial_run(&trial, 60);
	trial_begin(&trial, guest);
	trial_run(&trial, 10);
	assert_int_equal(trial.nchanges, 2);
	assert_int_equal(trial.change[1].ending, KVMSTAT_GUEST_RESTARTED);
	trial_run(&trial, 590);
	assert_int_equal(trial.nchanges, 2);
	trial_run(&trial, 60);
	assert_int_equal(trial.nchanges, 3);
	assert_int_equal(trial.change[2].number, 2);
}

/* What has been so for a day is normal. */
static void test_new_normal(void **state)
{
	struct trial_guest *guest;

	(void)state;
	trial_open(&trial, 10, 14, events);
	guest = usual("g", 2);
	trial_run(&trial, 8 * DAY);
	guest->rate[TSCH] *= 20;
	guest->rate[INSTRUCTION] *= 5;
	trial_run(&trial, DAY + HOUR);
	assert_int_equal(trial.nchanges, 2);
	assert_string_equal(trial.change[0].cause, "io");
	assert_int_equal(trial.change[1].ending, KVMSTAT_NEW_NORMAL);
	trial_run(&trial, 5 * DAY);
	assert_int_equal(trial.nchanges, 2);
}

/* A busy guest's I/O in a quiet hour: below its own day, far above its own night. */
static void test_night(void **state)
{
	struct trial_guest *guest;

	(void)state;
	trial_open(&trial, 10, 14, events);
	guest = usual("g", 2);
	for (int hour = 0; hour < 9 * 24 + 3; hour++) {
		guest->rate[TSCH] = hour % 24 >= 9 && hour % 24 < 18 ? 2000 : 60;
		trial_run(&trial, HOUR);
	}
	assert_int_equal(trial.nchanges, 0);
	guest->rate[TSCH] = 900;
	trial_run(&trial, 900);
	assert_int_equal(trial.raised, 1);
	assert_string_equal(trial.change[0].cause, "io");
}

/* kill -9 between raise and clear: one clear, of the same number, whether the storm goes on or not. */
static void test_restart_of_the_front_end(void **state)
{
	(void)state;
	for (int over = 0; over < 2; over++) {
		struct trial_guest *guest;

		trial_open(&trial, 10, 14, events);
		guest = usual("rhel7", 64);
		trial_run(&trial, 8 * DAY);
		storm(guest);
		trial_run(&trial, 60);
		assert_int_equal(trial.nchanges, 1);
		trial_restart(&trial);
		if (over)
			calm(guest);
		trial_run(&trial, 170);
		assert_int_equal(trial.nchanges, 1);
		trial_run(&trial, HOUR);
		assert_int_equal(trial.nchanges, over ? 2 : 1);
		calm(guest);
		trial_run(&trial, HOUR);
		assert_int_equal(trial.nchanges, 2);
		assert_int_equal(trial.change[1].kind, KVMSTAT_CLEARED);
		assert_int_equal(trial.change[1].number, trial.change[0].number);
		storm(guest);
		trial_run(&trial, 30);
		assert_int_equal(trial.nchanges, 3);
		assert_int_equal(trial.change[2].number, 2);
		if (!over)
			trial_close(&trial);
	}
}

static void test_neighbour(void **state)
{
	struct trial_guest *guest[4], *taker;

	(void)state;
	trial_open(&trial, 10, 4, events);
	for (int i = 0; i < 4; i++) {
		char name[8];

		snprintf(name, sizeof(name), "g%d", i);
		guest[i] = usual(name, 2);
		guest[i]->cpu = 0.5;
	}
	taker = usual("taker", 4);
	trial_run(&trial, 8 * DAY);
	for (int i = 0; i < 4; i++)
		guest[i]->wait = 0.4;
	taker->cpu = 3.5;
	taker->wait = 1.5;
	trial_run(&trial, 600);
	assert_int_equal(trial.raised, 1);
	assert_string_equal(trial.change[0].guest, "");
	assert_string_equal(trial.change[0].cause, "cpu-starved");
	assert_non_null(strstr(trial.change[0].text, "; taker takes 3.5 CPUs"));
}

/* A million samples: no memory is allocated, whatever happens to rates. */
static void test_memory(void **state)
{
	struct trial_guest *guest;
	struct mallinfo2 before;

	(void)state;
	trial_open(&trial, 10, 14, events);
	guest = usual("g", 2);
	trial_run(&trial, 100 * DAY / 10);
	before = mallinfo2();
	for (int i = 0; i < 1000000; i++) {
		guest->rate[TSCH] = 60 + i % 5 * 10;
		trial_step(&trial, 10);
	}
	assert_int_equal(trial.nchanges, 0);
	assert_int_equal(mallinfo2().uordblks, before.uordblks);
}

#define TEST(function) cmocka_unit_test_teardown(function, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_excluded),
		TEST(test_storm_after_a_week),
		TEST(test_one_vcpu),
		TEST(test_storm_at_one_second),
		TEST(test_storm_with_a_good_case),
		TEST(test_coming_and_going),
		TEST(test_arrival_of_unknown_age),
		TEST(test_two_kernels),
		TEST(test_stalled_and_looping),
		TEST(test_missing_values),
		TEST(test_only_one_event),
		TEST(test_missing_samples),
		TEST(test_long_gap),
		TEST(test_guest_restarted),
		TEST(test_new_normal),
		TEST(test_night),
		TEST(test_restart_of_the_front_end),
		TEST(test_neighbour),
		TEST(test_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
