/* SPDX-License-Identifier: MIT */
/* As long as no VM begins or ends, nobody looks for guests: what is seen then, and what ends it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <time.h>

#include "lab.h"

static const uint64_t SECOND = 1000000000;

static struct lab *lab;

static void announce(unsigned int number)
{
	char text[16];

	snprintf(text, sizeof(text), "%u\n", number);
	lab_write(lab, text, "%s", "sys/kernel/uevent_seqnum");
}

static void seconds_pass(unsigned int seconds)
{
	struct uevents *uevents = &lab->kvmstat->context.uevents;

	uevents->changed_ns -= seconds * SECOND;
	if (uevents->looked_ns)
		uevents->looked_ns -= seconds * SECOND;
}

/* So many guests are seen. */
static void expect(uint32_t guests)
{
	assert_int_equal(lab_pass(lab)->nrows, guests);
}

/* Two guests, and passes until they are known and it is quiet. debugfs is not there, or lists them. */
static void begin(bool debugfs)
{
	lab = lab_new();
	lab_set(lab, "Source", "debugfs");
	announce(100);
	if (debugfs)
		lab_event(lab, "kvm", "blocking", 0444);
	for (int pid = 100; pid <= 200; pid += 100) {
		lab_process(lab, pid, pid == 100 ? "web" : "db", 500);
		lab_fd(lab, pid, 10, "anon_inode:kvm-vm");
	}
	if (debugfs) {
		lab_value(lab, "kvm/100-10", "blocking", "1\n");
		lab_value(lab, "kvm/200-10", "blocking", "2\n");
	}
	expect(2);
	/* Other sources are not opened any more: this tree stands for a host that announces. */
	lab->kvmstat->context.root.live = true;
	for (int i = 0; i < 16 && !lab->kvmstat->context.uevents.looked_ns; i++) {
		expect(2);
		seconds_pass(2);
	}
	for (int i = 0; i < 16; i++)
		expect(2);
}

static int teardown(void **state)
{
	(void)state;
	lab_free(lab);
	return 0;
}

static void add_guest(int pid, bool debugfs)
{
	if (debugfs) {
		lab_qemu(lab, pid, "new");
	} else {
		lab_process(lab, pid, "new", 700);
		lab_fd(lab, pid, 10, "anon_inode:kvm-vm");
	}
}

/* It is not looked for, until it is announced. */
static void test_debugfs_newcomer(void **state)
{
	(void)state;
	begin(true);
	add_guest(300, true);
	expect(2);
	announce(101);
	expect(3);
	/* And as long as it is not settled, everything is looked at. */
	add_guest(400, true);
	expect(4);
	add_guest(500, true);
	expect(5);
}

static void test_debugfs_end(void **state)
{
	(void)state;
	begin(true);
	lab_end_guest(lab, "kvm/100-10");
	announce(101);
	expect(1);
	assert_non_null(lab_find(lab->sample, "db"));
}

/* One that was not announced, since the kernel had no memory for it, is found to be gone when it is read. */
static void test_debugfs_unannounced_end(void **state)
{
	(void)state;
	begin(true);
	lab_discard(lab, "sys/kernel/debug/kvm/100-10/blocking");
	lab_end_guest(lab, "kvm/100-10");
	expect(1);
	expect(1);
}

static void test_debugfs_minute(void **state)
{
	(void)state;
	begin(true);
	add_guest(300, true);
	expect(2);
	seconds_pass(61);
	expect(3);
}

/* A guest that the configuration does not want has no row, and stays known. */
static void test_unwanted(void **state)
{
	(void)state;
	begin(true);
	lab->kvmstat->context.guests.list[0]->wanted = false;
	expect(1);
	expect(1);
	assert_int_equal(lab->kvmstat->context.guests.count, 2);
}

static void test_values(void **state)
{
	(void)state;
	begin(true);
	lab_value(lab, "kvm/200-10", "blocking", "7\n");
	expect(2);
	lab_is(lab->sample, "db", "blocking", 7);
	lab_is(lab->sample, "web", "blocking", 1);
}

static void test_proc_newcomer(void **state)
{
	int passes = 0;

	(void)state;
	begin(false);
	add_guest(300, false);
	for (int i = 0; i < 20; i++)
		expect(2);
	announce(101);
	while (lab_pass(lab)->nrows == 2)
		assert_true(++passes < 7);
	assert_int_equal(lab->sample->nrows, 3);
}

static void test_proc_end(void **state)
{
	(void)state;
	begin(false);
	lab_discard(lab, "proc/100/fd/10");
	announce(101);
	expect(1);
	assert_non_null(lab_find(lab->sample, "db"));
}

static void test_proc_minute(void **state)
{
	(void)state;
	begin(false);
	add_guest(300, false);
	seconds_pass(61);
	expect(3);
}

/* A tree announces nothing, whatever is in it. */
static void test_not_live(void **state)
{
	(void)state;
	begin(true);
	lab->kvmstat->context.root.live = false;
	add_guest(300, true);
	expect(3);
	add_guest(400, true);
	expect(4);
}

/* When sources are opened again, another one may find the guests. */
static void test_other_sources(void **state)
{
	(void)state;
	begin(true);
	add_guest(300, true);
	lab->kvmstat->stale = true;
	expect(3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_debugfs_newcomer, teardown),
		cmocka_unit_test_teardown(test_debugfs_end, teardown),
		cmocka_unit_test_teardown(test_debugfs_unannounced_end, teardown),
		cmocka_unit_test_teardown(test_debugfs_minute, teardown),
		cmocka_unit_test_teardown(test_unwanted, teardown),
		cmocka_unit_test_teardown(test_values, teardown),
		cmocka_unit_test_teardown(test_proc_newcomer, teardown),
		cmocka_unit_test_teardown(test_proc_end, teardown),
		cmocka_unit_test_teardown(test_proc_minute, teardown),
		cmocka_unit_test_teardown(test_not_live, teardown),
		cmocka_unit_test_teardown(test_other_sources, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
