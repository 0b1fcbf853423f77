// SPDX-License-Identifier: MIT
/* cause.c and causes.tsv: which cause fits what is to be seen, and documentation that is up to date */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "derive/cause.h"
#include "derive/level.h"

/* 64 vCPUs on 14 CPUs that get what they ask for. */
static struct symptoms big_guest(void)
{
	return (struct symptoms){ .history = true, .cpu = 8, .vcpus = 64, .cpus = 14 };
}

static struct symptoms small_guest(void)
{
	return (struct symptoms){ .history = true, .cpu = 2, .vcpus = 4, .cpus = 14 };
}

static void add(struct symptoms *s, uint32_t number, double excess)
{
	const struct kvmstat_judged *judged = kvmstat_judged(number);

	assert_non_null(judged);
	if (judged->judge == KVMSTAT_FOLLOW) {
		s->followers++;
		return;
	}
	s->abnormal++;
	if (excess > s->excess[judged->signs]) {
		s->excess[judged->signs] = excess;
		s->event[judged->signs] = judged;
	}
}

enum { DIAG_44 = 1252, TSCH = 1180, DELIVER_IO = 1061, DELIVER_CKC = 1051, EXIT_INSTRUCTION = 1007, PFAULT = 1030 };

static void is(const struct symptoms *s, enum kvmstat_cause_number cause, const char *event)
{
	assert_string_equal(cause ? kvmstat_cause(cause_of(s))->name : "", cause ? kvmstat_cause(cause)->name : "");
	assert_int_equal(cause_of(s), cause);
	if (event)
		assert_string_equal(cause_event(cause, s)->name, event);
}

static void test_nothing(void **state)
{
	struct symptoms s = big_guest();

	(void)state;
	is(&s, KVMSTAT_CAUSE_NONE, NULL);
	s.wait = 4;
	is(&s, KVMSTAT_CAUSE_NONE, NULL);
	add(&s, EXIT_INSTRUCTION, 3);
	is(&s, KVMSTAT_CAUSE_NONE, NULL);
}

static void test_yields(void **state)
{
	struct symptoms s = big_guest();

	(void)state;
	add(&s, DIAG_44, 5);
	add(&s, EXIT_INSTRUCTION, 3);
	is(&s, KVMSTAT_CAUSE_OVERCOMMIT, "instruction_diagnose_44");
	assert_true(cause_hold(KVMSTAT_CAUSE_OVERCOMMIT, &s) <= 20);
	s.vcpus = 14;
	is(&s, KVMSTAT_CAUSE_LOCK, "instruction_diagnose_44");
	s.wait = 0.5;
	is(&s, KVMSTAT_CAUSE_CPU_STARVED, "instruction_diagnose_44");
}

/* More work, and as many more yields: no lock, and no shortage of CPUs. */
static void test_yields_that_come_with_work(void **state)
{
	struct symptoms s = big_guest();

	(void)state;
	add(&s, DIAG_44, 1.3);
	add(&s, KVMSTAT_NUMBER_CPU, 1.1);
	is(&s, KVMSTAT_CAUSE_UNKNOWN, NULL);
	add(&s, DIAG_44, 3);
	is(&s, KVMSTAT_CAUSE_OVERCOMMIT, "instruction_diagnose_44");
}

/* Without anything learnt, time waited alone is a reason, but one that waits. */
static void test_overcommit_without_history(void **state)
{
	struct symptoms s = big_guest();

	(void)state;
	s.history = false;
	s.wait = 4;
	is(&s, KVMSTAT_CAUSE_OVERCOMMIT, "wait_ns");
	assert_true(cause_hold(KVMSTAT_CAUSE_OVERCOMMIT, &s) == 80);
	s.vcpus = 14;
	is(&s, KVMSTAT_CAUSE_NONE, NULL);
}

static void test_waiting(void **state)
{
	struct symptoms s = small_guest();

	(void)state;
	s.wait = 0.1;
	add(&s, KVMSTAT_NUMBER_WAIT, 3);
	is(&s, KVMSTAT_CAUSE_NONE, NULL);
	s.wait = 1;
	is(&s, KVMSTAT_CAUSE_CPU_STARVED, "wait_ns");
}

static void test_io_and_interrupts(void **state)
{
	struct symptoms s = small_guest();

	(void)state;
	add(&s, DELIVER_IO, 2);
	is(&s, KVMSTAT_CAUSE_INTERRUPT, "deliver_io");
	add(&s, TSCH, 1);
	is(&s, KVMSTAT_CAUSE_IO, "instruction_tsch");
	s = small_guest();
	add(&s, DELIVER_IO, 2.7);
	add(&s, TSCH, 1);
	is(&s, KVMSTAT_CAUSE_INTERRUPT, "deliver_io");
}

/* The order of the causes decides, unless another is four times as loud. */
static void test_order(void **state)
{
	struct symptoms s = small_guest();

	(void)state;
	add(&s, DELIVER_CKC, 2);
	add(&s, PFAULT, 1);
	is(&s, KVMSTAT_CAUSE_MEMORY, "pfault_sync");
	add(&s, DELIVER_CKC, 4);
	is(&s, KVMSTAT_CAUSE_TIMER, "deliver_ckc");
}

static void test_silence(void **state)
{
	struct symptoms s = small_guest();

	(void)state;
	s.silent = true;
	is(&s, KVMSTAT_CAUSE_LOOPING, NULL);
	assert_null(cause_event(KVMSTAT_CAUSE_LOOPING, &s));
	s.cpu = 0.01;
	is(&s, KVMSTAT_CAUSE_STALLED, NULL);
}

static void test_spin(void **state)
{
	struct symptoms s = small_guest();

	(void)state;
	add(&s, KVMSTAT_NUMBER_CPU, 1);
	is(&s, KVMSTAT_CAUSE_SPIN, "cpu_ns");
	assert_true(cause_hold(KVMSTAT_CAUSE_SPIN, &s) >= 180);
	add(&s, 1009, 0.5);
	is(&s, KVMSTAT_CAUSE_UNKNOWN, NULL);
}

/* One event alone, and one that is little above its limit, wait longer. */
static void test_hold(void **state)
{
	struct symptoms s = small_guest();

	(void)state;
	add(&s, TSCH, 8);
	assert_true(cause_hold(KVMSTAT_CAUSE_IO, &s) == parameters.alone);
	add(&s, EXIT_INSTRUCTION, 1);
	assert_true(cause_hold(KVMSTAT_CAUSE_IO, &s) == 60);
	s.excess[KVMSTAT_CAUSE_IO] = 1;
	assert_true(cause_hold(KVMSTAT_CAUSE_IO, &s) == 60 * parameters.plain);
	s.excess[KVMSTAT_CAUSE_IO] = 0.01;
	assert_true(cause_hold(KVMSTAT_CAUSE_IO, &s) == 60 * parameters.patience);
}

static void test_table(void **state)
{
	static const char *const names[] = { "stalled", "looping", "overcommit", "cpu-starved", "lock", "lpar-short",
					     "migration", "memory", "io", "interrupt", "timer", "ipi", "userspace",
					     "nested", "spin", "unknown" };

	(void)state;
	assert_null(kvmstat_cause(0));
	assert_null(kvmstat_cause(KVMSTAT_NCAUSES));
	assert_null(kvmstat_cause_named("none"));
	assert_int_equal(KVMSTAT_NCAUSES, 1 + sizeof(names) / sizeof(names[0]));
	for (unsigned int i = 1; i < KVMSTAT_NCAUSES; i++) {
		assert_string_equal(kvmstat_cause(i)->name, names[i - 1]);
		assert_ptr_equal(kvmstat_cause_named(names[i - 1]), kvmstat_cause(i));
		assert_int_equal(kvmstat_cause(i)->number, i);
	}
}

static void test_judged(void **state)
{
	(void)state;
	assert_string_equal(kvmstat_judged(DIAG_44)->parent, "exit_instruction");
	assert_int_equal(kvmstat_judged(DIAG_44)->judge, KVMSTAT_PRESSURE);
	assert_null(kvmstat_judged(1175)); /* instruction_stsi */
	assert_null(kvmstat_judged(70000));
	assert_string_equal(kvmstat_judged(KVMSTAT_NUMBER_CPU)->name, "cpu_ns");
}

static int refuses(const char *text)
{
	char command[512];

	snprintf(command, sizeof(command), "printf '%s' | awk -v out=c -f scripts/causes.awk >/dev/null 2>&1", text);
	return WEXITSTATUS(system(command)) == 1;
}

#define ROW "1\\ta\\tmajor\\t10\\tw {rate}\\tn\\tIt is.\\n"

static void test_wrong_files(void **state)
{
	(void)state;
	assert_false(refuses(ROW));
	assert_true(refuses("2\\ta\\tmajor\\t10\\tw\\tn\\tIt is.\\n"));
	assert_true(refuses(ROW ROW));
	assert_true(refuses("1\\ta\\tbad\\t10\\tw\\tn\\tIt is.\\n"));
	assert_true(refuses("1\\ta\\tmajor\\tx\\tw\\tn\\tIt is.\\n"));
	assert_true(refuses("1\\ta\\tmajor\\t10\\tw {rat}\\tn\\tIt is.\\n"));
	assert_true(refuses("1\\ta\\tmajor\\t10\\tw\\tn\\t-\\n"));
	assert_true(refuses("1\\ta\\tmajor\\n"));
}

static void test_documentation_is_up_to_date(void **state)
{
	(void)state;
	assert_int_equal(system("awk -v out=md -f scripts/causes.awk common/derive/causes.tsv | cmp - docs/causes.md"), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_yields),
		cmocka_unit_test(test_yields_that_come_with_work),
		cmocka_unit_test(test_overcommit_without_history),
		cmocka_unit_test(test_waiting),
		cmocka_unit_test(test_io_and_interrupts),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_silence),
		cmocka_unit_test(test_spin),
		cmocka_unit_test(test_hold),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_judged),
		cmocka_unit_test(test_wrong_files),
		cmocka_unit_test(test_documentation_is_up_to_date),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
