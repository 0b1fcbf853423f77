/* SPDX-License-Identifier: MIT */
/*
 * test_values.c - what is sent, when, and under which name
 */
#include <errno.h>
#include <time.h>

#include "plugin_test.h"

static void values_have_type_name_and_time(void)
{
	fake.guests[0].value[1] = 7;
	fake.guests[0].value[2] = 4096;
	fake.guests[0].value[3] = 12;
	start(NULL);
	pass();
	CHECK(derive(HV "-web/derive-exits") == 100);
	CHECK(derive(HV "-db/derive-exits") == 200);
	CHECK(derive(HV "-web/derive-halt_wait_ns") == 7);
	CHECK(gauge(HV "-web/gauge-pages_4k") == 4096);
	CHECK(gauge(HV "-web/gauge-max_mmu_rmap_size") == 12);
	for (size_t i = 0; i < daemon_state.nsent; i++)
		CHECK(daemon_state.sent[i].time == cdtime_of(fake.realtime_ns));
}

static void values_over_63_bits_keep_their_bits(void)
{
	fake.guests[0].value[0] = UINT64_MAX;
	start(NULL);
	pass();
	CHECK(daemon_sent(HV "-web/derive-exits") && daemon_sent(HV "-web/derive-exits")->derive == -1);
}

static void plugin_reports_itself(void)
{
	fake.problems[KVMSTAT_UNREADABLE].count = 3;
	start(NULL);
	pass();
	CHECK(gauge(HV "/gauge-guests") == 2);
	CHECK(gauge(HV "/gauge-events") == 5);
	CHECK(gauge(HV "/gauge-values") == 2);
	CHECK(gauge(HV "/duration-pass") == 0.0015);
	CHECK(derive(HV "/derive-errors-unreadable") == 3);
	CHECK(derive(HV "/derive-errors-no-kvm") == 0);
}

static void absent_is_not_zero(void)
{
	fake.guests[0].from[0] = KVMSTAT_ABSENT;
	start("<Plugin kvmstat>\nSkipNeverSeen false\n</Plugin>\n");
	pass();
	CHECK(!daemon_sent(HV "-web/derive-exits"));
	CHECK(derive(HV "-db/derive-exits") == 200);
	CHECK(derive(HV "-web/derive-halt_wait_ns") == 0);
}

static void never_seen_is_not_sent(void)
{
	start(NULL);
	pass();
	CHECK(!daemon_sent(HV "-web/derive-halt_wait_ns"));
	CHECK(!daemon_sent(HV "-web/gauge-pages_4k"));
	CHECK(!daemon_sent(HV "-web/derive-exit_dead"));
}

static void waking_up_sends_the_zero_first(void)
{
	struct sent woken[2] = {0};
	size_t first = 0, nwoken = 0;
	uint64_t before;

	start(NULL);
	pass();
	before = fake.realtime_ns;
	fake.guests[0].value[1] = 9;
	pass();
	if (daemon_count(HV "-web/derive-halt_wait_ns") != 2) {
		CHECK(!"the zero and the value");
		return;
	}
	for (size_t i = 0; i < daemon_state.nsent; i++) {
		const struct sent *sent = &daemon_state.sent[i];

		if (strcmp(sent->id, HV "-web/derive-halt_wait_ns"))
			continue;
		woken[nwoken++] = *sent;
		/* Next to each other, the daemon's write threads would write them in any order. */
		CHECK(nwoken == 1 || i - first > 10);
		first = i;
	}
	CHECK(nwoken == 2);
	CHECK(woken[0].derive == 0 && woken[0].time == cdtime_of(before));
	CHECK(woken[1].derive == 9 && woken[1].time == cdtime_of(fake.realtime_ns));
	CHECK(gauge(HV "/gauge-values") == 4);
	/* Paid once: not again when another one wakes up. */
	fake.guests[0].value[1] = 0;
	fake.guests[1].value[1] = 1;
	pass();
	CHECK(daemon_count(HV "-web/derive-halt_wait_ns") == 1);
	CHECK(daemon_count(HV "-db/derive-halt_wait_ns") == 2);
	pass();
	CHECK(daemon_count(HV "-web/derive-halt_wait_ns") == 1);
	/* Once seen, a 0 is a value like any other. */
	fake.guests[0].value[1] = 0;
	pass();
	CHECK(derive(HV "-web/derive-halt_wait_ns") == 0);
}

/* The value waits until its 0 is in the daemon's cache, and does not come at all if that takes too long. */
static void no_value_overtakes_its_zero(void)
{
	start(NULL);
	pass();
	fake.guests[0].value[1] = 9;
	daemon_state.late = 3;
	pass();
	CHECK(daemon_state.late == 0);
	CHECK(daemon_count(HV "-web/derive-halt_wait_ns") == 2);
	CHECK(derive(HV "-web/derive-halt_wait_ns") == 9);

	fake.guests[1].value[1] = 5;
	daemon_state.late = 1000;
	pass();
	CHECK(daemon_state.late > 900 && daemon_state.late < 1000);
	CHECK(daemon_count(HV "-db/derive-halt_wait_ns") == 1);
	CHECK(derive(HV "-db/derive-halt_wait_ns") == 0);
	fake.guests[1].value[1] = 6;
	pass();
	CHECK(daemon_count(HV "-db/derive-halt_wait_ns") == 1);
	CHECK(derive(HV "-db/derive-halt_wait_ns") == 6);
	daemon_state.late = 0;
}

static void waking_up_on_the_first_read_uses_the_pass_of_the_start(void)
{
	start(NULL);
	fake.guests[1].value[1] = 3;
	pass();
	CHECK(daemon_count(HV "-db/derive-halt_wait_ns") == 2);
}

static void no_zero_is_invented(void)
{
	/* A newcomer has no earlier 0, an absent value is none, and the clock may have been set back. */
	fake.guests[0].from[1] = KVMSTAT_ABSENT;
	start(NULL);
	pass();
	fake_add_guest(3, "new", "33333333-2222-3333-4444-555555555555")->value[1] = 5;
	fake.guests[0].from[1] = KVMSTAT_BPF;
	fake.guests[0].value[1] = 6;
	pass();
	CHECK(daemon_count(HV "-new/derive-halt_wait_ns") == 1);
	CHECK(daemon_count(HV "-web/derive-halt_wait_ns") == 1);
	fake.realtime_ns -= 20ull * SECOND;
	fake.guests[1].value[1] = 7;
	pass();
	CHECK(daemon_count(HV "-db/derive-halt_wait_ns") == 1);
	fake.realtime_ns -= 10ull * SECOND; /* the same time again */
	fake.guests[1].value[2] = 8;
	pass();
	CHECK(daemon_count(HV "-db/gauge-pages_4k") == 1);
}

static void skip_never_seen_off_sends_zeros_but_not_of_the_dead(void)
{
	start("<Plugin kvmstat>\nSkipNeverSeen false\n</Plugin>\n");
	pass();
	CHECK(derive(HV "-web/derive-halt_wait_ns") == 0);
	CHECK(gauge(HV "-web/gauge-pages_4k") == 0);
	CHECK(!daemon_sent(HV "-web/derive-exit_dead"));
	fake.guests[0].value[4] = 1;
	pass();
	CHECK(derive(HV "-web/derive-exit_dead") == 1);
}

static void falling_counter_is_sent_as_it_is(void)
{
	start(NULL);
	pass();
	fake.guests[0].value[0] = 4;
	pass();
	CHECK(derive(HV "-web/derive-exits") == 4);
	CHECK(daemon_count(HV "-web/derive-exits") == 1);
}

static void histogram_has_a_value_for_each_bucket(void)
{
	fake_add_event("halt_wait_hist", 6, KVMSTAT_LOG_HIST, 32);
	fake.events[5].unit = KVMSTAT_NS;
	fake.guests[0].value[5] = 1;
	fake.guests[0].value[5 + 31] = 2;
	start(NULL);
	pass();
	CHECK(derive(HV "-web/derive-halt_wait_hist-00-from-0ns") == 1);
	CHECK(derive(HV "-web/derive-halt_wait_hist-31-from-1073741824ns") == 2);
	CHECK(!daemon_sent(HV "-web/derive-halt_wait_hist-07-from-64ns"));
	/* A bucket wakes up like any event. */
	fake.guests[0].value[5 + 7] = 3;
	pass();
	CHECK(daemon_count(HV "-web/derive-halt_wait_hist-07-from-64ns") == 2);
	CHECK(derive(HV "-web/derive-halt_wait_hist-07-from-64ns") == 3);
}

static void buckets_of_unknown_bounds_have_a_number(void)
{
	fake_add_event("some_hist", 6, KVMSTAT_LINEAR_HIST, 4);
	fake_add_event("count_hist", 7, KVMSTAT_LOG_HIST, 4);
	for (uint32_t cell = 5; cell < 13; cell++)
		fake.guests[0].value[cell] = cell;
	start(NULL);
	pass();
	CHECK(derive(HV "-web/derive-some_hist-03") == 8);
	CHECK(derive(HV "-web/derive-count_hist-03-from-4") == 12);
}

static void longest_event_name_fits(void)
{
	static char name[128];

	memset(name, 'e', 127);
	fake_add_event(name, 6, KVMSTAT_CUMULATIVE, 1);
	fake_add_event(name, 7, KVMSTAT_LOG_HIST, 2);
	for (uint32_t i = 5; i < 8; i++)
		fake.guests[0].value[i] = i;
	start(NULL);
	pass();
	for (size_t i = 0; i < daemon_state.nsent; i++)
		CHECK(strlen(strrchr(daemon_state.sent[i].id, '/')) <= strlen("/derive-") + 127);
	CHECK(gauge(HV "/gauge-values") == 5);
}

static void a_new_event_shifts_no_memory(void)
{
	struct kvmstat_event last = fake.events[1];

	fake.guests[0].value[1] = 5;
	fake.guests[0].value[0] = 0;
	start(NULL);
	pass();
	/* Column 1 becomes another event, halt_wait_ns moves behind it and is 0 now. */
	fake.events[1] = (struct kvmstat_event){.name = "fresh", .text = "", .number = 1000};
	fake.events[5] = last;
	fake.buckets[5] = 1;
	fake.nevents = 6;
	fake.event_generation++;
	fake.guests[0].value[1] = 0;
	fake.guests[0].value[5] = 0;
	fake.guests[0].value[0] = 3;
	pass();
	CHECK(!daemon_sent(HV "-web/derive-fresh"));
	CHECK(derive(HV "-web/derive-halt_wait_ns") == 0);
	CHECK(daemon_count(HV "-web/derive-exits") == 2);
}

static void guest_goes_and_returns_under_its_name(void)
{
	start(NULL);
	pass();
	fake_remove_guest(0);
	pass();
	CHECK(!daemon_sent(HV "-web/derive-exits"));
	CHECK(derive(HV "-db/derive-exits") == 200);
	CHECK(gauge(HV "/gauge-guests") == 1);
	fake_add_guest(3, "web", "11111111-2222-3333-4444-555555555555")->value[0] = 5;
	pass();
	CHECK(derive(HV "-web/derive-exits") == 5);
	CHECK(derive(HV "-db/derive-exits") == 200);
}

static void all_guests_go(void)
{
	start(NULL);
	fake_remove_guest(0);
	fake_remove_guest(0);
	pass();
	CHECK(gauge(HV "/gauge-guests") == 0);
	CHECK(gauge(HV "/gauge-values") == 0);
	/* Without a source none seen does not mean none there. */
	fake.problems[KVMSTAT_NO_SOURCE].active = true;
	pass();
	CHECK(!daemon_sent(HV "/gauge-guests"));
	CHECK(gauge(HV "/gauge-values") == 0);
}

static void max_values_is_a_limit_and_says_so_once(void)
{
	start("<Plugin kvmstat>\nMaxValues 3\nSkipNeverSeen false\n</Plugin>\n");
	pass();
	CHECK(gauge(HV "/gauge-values") == 3);
	CHECK(daemon_logged("W kvmstat plugin: 5 of 8 values are left out", "MaxValues is 3") == 1);
	pass();
	CHECK(daemon_state.nlog == 0);
	CHECK(gauge(HV "/gauge-values") == 3);
	fake_remove_guest(0);
	fake.guests[0].from[0] = KVMSTAT_ABSENT;
	pass();
	CHECK(daemon_logged("no values are left out any more", NULL) == 1);
	CHECK(gauge(HV "/gauge-values") == 3);
}

static void problems_are_told_once_and_when_over(void)
{
	struct kvmstat_problem_status *problem = &fake.problems[KVMSTAT_REFUSED];

	problem->active = true;
	snprintf(problem->text, sizeof(problem->text), "lockdown hides 40 events, 100%% of them; use bpf");
	start(NULL);
	CHECK(daemon_logged("W kvmstat plugin: lockdown hides 40 events, 100% of them; use bpf", NULL) == 1);
	pass();
	pass();
	CHECK(daemon_logged("lockdown", NULL) == 0);
	problem->active = false;
	pass();
	CHECK(daemon_logged("I kvmstat plugin: over: ", NULL) == 1);
	pass();
	CHECK(daemon_state.nlog == 0);
	problem->active = true;
	pass();
	CHECK(daemon_logged("lockdown", NULL) == 1);
}

static void collectd_that_takes_nothing_is_told_once(void)
{
	start(NULL);
	daemon_state.refuse = true;
	pass();
	CHECK(daemon_logged("collectd rejects values", NULL) == 1);
	daemon_state.refuse = false;
	pass();
	CHECK(daemon_logged("collectd accepts values again", NULL) == 1);
}

static void no_memory_again_and_again_is_an_error(void)
{
	start(NULL);
	fake.collect_error = -ENOMEM;
	CHECK(daemon_read() == 0);
	CHECK(daemon_read() == 0);
	CHECK(daemon_read() != 0);
	CHECK(daemon_logged("cannot collect", NULL) == 1);
	fake.collect_error = 0;
	pass();
	CHECK(daemon_logged("collecting again", NULL) == 1);
	fake.collect_error = -ENOMEM;
	CHECK(daemon_read() == 0);
	fake.collect_error = 0;
	pass();
	CHECK(derive(HV "-web/derive-exits") == 100);
}

static void changed_names_are_told_but_not_endlessly(void)
{
	fake_add_guest(3, "a/b", "");
	start(NULL);
	CHECK(daemon_logged("I kvmstat plugin: the guest of process 1003", "kvmstat-a_b-") == 1);
	for (uint64_t id = 4; id < 34; id++)
		fake_add_guest(id, "web", "");
	pass();
	CHECK(daemon_state.nlog == 11);
	CHECK(daemon_logged("kvmstat-web-2: ", NULL) == 1);
	CHECK(daemon_logged("20 more guests", NULL) == 1);
	pass();
	CHECK(daemon_state.nlog == 0);
}

/* The plugin's pauses take this time and no other. */
static uint64_t slept_ns;

int nanosleep(const struct timespec *pause, struct timespec *left)
{
	(void)left;
	slept_ns += (uint64_t)pause->tv_sec * 1000000000 + (uint64_t)pause->tv_nsec;
	return 0;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
	(void)clock;
	*now = (struct timespec){(time_t)(slept_ns / 1000000000), (long)(slept_ns % 1000000000)};
	return 0;
}

/* The milliseconds that a pass was paused. */
static double paused_pass(void)
{
	uint64_t before = slept_ns;

	pass();
	return (double)(slept_ns - before) / 1e6;
}

static void pace_spreads_but_not_for_long(void)
{
	for (uint64_t id = 3; id < 200; id++)
		fake_add_guest(id, "many", "")->value[0] = id;
	daemon_state.interval = 1ull << 30;
	start("<Plugin kvmstat>\nPace 20\n</Plugin>\n");
	CHECK(paused_pass() == 240); /* no more than a quarter of an interval of 1 s */
	CHECK(gauge(HV "/gauge-values") == 199);
}

static void pace_is_automatic(void)
{
	for (uint64_t id = 3; id < 200; id++)
		fake_add_guest(id, "many", "")->value[0] = id;
	for (uint32_t number = 6; number < 40; number++)
		fake_add_event("event", number, KVMSTAT_CUMULATIVE, 1);
	start("<Plugin kvmstat>\nSkipNeverSeen false\n</Plugin>\n");
	daemon_state.record = false;
	CHECK(paused_pass() == 199 * 0.5);
	CHECK(daemon_state.nsent > 5000);
}

static const struct test tests[] = {
	{"values have type, name and time", values_have_type_name_and_time},
	{"values over 63 bits keep their bits", values_over_63_bits_keep_their_bits},
	{"plugin reports itself", plugin_reports_itself},
	{"absent is not zero", absent_is_not_zero},
	{"never seen is not sent", never_seen_is_not_sent},
	{"waking up sends the zero first", waking_up_sends_the_zero_first},
	{"waking up on the first read", waking_up_on_the_first_read_uses_the_pass_of_the_start},
	{"no value overtakes its zero", no_value_overtakes_its_zero},
	{"no zero is invented", no_zero_is_invented},
	{"SkipNeverSeen off, dead events", skip_never_seen_off_sends_zeros_but_not_of_the_dead},
	{"falling counter is sent as it is", falling_counter_is_sent_as_it_is},
	{"histogram buckets", histogram_has_a_value_for_each_bucket},
	{"buckets of unknown bounds", buckets_of_unknown_bounds_have_a_number},
	{"longest event name fits", longest_event_name_fits},
	{"a new event shifts no memory", a_new_event_shifts_no_memory},
	{"guest goes and returns", guest_goes_and_returns_under_its_name},
	{"all guests go", all_guests_go},
	{"MaxValues", max_values_is_a_limit_and_says_so_once},
	{"problems are told once and when over", problems_are_told_once_and_when_over},
	{"collectd that takes nothing", collectd_that_takes_nothing_is_told_once},
	{"no memory again and again", no_memory_again_and_again_is_an_error},
	{"changed names are told", changed_names_are_told_but_not_endlessly},
	{"Pace spreads but not for long", pace_spreads_but_not_for_long},
	{"Pace is automatic", pace_is_automatic},
};

int main(int argc, char **argv)
{
	return plugin_test(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
