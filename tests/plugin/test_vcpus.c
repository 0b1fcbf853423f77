/* SPDX-License-Identifier: MIT */
/*
 * test_vcpus.c - what is sent of each vCPU, and when, under which name
 */
#include "plugin_test.h"

enum { EXITS, HALT_WAIT, PAGES, PEAK, DEAD, HIST };

#define ASKED "<Plugin kvmstat>\nReportVcpus true\nReportHistograms true\n</Plugin>\n"

/* Guest 0 gets vCPUs 0 and 3, whose numbers do not add up to the guest's: nobody may add them up. */
static struct fake_vcpu *two_vcpus(void)
{
	fake.guests[0].value[HALT_WAIT] = 1000;
	fake_vcpu_value(fake_add_vcpu(0, 0), EXITS, 70);
	fake_vcpu_value(fake_add_vcpu(0, 3), EXITS, 31);
	for (uint32_t i = 0; i < 2; i++)
		fake_vcpu_value(&fake.guests[0].vcpus[i], HALT_WAIT, 0);
	return fake.guests[0].vcpus;
}

static size_t count_containing(const char *text)
{
	size_t count = 0;

	for (size_t i = 0; i < daemon_state.nsent; i++)
		count += strstr(daemon_state.sent[i].id, text) != NULL;
	return count;
}

static void each_vcpu_has_its_own_value_beside_the_sum(void)
{
	struct fake_vcpu *vcpus = two_vcpus();

	fake_vcpu_value(&vcpus[1], PEAK, 12);
	start(ASKED);
	pass();
	CHECK(derive(HV "-web/derive-exits") == 100);
	CHECK(derive(HV "-web/derive-exits-vcpu000") == 70);
	CHECK(derive(HV "-web/derive-exits-vcpu003") == 31);
	CHECK(gauge(HV "-web/gauge-max_mmu_rmap_size-vcpu003") == 12);
	CHECK(count_containing("-vcpu") == 3);
	CHECK(count_containing("-db/") == 1);
	CHECK(gauge(HV "/gauge-values") == 2 + 3 + 1);
	for (size_t i = 0; i < daemon_state.nsent; i++)
		CHECK(daemon_state.sent[i].time == cdtime_of(fake.realtime_ns));
}

static void without_vcpus_nothing_is_different(void)
{
	fake.guests[0].has_cpu = true;
	fake.guests[0].cpu_ns = fake.guests[0].wait_ns = 5;
	start(NULL);
	pass();
	CHECK(count_containing("cpu") == 0);
	CHECK(gauge(HV "/gauge-values") == 2);
}

static void times_of_guest_and_vcpus(void)
{
	struct fake_vcpu *vcpus = two_vcpus();

	fake.guests[0].has_cpu = vcpus[0].has_cpu = true;
	fake.guests[0].cpu_ns = 900;
	fake.guests[0].wait_ns = 80;
	vcpus[0].cpu_ns = 300;
	vcpus[1].cpu_ns = 12345; /* not known: has_cpu is false */
	start(ASKED);
	pass();
	CHECK(derive(HV "-web/derive-cpu_time_ns") == 900);
	CHECK(derive(HV "-web/derive-cpu_wait_ns") == 80);
	CHECK(derive(HV "-web/derive-cpu_time_ns-vcpu000") == 300);
	CHECK(!daemon_sent(HV "-web/derive-cpu_wait_ns-vcpu000"));
	CHECK(!daemon_sent(HV "-web/derive-cpu_time_ns-vcpu003"));
	/* The first wait of a vCPU is no lost rate. */
	vcpus[0].wait_ns = 7;
	pass();
	CHECK(daemon_count(HV "-web/derive-cpu_wait_ns-vcpu000") == 2);
	CHECK(derive(HV "-web/derive-cpu_wait_ns-vcpu000") == 7);
	pass();
	CHECK(daemon_count(HV "-web/derive-cpu_wait_ns-vcpu000") == 1);
}

static void waking_up_sends_the_zero_of_that_vcpu(void)
{
	struct fake_vcpu *vcpus = two_vcpus();
	struct sent woken[2] = {0};
	uint64_t before;
	size_t n = 0;

	start(ASKED);
	pass();
	CHECK(!daemon_sent(HV "-web/derive-halt_wait_ns-vcpu000"));
	before = fake.realtime_ns;
	vcpus[1].value[HALT_WAIT] = 9;
	pass();
	for (size_t i = 0; i < daemon_state.nsent; i++)
		if (strstr(daemon_state.sent[i].id, "halt_wait_ns-vcpu") && n < 2)
			woken[n++] = daemon_state.sent[i];
	CHECK(n == 2);
	CHECK_TEXT(woken[0].id, HV "-web/derive-halt_wait_ns-vcpu003");
	CHECK_TEXT(woken[1].id, HV "-web/derive-halt_wait_ns-vcpu003");
	CHECK(woken[0].derive == 0 && woken[0].time == cdtime_of(before));
	CHECK(woken[1].derive == 9 && woken[1].time == cdtime_of(fake.realtime_ns));
	/* Once seen, a 0 is a value like any other; the other one still never happened. */
	vcpus[1].value[HALT_WAIT] = 0;
	pass();
	CHECK(derive(HV "-web/derive-halt_wait_ns-vcpu003") == 0);
	CHECK(count_containing("halt_wait_ns-vcpu000") == 0);
}

static void vcpus_come_and_go_and_keep_what_was_seen(void)
{
	struct fake_vcpu *vcpus = two_vcpus();

	vcpus[1].value[HALT_WAIT] = 5;
	start(ASKED);
	pass();
	/* vCPU 3 is the first one now. */
	fake_remove_vcpu(0, 0);
	vcpus[0].value[HALT_WAIT] = 0;
	fake_vcpu_value(fake_add_vcpu(0, 4), HALT_WAIT, 6);
	pass();
	CHECK(count_containing("-vcpu000") == 0);
	CHECK(derive(HV "-web/derive-halt_wait_ns-vcpu003") == 0);
	CHECK(daemon_count(HV "-web/derive-halt_wait_ns-vcpu003") == 1);
	/* A vCPU that was plugged in has no earlier 0. */
	CHECK(daemon_count(HV "-web/derive-halt_wait_ns-vcpu004") == 1);
	/* Another guest and another event come; all of them move. */
	fake_add_guest(3, "new", "")->value[EXITS] = 1;
	fake_vcpu_value(fake_add_vcpu(2, 3), HALT_WAIT, 0);
	fake_remove_guest(1);
	fake_add_event("halt_exits", 6, KVMSTAT_CUMULATIVE, 1);
	pass();
	CHECK(derive(HV "-web/derive-halt_wait_ns-vcpu003") == 0);
	CHECK(!daemon_sent(HV "-new/derive-halt_wait_ns-vcpu003"));
	fake_remove_guest(0);
	pass();
	CHECK(!daemon_sent(HV "-new/derive-halt_wait_ns-vcpu003"));
	CHECK(derive(HV "-new/derive-exits") == 1);
}

static void the_sums_keep_what_was_seen_when_vcpus_appear(void)
{
	start(ASKED);
	fake.guests[0].value[HALT_WAIT] = 3;
	pass();
	two_vcpus();
	fake.guests[0].value[HALT_WAIT] = 0;
	pass();
	CHECK(derive(HV "-web/derive-halt_wait_ns") == 0);
	CHECK(derive(HV "-web/derive-exits-vcpu003") == 31);
}

static void buckets_are_of_guests_only(void)
{
	struct fake_vcpu *vcpus = two_vcpus();

	fake_add_event("halt_wait_hist", 6, KVMSTAT_LOG_HIST, 32);
	fake.guests[0].value[HIST + 7] = 40;
	fake_vcpu_value(&vcpus[0], HIST + 7, 30);
	start(ASKED);
	pass();
	CHECK(derive(HV "-web/derive-halt_wait_hist-07-from-64") == 40);
	CHECK(count_containing("_hist") == 1);
}

static void what_only_a_vm_has_is_not_sent_of_vcpus(void)
{
	struct fake_vcpu *vcpus = two_vcpus();

	fake.events[PAGES].scope = KVMSTAT_VM;
	fake_vcpu_value(&vcpus[0], PAGES, 5);
	start(ASKED);
	pass();
	CHECK(count_containing("pages_4k-vcpu") == 0);
}

static void skip_never_seen_off_sends_zeros_of_vcpus(void)
{
	struct fake_vcpu *vcpus = two_vcpus();

	fake_vcpu_value(&vcpus[0], DEAD, 0);
	start("<Plugin kvmstat>\nReportVcpus true\nSkipNeverSeen false\n</Plugin>\n");
	pass();
	CHECK(derive(HV "-web/derive-halt_wait_ns-vcpu000") == 0);
	CHECK(count_containing("exit_dead") == 0);
	/* Absent is not 0. */
	CHECK(count_containing("pages_4k-vcpu") == 0);
}

static void vcpus_are_the_first_that_max_values_leaves_out(void)
{
	two_vcpus();
	start("<Plugin kvmstat>\nReportVcpus true\nMaxValues 4\n</Plugin>\n");
	pass();
	CHECK(derive(HV "-db/derive-exits") == 200);
	CHECK(derive(HV "-web/derive-exits-vcpu000") == 70);
	CHECK(count_containing("-vcpu") == 1);
	CHECK(daemon_logged("W kvmstat plugin: 1 of 5 values are left out", NULL) == 1);
}

static void what_cannot_be_had_is_told_once_and_when_over(void)
{
	static const char vcpus[] = "W kvmstat plugin: ReportVcpus: ",
			  hists[] = "W kvmstat plugin: ReportHistograms: ";

	fake_add_vcpu(0, 0)->has_cpu = true;
	start(ASKED);
	CHECK(daemon_logged(vcpus, "debugfs has only the sum") == 1);
	CHECK(daemon_logged(hists, "debugfs and kernels before 5.15 have none") == 1);
	pass();
	CHECK(daemon_state.nlog == 0);
	fake_vcpu_value(&fake.guests[0].vcpus[0], EXITS, 1);
	fake_add_event("halt_wait_hist", 6, KVMSTAT_LOG_HIST, 32);
	pass();
	CHECK(daemon_logged("I kvmstat plugin: over: there are values of single vCPUs now", NULL) == 1);
	CHECK(daemon_logged("I kvmstat plugin: over: there are histograms now", NULL) == 1);
	/* No guest, nobody knows. */
	fake_remove_guest(0);
	fake_remove_guest(0);
	pass();
	CHECK(daemon_state.nlog == 0);
}

static void nobody_asked_nothing_is_told(void)
{
	fake_add_vcpu(0, 0);
	start("<Plugin kvmstat>\nReportVcpus true\nReportVcpus no\nReportHistograms off\n</Plugin>\n");
	pass();
	CHECK(daemon_logged("Report", NULL) == 0);
	CHECK(strstr(fake.config, "ReportVcpus=no\nReportHistograms=off\n") != NULL);
}

static const struct test tests[] = {
	{"each vCPU has its own value beside the sum", each_vcpu_has_its_own_value_beside_the_sum},
	{"without vCPUs nothing is different", without_vcpus_nothing_is_different},
	{"times of guest and vCPUs", times_of_guest_and_vcpus},
	{"a vCPU's event wakes up", waking_up_sends_the_zero_of_that_vcpu},
	{"vCPUs come and go", vcpus_come_and_go_and_keep_what_was_seen},
	{"vCPUs appear", the_sums_keep_what_was_seen_when_vcpus_appear},
	{"buckets are of guests only", buckets_are_of_guests_only},
	{"what only a VM has", what_only_a_vm_has_is_not_sent_of_vcpus},
	{"SkipNeverSeen off, vCPUs", skip_never_seen_off_sends_zeros_of_vcpus},
	{"MaxValues leaves vCPUs out first", vcpus_are_the_first_that_max_values_leaves_out},
	{"what cannot be had is told", what_cannot_be_had_is_told_once_and_when_over},
	{"nobody asked, nothing is told", nobody_asked_nothing_is_told},
};

int main(int argc, char **argv)
{
	return plugin_test(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
