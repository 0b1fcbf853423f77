/* SPDX-License-Identifier: MIT */
/* Samples are lent and given back: what a reader holds never changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "lab.h"

static struct lab *lab;

static int setup(void **state)
{
	(void)state;
	lab = lab_new();
	lab_event(lab, "kvm", "exit_null", 0644);
	lab_event(lab, "kvm", "exit_instruction", 0644);
	lab_qemu(lab, 100, "web");
	lab_qemu(lab, 200, "db");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	lab_free(lab);
	return 0;
}

/* All values of a pass are its number, so that a mixture of two shows. */
static void write_all(unsigned int number)
{
	char text[16];

	snprintf(text, sizeof(text), "%u\n", number);
	lab_value(lab, "kvm/100-10", "exit_null", text);
	lab_value(lab, "kvm/100-10", "exit_instruction", text);
	lab_value(lab, "kvm/200-10", "exit_null", text);
	lab_value(lab, "kvm/200-10", "exit_instruction", text);
}

static uint32_t pool_size(void)
{
	uint32_t size = 0;

	for (const struct sample *sample = lab->kvmstat->pool.samples; sample; sample = sample->next)
		size++;
	return size;
}

/* A byte for byte copy of all that a reader sees. */
struct copy {
	struct kvmstat_sample sample;
	struct kvmstat_row rows[2];
	struct kvmstat_column columns[2];
	uint64_t values[4];
	uint8_t from[4];
	char names[2][8];
};

static void take_copy(struct copy *copy, const struct kvmstat_sample *sample)
{
	memset(copy, 0, sizeof(*copy));
	copy->sample = *sample;
	for (uint32_t i = 0; i < 2; i++) {
		copy->rows[i] = sample->rows[i];
		copy->columns[i] = sample->columns[i];
		memcpy(&copy->values[2 * i], sample->rows[i].value, 16);
		memcpy(&copy->from[2 * i], sample->rows[i].from, 2);
		snprintf(copy->names[i], sizeof(copy->names[i]), "%s", sample->rows[i].guest->name);
	}
}

static void test_held_sample(void **state)
{
	struct kvmstat_sample *held;
	struct copy before, after;

	(void)state;
	write_all(1);
	lab_pass(lab);
	held = kvmstat_sample_get(lab->sample);
	take_copy(&before, held);
	for (unsigned int i = 2; i < 7; i++) {
		write_all(i);
		lab_pass(lab);
		assert_ptr_not_equal(lab->sample, held);
		lab_is(lab->sample, "web", "exit_null", i);
	}
	/* Guests end, events go: the sample still shows what it showed. */
	lab_end_guest(lab, "kvm/100-10");
	lab_pass(lab);
	lab_discard(lab, "sys/kernel/debug/kvm");
	lab_event(lab, "kvm", "exit_new", 0644);
	lab_pass(lab);
	lab_pass(lab);
	take_copy(&after, held);
	assert_memory_equal(&before.values, &after.values, sizeof(before.values));
	assert_memory_equal(&before.from, &after.from, sizeof(before.from));
	assert_memory_equal(before.names, after.names, sizeof(before.names));
	assert_int_equal(before.sample.number, after.sample.number);
	assert_int_equal(before.sample.ncolumns, after.sample.ncolumns);
	assert_string_equal(held->columns[0].event->name, before.columns[0].event->name);
	lab_is(held, "web", "exit_null", 1);
	kvmstat_sample_put(held);
}

/* With one reader two samples are used in turn; more only while more are held. */
static void test_reuse(void **state)
{
	struct kvmstat_sample *held[4];

	(void)state;
	write_all(1);
	for (int i = 0; i < 20; i++)
		lab_pass(lab);
	assert_int_equal(pool_size(), 2);
	for (int i = 0; i < 4; i++) {
		lab_pass(lab);
		held[i] = kvmstat_sample_get(lab->sample);
	}
	assert_int_equal(pool_size(), 4);
	for (int i = 0; i < 4; i++)
		for (int j = 0; j < i; j++)
			assert_ptr_not_equal(held[i], held[j]);
	for (int i = 0; i < 4; i++)
		kvmstat_sample_put(held[i]);
	for (int i = 0; i < 20; i++)
		lab_pass(lab);
	assert_int_equal(pool_size(), 4);
	kvmstat_sample_put(NULL);
}

/* From a sample with many columns to one with few, and to more guests. */
static void test_shapes(void **state)
{
	(void)state;
	write_all(1);
	lab_pass(lab);
	lab_pass(lab);
	lab_discard(lab, "sys/kernel/debug/kvm");
	lab_event(lab, "kvm", "exit_null", 0644);
	for (int pid = 1000; pid < 1100; pid++) {
		char guest[32], name[16], value[16];

		snprintf(guest, sizeof(guest), "kvm/%d-10", pid);
		snprintf(name, sizeof(name), "g%d", pid);
		snprintf(value, sizeof(value), "%d\n", pid);
		lab_qemu(lab, pid, name);
		lab_value(lab, guest, "exit_null", value);
	}
	for (int i = 0; i < 3; i++) {
		lab_pass(lab);
		assert_int_equal(lab->sample->nrows, 100);
		assert_int_equal(lab->sample->ncolumns, 1);
		lab_is(lab->sample, "g1000", "exit_null", 1000);
		lab_is(lab->sample, "g1099", "exit_null", 1099);
	}
	for (int i = 0; i < 60; i++) {
		char name[32];

		snprintf(name, sizeof(name), "exit_made_up_%d", i);
		lab_event(lab, "kvm-more", name, 0644);
		lab_guest(lab, "kvm-more/100-10");
		lab_value(lab, "kvm-more/100-10", name, "3\n");
	}
	for (int i = 0; i < 3; i++) {
		lab_pass(lab);
		assert_int_equal(lab->sample->nrows, 101);
		assert_int_equal(lab->sample->ncolumns, 61);
		lab_is(lab->sample, "g1099", "exit_null", 1099);
		lab_absent(lab->sample, "g1099", "exit_made_up_59");
		lab_is(lab->sample, "web", "exit_made_up_59", 3);
	}
}

/* ---- readers in threads of their own ---- */

enum { READERS = 3, PASSES = 300 };

/* The sample on offer; a reader takes a reference while nobody can take it away. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct kvmstat_sample *offered;
static atomic_bool done;
static atomic_uint mixtures, looks;

static void look(const struct kvmstat_sample *sample)
{
	for (uint32_t i = 0; i < sample->nrows; i++)
		for (uint32_t j = 0; j < sample->ncells; j++)
			if (sample->rows[i].value[j] != sample->rows[0].value[0])
				mixtures++;
	looks++;
}

static void *reader(void *arg)
{
	while (!done) {
		struct kvmstat_sample *sample;

		pthread_mutex_lock(&lock);
		sample = offered ? kvmstat_sample_get(offered) : NULL;
		pthread_mutex_unlock(&lock);
		if (!sample)
			continue;
		for (int i = 0; i < 20; i++)
			look(sample);
		kvmstat_sample_put(sample);
		sched_yield();
	}
	return arg;
}

static void test_threads(void **state)
{
	pthread_t threads[READERS];

	(void)state;
	write_all(0);
	lab_pass(lab);
	for (int i = 0; i < READERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, reader, NULL), 0);
	for (unsigned int i = 1; i <= PASSES; i++) {
		struct kvmstat_sample *next = NULL, *last;

		write_all(i);
		assert_int_equal(kvmstat_collect(lab->kvmstat, &next), 0);
		pthread_mutex_lock(&lock);
		last = offered;
		offered = next;
		pthread_mutex_unlock(&lock);
		kvmstat_sample_put(last);
	}
	/* Under valgrind one thread runs at a time: let the others. */
	while (!looks)
		sched_yield();
	done = true;
	for (int i = 0; i < READERS; i++)
		pthread_join(threads[i], NULL);
	kvmstat_sample_put(offered);
	offered = NULL;
	assert_int_equal(mixtures, 0);
	/* One is filled, one on offer, one held by each reader, and lab's own. */
	assert_true(pool_size() <= READERS + 3);
}

#define sample_test(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		sample_test(test_held_sample),
		sample_test(test_reuse),
		sample_test(test_shapes),
		sample_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
