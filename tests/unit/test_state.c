// SPDX-License-Identifier: MIT
/* state_write.c and state_read.c: what is kept comes back, and nothing of a text that is damaged in any place */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "derive/state.h"
#include "trial.h"

static const char *const events[] = { "exit_wait_state", "deliver_ckc", "instruction_tsch", "instruction_diagnose_44",
				      NULL };
enum { WAIT_STATE, CKC, TSCH, DIAG_44 };

static struct trial trial;
static char *text;
static size_t size;
static char error[256];

/* Two guests after two days, one with an alarm, and a name of odd bytes. */
static int setup(void **state)
{
	struct trial_guest *guest;

	(void)state;
	trial_open(&trial, 60, 2, events);
	guest = trial_guest(&trial, "a\tb\\c\n\x7f\xff", 4);
	trial_guest(&trial, "quiet", 1)->rate[WAIT_STATE] = 20;
	guest->rate[WAIT_STATE] = 200;
	guest->rate[DIAG_44] = 30;
	guest->cpu = 1;
	trial_run(&trial, 2 * DAY);
	guest->rate[DIAG_44] = 3000;
	trial_run(&trial, 240);
	assert_int_equal(trial.raised, 1);
	assert_int_equal(kvmstat_diagnosis_write(trial.diagnosis, &text, &size), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(text);
	trial_close(&trial);
	return 0;
}

static int take(const char *what, size_t length, struct kvmstat_diagnosis **diagnosis)
{
	struct kvmstat_diagnosis_config config = { .grace_s = 0 };
	int rc;

	*diagnosis = kvmstat_diagnosis_new(&config);
	assert_non_null(*diagnosis);
	error[0] = '\0';
	rc = kvmstat_diagnosis_read(*diagnosis, what, length, error, sizeof(error));
	return rc;
}

/* Written, read and written it is the same, but for the interval, which another front end may have another of. */
static void test_same_again(void **state)
{
	struct kvmstat_diagnosis *diagnosis;
	const struct kvmstat_alarm *const *alarms;
	char *again, *a, *b;
	size_t count;
	size_t length;

	(void)state;
	assert_int_equal(take(text, size, &diagnosis), 0);
	assert_int_equal(kvmstat_diagnosis_write(diagnosis, &again, &length), 0);
	a = strstr(text, "\nguest\t");
	b = strstr(again, "\nguest\t");
	assert_true(a && b);
	assert_memory_equal(a, b, strlen(a) - strlen("end\t0123456789abcdef\n"));
	assert_non_null(strstr(text, "guest\tname:a\\x09b\\x5cc\\x0a\\x7f\xff\t"));
	assert_non_null(strstr(text, "\nalarm\t1\tname:a"));
	assert_int_equal(kvmstat_diagnosis_time(diagnosis), LONG_AGO + (uint64_t)(2 * DAY + 240) * S);
	alarms = kvmstat_diagnosis_alarms(diagnosis, &count);
	assert_int_equal(count, 1);
	assert_string_equal(alarms[0]->text, trial.change[0].text);
	free(again);
	kvmstat_diagnosis_free(diagnosis);
}

/* What is over is known for a day, also over a restart, and is not reported again. */
static void test_past_alarms(void **state)
{
	const struct kvmstat_alarm *const *alarms;
	size_t count;

	(void)state;
	trial.guest[0].rate[DIAG_44] = 30;
	trial_run(&trial, 600);
	assert_int_equal(trial.cleared, 1);
	trial_restart(&trial);
	trial_run(&trial, 12 * HOUR);
	alarms = kvmstat_diagnosis_alarms(trial.diagnosis, &count);
	assert_int_equal(count, 1);
	assert_int_equal(alarms[0]->number, 1);
	assert_int_equal(alarms[0]->ending, KVMSTAT_NORMAL_AGAIN);
	assert_true(alarms[0]->cleared_ns > alarms[0]->since_ns);
	assert_string_equal(alarms[0]->guest, trial.guest[0].name);
	assert_string_equal(alarms[0]->text, trial.change[1].text);
	trial_restart(&trial);
	trial_run(&trial, 13 * HOUR);
	kvmstat_diagnosis_alarms(trial.diagnosis, &count);
	assert_int_equal(count, 0);
	assert_int_equal(trial.nchanges, 2);
}

static void refuse(const char *what, size_t length)
{
	struct kvmstat_diagnosis *diagnosis;
	size_t count;

	assert_int_equal(take(what, length, &diagnosis), -EINVAL);
	assert_true(error[0]);
	kvmstat_diagnosis_alarms(diagnosis, &count);
	assert_int_equal(count, 0);
	kvmstat_diagnosis_free(diagnosis);
}

static void test_cut_at_each_byte(void **state)
{
	(void)state;
	for (size_t length = 0; length < size; length++) {
		char *cut = malloc(length ? length : 1);

		assert_non_null(cut);
		memcpy(cut, text, length);
		refuse(cut, length);
		free(cut);
	}
}

static void test_each_byte_changed(void **state)
{
	(void)state;
	for (size_t i = 0; i < size; i++) {
		text[i] ^= 1;
		refuse(text, size);
		text[i] ^= 1;
	}
}

/* What makes no sense although its checksum is right. */
static void refuse_lines(const char *lines, const char *reason)
{
	char whole[1024];
	int length = snprintf(whole, sizeof(whole), "%s", lines);

	snprintf(whole + length, sizeof(whole) - (size_t)length, "end\t%016llx\n",
		 (unsigned long long)state_checksum(whole, (size_t)length));
	refuse(whole, strlen(whole));
	if (!strstr(error, reason))
		fail_msg("\"%s\" does not have \"%s\"", error, reason);
}

#define FIRST STATE_FIRST "\n"
#define HOST FIRST "host\t6.1\t1700000000\t10.000\t7\t0.000\n"
#define QUIET "quiet=0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0\n"
#define GUEST HOST "guest\tname:g\tg\t2\t1\t2\t3\t" QUIET

static void test_nonsense(void **state)
{
	(void)state;
	refuse_lines("kvmstat-baseline 2\n", "line 1: \"kvmstat-baseline 2\" instead of");
	refuse_lines(FIRST, "there is nothing of the host");
	refuse_lines(HOST HOST, "neither a record that is known");
	refuse_lines(HOST "host\t6.1\t1700000000\t10.000\t7\t0.000\n", "line 3: a second line of the host");
	refuse_lines(FIRST "host\t6.1\tx\t10.000\t7\t0.000\n", "what it has of the host");
	refuse_lines(HOST "1180\t1\t1\n", "neither a record that is known");
	refuse_lines(GUEST "1180\t1\n", "neither a record that is known");
	refuse_lines(GUEST "1180\t1\t-1\n", "the rates of event 1180");
	refuse_lines(GUEST "1180\t1\tnan\n", "the rates of event 1180");
	refuse_lines(GUEST "guest\tname:g\tg\t2\t1\t2\t3\t" QUIET, "the guest is there twice");
	refuse_lines(HOST "guest\t\tg\t2\t1\t2\t3\t" QUIET, "what it has of a guest");
	refuse_lines(HOST "guest\ta\\x00\tg\t2\t1\t2\t3\t" QUIET, "what it has of a guest");
	refuse_lines(HOST "guest\ta\tg\t2\t1\t2\t3\tquiet=0,0\n", "what it has of a guest");
	refuse_lines(GUEST "daily\tio\t1,2,3\n", "a guest's day");
	refuse_lines(GUEST "alarm\t8\tname:g\tio\t1180\t1\t6\t1\t1\tknown\t1180\tx\n", "a number that was not given yet");
	refuse_lines(GUEST "alarm\t7\tname:h\tio\t1180\t1\t6\t1\t1\tknown\t1180\tx\n", "a guest that is not there");
	refuse_lines(GUEST "alarm\t7\tname:g\toi\t1180\t1\t6\t1\t1\tknown\t1180\tx\n", "what it has of an alarm");
	refuse_lines(GUEST "alarm\t7\tname:g\tio\t1180\t1\t6\t1\t1\tknown\t1180\n", "what it has of an alarm");
	refuse_lines(GUEST "alarm\t7\tname:g\tio\t1180\t1\t6\t1\t1\tknown\n", "what it has of an alarm");
	refuse_lines(GUEST "alarm\t7\tname:g\tio\t1180\t1\t6\t1\t1\tknown\tx\tx\n", "what it has of an alarm");
	refuse_lines(GUEST "past\t8\tname:h\th\tio\t1180\t1\t2\t1\t1\t1\tx\n", "what it has of a past alarm");
	refuse_lines(GUEST "past\t7\tname:h\th\tio\t1180\t1\t0\t1\t1\t1\tx\n", "what it has of a past alarm");
	refuse_lines(GUEST "past\t7\tname:h\th\tio\t1180\t1\t2\t7\t1\t1\tx\n", "what it has of a past alarm");
	refuse_lines(GUEST "past\t7\tname:h\th\toi\t1180\t1\t2\t1\t1\t1\tx\n", "what it has of a past alarm");
	refuse_lines(GUEST "alarm\t7\tname:g\tio\t1180\t1\t7\t1\t1\tknown\t1180\tx\n", "what it has of an alarm");
	refuse_lines(GUEST "a\tb\tc\td\te\tf\tg\th\ti\tj\tk\tl\tm\n", "too many fields");
}

/* Read and written without a sample: each guest has its own events, and no other's. */
static void test_unlike_guests(void **state)
{
	static const char lines[] = GUEST "1180\t7.000\t3.000\nguest\tname:h\th\t2\t1\t2\t3\t" QUIET
					  "1252\t15.000\t7.000\n";
	struct kvmstat_diagnosis *diagnosis;
	char whole[1024], *again;
	size_t length;

	(void)state;
	snprintf(whole, sizeof(whole), "%send\t%016llx\n", lines,
		 (unsigned long long)state_checksum(lines, strlen(lines)));
	assert_int_equal(take(whole, strlen(whole), &diagnosis), 0);
	assert_int_equal(kvmstat_diagnosis_write(diagnosis, &again, &length), 0);
	assert_non_null(strstr(again, "\n1180\t7.000\t3.000\ndaily"));
	assert_non_null(strstr(again, "\n1252\t15.000\t7.000\ndaily"));
	free(again);
	kvmstat_diagnosis_free(diagnosis);
}

/* Another kernel may count other things: all is doubted, nothing forgotten. */
static void test_another_kernel(void **state)
{
	struct kvmstat_diagnosis_config config = { .release = "6.2" };
	struct kvmstat_diagnosis *diagnosis = kvmstat_diagnosis_new(&config);
	char *again;
	size_t length;

	(void)state;
	assert_int_equal(kvmstat_diagnosis_read(diagnosis, text, size, error, sizeof(error)), 0);
	assert_int_equal(kvmstat_diagnosis_write(diagnosis, &again, &length), 0);
	assert_non_null(strstr(again, "\t86400\tquiet="));
	assert_null(strstr(text, "\t86400\tquiet="));
	free(again);
	kvmstat_diagnosis_free(diagnosis);
}

/* A good case is taken as damaged texts are: not at all. */
static void test_damaged_good_case(void **state)
{
	struct kvmstat_diagnosis_config config = { .grace_s = 0 };
	struct kvmstat_diagnosis *diagnosis = kvmstat_diagnosis_new(&config);
	char *again;
	size_t length;

	(void)state;
	assert_int_equal(kvmstat_diagnosis_read_good(diagnosis, text, size - 1, error, sizeof(error)), -EINVAL);
	assert_int_equal(kvmstat_diagnosis_write(diagnosis, &again, &length), 0);
	assert_null(strstr(again, "guest\t"));
	free(again);
	kvmstat_diagnosis_free(diagnosis);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_same_again),
		TEST(test_past_alarms),
		TEST(test_cut_at_each_byte),
		TEST(test_each_byte_changed),
		TEST(test_nonsense),
		TEST(test_unlike_guests),
		TEST(test_another_kernel),
		TEST(test_damaged_good_case),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
