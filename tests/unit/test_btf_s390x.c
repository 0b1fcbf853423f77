/* SPDX-License-Identifier: MIT */
/* The layout of KVM's statistics on a real s390x kernel (big-endian), whatever this machine is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <stdbool.h>
#include <string.h>

#include "events/registry.h"
#include "sources/bpf/layout.h"

/* Debian 13's 6.12.107; see tests/fixtures/btf/reduce.py. What is expected of it is what bpftool reads there. */
#define KERNEL_BTF "tests/fixtures/btf/s390x-6.12.btf"

enum { VM_EVENTS = 15, VCPU_EVENTS = 102, VM_STAT = 2488, VCPU_STAT = 824 };

static struct btf *btf;
static char why[256];

static int setup(void **state)
{
	(void)state;
	btf = btf__parse_raw(KERNEL_BTF);
	return libbpf_get_error(btf) ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	btf__free(btf);
	return 0;
}

static const struct layout_event *find(const struct layout *layout, const char *name)
{
	for (size_t i = 0; i < layout->nevents; i++)
		if (strcmp(layout->events[i].name, name) == 0)
			return &layout->events[i];
	fail_msg("no event %s", name);
	return NULL;
}

/* Where in its statistics block an event is read: from the piece of the block that it is copied with. */
static uint32_t place(const struct layout *layout, const char *name)
{
	const struct layout_event *event = find(layout, name);
	bool vm = event->scope == KVMSTAT_VM;
	const struct kvmiter_range *range = vm ? layout->config.vm : layout->config.vcpu;
	uint32_t offset = event->offset;

	while (offset >= range->size) {
		assert_int_not_equal(range->size, 0);
		offset -= range->size;
		range++;
	}
	return range->offset + offset - (vm ? VM_STAT : VCPU_STAT);
}

static void check_places(const struct layout *layout)
{
	assert_int_equal(place(layout, "remote_tlb_flush"), 0);
	assert_int_equal(place(layout, "inject_io"), 16);
	assert_int_equal(place(layout, "halt_wait_ns"), 48);
	assert_int_equal(place(layout, "exit_userspace"), 832);
	assert_int_equal(place(layout, "exit_instruction"), 7104 / 8);
	assert_int_equal(place(layout, "instruction_diagnose_44"), 12096 / 8);
	assert_int_equal(place(layout, "diag_9c_forward"), 12288 / 8);
	assert_int_equal(place(layout, "pfault_sync"), 12608 / 8);
}

static void test_byte_order(void **state)
{
	(void)state;
	assert_int_equal(btf__endianness(btf), BTF_BIG_ENDIAN);
}

static void test_events(void **state)
{
	struct layout layout;

	(void)state;
	assert_int_equal(layout_init(&layout, btf, false, why, sizeof(why)), 0);
	assert_int_equal(layout.nevents, VM_EVENTS + VCPU_EVENTS);
	assert_int_equal(layout.vm_size, VM_EVENTS * 8);
	assert_int_equal(layout.vcpu_size, VCPU_EVENTS * 8);
	for (size_t i = 0; i < layout.nevents; i++)
		assert_int_equal(layout.events[i].cells, 1);
	check_places(&layout);
	layout_exit(&layout);
}

static void test_histograms(void **state)
{
	struct layout layout;

	(void)state;
	assert_int_equal(layout_init(&layout, btf, true, why, sizeof(why)), 0);
	assert_int_equal(layout.nevents, VM_EVENTS + VCPU_EVENTS + 3);
	assert_int_equal(layout.vcpu_size, VCPU_EVENTS * 8 + 3 * 32 * 8);
	assert_int_equal(find(&layout, "halt_wait_hist")->cells, 32);
	assert_int_equal(place(&layout, "halt_wait_hist"), 568);
	check_places(&layout);
	layout_exit(&layout);
}

static void test_owners(void **state)
{
	struct layout layout;

	(void)state;
	assert_int_equal(layout_init(&layout, btf, false, why, sizeof(why)), 0);
	assert_int_equal(layout.config.kvm_online_vcpus, 18432 / 8);
	assert_int_equal(layout.config.kvm_debugfs_dentry, 83712 / 8);
	assert_int_equal(layout.config.kvm_memslot_pages, 640 / 8);
	assert_int_equal(layout.config.vcpu_kvm, 0);
	assert_int_equal(layout.config.vcpu_id, 288 / 8);
	assert_int_equal(layout.config.vcpu_pid, 960 / 8);
	layout_exit(&layout);
}

/* events.tsv has them all, of the same scope, and they are told to be s390's. */
static void test_known(void **state)
{
	struct registry *registry = registry_new();
	const char *names[VM_EVENTS + VCPU_EVENTS + 3];
	struct layout layout;

	(void)state;
	assert_non_null(registry);
	assert_int_equal(layout_init(&layout, btf, true, why, sizeof(why)), 0);
	assert_int_equal(layout.nevents, sizeof(names) / sizeof(names[0]));
	for (size_t i = 0; i < layout.nevents; i++) {
		const struct kvmstat_event *event = registry_find(registry, layout.events[i].name);

		names[i] = layout.events[i].name;
		if (!event || !event->known)
			fail_msg("%s is not in events.tsv", names[i]);
		assert_int_equal(event->scope, layout.events[i].scope);
	}
	assert_string_equal(registry_arch(names, layout.nevents, "x86"), "s390");
	layout_exit(&layout);
	registry_free(registry);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_byte_order),
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_histograms),
		cmocka_unit_test(test_owners),
		cmocka_unit_test(test_known),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
