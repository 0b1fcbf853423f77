/* SPDX-License-Identifier: MIT */
/* Memory: none is taken in a steady-state pass, and none missing does harm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "counting.h"
#include "lab.h"

static struct lab *lab;

/* Somebody else's allocator may be in front of ours: valgrind's is. */
static void need_counting(void)
{
	/* The compiler would leave out a call that it knows. */
	void *(*volatile allocate)(size_t size) = malloc;
	unsigned long before = allocations;

	free(allocate(1));
	if (allocations > before)
		return;
	print_message("allocations cannot be counted under valgrind\n");
	skip();
}

static void make_host(int guests)
{
	lab = lab_new();
	lab_event(lab, "kvm", "exit_null", 0644);
	lab_event(lab, "kvm", "exit_instruction", 0644);
	lab_event(lab, "kvm", "exit_unheard_of", 0644);
	lab_event(lab, "kvm", "blocking", 0444);
	for (int i = 0; i < guests; i++) {
		char guest[32], name[16];

		snprintf(guest, sizeof(guest), "kvm/%d-10", 100 + i);
		snprintf(name, sizeof(name), "g%d", i);
		lab_qemu(lab, 100 + i, i % 5 ? name : NULL);
		lab_value(lab, guest, "exit_null", "1\n");
		lab_value(lab, guest, "exit_instruction", "2\n");
		lab_value(lab, guest, "exit_unheard_of", "3\n");
		lab_value(lab, guest, "blocking", "1\n");
		lab_vcpu(lab, 100 + i, 0, 10000 + i, "5 6 7\n");
	}
}

static uint32_t rows, vcpus;

/* Allocations of so many passes, each of whose samples is given back. */
static unsigned long allocations_of(struct kvmstat *kvmstat, int passes)
{
	unsigned long before = allocations;

	for (int i = 0; i < passes; i++) {
		struct kvmstat_sample *sample = NULL;

		if (kvmstat_collect(kvmstat, &sample) != 0)
			return ~0ul;
		rows = sample->nrows;
		vcpus = sample->nvcpus;
		kvmstat_sample_put(sample);
	}
	return allocations - before;
}

static void test_steady_state(void **state)
{
	(void)state;
	need_counting();
	make_host(50);
	lab_set(lab, "ReportVcpus", "true");
	lab_open(lab);
	assert_int_not_equal(allocations_of(lab->kvmstat, 2), 0);
	assert_int_equal(allocations_of(lab->kvmstat, 20), 0);
	assert_int_equal(rows, 50);
	assert_int_equal(vcpus, 50);
	/* Only what changes costs. */
	lab_qemu(lab, 9000, "new");
	assert_int_not_equal(allocations_of(lab->kvmstat, 2), 0);
	assert_int_equal(allocations_of(lab->kvmstat, 20), 0);
	lab_end_guest(lab, "kvm/9000-10");
	allocations_of(lab->kvmstat, 1);
	assert_int_equal(allocations_of(lab->kvmstat, 20), 0);
	assert_int_equal(rows, 50);
	lab_free(lab);
}

/* The same while the reader always holds the sample before. */
static void test_steady_state_held(void **state)
{
	struct kvmstat_sample *held = NULL;
	unsigned long before = 0;

	(void)state;
	need_counting();
	make_host(50);
	lab_set(lab, "TopGuests", "10");
	lab_open(lab);
	for (int i = 0; i < 20; i++) {
		struct kvmstat_sample *sample = NULL;

		if (i == 4)
			before = allocations;
		assert_int_equal(kvmstat_collect(lab->kvmstat, &sample), 0);
		kvmstat_sample_put(held);
		held = sample;
	}
	assert_int_equal(allocations - before, 0);
	kvmstat_sample_put(held);
	lab_free(lab);
}

static void test_live(void **state)
{
	struct kvmstat_sample *sample = NULL;
	struct kvmstat_config *config;
	struct kvmstat *kvmstat;
	uint32_t guests;
	bool works;

	(void)state;
	need_counting();
	config = kvmstat_config_new();
	assert_int_equal(kvmstat_open(&kvmstat, config), 0);
	assert_int_equal(kvmstat_collect(kvmstat, &sample), 0);
	works = sample->sources[KVMSTAT_BPF].state == KVMSTAT_ACTIVE;
	guests = sample->nrows;
	if (!works)
		print_message("the bpf source does not work here: %s\n", sample->sources[KVMSTAT_BPF].text);
	kvmstat_sample_put(sample);
	if (works) {
		unsigned long last = 1;

		/* Guests of others may come and go meanwhile: some run of passes must be without any
		 * allocation. */
		for (int tries = 0; tries < 20 && last; tries++)
			last = allocations_of(kvmstat, 5);
		assert_int_equal(last, 0);
		print_message("%u guests, bpf\n", guests);
	}
	kvmstat_close(kvmstat);
	kvmstat_config_free(config);
	if (!works)
		skip();
}

#if COUNTING_FAILS

/* By pid: a name that could not be read for want of memory is comm-PID. */
static bool has_values(const struct kvmstat_sample *sample, pid_t pid)
{
	for (uint32_t i = 0; i < sample->nrows; i++) {
		const struct kvmstat_row *row = &sample->rows[i];
		uint32_t exits = lab_column(sample, "exit_null")->first_cell;
		uint32_t unknown = lab_column(sample, "exit_unheard_of")->first_cell;

		if (row->guest->pid == pid)
			return row->from[exits] && row->value[exits] == 1 && row->from[unknown] &&
			       row->value[unknown] == 3;
	}
	return false;
}

/*
 * Open and collect with the n-th allocation failing, or all from the n-th on. Then there is memory again, and
 * all must be as if nothing had happened. Returns whether the n-th was reached.
 */
static bool try_without(unsigned long nth, bool and_all_after)
{
	struct kvmstat_sample *sample = NULL, *good = NULL;
	struct kvmstat *kvmstat = NULL;
	bool reached;
	int rc;

	allocations = 0;
	fail_on = and_all_after;
	fail_at = nth;
	rc = kvmstat_open(&kvmstat, lab->config);
	if (rc == 0)
		rc = kvmstat_collect(kvmstat, &sample);
	reached = allocations >= nth;
	fail_at = 0;
	if (rc < 0)
		assert_int_equal(rc, -ENOMEM);
	else
		lab_check(sample);
	if (!kvmstat)
		return reached;
	assert_int_equal(kvmstat_collect(kvmstat, &good), 0);
	lab_check(good);
	assert_int_equal(good->nrows, 3);
	assert_int_equal(good->ncolumns, 4);
	for (size_t i = 0; i < kvmstat->sources[KVMSTAT_DEBUGFS].noffers; i++) {
		const struct offer *offer = &kvmstat->sources[KVMSTAT_DEBUGFS].offers[i];

		assert_string_equal(offer->name, offer->event->name);
	}
	assert_true(has_values(good, 100) && has_values(good, 101) && has_values(good, 102));
	kvmstat_sample_put(sample);
	kvmstat_sample_put(good);
	kvmstat_close(kvmstat);
	return reached;
}

static void test_failures(void **state)
{
	long before;
	unsigned long nth = 1;

	(void)state;
	need_counting();
	make_host(3);
	lab_set(lab, "ReportVcpus", "true");
	lab_set(lab, "Root", lab->tree->path);
	/* Once without failures: the C library keeps some for ever. */
	try_without(~0ul, false);
	before = outstanding;
	for (nth = 1; try_without(nth, false); nth++)
		if (outstanding != before)
			fail_msg("failing allocation %lu leaks %ld", nth, outstanding - before);
	assert_true(nth > 60);
	print_message("%lu allocations, each of which failed once\n", nth - 1);
	for (nth = 1; try_without(nth, true); nth++)
		if (outstanding != before)
			fail_msg("failing from allocation %lu on leaks %ld", nth, outstanding - before);
	lab_free(lab);
}

/* Memory is short when guests come to a collector that has run for a while. */
static void test_failures_later(void **state)
{
	(void)state;
	need_counting();
	make_host(3);
	lab_set(lab, "ReportVcpus", "true");
	lab_pass(lab);
	for (int i = 0; i < 40; i++) {
		char name[16];
		int rc = -ENOMEM;

		snprintf(name, sizeof(name), "late%d", i);
		lab_qemu(lab, 5000 + i, name);
		for (unsigned long nth = 1; rc < 0; nth++) {
			struct kvmstat_sample *sample = NULL;

			allocations = 0;
			fail_on = false;
			fail_at = nth;
			rc = kvmstat_collect(lab->kvmstat, &sample);
			fail_at = 0;
			assert_true(rc == 0 || rc == -ENOMEM);
			kvmstat_sample_put(sample);
		}
		kvmstat_sample_put(lab->sample);
		lab->sample = NULL;
		lab_pass(lab);
		assert_int_equal(lab->sample->nrows, 4 + i);
		assert_int_equal(lab->sample->rows[3 + i].guest->pid, 5000 + i);
		assert_true(has_values(lab->sample, 101));
	}
	lab_free(lab);
}

#else

static void test_failures(void **state)
{
	(void)state;
	print_message("allocations cannot be made to fail under AddressSanitizer\n");
	skip();
}

static void test_failures_later(void **state)
{
	test_failures(state);
}

#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_steady_state),   cmocka_unit_test(test_steady_state_held),
		cmocka_unit_test(test_live),	       cmocka_unit_test(test_failures),
		cmocka_unit_test(test_failures_later),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
