/* SPDX-License-Identifier: MIT */
/* Rows of vCPUs: from the iterator's records, from threads, and their rates. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <math.h>

#include "stream_lab.h"

/* End the pass as the collector does; the sample is given back by the next one. */
static const struct kvmstat_sample *publish(void)
{
	static struct kvmstat_sample *last;
	struct kvmstat *kvmstat = s->lab->kvmstat;

	fed();
	guests_sweep(&kvmstat->context.guests, s->pass.number);
	sample_publish(s->pass.sample, &kvmstat->context.guests, s->pass.number, kvmstat->context.config->vcpus, NULL);
	last = &s->pass.sample->public;
	kvmstat_sample_put(last);
	return last;
}

static int setup_vcpus(void **state)
{
	setup(state);
	lab_set(s->lab, "ReportVcpus", "true");
	return 0;
}

static uint64_t of_vcpu(const struct kvmstat_vcpu *vcpu, uint32_t cell)
{
	assert_int_equal(vcpu->from[cell], KVMSTAT_BPF);
	return vcpu->value[cell];
}

static void test_rows(void **state)
{
	const struct kvmstat_sample *sample;
	const struct kvmstat_row *web, *db;

	(void)state;
	begin();
	vm(0x1000, 100, 10, 2, 77);
	vcpu(0x1000, 2, 5, 40);
	last_vcpu()->tid = 1002;
	vcpu(0x1000, 0, 1ull << 40, 90);
	last_vcpu()->flags = 0;
	vm(0x2000, 200, 10, 1, 8);
	vcpu(0x2000, 7, 6, 50);
	sample = publish();
	assert_int_equal(sample->nvcpus, 3);
	web = lab_row(sample, "web");
	db = lab_row(sample, "db");
	assert_ptr_equal(web->vcpus, sample->vcpus);
	assert_ptr_equal(db->vcpus, sample->vcpus + 2);
	assert_int_equal(web->nvcpus, 2);
	assert_int_equal(web->vcpus[0].id, 0);
	assert_false(web->vcpus[0].has_cpu);
	assert_int_equal(of_vcpu(&web->vcpus[0], EXITS), 1ull << 40);
	assert_int_equal(of_vcpu(&web->vcpus[0], PEAK), 90);
	assert_int_equal(of_vcpu(&web->vcpus[0], HIST + 1), (1ull << 40) + 2);
	assert_int_equal(web->vcpus[1].id, 2);
	assert_int_equal(web->vcpus[1].tid, 1002);
	assert_true(web->vcpus[1].has_cpu);
	assert_int_equal(web->vcpus[1].cpu_ns, 1002);
	assert_int_equal(web->vcpus[1].wait_ns, 12);
	assert_int_equal(of_vcpu(&web->vcpus[1], EXITS), 5);
	assert_int_equal(db->nvcpus, 1);
	assert_int_equal(of_vcpu(&db->vcpus[0], EXITS), 6);
	/* An event of the VM is nobody's vCPU's. */
	assert_int_equal(db->vcpus[0].from[FLUSH], KVMSTAT_ABSENT);
	assert_int_equal(db->vcpus[0].from[NOT_OURS], KVMSTAT_ABSENT);
	/* The guest's own row is what it is without them. */
	is("web", EXITS, (1ull << 40) + 5);
	is("web", PEAK, 90);
}

static void test_off(void **state)
{
	const struct kvmstat_sample *sample;

	(void)state;
	begin();
	vm(0x1000, 100, 10, 1, 77);
	vcpu(0x1000, 0, 5, 40);
	sample = publish();
	assert_int_equal(sample->nvcpus, 0);
	assert_int_equal(lab_row(sample, "web")->nvcpus, 0);
	assert_int_equal(s->pass.sample->slots, 1);
}

/* A sum over the vCPUs that are left is not the guest's, but each vCPU's numbers are its own. */
static void test_closed_vcpu(void **state)
{
	const struct kvmstat_sample *sample;
	uint64_t generation;

	(void)state;
	begin();
	vm(0x1000, 100, 10, 2, 77);
	vcpu(0x1000, 0, 5, 40);
	vcpu(0x1000, 1, 6, 40);
	generation = publish()->guest_generation;
	begin();
	vm(0x1000, 100, 10, 2, 77);
	vcpu(0x1000, 1, 7, 40);
	sample = publish();
	is_absent("web", EXITS);
	assert_int_equal(sample->nvcpus, 1);
	assert_int_equal(sample->vcpus[0].id, 1);
	assert_int_equal(of_vcpu(&sample->vcpus[0], EXITS), 7);
	assert_int_equal(sample->guest_generation, generation + 1);
	/* None is left: that is a change, too. */
	begin();
	vm(0x1000, 100, 10, 2, 77);
	sample = publish();
	assert_int_equal(sample->nvcpus, 0);
	assert_int_equal(sample->guest_generation, generation + 2);
	begin();
	vm(0x1000, 100, 10, 2, 77);
	assert_int_equal(publish()->guest_generation, generation + 2);
}

/* The first VM, before it has any. The sanitizers look on. */
static void test_none(void **state)
{
	const struct kvmstat_sample *sample;

	(void)state;
	begin();
	vm(0x1000, 100, 10, 0, 77);
	sample = publish();
	assert_int_equal(sample->nrows, 1);
	assert_int_equal(sample->nvcpus, 0);
	assert_null(sample->rows[0].vcpus);
}

/* Open in two processes, twice: each vCPU counts once, and has one row. */
static void test_twice(void **state)
{
	const struct kvmstat_sample *sample;

	(void)state;
	begin();
	for (int i = 0; i < 2; i++) {
		vm(0x1000, 100, 10, 1, 77);
		vcpu(0x1000, 0, 5, 40);
	}
	sample = publish();
	assert_int_equal(sample->nvcpus, 1);
	assert_int_equal(of_vcpu(&sample->vcpus[0], EXITS), 5);
	is("web", EXITS, 5);
}

/* The kernel's own boolean is the state. */
static void test_state(void **state)
{
	const struct kvmstat_sample *sample;

	(void)state;
	begin();
	vm(0x1000, 100, 10, 2, 77);
	vcpu(0x1000, 0, 0, 1);
	vcpu(0x1000, 1, 1, 0);
	assert_int_equal(publish()->vcpus[0].state, KVMSTAT_VCPU_UNKNOWN);
	begin();
	s->set.blocking = PEAK;
	vm(0x1000, 100, 10, 2, 77);
	vcpu(0x1000, 0, 0, 1);
	vcpu(0x1000, 1, 1, 0);
	sample = publish();
	assert_int_equal(sample->vcpus[0].state, KVMSTAT_VCPU_BLOCKED);
	assert_int_equal(sample->vcpus[1].state, KVMSTAT_VCPU_RUNNING);
	assert_string_equal(kvmstat_vcpu_state_name(KVMSTAT_VCPU_BLOCKED), "blocked");
}

/* Another source has found the guests, and their vCPUs' threads, before bpf fills the cells. */
static void test_bpf_second(void **state)
{
	const struct sighting sighting = {.dir = "100-10", .base = "kvm", .ino = 107, .ctime_ns = 1700000000999999999ull,
					  .tgid = 100, .fd = 10};
	struct guest *web;
	bool first;

	(void)state;
	begin();
	web = pass_see(&s->pass, &sighting, &first);
	assert_non_null(pass_see_vcpu(&s->pass, web, 0));
	vm(0x1000, 100, 10, 1, 77);
	vcpu(0x1000, 0, 5, 40);
	assert_int_equal(publish()->nvcpus, 1);
	is("web", FLUSH, 77);
	is("web", EXITS, 5);
}

/* Where bpf did not count a guest, what others say of its vCPUs stays. */
static void test_not_bpfs(void **state)
{
	const struct sighting sighting = {.dir = "100-10", .base = "kvm", .ino = 107, .tgid = 100, .fd = 10};
	struct guest *web;
	bool first;

	(void)state;
	begin();
	web = pass_see(&s->pass, &sighting, &first);
	web->vcpus = 4;
	pass_from(&s->pass, web)[EXITS] = KVMSTAT_DEBUGFS;
	fed();
	assert_int_equal(pass_from(&s->pass, web)[EXITS], KVMSTAT_DEBUGFS);
}

static void test_rates(void **state)
{
	struct kvmstat_rates *rates = kvmstat_rates_new();
	struct kvmstat_column columns[NCELLS];
	struct kvmstat_sample *before, *now;

	(void)state;
	for (uint32_t i = 0; i < NCELLS; i++)
		columns[i] = (struct kvmstat_column){&events[i < HIST ? i : 3], i, 1, KVMSTAT_BPF, "", ""};
	begin();
	s->set.columns = columns;
	s->set.ncolumns = HIST;
	vm(0x1000, 100, 10, 2, 77);
	vcpu(0x1000, 0, 100, 1);
	vcpu(0x1000, 2, 200, 1);
	before = kvmstat_sample_get((struct kvmstat_sample *)publish());
	before->time_ns = 1000000000;
	begin();
	s->set.columns = columns;
	s->set.ncolumns = HIST;
	vm(0x1000, 100, 10, 3, 77);
	vcpu(0x1000, 0, 150, 1);
	vcpu(0x1000, 1, 7, 1);
	vcpu(0x1000, 2, 190, 1);
	last_vcpu()->cpu_ns += 4000;
	now = kvmstat_sample_get((struct kvmstat_sample *)publish());
	now->time_ns = 3000000000;
	assert_int_equal(kvmstat_rates_update(rates, NULL, before, now), 0);
	assert_true(kvmstat_rate_of_vcpu(rates, 0, EXITS) == 25.0);
	/* A newcomer; one that fell; and peaks have none. */
	assert_true(isnan(kvmstat_rate_of_vcpu(rates, 1, EXITS)));
	assert_true(isnan(kvmstat_rate_of_vcpu(rates, 2, EXITS)));
	assert_true(isnan(kvmstat_rate_of_vcpu(rates, 0, PEAK)));
	assert_true(isnan(kvmstat_rate_of_vcpu(rates, 3, EXITS)));
	assert_true(kvmstat_rate_vcpu_cpu(rates, 2) == 2000.0);
	assert_true(kvmstat_rate_vcpu_wait(rates, 2) == 0.0);
	assert_true(isnan(kvmstat_rate_vcpu_cpu(rates, 1)));
	assert_true(isnan(kvmstat_rate_vcpu_cpu(rates, 3)));
	/* The guest's sum grew, yet one of its vCPUs restarted. */
	assert_true(kvmstat_rate(rates, 0, EXITS) == 23.5);
	assert_int_equal(kvmstat_discontinuity(rates, 0), now->time_ns);
	kvmstat_sample_put(before);
	kvmstat_sample_put(now);
	kvmstat_rates_free(rates);
}

/* debugfs has no numbers of vCPUs: their threads are what is known. */
static void test_threads(void **state)
{
	const struct kvmstat_sample *sample;
	const struct kvmstat_row *row;
	struct lab *lab = lab_new();

	(void)state;
	lab_event(lab, "kvm", "exits", 0644);
	lab_qemu(lab, 100, "web");
	lab_value(lab, "kvm/100-10", "exits", "5\n");
	lab_vcpu(lab, 100, 0, 103, "30 3 1\n");
	lab_vcpu(lab, 100, 1, 102, "20 2 1\n");
	lab_set(lab, "ReportVcpus", "yes");
	sample = lab_pass(lab);
	row = lab_row(sample, "web");
	assert_int_equal(row->nvcpus, 2);
	assert_int_equal(row->vcpus[0].tid, 103);
	assert_int_equal(row->vcpus[0].cpu_ns, 30);
	assert_int_equal(row->vcpus[1].tid, 102);
	assert_int_equal(row->vcpus[1].wait_ns, 2);
	assert_int_equal(row->vcpus[1].from[0], KVMSTAT_ABSENT);
	assert_int_equal(row->cpu_ns, 50);
	lab_is(sample, "web", "exits", 5);
	/* A thread that has ended is not shown. */
	lab_discard(lab, "proc/100/task/102");
	sample = lab_pass(lab);
	assert_int_equal(sample->nvcpus, 1);
	assert_false(lab_row(sample, "web")->has_cpu);
	lab_free(lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_rows, setup_vcpus, teardown),
		cmocka_unit_test_setup_teardown(test_off, setup, teardown),
		cmocka_unit_test_setup_teardown(test_closed_vcpu, setup_vcpus, teardown),
		cmocka_unit_test_setup_teardown(test_none, setup_vcpus, teardown),
		cmocka_unit_test_setup_teardown(test_twice, setup_vcpus, teardown),
		cmocka_unit_test_setup_teardown(test_state, setup_vcpus, teardown),
		cmocka_unit_test_setup_teardown(test_bpf_second, setup_vcpus, teardown),
		cmocka_unit_test_setup_teardown(test_not_bpfs, setup_vcpus, teardown),
		cmocka_unit_test_setup_teardown(test_rates, setup_vcpus, teardown),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
