/* SPDX-License-Identifier: MIT */
/* reasons.tsv as it is compiled in, and how codes are packed and decoded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <string.h>

#include "events/event_table.h"
#include "events/reason_table.h"
#include "sources/tracepoint/format.h"
#include "sources/tracepoint/reasons.h"

static void test_table(void **state)
{
	(void)state;
	assert_true(reason_table_count > 400);
	assert_true(format_table_count < 1 << TRACEPOINT_FORMAT_BITS);
	for (size_t i = 0; i < reason_table_count; i++) {
		const struct known_reason *reason = &reason_table[i], *before = reason - 1;
		const struct known_event *event = &event_table[reason->event];
		const char *tracepoint = format_table[reason->format].tracepoint;

		assert_true(reason->format < format_table_count && reason->class < TRACEPOINT_CLASS_MAX);
		assert_true(!i || before->format < reason->format ||
			    (before->format == reason->format &&
			     (before->class < reason->class ||
			      (before->class == reason->class && before->code < reason->code))));
		assert_int_equal(event->parent, format_table[reason->format].total);
		assert_int_equal(strncmp(event->name, tracepoint, strlen(tracepoint)), 0);
	}
}

/* Each is told once: nothing is part of a total, so that nothing is counted twice. */
static void test_events(void **state)
{
	size_t count = 0;

	(void)state;
	for (size_t i = 0; i < event_table_count; i++) {
		const struct known_event *event = &event_table[i];

		assert_int_equal(strncmp(event->name, "kvm_", 4) == 0, event->number >= 20000 && event->number < 30000);
		if (event->number < 20000)
			continue;
		count++;
		assert_int_equal(event->class, KVMSTAT_CUMULATIVE);
		assert_int_equal(event->unit, KVMSTAT_COUNT);
		assert_int_equal(event->scope, KVMSTAT_VCPU);
		assert_int_equal(event->adds_to, 0);
		assert_true(event->archs != 0);
	}
	assert_true(count > 500);
	for (size_t i = 0; i < format_table_count; i++) {
		assert_string_equal(event_table[format_table[i].total].name, format_table[i].tracepoint);
		assert_int_equal(event_table[format_table[i].other].parent, format_table[i].total);
		assert_int_equal(event_table[format_table[i].total].parent, -1);
	}
}

static uint32_t format_of(const char *tracepoint, const char *code)
{
	for (size_t i = 0; i < format_table_count; i++)
		if (!strcmp(format_table[i].tracepoint, tracepoint) && !strcmp(format_table[i].code, code))
			return (uint32_t)i;
	fail_msg("no %s with %s", tracepoint, code);
	return 0;
}

static void test_names(void **state)
{
	static const struct {
		const char *tracepoint, *member;
		uint32_t class, code;
		const char *event;
	} expected[] = {
		{ "kvm_exit", "exit_reason", 1, 12, "kvm_exit_HLT" },
		{ "kvm_exit", "exit_reason", 1, 0x80000021, "kvm_exit_INVALID_STATE" },
		{ "kvm_exit", "exit_reason", 1, 5, "kvm_exit_other" },
		{ "kvm_exit", "exit_reason", 2, 0x78, "kvm_exit_HLT" },
		{ "kvm_exit", "exit_reason", 2, 12, "kvm_exit_other" },
		{ "kvm_exit", "exit_reason", 2, 0x400, "kvm_exit_NPF" },
		{ "kvm_exit", "exit_reason", 2, 0x80000010, "kvm_exit_VMGEXIT_PSC" },
		{ "kvm_exit", "exit_reason", 2, 0xffffffff, "kvm_exit_ERR" },
		{ "kvm_exit", "exit_reason", 3, 12, "kvm_exit_other" },
		{ "kvm_exit", "exit_reason", TRACEPOINT_CLASS_MAX, 12, "kvm_exit_other" },
		{ "kvm_exit", "esr_ec", 2, 0x01, "kvm_exit_WFx" },
		{ "kvm_exit", "esr_ec", 0, 0, "kvm_exit_IRQ" },
		{ "kvm_exit", "esr_ec", 2, 0, "kvm_exit_UNKNOWN" },
		{ "kvm_exit", "exit_nr", 0, 0x500, "kvm_exit_EXTERNAL" },
		{ "kvm_exit", "scause", 0, 21, "kvm_exit_LOAD_GUEST_PAGE_FAULT" },
		{ "kvm_exit", "scause", 0, 0x80000005, "kvm_exit_IRQ_S_TIMER" },
		{ "kvm_guest_exit", "trap", 0, 0xe40, "kvm_guest_exit_H_EMUL_ASSIST" },
		{ "kvm_s390_sie_exit", "icptcode", 0, 0, "kvm_s390_sie_exit_HOST_INTERRUPTION" },
		{ "kvm_s390_sie_exit", "icptcode", 0, 0x1c, "kvm_s390_sie_exit_WAIT_STATE" },
		{ "kvm_s390_sie_exit", "icptcode", 0, 0x5c, "kvm_s390_sie_exit_KSS" },
		{ "kvm_s390_sie_exit", "icptcode", 0, 0xff, "kvm_s390_sie_exit_other" },
		{ "kvm_s390_handle_diag", "code", 0, 0x44, "kvm_s390_handle_diag_0x44" },
		{ "kvm_s390_handle_sigp", "order_code", 0, 0x15, "kvm_s390_handle_sigp_SENSE_RUNNING" },
		{ "kvm_s390_intercept_instruction", "instruction", 0, 0xb202, "kvm_s390_intercept_instruction_STIDP" },
		{ "kvm_s390_intercept_instruction", "instruction", 0, 0x83, "kvm_s390_intercept_instruction_DIAG" },
		{ "kvm_userspace_exit", "reason", 0, 2, "kvm_userspace_exit_IO" },
		{ "kvm_userspace_exit", "reason", 0, 13, "kvm_userspace_exit_S390_SIEIC" },
		{ "kvm_userspace_exit", "reason", 0, 1000, "kvm_userspace_exit_other" },
		{ "kvm_userspace_exit", "reason", 0, TRACEPOINT_INTR, "kvm_userspace_exit_INTR" },
		{ "kvm_userspace_exit", "reason", 0, TRACEPOINT_ERROR, "kvm_userspace_exit_error" },
		{ "kvm_guest_exit", "trap", 0, 0, "kvm_guest_exit_NONE" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		uint32_t format = format_of(expected[i].tracepoint, expected[i].member);
		uint16_t event = tracepoint_event(format, expected[i].class, expected[i].code);

		assert_string_equal(event_table[event].name, expected[i].event);
	}
}

/* Instructions as SIE leaves them: the first six bytes at the left. */
static void test_s390_opcodes(void **state)
{
	(void)state;
	assert_int_equal(tracepoint_s390_opcode(0x8310004400000000), 0x83);	/* diag 1,0,0x44 */
	assert_int_equal(tracepoint_s390_opcode(0xb202f00000000000), 0xb202);	/* stidp 0(15) */
	assert_int_equal(tracepoint_s390_opcode(0xb9af001200000000), 0xb9af);	/* pfmf 1,2 */
	assert_int_equal(tracepoint_s390_opcode(0xe501a000b0000000), 0xe501);	/* tprot 0(10),0(11) */
	assert_int_equal(tracepoint_s390_opcode(0x0107000000000000), 0x0107);	/* sckpf */
	assert_int_equal(tracepoint_s390_opcode(0xeb11f000002f0000), 0xeb2f);	/* lctlg 1,1,0(15) */
	assert_int_equal(tracepoint_s390_opcode(0xeb00f00000710000), 0xeb71);	/* lpswey 0(15) */
	assert_int_equal(tracepoint_s390_opcode(0xe310f00000030000), 0xe303);	/* lrag 1,0(15) */
	assert_int_equal(tracepoint_s390_opcode(0xc821f000a0000000), 0xc801);	/* ectg 0(15),0(10),2 */
	assert_int_equal(tracepoint_s390_opcode(0xaa11000000000000), 0xaa01);	/* rion */
	assert_int_equal(tracepoint_s390_opcode(0xae01001500000000), 0xae);	/* sigp */
	assert_int_equal(tracepoint_s390_opcode(0), 0);
}

/* With an error the reason is that of an earlier return. */
static void test_returns(void **state)
{
	(void)state;
	assert_int_equal(tracepoint_return(13, 0), 13);
	assert_int_equal(tracepoint_return(13, 1), 13);
	assert_int_equal(tracepoint_return(13, -EINVAL), TRACEPOINT_ERROR);
	assert_int_equal(tracepoint_return(10, -EFAULT), TRACEPOINT_ERROR);
	assert_int_equal(tracepoint_return(13, -EINTR), TRACEPOINT_INTR);
	assert_int_equal(TRACEPOINT_INTR, KVM_EXIT_INTR);
}

static void test_packing(void **state)
{
	const uint32_t tids[] = { 1, 4711, 4194303 }, classes[] = { 0, 2, TRACEPOINT_CLASS_MAX }, codes[] = { 0, 0xffffffff };

	(void)state;
	for (size_t i = 0; i < 3; i++)
		for (size_t k = 0; k < 2; k++) {
			uint64_t what = tracepoint_what(tids[i], 31, classes[i], codes[k]);

			assert_true(what != 0);
			assert_int_equal(tracepoint_tid(what), tids[i]);
			assert_int_equal(tracepoint_format(what), 31);
			assert_int_equal(tracepoint_class(what), classes[i]);
			assert_int_equal(tracepoint_code(what), codes[k]);
		}
	assert_int_equal(tracepoint_class(tracepoint_what(1, 0, 0xbadca11, 0)), TRACEPOINT_CLASS_MAX);
	assert_int_equal(tracepoint_tid(tracepoint_what(1, 0, 0xbadca11, 0)), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),	     cmocka_unit_test(test_events),  cmocka_unit_test(test_names),
		cmocka_unit_test(test_s390_opcodes), cmocka_unit_test(test_returns), cmocka_unit_test(test_packing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
