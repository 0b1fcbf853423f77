/* SPDX-License-Identifier: MIT */
/* The source libvirt on a made-up host, with answers that libvirt might give, wrong ones included. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab.h"
#include "sources/libvirt/thread.h"

#define WEB "11111111-0000-4000-8000-000000000001"
#define DB "22222222-0000-4000-8000-000000000002"

/* Two vCPUs, as libvirt shows them, with something in the place of the events. */
#define VCPUS(first, second)                                                                                          \
	"state.state=1 vcpu.current=2 vcpu.maximum=4 vcpu.0.state=1 vcpu.0.time=100 vcpu.0.wait=? vcpu.0.delay=10 " first \
	" vcpu.1.state=1 vcpu.1.time=200 vcpu.1.delay=20 " second

enum { MAX_DOMAINS = 4, MAX_PARAMS = 64 };

/* What stands in for the threads and for libvirt; the program's own are not linked. */
static struct fake {
	struct libvirt_domain domains[MAX_DOMAINS];
	struct libvirt_param params[MAX_PARAMS];
	char fields[MAX_PARAMS][LIBVIRT_MAX_NAME + 1];
	struct libvirt_answer answer;
	uint32_t nparams;
	int rc;
	int prepare_rc;
	int calls;
	void (*when_asked)(void);
} fake;

static struct lab *lab;

int libvirt_client_new(struct libvirt_client **client, const char *uri)
{
	assert_string_equal(uri, lab->config->libvirt_uri);
	*client = (struct libvirt_client *)&fake;
	return 0;
}

void libvirt_client_free(struct libvirt_client *client)
{
	(void)client;
}

int libvirt_client_prepare(struct libvirt_client *client)
{
	(void)client;
	return fake.prepare_rc;
}

int libvirt_client_ask(struct libvirt_client *client, uint32_t load, const struct libvirt_answer **answer,
		       char *error, size_t size)
{
	(void)client;
	assert_true(load > 0);
	fake.calls++;
	if (fake.when_asked)
		fake.when_asked();
	snprintf(error, size, "so it is");
	*answer = &fake.answer;
	return fake.rc;
}

/* "field=NUMBER", "field=yes", "field=no"; "field=?" is of a type that nobody expects. Domains in ascending order of uuid. */
static struct libvirt_domain *say(const char *name, const char *uuid, const char *text)
{
	struct libvirt_domain *domain = &fake.domains[fake.answer.ndomains++];
	char *copy = strdup(text), *rest = copy, *word;

	*domain = (struct libvirt_domain){ .name = name, .params = &fake.params[fake.nparams] };
	snprintf(domain->uuid, sizeof(domain->uuid), "%s", uuid);
	while ((word = strsep(&rest, " "))) {
		struct libvirt_param *param = &fake.params[fake.nparams];
		char *value = strrchr(word, '=');

		if (!value)
			continue;
		*value++ = '\0';
		strcpy(fake.fields[fake.nparams], word);
		*param = (struct libvirt_param){ .field = fake.fields[fake.nparams++], .is_number = *value != '?' };
		param->is_boolean = *value == 'y' || *value == 'n';
		param->number = param->is_boolean ? *value == 'y' : strtoull(value, NULL, 10);
		domain->nparams++;
	}
	free(copy);
	fake.answer.domains = fake.domains;
	return domain;
}

static void say_again(void)
{
	fake.answer.ndomains = fake.nparams = 0;
}

static void guest(int pid, const char *name, const char *uuid)
{
	char cmdline[256], path[64];
	int len = snprintf(cmdline, sizeof(cmdline), "qemu-system-s390x%c-name%c%s%c-uuid%c%s", 0, 0, name, 0, 0, uuid);

	lab_qemu(lab, pid, name);
	snprintf(path, sizeof(path), "proc/%d/cmdline", pid);
	tree_file(lab->tree, path, cmdline, (size_t)len + 1);
}

static int setup(void **state)
{
	(void)state;
	memset(&fake, 0, sizeof(fake));
	lab = lab_new();
	guest(100, "web", WEB);
	guest(200, "db", DB);
	lab_set(lab, "Source", "libvirt");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	lab_free(lab);
	return 0;
}

/* A tree stands in for the host's files, and the fake for its libvirt: so it is a running host. */
static const struct kvmstat_sample *pass(void)
{
	if (!lab->kvmstat) {
		lab_open(lab);
		lab->kvmstat->context.root.live = true;
	}
	kvmstat_sample_put(lab->sample);
	lab->sample = NULL;
	assert_int_equal(kvmstat_collect(lab->kvmstat, &lab->sample), 0);
	return lab->sample;
}

static uint8_t from(const char *name, const char *event)
{
	const struct kvmstat_column *column = lab_column(lab->sample, event);

	assert_non_null(column);
	return lab_row(lab->sample, name)->from[column->first_cell];
}

static void is_told(enum kvmstat_source_state expected, const char *words)
{
	const struct kvmstat_source_status *status = &lab->sample->sources[KVMSTAT_LIBVIRT];

	assert_int_equal(status->state, expected);
	if (!strstr(status->text, words))
		fail_msg("\"%s\" does not say \"%s\"", status->text, words);
}

/* ---- values ---- */

static void test_sums(void **state)
{
	(void)state;
	say("web", WEB,
	    VCPUS("vcpu.0.exit_null.sum=5 vcpu.0.blocking.cur=yes vcpu.0.new_peak.max=7 vcpu.0.new_ns.sum=1 vcpu.0.new_flag.cur=no",
		  "vcpu.1.exit_null.sum=6 vcpu.1.blocking.cur=yes vcpu.1.new_peak.max=3 vcpu.1.new_ns.sum=2 vcpu.1.new_flag.cur=yes")
	    " vm.inject_io.sum=18446744073709551615 vm.new_level.cur=9");
	pass();
	lab_is(lab->sample, "web", "exit_null", 11);
	lab_is(lab->sample, "web", "blocking", 2);
	lab_is(lab->sample, "web", "new_peak", 7);
	lab_is(lab->sample, "web", "new_ns", 3);
	lab_is(lab->sample, "web", "new_flag", 1);
	lab_is(lab->sample, "web", "inject_io", UINT64_MAX);
	lab_is(lab->sample, "web", "new_level", 9);
	assert_int_equal(from("web", "exit_null"), KVMSTAT_LIBVIRT);
	assert_int_equal(lab_row(lab->sample, "web")->vcpu_count, 2);
	/* What is not known is believed. */
	assert_int_equal(lab_column(lab->sample, "new_peak")->event->class, KVMSTAT_PEAK);
	assert_int_equal(lab_column(lab->sample, "new_ns")->event->unit, KVMSTAT_NS);
	assert_int_equal(lab_column(lab->sample, "new_flag")->event->unit, KVMSTAT_BOOLEAN);
	assert_int_equal(lab_column(lab->sample, "new_level")->event->scope, KVMSTAT_VM);
	assert_int_equal(lab_column(lab->sample, "new_level")->event->class, KVMSTAT_INSTANT);
	/* The other one libvirt does not have. */
	lab_absent(lab->sample, "db", "exit_null");
	is_told(KVMSTAT_PARTIAL, "db): libvirt does not know the guest");
	assert_true(lab_problem(lab->sample, KVMSTAT_UNREADABLE));
}

static void test_times(void **state)
{
	const struct kvmstat_row *row;

	(void)state;
	say("web", WEB, VCPUS("vcpu.0.exit_null.sum=5", "vcpu.1.exit_null.sum=6"));
	pass();
	row = lab_row(lab->sample, "web");
	/* Nobody else has them here: /proc shows the threads' names, but not their times. */
	assert_true(row->has_cpu);
	assert_int_equal(row->cpu_ns, 300);
	assert_int_equal(row->wait_ns, 30);
	/* They are not kept for a pass in which libvirt says nothing. */
	fake.rc = -ETIMEDOUT;
	pass();
	assert_false(lab_row(lab->sample, "web")->has_cpu);
}

static void test_rows_of_vcpus(void **state)
{
	const struct kvmstat_row *row;
	uint32_t cell;

	(void)state;
	say("web", WEB, VCPUS("vcpu.0.exit_null.sum=5 vcpu.0.halt_wakeup.sum=1", "vcpu.1.exit_null.sum=6") " vm.inject_io.sum=1");
	lab_set(lab, "ReportVcpus", "true");
	pass();
	row = lab_row(lab->sample, "web");
	cell = lab_column(lab->sample, "exit_null")->first_cell;
	assert_int_equal(row->nvcpus, 2);
	for (uint32_t i = 0; i < 2; i++) {
		assert_int_equal(row->vcpus[i].id, i);
		assert_int_equal(row->vcpus[i].from[cell], KVMSTAT_LIBVIRT);
		assert_int_equal(row->vcpus[i].value[cell], 5 + i);
		assert_int_equal(row->vcpus[i].from[lab_column(lab->sample, "inject_io")->first_cell], KVMSTAT_ABSENT);
		assert_int_equal(row->vcpus[i].from[lab_column(lab->sample, "halt_wakeup")->first_cell], KVMSTAT_ABSENT);
		assert_true(row->vcpus[i].has_cpu);
		assert_int_equal(row->vcpus[i].cpu_ns, 100 * (i + 1));
		assert_int_equal(row->vcpus[i].wait_ns, 10 * (i + 1));
	}
	say_again();
	say("web", WEB, "vcpu.current=2 vcpu.0.state=1 vcpu.0.exit_null.sum=5 vcpu.1.state=0 vcpu.1.exit_null.sum=6");
	pass();
	row = lab_row(lab->sample, "web");
	assert_int_equal(row->vcpus[1].state, KVMSTAT_VCPU_OFFLINE);
	assert_false(row->vcpus[1].has_cpu);
}

/* KVM's ids have gaps, where a core's threads are not all used: another source has seen them. */
static void test_ids_with_gaps(void **state)
{
	const struct kvmstat_row *row;

	(void)state;
	lab_event(lab, "kvm", "exit_null", 0444);
	lab_event(lab, "kvm", "exit_validity", 0644);
	lab_lockdown(lab, "none [integrity] confidentiality\n");
	lab_vcpu(lab, 100, 0, 101, "7 8 9\n");
	lab_vcpu(lab, 100, 4, 102, "70 80 90\n");
	lab_set(lab, "Source", "auto");
	lab_set(lab, "Source", "debugfs libvirt");
	lab_set(lab, "ReportVcpus", "true");
	say("web", WEB, VCPUS("vcpu.0.exit_validity.sum=5", "vcpu.1.exit_validity.sum=6"));
	pass();
	row = lab_row(lab->sample, "web");
	assert_int_equal(row->nvcpus, 2);
	assert_int_equal(row->vcpus[1].id, 4);
	assert_int_equal(row->vcpus[1].value[lab_column(lab->sample, "exit_validity")->first_cell], 6);
	/* debugfs read the times of the threads, which are finer. */
	assert_int_equal(row->vcpus[1].cpu_ns, 70);
	assert_int_equal(row->cpu_ns, 77);
}

/* ---- what is not all there ---- */

static void test_a_vcpu_without_values(void **state)
{
	(void)state;
	say("db", DB, "");
	say_again();
	say("web", WEB, VCPUS("vcpu.0.exit_null.sum=5 vcpu.0.exit_validity.sum=1", "vcpu.1.exit_validity.sum=1") " vm.inject_io.sum=1");
	lab_set(lab, "Guest", "web");
	pass();
	lab_absent(lab->sample, "web", "exit_null");
	lab_is(lab->sample, "web", "exit_validity", 2);
	lab_is(lab->sample, "web", "inject_io", 1);
	is_told(KVMSTAT_PARTIAL, "all of its vCPUs");
	assert_true(lab_problem(lab->sample, KVMSTAT_UNREADABLE));
}

/* libvirt shows fewer than there are, or were: a sum over them is not the guest's. */
static void test_a_vcpu_too_few(void **state)
{
	(void)state;
	lab_set(lab, "Guest", "web");
	say("web", WEB, "vcpu.current=2 vcpu.0.state=1 vcpu.0.exit_null.sum=5 vm.inject_io.sum=1");
	pass();
	lab_absent(lab->sample, "web", "exit_null");
	lab_is(lab->sample, "web", "inject_io", 1);
	say_again();
	say("web", WEB, VCPUS("vcpu.0.exit_null.sum=5", "vcpu.1.exit_null.sum=6"));
	pass();
	lab_is(lab->sample, "web", "exit_null", 11);
	say_again();
	say("web", WEB, "vcpu.current=1 vcpu.0.state=1 vcpu.0.exit_null.sum=5");
	pass();
	lab_absent(lab->sample, "web", "exit_null");
	is_told(KVMSTAT_PARTIAL, "all of its vCPUs");
}

static void test_malformed(void **state)
{
	static const char *const answers[] = {
		VCPUS("vcpu.0.exit_null.sum=5", "vcpu.1.exit_null.sum=?"),
		VCPUS("vcpu.0.exit_null.sum=5", "vcpu.0.exit_null.sum=6"),
		VCPUS("vcpu.1.exit_null.sum=5", "vcpu.0.exit_null.sum=6"),
		VCPUS("vcpu.0.exit_null.sum=5 vcpu.1.exit_null.sum=6", "vcpu.99999999999.exit_null.sum=6"),
		VCPUS("vcpu.0.exit_null.sum=5 vcpu.1.exit_null.sum=6", "vcpu.0.state=1"),
		VCPUS("vcpu.0.exit_null.sum=5", "vcpu.1.exit_null.sum=6") " vm.inject_io.sum=1 vm.inject_io.sum=1",
		VCPUS("vcpu.0.exit_null.sum=5", "vcpu.1.exit_null.sum=6") " vcpu.current=99999999",
	};

	(void)state;
	lab_set(lab, "Guest", "web");
	say("web", WEB, VCPUS("vcpu.0.exit_null.sum=5", "vcpu.1.exit_null.sum=6"));
	pass();
	lab_is(lab->sample, "web", "exit_null", 11);
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		say_again();
		say("web", WEB, answers[i]);
		pass();
		lab_absent(lab->sample, "web", "exit_null");
		is_told(KVMSTAT_MISSING, "is invalid");
		assert_true(lab_problem(lab->sample, KVMSTAT_MALFORMED));
		assert_false(lab_problem(lab->sample, KVMSTAT_UNREADABLE));
	}
}

/* What no event can be called, or is of another kind, is no reason to leave out the rest. */
static void test_odd_names(void **state)
{
	(void)state;
	lab_set(lab, "Guest", "web");
	say("web", WEB, VCPUS("vcpu.0.exit_null.sum=5 vcpu.0.a-b.sum=1 vcpu.0.\xff.sum=1", "vcpu.1.exit_null.sum=6") " vm.%n.sum=1 vm.x.hist=1 vm.exit_null.sum=3");
	pass();
	assert_int_equal(lab->sample->ncolumns, 1);
	lab_is(lab->sample, "web", "exit_null", 11);
	is_told(KVMSTAT_ACTIVE, "");
}

/* ---- whose values are they? ---- */

static void test_pid_file(void **state)
{
	(void)state;
	lab_set(lab, "Guest", "web");
	say("web", WEB, VCPUS("vcpu.0.exit_null.sum=5", "vcpu.1.exit_null.sum=6"));
	lab_write(lab, "100\n", "run/libvirt/qemu/web.pid");
	pass();
	lab_is(lab->sample, "web", "exit_null", 11);
	/* It was restarted, and /proc showed the one before. */
	lab_write(lab, "101\n", "run/libvirt/qemu/web.pid");
	pass();
	lab_absent(lab->sample, "web", "exit_null");
	lab_write(lab, "rubbish\n", "run/libvirt/qemu/web.pid");
	pass();
	lab_is(lab->sample, "web", "exit_null", 11);
}

static void test_another_name(void **state)
{
	(void)state;
	lab_set(lab, "Guest", "web");
	say("../web", WEB, VCPUS("vcpu.0.exit_null.sum=5", "vcpu.1.exit_null.sum=6"));
	lab_write(lab, "100\n", "run/libvirt/web.pid");
	pass();
	assert_null(lab_column(lab->sample, "exit_null"));
	is_told(KVMSTAT_MISSING, "does not know the guest");
	assert_true(lab_problem(lab->sample, KVMSTAT_NO_SOURCE));
}

/* One of the system's daemon and one of a user's. */
static void test_twins(void **state)
{
	(void)state;
	guest(300, "web", WEB);
	say("web", WEB, VCPUS("vcpu.0.exit_null.sum=5", "vcpu.1.exit_null.sum=6"));
	pass();
	assert_null(lab_column(lab->sample, "exit_null"));
	lab_write(lab, "300\n", "run/libvirt/qemu/web.pid");
	pass();
	for (uint32_t i = 0; i < lab->sample->nrows; i++) {
		const struct kvmstat_row *row = &lab->sample->rows[i];

		assert_int_equal(row->from[lab_column(lab->sample, "exit_null")->first_cell],
				 row->guest->pid == 300 ? KVMSTAT_LIBVIRT : KVMSTAT_ABSENT);
	}
}

static void start_anew(void)
{
	lab_write(lab, "100 (my vmm) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 999999 0 0\n", "proc/100/stat");
}

/* While libvirt was asked, another process got the same pid: the answer may be about it. */
static void test_ended_meanwhile(void **state)
{
	(void)state;
	lab_set(lab, "Guest", "web");
	say("web", WEB, VCPUS("vcpu.0.exit_null.sum=5", "vcpu.1.exit_null.sum=6"));
	pass();
	lab_is(lab->sample, "web", "exit_null", 11);
	fake.when_asked = start_anew;
	pass();
	lab_absent(lab->sample, "web", "exit_null");
	is_told(KVMSTAT_ACTIVE, "");
}

/* ---- libvirt does not answer ---- */

static void test_silence(void **state)
{
	static const struct {
		int *place;
		int rc;
		enum kvmstat_source_state state;
		const char *words;
	} cases[] = {
		{ &fake.rc, -ETIMEDOUT, KVMSTAT_MISSING, "did not answer in time" },
		{ &fake.rc, -EBUSY, KVMSTAT_MISSING, "qemu:///system does not answer" },
		{ &fake.rc, -EACCES, KVMSTAT_DENIED, "refuses access (so it is)" },
		{ &fake.rc, -ENOENT, KVMSTAT_MISSING, "cannot connect to qemu:///system (so it is)" },
		{ &fake.prepare_rc, -EAGAIN, KVMSTAT_DENIED, "starting the thread that calls libvirt failed" },
		{ &fake.prepare_rc, -ENOMEM, KVMSTAT_DENIED, "starting the thread that calls libvirt failed" },
	};

	(void)state;
	lab_set(lab, "Guest", "web");
	say("web", WEB, VCPUS("vcpu.0.exit_null.sum=5", "vcpu.1.exit_null.sum=6"));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fake.rc = fake.prepare_rc = 0;
		pass();
		lab_is(lab->sample, "web", "exit_null", 11);
		assert_false(lab_problem(lab->sample, KVMSTAT_UNREADABLE));
		*cases[i].place = cases[i].rc;
		pass();
		assert_non_null(lab_find(lab->sample, "web"));
		lab_absent(lab->sample, "web", "exit_null");
		is_told(cases[i].state, cases[i].words);
		assert_true(lab_problem(lab->sample, KVMSTAT_UNREADABLE));
	}
}

static void test_never_reached(void **state)
{
	(void)state;
	fake.rc = -ENOENT;
	pass();
	assert_true(lab_problem(lab->sample, KVMSTAT_NO_SOURCE));
	assert_non_null(strstr(lab->sample->problems[KVMSTAT_NO_SOURCE].text, "check that its daemon runs"));
	assert_int_equal(lab->sample->nrows, 2);
}

/* A guest whose program hangs, and one that is too old. */
static void test_without_events(void **state)
{
	struct libvirt_domain *domain;

	(void)state;
	say("web", WEB, VCPUS("vcpu.0.exit_null.sum=5", "vcpu.1.exit_null.sum=6"));
	domain = say("db", DB, VCPUS("", ""));
	domain->busy = true;
	pass();
	lab_is(lab->sample, "web", "exit_null", 11);
	lab_absent(lab->sample, "db", "exit_null");
	is_told(KVMSTAT_PARTIAL, "db): its VMM does not answer libvirt");
	domain->busy = false;
	pass();
	is_told(KVMSTAT_PARTIAL, "db): libvirt returns no statistics");
	/* It had them: then it was passed over, and is free again meanwhile. */
	say_again();
	say("web", WEB, VCPUS("", ""));
	say("db", DB, VCPUS("vcpu.0.exit_null.sum=5", "vcpu.1.exit_null.sum=6"));
	pass();
	lab_is(lab->sample, "db", "exit_null", 11);
	is_told(KVMSTAT_PARTIAL, "web): its VMM does not answer libvirt");
}

/* ---- with other sources ---- */

static void debugfs(void)
{
	lab_event(lab, "kvm", "exit_null", 0644);
	lab_event(lab, "kvm", "inject_io", 0644);
	for (int pid = 100; pid <= 200; pid += 100) {
		char name[32];

		snprintf(name, sizeof(name), "kvm/%d-10", pid);
		lab_value(lab, name, "exit_null", "77\n");
		lab_value(lab, name, "inject_io", "88\n");
	}
	say("web", WEB, VCPUS("vcpu.0.exit_null.sum=5", "vcpu.1.exit_null.sum=6") " vm.inject_io.sum=1");
}

/* What libvirt does not have, or does not say in time, the next source reads. */
static void test_covered(void **state)
{
	(void)state;
	debugfs();
	lab_set(lab, "Source", "auto");
	lab_set(lab, "Source", "libvirt debugfs");
	pass();
	assert_int_equal(from("web", "exit_null"), KVMSTAT_LIBVIRT);
	lab_is(lab->sample, "web", "exit_null", 11);
	lab_is(lab->sample, "web", "inject_io", 1);
	assert_int_equal(from("db", "exit_null"), KVMSTAT_DEBUGFS);
	lab_is(lab->sample, "db", "exit_null", 77);
	assert_false(lab_problem(lab->sample, KVMSTAT_UNREADABLE));
	fake.rc = -ETIMEDOUT;
	pass();
	assert_int_equal(from("web", "exit_null"), KVMSTAT_DEBUGFS);
	lab_is(lab->sample, "web", "exit_null", 77);
	assert_false(lab_problem(lab->sample, KVMSTAT_UNREADABLE));
}

static void test_not_asked_where_debugfs_serves(void **state)
{
	(void)state;
	debugfs();
	lab_set(lab, "Source", "auto");
	lab_set(lab, "Source", "debugfs libvirt");
	pass();
	lab_is(lab->sample, "web", "exit_null", 77);
	assert_int_equal(fake.calls, 0);
	is_told(KVMSTAT_UNUSED, "better sources");
}

/* Lockdown refuses debugfs' counters: they are libvirt's then. */
static void test_instead_of_debugfs(void **state)
{
	(void)state;
	debugfs();
	lab_lockdown(lab, "none [integrity] confidentiality\n");
	lab_set(lab, "Source", "auto");
	lab_set(lab, "Source", "debugfs libvirt");
	pass();
	assert_int_equal(from("web", "exit_null"), KVMSTAT_LIBVIRT);
	lab_is(lab->sample, "web", "inject_io", 1);
	lab_absent(lab->sample, "db", "exit_null");
	assert_false(lab_problem(lab->sample, KVMSTAT_REFUSED));
}

static void test_not_unless_asked_for(void **state)
{
	(void)state;
	lab_set(lab, "Source", "auto");
	pass();
	assert_int_equal(fake.calls, 0);
	is_told(KVMSTAT_UNUSED, "only if the option Source lists it");
}

static void test_a_captured_host(void **state)
{
	(void)state;
	lab_pass(lab);
	assert_int_equal(fake.calls, 0);
	is_told(KVMSTAT_MISSING, "Root is another host");
}

static void test_no_guests(void **state)
{
	(void)state;
	lab_end_guest(lab, "kvm/100-10");
	lab_end_guest(lab, "kvm/200-10");
	tree_remove(lab->tree, "proc/100/fd/10");
	tree_remove(lab->tree, "proc/200/fd/10");
	pass();
	assert_int_equal(lab->sample->nrows, 0);
	assert_int_equal(fake.calls, 0);
	assert_false(lab_problem(lab->sample, KVMSTAT_NO_SOURCE));
}

/* A cell that a worse source has filled already, bpf as the one that finds the guests, is filled again. */
static void test_order(void **state)
{
	struct pass any = { 0 };

	(void)state;
	lab_set(lab, "Source", "auto");
	lab_set(lab, "Source", "statsfd libvirt bpf");
	lab_open(lab);
	any.context = &lab->kvmstat->context;
	assert_true(pass_may_fill(&any, KVMSTAT_LIBVIRT, KVMSTAT_ABSENT));
	assert_true(pass_may_fill(&any, KVMSTAT_LIBVIRT, KVMSTAT_BPF));
	assert_true(pass_may_fill(&any, KVMSTAT_LIBVIRT, KVMSTAT_LIBVIRT));
	assert_false(pass_may_fill(&any, KVMSTAT_LIBVIRT, KVMSTAT_STATSFD));
	assert_false(pass_may_fill(&any, KVMSTAT_BPF, KVMSTAT_LIBVIRT));
}

#define libvirt_test(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		libvirt_test(test_sums),
		libvirt_test(test_times),
		libvirt_test(test_rows_of_vcpus),
		libvirt_test(test_ids_with_gaps),
		libvirt_test(test_a_vcpu_without_values),
		libvirt_test(test_a_vcpu_too_few),
		libvirt_test(test_malformed),
		libvirt_test(test_odd_names),
		libvirt_test(test_pid_file),
		libvirt_test(test_another_name),
		libvirt_test(test_twins),
		libvirt_test(test_ended_meanwhile),
		libvirt_test(test_silence),
		libvirt_test(test_never_reached),
		libvirt_test(test_without_events),
		libvirt_test(test_covered),
		libvirt_test(test_not_asked_where_debugfs_serves),
		libvirt_test(test_instead_of_debugfs),
		libvirt_test(test_not_unless_asked_for),
		libvirt_test(test_a_captured_host),
		libvirt_test(test_no_guests),
		libvirt_test(test_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
