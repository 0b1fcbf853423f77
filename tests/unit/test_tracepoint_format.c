/* SPDX-License-Identifier: MIT */
/* What tracefs says of records, right and wrong, and which tracepoints are taken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "events/reason_table.h"
#include "sources/tracepoint/format.h"
#include "tree.h"

#define COMMON                                                                                             \
	"name: kvm_x\nID: 7\nformat:\n"                                                                    \
	"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"                             \
	"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"
#define FIELD(declaration, offset, size) "\tfield:" declaration ";\toffset:" #offset ";\tsize:" #size ";\tsigned:0;\n"
#define PRINT "\nprint fmt: \"reason %d exit_reason;\", REC->exit_reason\n"

static int member(const char *fields, const char *name)
{
	char text[2048];

	snprintf(text, sizeof(text), "%s%s%s", COMMON, fields, PRINT);
	return tracepoint_find_member(text, name);
}

static void test_members(void **state)
{
	static const char fields[] = FIELD("unsigned int exit_reason", 8, 4) FIELD("unsigned long guest_rip", 16, 8)
		FIELD("u32 isa", 24, 4) FIELD("__u16 code", 28, 2) FIELD("u8 icptcode", 63, 1);

	(void)state;
	assert_int_equal(member(fields, "exit_reason"), TRACEPOINT_MEMBER(8, 4));
	assert_int_equal(member(fields, "guest_rip"), TRACEPOINT_MEMBER(16, 8));
	assert_int_equal(member(fields, "isa"), TRACEPOINT_MEMBER(24, 4));
	assert_int_equal(member(fields, "code"), TRACEPOINT_MEMBER(28, 2));
	assert_int_equal(member(fields, "icptcode"), TRACEPOINT_MEMBER(63, 1));
}

static void test_only_whole_names(void **state)
{
	static const char fields[] = FIELD("unsigned int exit_reason", 8, 4) FIELD("int reasons", 12, 4);

	(void)state;
	assert_int_equal(member(fields, "reason"), -ENOENT);
	assert_int_equal(member(fields, "unsigned"), -ENOENT);
	assert_int_equal(member(fields, "exit"), -ENOENT);
	assert_int_equal(member(fields, ""), -ENOENT);
}

/* What cannot be loaded by the program, or is no format at all, is refused, never guessed. */
static void test_malformed(void **state)
{
	(void)state;
	assert_int_equal(member(FIELD("int x", 64, 4), "x"), -EINVAL);
	assert_int_equal(member(FIELD("int x", 61, 4), "x"), -EINVAL);
	assert_int_equal(member(FIELD("int x", 10, 4), "x"), -EINVAL);
	assert_int_equal(member(FIELD("int x", 8, 3), "x"), -EINVAL);
	assert_int_equal(member(FIELD("int x", 8, 16), "x"), -EINVAL);
	assert_int_equal(member(FIELD("int x", 8, 0), "x"), -EINVAL);
	assert_int_equal(member(FIELD("int x", 0, 4), "x"), -EINVAL);
	assert_int_equal(member(FIELD("int x", 99999999999999999999, 4), "x"), -EINVAL);
	assert_int_equal(member(FIELD("int x", -8, 4), "x"), -EINVAL);
	assert_int_equal(member("\tfield:int x;\toffset:8;\n" FIELD("int y", 16, 4), "x"), -EINVAL);
	assert_int_equal(member("\tfield:int x;\tsize:4;\n", "x"), -EINVAL);
	assert_int_equal(member("\tfield:int x;\toffset:8\tsize:4;\n", "x"), -EINVAL);
	assert_int_equal(member("\tfield:int x\n", "x"), -ENOENT);
	assert_int_equal(member("\tfield:x;\toffset:8;\tsize:4;\n", "x"), -ENOENT);
	assert_int_equal(member("\tfield:", "x"), -ENOENT);
	assert_int_equal(tracepoint_find_member("", "x"), -EINVAL);
	assert_int_equal(tracepoint_find_member("\n\n\n", "x"), -EINVAL);
	assert_int_equal(tracepoint_find_member("Permission denied", "x"), -EINVAL);
}

/* ---- hosts ---- */

static struct tree *tree;
static struct tracepoint found[TRACEPOINT_MAX];
static struct kvmstat_source_status status;

static int setup(void **state)
{
	(void)state;
	tree = tree_new();
	status = (struct kvmstat_source_status){ 0 };
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	tree_free(tree);
	return 0;
}

static void add_to(const char *events, const char *name, const char *fields, const char *id)
{
	char path[256], text[2048];

	snprintf(path, sizeof(path), "%s/%s/format", events, name);
	snprintf(text, sizeof(text), "%s%s%s", COMMON, fields, PRINT);
	tree_text(tree, path, text);
	snprintf(path, sizeof(path), "%s/%s/id", events, name);
	tree_text(tree, path, id);
}

#define TRACEFS "sys/kernel/tracing"
#define EVENTS TRACEFS "/events/kvm"
#define RETURNS FIELD("__u32 reason", 8, 4) FIELD("int errno", 12, 4)
#define S390 FIELD("int id", 8, 4) FIELD("unsigned long pswmask", 16, 8) FIELD("unsigned long pswaddr", 24, 8)

static int find_all(void)
{
	return tracepoint_find_all(&tree->root, found, &status);
}

static const struct tracepoint *find(const char *name)
{
	int count = find_all();

	for (int i = 0; i < count; i++)
		if (strcmp(format_table[found[i].config.format].tracepoint, name) == 0)
			return &found[i];
	fail_msg("no %s among %d: %s", name, count, status.text);
	return NULL;
}

static void test_x86(void **state)
{
	const struct tracepoint *tracepoint;

	(void)state;
	add_to(EVENTS, "kvm_exit", FIELD("unsigned int exit_reason", 8, 4) FIELD("u32 isa", 24, 4), "103\n");
	add_to(EVENTS, "kvm_userspace_exit", RETURNS, "42\n");
	add_to(EVENTS, "kvm_entry", FIELD("unsigned int vcpu_id", 8, 4), "43\n");
	assert_int_equal(find_all(), 2);
	tracepoint = find("kvm_exit");
	assert_int_equal(tracepoint->id, 103);
	assert_int_equal(tracepoint->config.code, TRACEPOINT_MEMBER(8, 4));
	assert_int_equal(tracepoint->config.class, TRACEPOINT_MEMBER(24, 4));
	assert_int_equal(tracepoint->config.decode, TRACEPOINT_CODE);
	tracepoint = find("kvm_userspace_exit");
	assert_int_equal(tracepoint->id, 42);
	assert_int_equal(tracepoint->config.class, TRACEPOINT_MEMBER(12, 4));
	assert_int_equal(tracepoint->config.decode, TRACEPOINT_RETURN);
}

static void test_s390(void **state)
{
	(void)state;
	add_to(EVENTS, "kvm_s390_sie_exit", S390 FIELD("u8 icptcode", 32, 1), "1\n");
	add_to(EVENTS, "kvm_s390_intercept_instruction", S390 FIELD("__u64 instruction", 32, 8), "2\n");
	add_to(EVENTS, "kvm_s390_handle_diag", S390 FIELD("__u16 code", 32, 2), "3\n");
	add_to(EVENTS, "kvm_s390_handle_sigp", S390 FIELD("__u8 order_code", 32, 1) FIELD("__u16 cpu_addr", 34, 2), "4\n");
	add_to(EVENTS, "kvm_userspace_exit", RETURNS, "5\n");
	assert_int_equal(find_all(), 5);
	assert_int_equal(find("kvm_s390_sie_exit")->config.code, TRACEPOINT_MEMBER(32, 1));
	assert_int_equal(find("kvm_s390_handle_diag")->config.code, TRACEPOINT_MEMBER(32, 2));
	assert_int_equal(find("kvm_s390_handle_sigp")->config.code, TRACEPOINT_MEMBER(32, 1));
	assert_int_equal(find("kvm_s390_intercept_instruction")->config.code, TRACEPOINT_MEMBER(32, 8));
	assert_int_equal(find("kvm_s390_intercept_instruction")->config.decode, TRACEPOINT_S390);
}

/* The same tracepoint has other members there. */
static void test_other_architectures(void **state)
{
	(void)state;
	add_to(EVENTS, "kvm_exit", FIELD("int ret", 8, 4) FIELD("unsigned int esr_ec", 12, 4), "1\n");
	assert_int_equal(find_all(), 1);
	assert_string_equal(format_table[found[0].config.format].code, "esr_ec");
	assert_int_equal(found[0].config.class, TRACEPOINT_MEMBER(8, 4));
	add_to(EVENTS, "kvm_exit", FIELD("unsigned long sepc", 8, 8) FIELD("unsigned long scause", 16, 8), "1\n");
	assert_int_equal(find_all(), 1);
	assert_string_equal(format_table[found[0].config.format].code, "scause");
}

/* Book3S: both ways to run guests are loaded, each with a group of its own. */
static void test_powerpc(void **state)
{
	(void)state;
	add_to(EVENTS, "kvm_userspace_exit", RETURNS, "3\n");
	add_to(TRACEFS "/events/kvm_pr", "kvm_exit", FIELD("unsigned int exit_nr", 8, 4), "1\n");
	add_to(TRACEFS "/events/kvm_hv", "kvm_guest_exit", FIELD("int vcpu_id", 8, 4) FIELD("int trap", 12, 4), "2\n");
	assert_int_equal(find_all(), 3);
	assert_int_equal(find("kvm_exit")->id, 1);
	assert_int_equal(find("kvm_guest_exit")->id, 2);
	assert_int_equal(find("kvm_guest_exit")->config.code, TRACEPOINT_MEMBER(12, 4));
}

static void told(int rc, enum kvmstat_source_state expected, const char *words)
{
	assert_int_equal(find_all(), rc);
	assert_int_equal(status.state, expected);
	if (!strstr(status.text, words))
		fail_msg("\"%s\" does not have \"%s\"", status.text, words);
}

static void test_what_is_missing(void **state)
{
	(void)state;
	tree_dir(tree, "sys/kernel/debug");
	told(-ENOENT, KVMSTAT_MISSING, "CONFIG_EVENT_TRACING");
	tree_dir(tree, TRACEFS);
	told(-ENOENT, KVMSTAT_MISSING, "mount -t tracefs tracefs /sys/kernel/tracing");
	tree_dir(tree, TRACEFS "/events");
	told(-ENOENT, KVMSTAT_MISSING, "modprobe kvm");
	tree_dir(tree, TRACEFS "/events/kvm");
	told(-ENOENT, KVMSTAT_MISSING, "no known tracepoint");
	add_to(EVENTS, "kvm_exit", FIELD("int other", 8, 4), "1\n");
	told(-ENOENT, KVMSTAT_MISSING, "no known tracepoint");
	add_to(EVENTS, "kvm_exit", FIELD("int exit_reason", 8, 4), "1\n");
	told(-EINVAL, KVMSTAT_MISSING, "cannot parse the format of kvm:kvm_exit");
	add_to(EVENTS, "kvm_exit", FIELD("int exit_reason", 7, 4) FIELD("u32 isa", 24, 4), "1\n");
	told(-EINVAL, KVMSTAT_MISSING, "cannot parse the format of kvm:kvm_exit");
	add_to(EVENTS, "kvm_exit", FIELD("int exit_reason", 8, 4) FIELD("u32 isa", 24, 4), "one\n");
	told(-EINVAL, KVMSTAT_MISSING, "cannot parse the format");
}

static void test_mounted_below_debugfs(void **state)
{
	(void)state;
	tree_dir(tree, TRACEFS);
	add_to("sys/kernel/debug/tracing/events/kvm", "kvm_userspace_exit", RETURNS, "5\n");
	assert_int_equal(find_all(), 1);
	assert_int_equal(found[0].id, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_only_whole_names),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test_setup_teardown(test_x86, setup, teardown),
		cmocka_unit_test_setup_teardown(test_s390, setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_architectures, setup, teardown),
		cmocka_unit_test_setup_teardown(test_powerpc, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_is_missing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_mounted_below_debugfs, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
