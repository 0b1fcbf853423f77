/* SPDX-License-Identifier: MIT */
/* Whose vCPU a thread is, and which guests cannot be counted for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "sources/tracepoint/claims.h"

enum { PASS = 7, GUESTS = 3 };

static struct guest guest[GUESTS], *list[GUESTS] = { &guest[0], &guest[1], &guest[2] };
static struct guests guests = { .list = list, .count = GUESTS };
static struct claims claims;

static int setup(void **state)
{
	(void)state;
	for (int i = 0; i < GUESTS; i++)
		guest[i] = (struct guest){ .pass = PASS, .public.id = (uint64_t)i + 1 };
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (int i = 0; i < GUESTS; i++) {
		free(guest[i].vcpu);
		free(guest[i].threads);
	}
	claims_exit(&claims);
	claims = (struct claims){ 0 };
	return 0;
}

/* A vCPU that this pass has seen; by bpf, if the guest was. */
static void add_vcpu(struct guest *of, uint32_t id, pid_t tid)
{
	struct vcpu *vcpu = guest_vcpu(of, id);

	vcpu->tid = tid;
	vcpu->pass = PASS;
	vcpu->counted = of->counted;
}

static void add_thread(struct guest *of, uint32_t id, pid_t tid)
{
	of->threads = realloc(of->threads, (of->nthreads + 1) * sizeof(*of->threads));
	of->threads[of->nthreads++] = (struct vcpu_thread){ tid, id };
}

static void make(void)
{
	assert_int_equal(claims_make(&claims, &guests, PASS), 0);
}

static void by_bpf(struct guest *of, uint32_t vcpus)
{
	of->counted = PASS;
	of->vcpus = of->vcpus_counted = vcpus;
}

static void test_bpf(void **state)
{
	(void)state;
	by_bpf(&guest[0], 2);
	by_bpf(&guest[1], 1);
	add_vcpu(&guest[0], 0, 100);
	add_vcpu(&guest[0], 5, 105);
	add_vcpu(&guest[1], 0, 200);
	make();
	assert_int_equal(claims_find(&claims, 105)->guest, 0);
	assert_int_equal(claims_find(&claims, 105)->vcpu, 1);
	assert_int_equal(claims_find(&claims, 200)->guest, 1);
	assert_false(claims_find(&claims, 200)->contested);
	assert_null(claims_find(&claims, 101));
	assert_int_equal(claims.guests[0], CLAIMANT_KNOWN);
	assert_int_equal(claims.guests[1], CLAIMANT_KNOWN);
	assert_int_equal(claims.guests[2], CLAIMANT_UNKNOWN);
}

static void test_gone(void **state)
{
	(void)state;
	by_bpf(&guest[0], 1);
	add_vcpu(&guest[0], 0, 100);
	add_vcpu(&guest[0], 1, 101);
	guest[0].vcpu[1].pass = PASS - 1;
	guest[1].pass = PASS - 1;
	add_thread(&guest[1], 0, 200);
	make();
	assert_non_null(claims_find(&claims, 100));
	assert_null(claims_find(&claims, 101));
	assert_null(claims_find(&claims, 200));
	assert_int_equal(claims.guests[1], CLAIMANT_UNSEEN);
}

/* It has not run: no thread, no exits. */
static void test_without_thread(void **state)
{
	(void)state;
	by_bpf(&guest[0], 1);
	add_vcpu(&guest[0], 0, 0);
	by_bpf(&guest[1], 0);
	make();
	assert_int_equal(claims.guests[0], CLAIMANT_KNOWN);
	assert_int_equal(claims.guests[1], CLAIMANT_KNOWN);
	assert_null(claims_find(&claims, 0));
}

/* Its VMM has closed a vCPU: a sum over the others is not the guest's. */
static void test_vcpu_not_seen(void **state)
{
	(void)state;
	by_bpf(&guest[0], 2);
	guest[0].vcpus_counted = 1;
	add_vcpu(&guest[0], 0, 100);
	make();
	assert_int_equal(claims.guests[0], CLAIMANT_UNKNOWN);
}

static void test_names_of_threads(void **state)
{
	(void)state;
	add_thread(&guest[0], 0, 100);
	add_thread(&guest[0], 1, 101);
	add_vcpu(&guest[1], 0, 0);
	add_thread(&guest[1], 0, 200);
	add_vcpu(&guest[2], 0, 0);
	add_vcpu(&guest[2], 1, 0);
	add_thread(&guest[2], 1, 301);
	make();
	assert_int_equal(claims.guests[0], CLAIMANT_KNOWN);
	assert_int_equal(claims_find(&claims, 101)->vcpu, NO_VCPU);
	assert_int_equal(claims.guests[1], CLAIMANT_KNOWN);
	assert_int_equal(claims_find(&claims, 200)->vcpu, 0);
	/* Not all of its threads are known. */
	assert_int_equal(claims.guests[2], CLAIMANT_UNKNOWN);
}

static void test_contested(void **state)
{
	(void)state;
	for (int i = 0; i < GUESTS; i++) {
		by_bpf(&guest[i], 1);
		add_vcpu(&guest[i], 0, i == 2 ? 101 : 100);
	}
	make();
	assert_true(claims_find(&claims, 100)->contested);
	assert_int_equal(claims.guests[0], CLAIMANT_CONTESTED);
	assert_int_equal(claims.guests[1], CLAIMANT_CONTESTED);
	assert_int_equal(claims.guests[2], CLAIMANT_KNOWN);
}

/* Of one guest, it is no matter which vCPU it was. */
static void test_one_thread_for_all(void **state)
{
	(void)state;
	by_bpf(&guest[0], 2);
	add_vcpu(&guest[0], 0, 100);
	add_vcpu(&guest[0], 1, 100);
	make();
	assert_int_equal(claims.guests[0], CLAIMANT_KNOWN);
	assert_int_equal(claims_find(&claims, 100)->vcpu, NO_VCPU);
}

static void test_many(void **state)
{
	(void)state;
	by_bpf(&guest[1], 5000);
	for (uint32_t id = 0; id < 5000; id++)
		add_vcpu(&guest[1], id, (pid_t)(1000 + id * 64));
	make();
	for (uint32_t id = 0; id < 5000; id++)
		assert_int_equal(claims_find(&claims, (pid_t)(1000 + id * 64))->vcpu, id);
	assert_null(claims_find(&claims, 1001));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_bpf, setup, teardown),
		cmocka_unit_test_setup_teardown(test_gone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_without_thread, setup, teardown),
		cmocka_unit_test_setup_teardown(test_vcpu_not_seen, setup, teardown),
		cmocka_unit_test_setup_teardown(test_names_of_threads, setup, teardown),
		cmocka_unit_test_setup_teardown(test_contested, setup, teardown),
		cmocka_unit_test_setup_teardown(test_one_thread_for_all, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
