/* SPDX-License-Identifier: MIT */
/* The registry: what is known, old names, numbers of events that nobody knows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "events/event_table.h"
#include "events/registry.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define BIT(category) (1u << (category))

static const struct event_hint gauge = { .class = KVMSTAT_INSTANT, .unit = KVMSTAT_BYTES, .scope = KVMSTAT_VM };
static const struct event_hint counter = { .class = KVMSTAT_CUMULATIVE, .unit = KVMSTAT_COUNT, .scope = KVMSTAT_VCPU };

static int setup(void **state)
{
	*state = registry_new();
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	registry_free(*state);
	return 0;
}

static const struct kvmstat_event *intern(void **state, const char *arch, const char *name)
{
	const struct kvmstat_event *event = registry_intern(*state, arch, name, &counter);

	assert_non_null(event);
	return event;
}

static void assert_is(void **state, const char *arch, const char *name, const char *expected)
{
	const struct kvmstat_event *event = intern(state, arch, name);

	assert_string_equal(event->name, expected);
	assert_true(event->known);
	assert_ptr_equal(event, registry_find(*state, expected));
}

/* ---- the table ---------------------------------------------------------- */

static void test_table_is_sorted_as_strcmp_does(void **state)
{
	(void)state;
	for (size_t i = 1; i < event_table_count; i++)
		assert_true(strcmp(event_table[i - 1].name, event_table[i].name) < 0);
	for (size_t i = 1; i < alias_table_count; i++)
		assert_true(strcmp(alias_table[i - 1].name, alias_table[i].name) < 0);
}

static void test_table_values_are_in_range(void **state)
{
	(void)state;
	for (size_t i = 0; i < event_table_count; i++) {
		const struct known_event *event = &event_table[i];

		assert_in_range(event->number, 1, KVMSTAT_NUMBER_FIXED_MAX);
		assert_true(event->parent < (int)event_table_count);
		assert_true(event->class < KVMSTAT_NCLASSES);
		assert_true(event->unit < KVMSTAT_NUNITS);
		assert_true(event->scope < KVMSTAT_NSCOPES);
		assert_true(event->category < KVMSTAT_NCATEGORIES);
		assert_false(event->adds_to & ~(BIT(KVMSTAT_OTHER) - 1));
		assert_true(event->archs && !(event->archs >> arch_table_count));
		assert_true(strlen(event->text) > 10);
	}
}

static void test_table_spells_enumerations_as_kvmstat_does(void **state)
{
	const struct kvmstat_event *hist = registry_find(*state, "halt_wait_hist");
	const struct kvmstat_event *peak = registry_find(*state, "max_mmu_rmap_size");
	const struct kvmstat_event *flag = registry_find(*state, "blocking");

	assert_int_equal(hist->class, KVMSTAT_LOG_HIST);
	assert_int_equal(hist->unit, KVMSTAT_NS);
	assert_int_equal(hist->category, KVMSTAT_IDLE);
	assert_int_equal(peak->class, KVMSTAT_PEAK);
	assert_int_equal(peak->scope, KVMSTAT_VM);
	assert_int_equal(flag->class, KVMSTAT_INSTANT);
	assert_int_equal(flag->unit, KVMSTAT_BOOLEAN);
	assert_int_equal(flag->scope, KVMSTAT_VCPU);
}

/* Each pair that was ever published; new events are appended to the list, nothing else changes in it. */
static void test_numbers_never_change(void **state)
{
	FILE *file = fopen("tests/fixtures/event-numbers.txt", "r");
	unsigned int number, lines = 0;
	char name[128];

	assert_non_null(file);
	while (fscanf(file, "%u %127s", &number, name) == 2) {
		const struct kvmstat_event *event = registry_find(*state, name);

		if (!event || event->number != number)
			fail_msg("event %s had number %u, now %u", name, number, event ? event->number : 0);
		lines++;
	}
	assert_true(feof(file));
	fclose(file);
	assert_in_range(lines, 255, event_table_count);
}

static void test_numbers_are_unique(void **state)
{
	static bool taken[KVMSTAT_NUMBER_FIXED_MAX + 1];

	(void)state;
	for (size_t i = 0; i < event_table_count; i++) {
		assert_false(taken[event_table[i].number]);
		taken[event_table[i].number] = true;
	}
}

static void test_dead_events_add_to_nothing(void **state)
{
	(void)state;
	for (size_t i = 0; i < event_table_count; i++)
		if (event_table[i].dead)
			assert_int_equal(event_table[i].adds_to, 0);
	assert_true(registry_find(*state, "deliver_stop_signal")->dead);
}

/* An event that its parent counts as well must not be in a total that the parent is in on the same kernel. */
static void test_children_do_not_count_twice(void **state)
{
	(void)state;
	for (size_t i = 0; i < event_table_count; i++)
		for (int p = event_table[i].parent; p >= 0; p = event_table[p].parent)
			assert_int_equal(event_table[i].adds_to & event_table[p].adds_to, 0);
}

static uint32_t members(void **state, enum kvmstat_category category, const char *arch,
			const char *const *names, size_t count)
{
	uint32_t wrong = 0, found = 0;
	unsigned int bit = 0;

	for (size_t a = 0; a < arch_table_count; a++)
		if (!strcmp(arch_table[a], arch))
			bit = 1u << a;
	for (size_t i = 0; i < event_table_count; i++) {
		bool expected = false;

		if (!(event_table[i].archs & bit))
			continue;
		for (size_t n = 0; n < count; n++)
			expected |= !strcmp(names[n], event_table[i].name);
		if (expected != !!(intern(state, arch, event_table[i].name)->adds_to & BIT(category))) {
			print_message("%s: %s of %s\n", arch, event_table[i].name,
				      kvmstat_category_name(category));
			wrong++;
		}
		found += expected;
	}
	return wrong + (uint32_t)count - found;
}

static void test_totals_of_s390(void **state)
{
	static const char *const exits[] = {
		"exit_null",
		"exit_validity",
		"exit_stop_request",
		"exit_external_request",
		"exit_io_request",
		"exit_external_interrupt",
		"exit_instruction",
		"exit_pei",
		"exit_program_interruption",
		"exit_operation_exception",
		"exit_wait_state",
	};
	static const char *const io[] = {"exit_io_request", "instruction_io_other", "instruction_tsch",
					 "instruction_tpi", "instruction_diagnose_500"};
	static const char *const idle[] = {"exit_wait_state"};
	static const char *const instruction[] = {"exit_instruction"};
	static const char *const yield[] = {"instruction_diagnose_44", "instruction_diagnose_9c"};
	static const char *const userspace[] = {"exit_userspace"};

	assert_int_equal(members(state, KVMSTAT_EXITS, "s390", exits, COUNT(exits)), 0);
	assert_int_equal(members(state, KVMSTAT_IO, "s390", io, COUNT(io)), 0);
	assert_int_equal(members(state, KVMSTAT_IDLE, "s390", idle, 1), 0);
	assert_int_equal(members(state, KVMSTAT_INSTRUCTION, "s390", instruction, 1), 0);
	assert_int_equal(members(state, KVMSTAT_YIELD, "s390", yield, 2), 0);
	assert_int_equal(members(state, KVMSTAT_USERSPACE, "s390", userspace, 1), 0);
}

static void test_totals_of_x86(void **state)
{
	static const char *const exits[] = {"exits"};
	static const char *const io[] = {"io_exits", "mmio_exits"};
	static const char *const memory[] = {"pf_fixed"};
	static const char *const userspace[] = {"signal_exits", "request_irq_exits"};

	assert_int_equal(members(state, KVMSTAT_EXITS, "x86", exits, 1), 0);
	assert_int_equal(members(state, KVMSTAT_IO, "x86", io, 2), 0);
	assert_int_equal(members(state, KVMSTAT_MEMORY, "x86", memory, 1), 0);
	assert_int_equal(members(state, KVMSTAT_USERSPACE, "x86", userspace, 2), 0);
}

static void test_one_total_of_exits_on_the_others(void **state)
{
	static const char *const exits[] = {"exits"}, *const sum_exits[] = {"sum_exits"};

	assert_int_equal(members(state, KVMSTAT_EXITS, "arm64", exits, 1), 0);
	assert_int_equal(members(state, KVMSTAT_EXITS, "riscv", exits, 1), 0);
	assert_int_equal(members(state, KVMSTAT_EXITS, "powerpc", sum_exits, 1), 0);
}

/* ---- old names ---------------------------------------------------------- */

static void test_every_alias_of_every_arch(void **state)
{
	for (size_t i = 0; i < alias_table_count; i++)
		for (size_t a = 0; a < arch_table_count; a++)
			if (alias_table[i].archs >> a & 1)
				assert_is(state, arch_table[a], alias_table[i].name,
					  event_table[alias_table[i].event].name);
}

static void test_every_name_of_today(void **state)
{
	for (size_t i = 0; i < event_table_count; i++)
		for (size_t a = 0; a < arch_table_count; a++)
			if (event_table[i].archs >> a & 1)
				assert_is(state, arch_table[a], event_table[i].name, event_table[i].name);
}

/* Written down from the kernels, not from the table. */
static void test_renames_of_s390(void **state)
{
	static const char *const renames[][2] = {
		{"userspace_handled", "exit_userspace"},
		{"exit_instr_and_program_int", "exit_instr_and_program"},
		{"instruction_sigp_set_arch", "instruction_sigp_arch"},
		{"instruction_sigp_set_prefix", "instruction_sigp_prefix"},
		{"instruction_diag_10", "instruction_diagnose_10"},
		{"instruction_diag_44", "instruction_diagnose_44"},
		{"instruction_diag_9c", "instruction_diagnose_9c"},
		{"instruction_diag_258", "instruction_diagnose_258"},
		{"instruction_diag_308", "instruction_diagnose_308"},
		{"instruction_diag_500", "instruction_diagnose_500"},
		{"instruction_diag_other", "instruction_diagnose_other"},
	};

	for (size_t i = 0; i < COUNT(renames); i++)
		assert_is(state, "s390", renames[i][0], renames[i][1]);
}

static void test_exits_means_another_event_on_powerpc(void **state)
{
	assert_is(state, "powerpc", "exits", "sum_exits");
	assert_is(state, "x86", "exits", "exits");
	assert_is(state, "arm64", "exits", "exits");
}

static void test_old_names_without_one_successor_stay(void **state)
{
	assert_is(state, "x86", "largepages", "largepages");
	assert_is(state, "x86", "lpages", "lpages");
}

static void test_old_name_of_another_arch_is_unknown(void **state)
{
	const struct kvmstat_event *event = intern(state, "s390", "wait");

	assert_false(event->known);
	assert_string_equal(event->name, "wait");
	assert_is(state, "mips", "wait", "wait_exits");
}

static void test_parents(void **state)
{
	const struct kvmstat_event *child = intern(state, "s390", "diag_9c_ignored");

	assert_ptr_equal(child->parent, registry_find(*state, "instruction_diagnose_9c"));
	assert_ptr_equal(child->parent->parent, registry_find(*state, "exit_instruction"));
	assert_null(child->parent->parent->parent);
}

/* ---- which architecture ------------------------------------------------- */

#define ASSERT_ARCH(names, fallback, expected)                                                               \
	assert_string_equal(registry_arch(names, COUNT(names), fallback), expected)

static void test_arch_of_old_and_new_s390(void **state)
{
	static const char *const old[] = {"userspace_handled", "exit_null", "instruction_diag_44",
					  "halt_wakeup"};
	static const char *const new[] = {"halt_wakeup", "exit_userspace", "exit_null", "blocking",
					  "a_new_one"};

	(void)state;
	ASSERT_ARCH(old, "x86", "s390");
	ASSERT_ARCH(new, "x86", "s390");
}

static void test_arch_of_others(void **state)
{
	static const char *const x86[] = {"exits", "io_exits", "mmio_exits", "request_irq", "largepages"};
	static const char *const ppc[] = {"exits", "mmio", "sig", "dec", "ext_intr", "halt_wakeup"};
	static const char *const arm64[] = {"exits", "wfi_exit_stat", "wfe_exit_stat", "hvc_exit_stat"};

	(void)state;
	ASSERT_ARCH(x86, "s390", "x86");
	ASSERT_ARCH(ppc, "s390", "powerpc");
	ASSERT_ARCH(arm64, "s390", "arm64");
}

static void test_arch_falls_back(void **state)
{
	static const char *const nobody[] = {"foo", "bar"};
	static const char *const common[] = {"halt_wakeup", "blocking"};

	(void)state;
	ASSERT_ARCH(nobody, "riscv", "riscv");
	ASSERT_ARCH(common, "riscv", "riscv");
	assert_string_equal(registry_arch(NULL, 0, "s390"), "s390");
	assert_null(registry_arch(NULL, 0, NULL));
}

/* ---- events that nobody knows ------------------------------------------- */

static void test_unknown_event_is_as_the_kernel_says(void **state)
{
	const struct kvmstat_event *event = registry_intern(*state, "s390", "foo_bytes_hist", &gauge);

	assert_string_equal(event->name, "foo_bytes_hist");
	assert_string_equal(event->text, "");
	assert_int_equal(event->class, KVMSTAT_INSTANT);
	assert_int_equal(event->unit, KVMSTAT_BYTES);
	assert_int_equal(event->scope, KVMSTAT_VM);
	assert_int_equal(event->category, KVMSTAT_OTHER);
	assert_int_equal(event->adds_to, 0);
	assert_false(event->known || event->dead);
	assert_null(event->parent);
}

static void test_unknown_event_stays_the_same(void **state)
{
	const struct kvmstat_event *first = intern(state, "s390", "foo");

	assert_ptr_equal(registry_intern(*state, "x86", "foo", &gauge), first);
	assert_int_equal(first->class, KVMSTAT_CUMULATIVE);
	assert_ptr_equal(registry_find(*state, "foo"), first);
	assert_null(registry_find(*state, "bar"));
}

/* debugfs guesses, and is often first; a source that reads the kernel's description of the event knows better. */
static void test_guess_is_corrected(void **state)
{
	struct event_hint guess = counter;
	const struct kvmstat_event *event;

	guess.guessed = true;
	guess.scope = KVMSTAT_VM;
	event = registry_intern(*state, "x86", "foo", &guess);
	assert_int_equal(event->scope, KVMSTAT_VM);
	assert_ptr_equal(registry_intern(*state, "x86", "foo", &counter), event);
	assert_int_equal(event->scope, KVMSTAT_VCPU);
	registry_intern(*state, "x86", "foo", &guess);
	registry_intern(*state, "x86", "foo", &gauge);
	assert_int_equal(event->scope, KVMSTAT_VCPU);
	assert_int_equal(event->unit, KVMSTAT_COUNT);
}

/* These numbers are on other people's disks: they must not depend on host, order or release. */
static void test_unknown_numbers_are_the_same_everywhere(void **state)
{
	assert_int_equal(intern(state, "s390", "mmu_kicks_spared")->number, 1356482986);
	assert_int_equal(intern(state, "x86", "pf_parked")->number, 1607974181);
}

/* 5052995 is made of both names. */
static void test_collision_takes_the_next_number(void **state)
{
	const struct kvmstat_event *a = intern(state, "s390", "bpaecul");
	const struct kvmstat_event *b = intern(state, "s390", "jnhuozv");

	assert_int_equal(a->number, 5052995);
	assert_int_equal(b->number, 5052996);
	assert_ptr_equal(registry_find(*state, "bpaecul"), a);
	assert_ptr_equal(registry_find(*state, "jnhuozv"), b);
}

static void test_several_taken_numbers_are_skipped(void **state)
{
	uint32_t number;
	char name[32];

	for (number = 1356482986; number < 1356482986 + 3; number++) {
		snprintf(name, sizeof(name), "taken_%u", number);
		assert_int_equal(registry_remember(*state, name, number), 0);
	}
	assert_int_equal(intern(state, "x86", "mmu_kicks_spared")->number, number);
}

/* 2147483645 is made of the name; it, the two numbers after it and the first of all are taken. */
static void test_search_for_a_number_wraps_around(void **state)
{
	assert_int_equal(registry_remember(*state, "a", 2147483645), 0);
	assert_int_equal(registry_remember(*state, "b", 2147483646), 0);
	assert_int_equal(registry_remember(*state, "c", 2147483647), 0);
	assert_int_equal(registry_remember(*state, "d", 65536), 0);
	assert_int_equal(intern(state, "x86", "rmybqaj")->number, 65537);
}

static void test_remembered_number_wins(void **state)
{
	assert_int_equal(registry_remember(*state, "mmu_kicks_spared", 4711000), 0);
	assert_null(registry_find(*state, "mmu_kicks_spared"));
	assert_int_equal(intern(state, "x86", "mmu_kicks_spared")->number, 4711000);
	assert_int_equal(registry_find(*state, "mmu_kicks_spared")->number, 4711000);
}

static void test_remember_refuses_what_is_taken(void **state)
{
	intern(state, "x86", "met");
	assert_int_equal(registry_remember(*state, "foo", 70000), 0);
	assert_int_equal(registry_remember(*state, "foo", 70001), -EEXIST);
	assert_int_equal(registry_remember(*state, "bar", 70000), -EEXIST);
	assert_int_equal(registry_remember(*state, "met", 70002), -EEXIST);
	assert_int_equal(registry_remember(*state, "exit_null", 70003), -EEXIST);
	assert_int_equal(registry_remember(*state, "bar", 70001), 0);
}

static void test_remember_refuses_what_is_wrong(void **state)
{
	assert_int_equal(registry_remember(*state, "foo", 0), -EINVAL);
	assert_int_equal(registry_remember(*state, "foo", 65535), -EINVAL);
	assert_int_equal(registry_remember(*state, "foo", 0x80000000u), -EINVAL);
	assert_int_equal(registry_remember(*state, "foo bar", 70000), -EINVAL);
	assert_int_equal(registry_remember(*state, "", 70000), -EINVAL);
	assert_int_equal(registry_remember(*state, "foo", 65536), 0);
}

static void assert_refused(void **state, const char *name)
{
	errno = 0;
	assert_null(registry_intern(*state, "s390", name, &counter));
	assert_int_equal(errno, EINVAL);
}

static void test_bad_names(void **state)
{
	char name[129];

	assert_refused(state, "");
	assert_refused(state, "guest doorbell");
	assert_refused(state, "exit/null");
	assert_refused(state, "..");
	assert_refused(state, "exit_null\n");
	assert_refused(state, "exit\xc3\xa9");
	memset(name, 'x', sizeof(name));
	name[128] = '\0';
	assert_refused(state, name);
	name[127] = '\0';
	assert_non_null(intern(state, "s390", name));
}

static void test_full_registry_keeps_what_it_has(void **state)
{
	char name[32];

	for (int i = 0; i < REGISTRY_MAX_UNKNOWN; i++) {
		snprintf(name, sizeof(name), "foo_%d", i);
		intern(state, "x86", name);
	}
	errno = 0;
	assert_null(registry_intern(*state, "x86", "one_more", &counter));
	assert_int_equal(errno, ENOSPC);
	assert_int_equal(registry_left_out(*state), 1);
	assert_null(registry_intern(*state, "x86", "one_more", &counter));
	assert_int_equal(registry_left_out(*state), 1);
	assert_null(registry_intern(*state, "x86", "and_another", &counter));
	assert_int_equal(registry_left_out(*state), 2);
	assert_non_null(registry_find(*state, "foo_0"));
	assert_non_null(intern(state, "x86", "foo_4095"));
	assert_is(state, "x86", "exits", "exits");
}

static void test_what_is_remembered_does_not_fill_it(void **state)
{
	char name[32];

	for (uint32_t i = 0; i < REGISTRY_MAX_UNKNOWN; i++) {
		snprintf(name, sizeof(name), "old_%u", i);
		assert_int_equal(registry_remember(*state, name, 70000 + i), 0);
	}
	assert_int_equal(registry_remember(*state, "one_more", 69999), -ENOSPC);
	assert_non_null(intern(state, "x86", "one_more"));
}

/* ---- did you mean ------------------------------------------------------- */

static void assert_suggests(void **state, const char *word, const char *expected)
{
	char suggestion[64] = "x";

	assert_true(registry_unknown(*state, word, suggestion, sizeof(suggestion)));
	assert_string_equal(suggestion, expected);
}

static void test_suggestions(void **state)
{
	assert_suggests(state, "exit_nul", "exit_null");
	assert_suggests(state, "EXIT_WAIT_STATE", "exit_wait_state");
	assert_suggests(state, "exit-userspace", "exit_userspace");
	assert_suggests(state, "instruction_diagnose_9d", "instruction_diagnose_9c");
	assert_suggests(state, "nothing_like_it_at_all_xyz", "");
	assert_suggests(state, "q", "");
	assert_suggests(state, "", "");
}

static void test_known_words_need_no_suggestion(void **state)
{
	char suggestion[64];

	intern(state, "x86", "met_here");
	assert_false(registry_unknown(*state, "exit_null", suggestion, sizeof(suggestion)));
	assert_false(registry_unknown(*state, "userspace_handled", suggestion, sizeof(suggestion)));
	assert_false(registry_unknown(*state, "sysc", suggestion, sizeof(suggestion)));
	assert_false(registry_unknown(*state, "met_here", suggestion, sizeof(suggestion)));
	assert_false(registry_unknown(*state, "/whatever/", suggestion, sizeof(suggestion)));
	assert_suggests(state, "met_hare", "met_here");
}

static void test_suggestion_survives_anything(void **state)
{
	char *word = calloc(1, 65537), small[4] = "xxx";

	memset(word, 'e', 65536);
	assert_true(registry_unknown(*state, word, small, sizeof(small)));
	assert_string_equal(small, "");
	assert_true(registry_unknown(*state, "exit_nul", small, sizeof(small)));
	assert_string_equal(small, "");
	assert_true(registry_unknown(*state, "\xff\xfe", NULL, 0));
	free(word);
}

static void test_enumerations_have_names(void **state)
{
	(void)state;
	assert_string_equal(kvmstat_class_name(KVMSTAT_LOG_HIST), "log_hist");
	assert_string_equal(kvmstat_unit_name(KVMSTAT_BOOLEAN), "boolean");
	assert_string_equal(kvmstat_scope_name(KVMSTAT_VCPU), "vcpu");
	assert_string_equal(kvmstat_category_name(KVMSTAT_OTHER), "other");
	assert_string_equal(kvmstat_source_name(KVMSTAT_PROC), "proc");
	assert_string_equal(kvmstat_state_name(KVMSTAT_DENIED), "denied");
	assert_string_equal(kvmstat_problem_name(KVMSTAT_UNNAMED), "unnamed");
	assert_string_equal(kvmstat_lockdown_name(KVMSTAT_LOCKDOWN_CONFIDENTIALITY), "confidentiality");
	assert_string_equal(kvmstat_category_name(KVMSTAT_NCATEGORIES), "unknown");
	for (int i = 0; i < KVMSTAT_NPROBLEMS; i++)
		assert_string_not_equal(kvmstat_problem_name(i), "unknown");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_table_is_sorted_as_strcmp_does),
		TEST(test_table_values_are_in_range),
		TEST(test_table_spells_enumerations_as_kvmstat_does),
		TEST(test_numbers_never_change),
		TEST(test_numbers_are_unique),
		TEST(test_dead_events_add_to_nothing),
		TEST(test_children_do_not_count_twice),
		TEST(test_totals_of_s390),
		TEST(test_totals_of_x86),
		TEST(test_one_total_of_exits_on_the_others),
		TEST(test_every_alias_of_every_arch),
		TEST(test_every_name_of_today),
		TEST(test_renames_of_s390),
		TEST(test_exits_means_another_event_on_powerpc),
		TEST(test_old_names_without_one_successor_stay),
		TEST(test_old_name_of_another_arch_is_unknown),
		TEST(test_parents),
		TEST(test_arch_of_old_and_new_s390),
		TEST(test_arch_of_others),
		TEST(test_arch_falls_back),
		TEST(test_unknown_event_is_as_the_kernel_says),
		TEST(test_unknown_event_stays_the_same),
		TEST(test_guess_is_corrected),
		TEST(test_unknown_numbers_are_the_same_everywhere),
		TEST(test_collision_takes_the_next_number),
		TEST(test_several_taken_numbers_are_skipped),
		TEST(test_search_for_a_number_wraps_around),
		TEST(test_remembered_number_wins),
		TEST(test_remember_refuses_what_is_taken),
		TEST(test_remember_refuses_what_is_wrong),
		TEST(test_bad_names),
		TEST(test_full_registry_keeps_what_it_has),
		TEST(test_what_is_remembered_does_not_fill_it),
		TEST(test_suggestions),
		TEST(test_known_words_need_no_suggestion),
		TEST(test_suggestion_survives_anything),
		TEST(test_enumerations_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
