// SPDX-License-Identifier: MIT
/* learnt.c, once.c and the recorded good case of state_file.c */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "trial.h"

static const char *const events[] = { "exit_instruction", "exit_wait_state", "deliver_ckc", "instruction_diagnose_44",
				      NULL };
enum { INSTRUCTION, WAIT_STATE, CKC, DIAG_44 };
enum { NUMBER_DIAG_44 = 1252 };

static struct trial trial;
static char error[256];

static int teardown(void **state)
{
	(void)state;
	trial_close(&trial);
	return 0;
}

static struct trial_guest *usual(const char *name, uint32_t vcpus)
{
	struct trial_guest *guest = trial_guest(&trial, name, vcpus);

	guest->rate[INSTRUCTION] = 300;
	guest->rate[WAIT_STATE] = 200;
	guest->rate[CKC] = 50;
	guest->rate[DIAG_44] = 12;
	guest->cpu = 1.5;
	guest->wait = 0.01;
	return guest;
}

/* ---- a good case that the command records ------------------------------- */

/* rhel7, whose DIAG 44 reaches 12 a second. */
static struct kvmstat_diagnosis *recorded(void)
{
	const struct kvmstat_learnt guest = { .key = "name:rhel7", .name = "rhel7", .vcpus = 64,
					      .first_s = 1700000000, .last_s = 1700000600, .seconds = 600 };
	const struct kvmstat_level levels[] = {
		{ kvmstat_judged(1007), 320, 310 },
		{ kvmstat_judged(1012), 250, 240 },
		{ kvmstat_judged(1051), 60, 58 },
		{ kvmstat_judged(NUMBER_DIAG_44), 14, 12 },
		{ kvmstat_judged(KVMSTAT_NUMBER_CPU), 1.6e9, 1.5e9 },
		{ kvmstat_judged(KVMSTAT_NUMBER_WAIT), 2e7, 1e7 },
	};
	struct kvmstat_diagnosis *good = kvmstat_diagnosis_new(&(struct kvmstat_diagnosis_config){ .release = "6.1" });

	assert_non_null(good);
	assert_int_equal(kvmstat_diagnosis_add(good, &guest), 0);
	assert_int_equal(kvmstat_diagnosis_add(good, &guest), -EEXIST);
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
		assert_int_equal(kvmstat_diagnosis_teach(good, "name:rhel7", &levels[i]), 0);
	assert_int_equal(kvmstat_diagnosis_teach(good, "name:other", &levels[0]), -ENOENT);
	return good;
}


/* What was taught is written, read and shown. */
static void test_taught(void **state)
{
	struct kvmstat_diagnosis *good = recorded(), *again;
	struct kvmstat_learnt guest;
	struct kvmstat_level level;
	bool found = false;
	size_t size, n = 0;
	char *text;

	(void)state;
	assert_int_equal(kvmstat_diagnosis_write(good, &text, &size), 0);
	again = kvmstat_diagnosis_new(&(struct kvmstat_diagnosis_config){ .release = NULL });
	assert_int_equal(kvmstat_diagnosis_read(again, text, size, error, sizeof(error)), 0);
	assert_string_equal(kvmstat_diagnosis_release(again), "6.1");
	assert_int_equal(kvmstat_diagnosis_time(again), 1700000600 * S);
	assert_true(kvmstat_diagnosis_guest(again, 0, &guest));
	assert_false(kvmstat_diagnosis_guest(again, 1, &guest));
	assert_string_equal(guest.key, "name:rhel7");
	assert_int_equal(guest.vcpus, 64);
	for (; kvmstat_diagnosis_level(again, 0, n, &level); n++)
		if (level.judged->number == NUMBER_DIAG_44)
			found = fabs(level.two - 14) < 0.1 && fabs(level.minute - 12) < 0.1;
	assert_int_equal(n, 6);
	assert_true(found);
	free(text);
	kvmstat_diagnosis_free(again);
	kvmstat_diagnosis_free(good);
}

/* The article's case, on a host that nothing was learnt of: two samples after the storm began. */
static void test_storm_found_by_what_was_recorded(void **state)
{
	struct kvmstat_diagnosis *good = recorded();
	struct trial_guest *guest;
	size_t size;
	char *text;

	(void)state;
	assert_int_equal(kvmstat_diagnosis_write(good, &text, &size), 0);
	trial_open(&trial, 10, 14, events);
	assert_int_equal(kvmstat_diagnosis_read_good(trial.diagnosis, text, size, error, sizeof(error)), 0);
	free(text);
	kvmstat_diagnosis_free(good);
	guest = usual("rhel7", 64);
	trial_run(&trial, 600);
	assert_int_equal(trial.nchanges, 0);
	guest->rate[DIAG_44] = 2400;
	guest->rate[INSTRUCTION] += 2400;
	guest->cpu = 6;
	guest->wait = 1;
	trial_run(&trial, 20);
	assert_int_equal(trial.raised, 1);
	assert_string_equal(trial.change[0].cause, "overcommit");
	assert_string_equal(trial.change[0].event, "instruction_diagnose_44");
	assert_non_null(strstr(trial.change[0].text, "rhel7: 64 vCPUs on 14 CPUs: instruction_diagnose_44 "));
	trial_close(&trial);
}

static void test_rename(void **state)
{
	struct kvmstat_diagnosis *good = recorded();
	struct kvmstat_learnt guest = { .key = "name:other", .name = "other" };

	(void)state;
	assert_int_equal(kvmstat_diagnosis_rename(good, "name:x", "name:y"), -ENOENT);
	assert_int_equal(kvmstat_diagnosis_add(good, &guest), 0);
	assert_int_equal(kvmstat_diagnosis_rename(good, "name:rhel7", "name:other"), -EEXIST);
	assert_int_equal(kvmstat_diagnosis_rename(good, "name:rhel7", "name:rhel8"), 0);
	assert_true(kvmstat_diagnosis_guest(good, 0, &guest));
	assert_string_equal(guest.key, "name:rhel8");
	assert_int_equal(kvmstat_diagnosis_add(good, &(struct kvmstat_learnt){ .key = "name:rhel8", .name = "" }), -EEXIST);
	kvmstat_diagnosis_free(good);
}

/* Whoever only carries the text along changes nothing else of it. */
static void test_carried_along(void **state)
{
	struct kvmstat_diagnosis *carrier = kvmstat_diagnosis_new(&(struct kvmstat_diagnosis_config){ .release = NULL });
	size_t size;
	char *text, *again, *old_guest, *new_guest;

	(void)state;
	trial_open(&trial, 60, 2, events);
	kvmstat_diagnosis_free(trial.diagnosis);
	trial.diagnosis = kvmstat_diagnosis_new(&(struct kvmstat_diagnosis_config){ .release = "6.1" });
	usual("g", 4);
	trial_run(&trial, 3 * DAY);
	assert_int_equal(kvmstat_diagnosis_write(trial.diagnosis, &text, &size), 0);
	assert_int_equal(kvmstat_diagnosis_read(carrier, text, size, error, sizeof(error)), 0);
	assert_int_equal(kvmstat_diagnosis_rename(carrier, "name:g", "name:h"), 0);
	assert_int_equal(kvmstat_diagnosis_write(carrier, &again, &size), 0);
	old_guest = strstr(text, "guest\tname:g\tg\t");
	new_guest = strstr(again, "guest\tname:h\tg\t");
	assert_true(old_guest && new_guest);
	assert_non_null(strstr(again, "\nhost\t6.1\t"));
	assert_string_not_equal(old_guest, new_guest);
	old_guest[strlen("guest\tname:")] = 'h';
	assert_memory_equal(old_guest, new_guest, strlen(old_guest) - strlen("end\t0123456789abcdef\n"));
	free(text);
	free(again);
	kvmstat_diagnosis_free(carrier);
}

/* The text has an alarm's guest by its key. */
static void test_rename_amid_an_alarm(void **state)
{
	(void)state;
	trial_open(&trial, 60, 2, events);
	usual("g", 4);
	trial_run(&trial, 2 * DAY);
	trial.guest[0].rate[DIAG_44] = 4000;
	trial_run(&trial, 240);
	assert_int_equal(trial.raised, 1);
	assert_int_equal(kvmstat_diagnosis_rename(trial.diagnosis, "name:g", "name:h"), -EBUSY);
}

/* ---- its file ----------------------------------------------------------- */

static void put(const char *path, const char *text, size_t size)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

static void test_file(void **state)
{
	char dir[] = "/tmp/kvmstat-good-XXXXXX", inner[64], path[128];
	struct kvmstat_diagnosis *good = recorded(), *into = kvmstat_diagnosis_new(&trial.config);
	struct kvmstat_learnt guest;
	size_t size;
	char *text;

	(void)state;
	assert_int_equal(kvmstat_diagnosis_write(good, &text, &size), 0);
	assert_non_null(mkdtemp(dir));
	snprintf(inner, sizeof(inner), "%s/" KVMSTAT_GOOD_DIR, dir);
	snprintf(path, sizeof(path), "%s/" KVMSTAT_GOOD, inner);
	assert_int_equal(kvmstat_diagnosis_load_good(into, "/no/such/place", error, sizeof(error)), 0);
	assert_int_equal(kvmstat_diagnosis_load_good(into, dir, error, sizeof(error)), 0);
	assert_int_equal(mkdir(inner, 0755), 0);
	assert_int_equal(kvmstat_diagnosis_load_good(into, dir, error, sizeof(error)), 0);
	put(path, text, size / 2);
	assert_int_equal(kvmstat_diagnosis_load_good(into, dir, error, sizeof(error)), 1);
	assert_non_null(strstr(error, "checksum"));
	assert_int_equal(access(path, F_OK), 0);
	assert_false(kvmstat_diagnosis_guest(into, 0, &guest));
	put(path, text, size);
	assert_int_equal(kvmstat_diagnosis_load_good(into, dir, error, sizeof(error)), 0);
	assert_true(kvmstat_diagnosis_guest(into, 0, &guest));
	assert_string_equal(guest.name, "rhel7");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	assert_int_equal(kvmstat_diagnosis_load_good(into, dir, error, sizeof(error)), -ELOOP);
	assert_int_equal(unlink(path) + rmdir(inner) + rmdir(dir), 0);
	free(text);
	kvmstat_diagnosis_free(into);
	kvmstat_diagnosis_free(good);
}

/* ---- without history ---------------------------------------------------- */

static struct kvmstat_alarm found[4];

static size_t judge(uint32_t cpus, uint32_t vcpus, double cpu, double wait, unsigned int guests)
{
	static char names[4][8];

	trial_open(&trial, 10, cpus, events);
	for (unsigned int i = 0; i < guests; i++) {
		struct trial_guest *guest;

		snprintf(names[i], sizeof(names[i]), "g%u", i);
		guest = usual(names[i], vcpus);
		guest->cpu = cpu;
		guest->wait = wait;
	}
	trial_step(&trial, 10);
	trial_step(&trial, 10);
	return kvmstat_judge_once(&trial.sample[1], trial.rates, found, 4);
}

static void test_once_overcommit(void **state)
{
	(void)state;
	assert_int_equal(judge(14, 64, 6, 1.6, 1), 1);
	assert_int_equal(found[0].cause->number, KVMSTAT_CAUSE_OVERCOMMIT);
	assert_string_equal(found[0].key, "name:g0");
	assert_non_null(strstr(found[0].text, "g0: 64 vCPUs on 14 CPUs: "));
	trial_close(&trial);
	/* As many CPUs as vCPUs, and less than a fifth of the time. */
	assert_int_equal(judge(64, 64, 6, 1.6, 1), 0);
	trial_close(&trial);
	assert_int_equal(judge(14, 64, 6, 1.4, 1), 0);
}

static void test_once_shortage(void **state)
{
	(void)state;
	assert_int_equal(judge(4, 2, 1, 0.4, 3), 1);
	assert_int_equal(found[0].cause->number, KVMSTAT_CAUSE_CPU_STARVED);
	assert_string_equal(found[0].key, "");
	assert_non_null(strstr(found[0].text, "host: waits 29 % of the time"));
	trial_close(&trial);
	/* Two guests, and less than a CPU in all. */
	assert_int_equal(judge(4, 2, 1, 0.6, 2), 0);
	trial_close(&trial);
	assert_int_equal(judge(4, 2, 1, 0.3, 3), 0);
}

static void test_once_is_bounded(void **state)
{
	(void)state;
	assert_int_equal(judge(2, 4, 1, 0.4, 4), 4);
	assert_int_equal(kvmstat_judge_once(&trial.sample[1], trial.rates, found, 2), 2);
	assert_int_equal(kvmstat_judge_once(&trial.sample[1], trial.rates, found, 0), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_taught),
		cmocka_unit_test(test_storm_found_by_what_was_recorded),
		cmocka_unit_test(test_rename),
		cmocka_unit_test_teardown(test_carried_along, teardown),
		cmocka_unit_test_teardown(test_rename_amid_an_alarm, teardown),
		cmocka_unit_test(test_file),
		cmocka_unit_test_teardown(test_once_overcommit, teardown),
		cmocka_unit_test_teardown(test_once_shortage, teardown),
		cmocka_unit_test_teardown(test_once_is_bounded, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
