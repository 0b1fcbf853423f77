/* SPDX-License-Identifier: MIT */
/* Which events become columns: filters, old names, unknown ones, modules that are loaded again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lab.h"

static struct lab *lab;

static int setup(void **state)
{
	(void)state;
	lab = lab_new();
	lab_event(lab, "kvm", "exit_null", 0644);
	lab_event(lab, "kvm", "exit_instruction", 0644);
	lab_event(lab, "kvm", "instruction_diagnose_9c", 0644);
	lab_event(lab, "kvm", "diag_9c_ignored", 0644);
	lab_event(lab, "kvm", "halt_wait_hist", 0644);
	lab_qemu(lab, 100, "web");
	lab_value(lab, "kvm/100-10", "exit_null", "1\n");
	lab_value(lab, "kvm/100-10", "exit_instruction", "2\n");
	lab_value(lab, "kvm/100-10", "instruction_diagnose_9c", "3\n");
	lab_value(lab, "kvm/100-10", "diag_9c_ignored", "4\n");
	lab_value(lab, "kvm/100-10", "halt_wait_hist", "5\n");
	lab_qemu(lab, 200, "db");
	lab_value(lab, "kvm/200-10", "exit_null", "11\n");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	lab_free(lab);
	return 0;
}

/* The file of a histogram holds its first bucket only: no column. */
static void test_all(void **state)
{
	(void)state;
	lab_pass(lab);
	assert_int_equal(lab->sample->ncolumns, 4);
	assert_null(lab_column(lab->sample, "halt_wait_hist"));
	lab_is(lab->sample, "web", "diag_9c_ignored", 4);
	assert_null(kvmstat_sample_column(lab->sample, 0));
	assert_null(kvmstat_sample_column(lab->sample, 0xffffffff));
	assert_null(kvmstat_sample_column(lab->sample,
					  lab_column(lab->sample, "exit_null")->event->number + 100000));
}

/* A child pulls in its parents, and nothing else. */
static void test_child_pulls_parents(void **state)
{
	(void)state;
	lab_set(lab, "Event", "diag_9c_ignored");
	lab_pass(lab);
	assert_int_equal(lab->sample->ncolumns, 3);
	lab_is(lab->sample, "web", "diag_9c_ignored", 4);
	lab_is(lab->sample, "web", "instruction_diagnose_9c", 3);
	lab_is(lab->sample, "web", "exit_instruction", 2);
	lab_absent(lab->sample, "web", "exit_null");
	assert_string_equal(lab_column(lab->sample, "diag_9c_ignored")->event->parent->name,
			    "instruction_diagnose_9c");
}

/* A parent that is not on this host is not missed. */
static void test_parent_is_not_here(void **state)
{
	(void)state;
	tree_remove(lab->tree, "sys/kernel/debug/kvm/instruction_diagnose_9c");
	lab_set(lab, "Event", "diag_9c_ignored");
	lab_pass(lab);
	assert_int_equal(lab->sample->ncolumns, 2);
	lab_is(lab->sample, "web", "exit_instruction", 2);
}

static void test_exclude(void **state)
{
	(void)state;
	lab_set(lab, "ExcludeEvent", "/^exit_/");
	lab_set(lab, "ExcludeGuest", "/^w/");
	lab_pass(lab);
	assert_null(lab_find(lab->sample, "web"));
	assert_int_equal(lab->sample->nrows, 1);
	assert_null(lab_column(lab->sample, "exit_null"));
	/* Its children are there: it must be too. */
	assert_non_null(lab_column(lab->sample, "exit_instruction"));
}

static void test_nothing_left(void **state)
{
	(void)state;
	lab_set(lab, "Event", "no_such_event");
	lab_pass(lab);
	assert_int_equal(lab->sample->ncolumns, 0);
	assert_int_equal(lab->sample->ncells, 0);
	assert_int_equal(lab->sample->nrows, 2);
	assert_false(lab_problem(lab->sample, KVMSTAT_NO_SOURCE));
}

/* On an old kernel, under the names of today; the filter takes both. */
static void test_old_names(void **state)
{
	(void)state;
	lab_event(lab, "kvm", "userspace_handled", 0644);
	lab_event(lab, "kvm", "instruction_diag_44", 0644);
	lab_event(lab, "kvm", "exit_instr_and_program_int", 0644);
	lab_value(lab, "kvm/100-10", "userspace_handled", "8\n");
	lab_value(lab, "kvm/100-10", "instruction_diag_44", "9\n");
	lab_set(lab, "Event", "userspace_handled");
	lab_set(lab, "Event", "instruction_diagnose_44");
	lab_pass(lab);
	lab_is(lab->sample, "web", "exit_userspace", 8);
	lab_is(lab->sample, "web", "instruction_diagnose_44", 9);
	lab_is(lab->sample, "web", "exit_instruction", 2);
	assert_null(lab_column(lab->sample, "userspace_handled"));
	assert_int_equal(lab->sample->ncolumns, 3);
}

static void test_unknown_events(void **state)
{
	const struct kvmstat_column *counter, *gauge;

	(void)state;
	lab_event(lab, "kvm", "exit_of_2031", 0644);
	lab_event(lab, "kvm", "level_of_2031", 0444);
	lab_event(lab, "kvm", "spread_of_2031_hist", 0644);
	lab_event(lab, "kvm", "not an event", 0644);
	lab_event(lab, "kvm", "nor.this", 0644);
	lab_value(lab, "kvm/100-10", "exit_of_2031", "8\n");
	lab_value(lab, "kvm/100-10", "level_of_2031", "9\n");
	lab_open(lab);
	assert_int_equal(kvmstat_remember_event(lab->kvmstat, "level_of_2031", 777777), 0);
	lab_pass(lab);
	counter = lab_column(lab->sample, "exit_of_2031");
	gauge = lab_column(lab->sample, "level_of_2031");
	assert_int_equal(lab->sample->ncolumns, 6);
	lab_is(lab->sample, "web", "exit_of_2031", 8);
	lab_is(lab->sample, "web", "level_of_2031", 9);
	assert_false(counter->event->known);
	assert_int_equal(counter->event->class, KVMSTAT_CUMULATIVE);
	assert_int_equal(gauge->event->class, KVMSTAT_INSTANT);
	assert_true(counter->event->number > KVMSTAT_NUMBER_FIXED_MAX);
	assert_int_equal(gauge->event->number, 777777);
	assert_int_equal(kvmstat_remember_event(lab->kvmstat, "another", 777777), -EEXIST);
	assert_int_equal(kvmstat_remember_event(lab->kvmstat, "another", 1), -EINVAL);
}

/* The module is loaded again and has one event more, and one less. */
static void test_reloaded(void **state)
{
	const struct kvmstat_event *event;
	uint64_t generation;

	(void)state;
	lab_pass(lab);
	event = lab_column(lab->sample, "exit_null")->event;
	generation = lab->sample->event_generation;
	lab_discard(lab, "sys/kernel/debug/kvm");
	lab_event(lab, "kvm", "exit_null", 0644);
	lab_event(lab, "kvm", "exit_instruction", 0644);
	lab_event(lab, "kvm", "exit_newly_invented", 0644);
	lab_guest(lab, "kvm/100-10");
	lab_value(lab, "kvm/100-10", "exit_null", "21\n");
	lab_value(lab, "kvm/100-10", "exit_newly_invented", "22\n");
	lab_pass(lab);
	assert_int_equal(lab->sample->nrows, 1);
	assert_int_equal(lab->sample->ncolumns, 3);
	assert_true(lab->sample->event_generation > generation);
	lab_is(lab->sample, "web", "exit_null", 21);
	lab_is(lab->sample, "web", "exit_newly_invented", 22);
	lab_absent(lab->sample, "web", "exit_instruction");
	assert_ptr_equal(lab_column(lab->sample, "exit_null")->event, event);
	/* Loaded again without a change, nobody need rebuild anything. */
	generation = lab->sample->event_generation;
	lab_discard(lab, "sys/kernel/debug/kvm");
	lab_event(lab, "kvm", "exit_null", 0644);
	lab_event(lab, "kvm", "exit_instruction", 0644);
	lab_event(lab, "kvm", "exit_newly_invented", 0644);
	lab_pass(lab);
	assert_int_equal(lab->sample->nrows, 0);
	assert_int_equal(lab->sample->event_generation, generation);
}

/* Both names of one event, as no kernel has them: one column, no crash. */
static void test_both_names(void **state)
{
	(void)state;
	lab_event(lab, "kvm", "userspace_handled", 0644);
	lab_event(lab, "kvm", "exit_userspace", 0644);
	lab_value(lab, "kvm/100-10", "exit_userspace", "8\n");
	lab_pass(lab);
	assert_int_equal(lab->sample->ncolumns, 5);
	lab_is(lab->sample, "web", "exit_userspace", 8);
}

/* Offers of a second source, which is in use while the columns are made. */
static void offer(struct source *source, const char *const names[], size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct kvmstat_event *event = registry_find(lab->kvmstat->context.registry, names[i]);

		assert_non_null(event);
		assert_int_equal(source_offer(source, event, event->name, 1, false), 0);
	}
	source->is_open = true;
}

/* The source that serves an event among the columns made again, or -1. */
static int server_of(const char *event)
{
	const struct column_set *set = lab->kvmstat->context.columns;
	int source = -1;

	for (uint32_t i = 0; i < set->ncolumns; i++) {
		assert_true(!i || set->columns[i].event->number > set->columns[i - 1].event->number);
		if (strcmp(set->columns[i].event->name, event) == 0)
			source = set->columns[i].source;
	}
	return source;
}

static void two_sources(bool debugfs_first, enum kvmstat_source both, enum kvmstat_source locked)
{
	static const char *const names[] = {"exit_null", "exit_instruction", "exit_validity"};
	struct source *bpf;

	if (debugfs_first)
		lab_set(lab, "Source", "debugfs bpf");
	lab_pass(lab);
	bpf = &lab->kvmstat->sources[KVMSTAT_BPF];
	offer(bpf, names, 3);
	assert_int_equal(columns_make(lab->kvmstat), 0);
	assert_int_equal(server_of("exit_null"), both);
	assert_int_equal(server_of("diag_9c_ignored"), locked);
	assert_int_equal(server_of("exit_validity"), KVMSTAT_BPF);
	assert_int_equal(lab->kvmstat->context.columns->ncolumns, 5);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(bpf->offers[i].cell == NO_CELL, both == KVMSTAT_DEBUGFS);
	bpf->is_open = false;
	free(bpf->offers);
	bpf->offers = NULL;
	bpf->noffers = 0;
	assert_int_equal(columns_make(lab->kvmstat), 0);
}

static void test_better_source(void **state)
{
	(void)state;
	two_sources(false, KVMSTAT_BPF, KVMSTAT_DEBUGFS);
}

static void test_preferred_source(void **state)
{
	(void)state;
	two_sources(true, KVMSTAT_DEBUGFS, KVMSTAT_DEBUGFS);
}

/* The preferred source is refused an event that another one can read. */
static void test_source_that_may(void **state)
{
	(void)state;
	lab_lockdown(lab, "none [integrity] confidentiality\n");
	two_sources(true, KVMSTAT_BPF, KVMSTAT_ABSENT);
}

static const struct offer *offer_of(enum kvmstat_source source, const char *event)
{
	const struct source *from = &lab->kvmstat->sources[source];

	for (size_t i = 0; i < from->noffers; i++)
		if (strcmp(from->offers[i].event->name, event) == 0)
			return &from->offers[i];
	fail_msg("no offer of %s", event);
	return NULL;
}

/* What statsfd can read of some guests only, debugfs reads of the others. */
static void cover(bool locked, bool bpf_too)
{
	static const char *const names[] = { "exit_null", "exit_validity" };
	const enum kvmstat_source best = bpf_too ? KVMSTAT_BPF : KVMSTAT_STATSFD;
	struct source *made[] = { NULL, NULL };
	bool covered;

	lab_pass(lab);
	made[0] = &lab->kvmstat->sources[KVMSTAT_STATSFD];
	offer(made[0], names, 2);
	if (bpf_too) {
		made[1] = &lab->kvmstat->sources[KVMSTAT_BPF];
		offer(made[1], names, 2);
	}
	assert_int_equal(columns_make(lab->kvmstat), 0);
	assert_int_equal(server_of("exit_null"), best);
	assert_int_equal(server_of("exit_validity"), best);
	/* bpf reads every guest: nobody need fill in for it. */
	covered = !locked && !bpf_too;
	assert_int_equal(offer_of(KVMSTAT_DEBUGFS, "exit_null")->cell != NO_CELL, covered);
	assert_int_equal(offer_of(best, "exit_null")->covered, covered);
	assert_false(offer_of(best, "exit_validity")->covered);
	if (covered)
		assert_int_equal(offer_of(KVMSTAT_DEBUGFS, "exit_null")->cell, offer_of(best, "exit_null")->cell);
	for (int i = 0; i < 2 && made[i]; i++) {
		made[i]->is_open = false;
		free(made[i]->offers);
		made[i]->offers = NULL;
		made[i]->noffers = 0;
	}
	assert_int_equal(columns_make(lab->kvmstat), 0);
	assert_int_equal(server_of("exit_null"), locked ? KVMSTAT_ABSENT : KVMSTAT_DEBUGFS);
}

static void test_some_guests(void **state)
{
	(void)state;
	cover(false, false);
}

static void test_some_guests_and_lockdown(void **state)
{
	(void)state;
	lab_lockdown(lab, "none [integrity] confidentiality\n");
	cover(true, false);
}

static void test_some_guests_and_bpf(void **state)
{
	(void)state;
	cover(false, true);
}

static void close_made(enum kvmstat_source source)
{
	struct source *made = &lab->kvmstat->sources[source];

	made->is_open = false;
	free(made->offers);
	made->offers = NULL;
	made->noffers = 0;
}

static const char *reason_of(const char *event)
{
	const struct column_set *set = lab->kvmstat->context.columns;

	for (uint32_t i = 0; i < set->ncolumns; i++)
		if (strcmp(set->columns[i].event->name, event) == 0)
			return set->columns[i].reason;
	return "";
}

/*
 * QEMU keeps no statistics fd of the VM itself. Its events come from debugfs where it may be read, else from libvirt,
 * if it is asked, else they are absent with the reason.
 */
static void vm_events_beside_statsfd(bool locked, bool libvirt, enum kvmstat_source expected)
{
	static const char *const vcpu[] = { "exit_null" }, *const both[] = { "exit_null", "inject_io" };

	lab_event(lab, "kvm", "inject_io", 0644);
	lab_set(lab, "Source", "statsfd debugfs libvirt");
	if (locked)
		lab_lockdown(lab, "none [integrity] confidentiality\n");
	lab_pass(lab);
	offer(&lab->kvmstat->sources[KVMSTAT_STATSFD], vcpu, 1);
	if (libvirt)
		offer(&lab->kvmstat->sources[KVMSTAT_LIBVIRT], both, 2);
	assert_int_equal(columns_make(lab->kvmstat), 0);
	assert_int_equal(server_of("exit_null"), KVMSTAT_STATSFD);
	assert_int_equal(server_of("inject_io"), expected);
	if (libvirt && locked) {
		assert_int_equal(offer_of(KVMSTAT_LIBVIRT, "exit_null")->cell, offer_of(KVMSTAT_STATSFD, "exit_null")->cell);
		assert_true(offer_of(KVMSTAT_STATSFD, "exit_null")->covered);
	} else if (libvirt) {
		assert_int_equal(offer_of(KVMSTAT_LIBVIRT, "inject_io")->cell, NO_CELL);
	}
	if (expected == KVMSTAT_ABSENT) {
		assert_non_null(strstr(reason_of("inject_io"), "lockdown=integrity"));
		assert_non_null(strstr(reason_of("inject_io"), "libvirt is missing: "));
	}
	close_made(KVMSTAT_STATSFD);
	close_made(KVMSTAT_LIBVIRT);
	assert_int_equal(columns_make(lab->kvmstat), 0);
}

static void test_vm_events_of_debugfs(void **state)
{
	(void)state;
	vm_events_beside_statsfd(false, true, KVMSTAT_DEBUGFS);
}

static void test_vm_events_of_libvirt(void **state)
{
	(void)state;
	vm_events_beside_statsfd(true, true, KVMSTAT_LIBVIRT);
}

static void test_vm_events_of_nobody(void **state)
{
	(void)state;
	vm_events_beside_statsfd(true, false, KVMSTAT_ABSENT);
}

static void test_guest_by_uuid(void **state)
{
	static const char cmdline[] =
		"qemu-system-s390x\0-name\0new\0-uuid\0AAAAAAAA-bbbb-cccc-dddd-eeeeeeeeeeee";

	(void)state;
	lab_qemu(lab, 300, "new");
	tree_file(lab->tree, "proc/300/cmdline", cmdline, sizeof(cmdline));
	lab_set(lab, "Guest", "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee");
	lab_pass(lab);
	assert_int_equal(lab->sample->nrows, 1);
	assert_string_equal(lab->sample->rows[0].guest->uuid, "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee");
	assert_string_equal(lab->sample->rows[0].guest->key, "uuid:aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee");
	assert_string_equal(lab->sample->rows[0].guest->name, "new");
}

/* Names from outside go through as bytes. */
static void test_odd_names(void **state)
{
	static const char *const names[] = {"a/b",  "\xff\xfe",		"new\nline",
					    "%s%n", "../../etc/passwd", "a,,b"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		lab_qemu(lab, 300 + (int)i, names[i]);
	lab_pass(lab);
	assert_int_equal(lab->sample->nrows, 8);
	for (size_t i = 0; i + 1 < sizeof(names) / sizeof(names[0]); i++)
		assert_non_null(lab_find(lab->sample, names[i]));
	assert_non_null(lab_find(lab->sample, "a,b"));
}

#define columns_test(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		columns_test(test_all),
		columns_test(test_child_pulls_parents),
		columns_test(test_parent_is_not_here),
		columns_test(test_exclude),
		columns_test(test_nothing_left),
		columns_test(test_old_names),
		columns_test(test_unknown_events),
		columns_test(test_reloaded),
		columns_test(test_both_names),
		columns_test(test_better_source),
		columns_test(test_preferred_source),
		columns_test(test_source_that_may),
		columns_test(test_some_guests),
		columns_test(test_some_guests_and_lockdown),
		columns_test(test_some_guests_and_bpf),
		columns_test(test_vm_events_of_debugfs),
		columns_test(test_vm_events_of_libvirt),
		columns_test(test_vm_events_of_nobody),
		columns_test(test_guest_by_uuid),
		columns_test(test_odd_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
