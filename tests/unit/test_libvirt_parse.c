/* SPDX-License-Identifier: MIT */
/* The words in which libvirt hands out statistics. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sources/libvirt/words.h"

static struct libvirt_key key;

static int parse(const char *field)
{
	struct libvirt_param param = { .field = field, .number = 7, .is_number = true };

	memset(&key, 0xff, sizeof(key));
	return libvirt_parse(&param, &key);
}

static void is_event(const char *field, enum kvmstat_scope scope, uint32_t vcpu, const char *name, enum kvmstat_class class)
{
	assert_int_equal(parse(field), 0);
	assert_int_equal(key.kind, LIBVIRT_EVENT);
	assert_int_equal(key.scope, scope);
	assert_int_equal(key.class, class);
	assert_int_equal(key.vcpu, vcpu);
	assert_string_equal(key.name, name);
}

static void is_kind(const char *field, enum libvirt_kind kind)
{
	assert_int_equal(parse(field), 0);
	assert_int_equal(key.kind, kind);
}

static void test_events(void **state)
{
	(void)state;
	is_event("vm.remote_tlb_flush.sum", KVMSTAT_VM, 0, "remote_tlb_flush", KVMSTAT_CUMULATIVE);
	is_event("vm.pages_4k.cur", KVMSTAT_VM, 0, "pages_4k", KVMSTAT_INSTANT);
	is_event("vm.max_mmu_rmap_size.max", KVMSTAT_VM, 0, "max_mmu_rmap_size", KVMSTAT_PEAK);
	is_event("vcpu.0.exits.sum", KVMSTAT_VCPU, 0, "exits", KVMSTAT_CUMULATIVE);
	is_event("vcpu.16383.x.max", KVMSTAT_VCPU, 16383, "x", KVMSTAT_PEAK);
	is_event("vcpu.007.blocking.cur", KVMSTAT_VCPU, 7, "blocking", KVMSTAT_INSTANT);
	/* An event may be called like something else. */
	is_event("vcpu.3.state.cur", KVMSTAT_VCPU, 3, "state", KVMSTAT_INSTANT);
	is_event("vm.current.sum", KVMSTAT_VM, 0, "current", KVMSTAT_CUMULATIVE);
}

static void test_the_rest(void **state)
{
	static const char *const others[] = { "", "vm", "vm.", "vcpu", "vcpu.", "state.state", "vcpu.maximum", "vcpu.0.wait",
					      "vcpu.0.halted", "cpu.time", "vm.x", "vm.x.hist", "vm.x.sum.0", "vm.x.summ", "vm..sum",
					      "vm.a-b.sum", "vm.a b.sum", "vm.\xff.sum", "vm.%n.sum", "vcpu.0.a/b.sum", "vcpu.0.",
					      "vcpu.x.exits.sum", "vcpu.-1.exits.sum", "VM.x.sum", "vm.x.sum " };

	(void)state;
	is_kind("vcpu.current", LIBVIRT_VCPUS);
	is_kind("vcpu.12.state", LIBVIRT_STATE);
	is_kind("vcpu.12.time", LIBVIRT_TIME);
	is_kind("vcpu.12.delay", LIBVIRT_DELAY);
	assert_int_equal(key.vcpu, 12);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		is_kind(others[i], LIBVIRT_OTHER);
}

static void test_names_of_any_length(void **state)
{
	char field[200] = "vm.";

	(void)state;
	memset(field + 3, 'a', LIBVIRT_MAX_NAME);
	strcpy(field + 3 + LIBVIRT_MAX_NAME, ".sum");
	assert_int_equal(parse(field), 0);
	assert_int_equal(key.kind, LIBVIRT_EVENT);
	assert_int_equal(strlen(key.name), LIBVIRT_MAX_NAME);
	memset(field + 3, 'a', LIBVIRT_MAX_NAME + 1);
	strcpy(field + 3 + LIBVIRT_MAX_NAME + 1, ".sum");
	is_kind(field, LIBVIRT_OTHER);
}

static void test_numbers_of_vcpus(void **state)
{
	static const char *const bad[] = { "vcpu.16384.exits.sum", "vcpu.4294967296.exits.sum", "vcpu.18446744073709551616.state",
					   "vcpu.99999999999999999999999999999999999999999999.exits.sum", "vcpu.0", "vcpu.0x.exits.sum" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(parse(bad[i]), -EBADMSG);
}

static void test_values(void **state)
{
	static const char *const fields[] = { "vm.x.sum", "vcpu.0.x.cur", "vcpu.current", "vcpu.0.state", "vcpu.0.time" };
	struct libvirt_param param = { .number = LIBVIRT_MAX_VCPU + 2, .is_number = true, .field = "vcpu.current" };

	(void)state;
	assert_int_equal(libvirt_parse(&param, &key), -EBADMSG);
	param.number--;
	assert_int_equal(libvirt_parse(&param, &key), 0);
	param.is_number = false;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		param.field = fields[i];
		assert_int_equal(libvirt_parse(&param, &key), -EBADMSG);
	}
	/* What is not needed may be anything. */
	param.field = "vcpu.0.wait";
	assert_int_equal(libvirt_parse(&param, &key), 0);
}

static void test_units(void **state)
{
	const struct libvirt_param number = { .is_number = true }, boolean = { .is_number = true, .is_boolean = true };

	(void)state;
	assert_int_equal(libvirt_unit(&number, "new_wait_ns"), KVMSTAT_NS);
	assert_int_equal(libvirt_unit(&number, "_ns"), KVMSTAT_COUNT);
	assert_int_equal(libvirt_unit(&number, "columns"), KVMSTAT_COUNT);
	assert_int_equal(libvirt_unit(&boolean, "new_ns"), KVMSTAT_BOOLEAN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_the_rest),
		cmocka_unit_test(test_names_of_any_length),
		cmocka_unit_test(test_numbers_of_vcpus),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_units),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
