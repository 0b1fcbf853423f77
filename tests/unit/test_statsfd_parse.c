/* SPDX-License-Identifier: MIT */
/* Binary statistics: what the kernel writes, and what nobody should. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "stats_block.h"

enum { NAME_SIZE = 48, MOST = 16 };

static const struct stats_header today = { 0, NAME_SIZE, 3, 24, 72, 264 };

static int parse_header(const struct stats_header *header, size_t len)
{
	struct stats_header parsed;

	return stats_parse_header(header, len, &parsed);
}

static void test_header(void **state)
{
	struct stats_header parsed;

	(void)state;
	assert_int_equal(stats_parse_header(&today, sizeof(today), &parsed), 0);
	assert_memory_equal(&parsed, &today, sizeof(today));
	for (size_t len = 0; len < sizeof(today); len++)
		assert_int_equal(parse_header(&today, len), -EBADMSG);
}

static void test_header_bad(void **state)
{
	static const struct stats_header bad[] = {
		{ 1, 48, 3, 24, 72, 264 },		/* a flag of the future */
		{ 0, 0, 3, 24, 72, 264 },		/* no names */
		{ 0, 257, 3, 24, 72, 264 },
		{ 0, 0xffffffff, 3, 24, 72, 264 },
		{ 0, 48, 1025, 24, 72, 264 },
		{ 0, 48, 0xffffffff, 24, 72, 264 },
		{ 0, 48, 3, 23, 72, 264 },		/* in the header itself */
		{ 0, 48, 3, 24, 0, 264 },
		{ 0, 48, 3, 24, 72, 8 },
		{ 0, 48, 3, 0x80000000, 72, 264 },
		{ 0, 48, 3, 24, 0xfffffff8, 264 },
		{ 0, 48, 3, 24, 72, 0xffffffff },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (parse_header(&bad[i], sizeof(bad[i])) != -EBADMSG)
			fail_msg("header %zu is taken", i);
}

static void test_id(void **state)
{
	static const char *const bad[] = {
		"", "kvm", "kvm-", "kvm-x", "kvm-12x", "kvm--1", "kvm- 1", "kvm-12/", "kvm-12/vcpu", "kvm-12/vcpu-",
		"kvm-12/vcpu-3 ", "kvm-12/vcpu--3", "kvm-12/vcpu-3/", "kvm-99999999999999999999", "kvm-12/vcpu-4294967296", "KVM-1",
	};
	struct stats_id id;

	(void)state;
	assert_int_equal(stats_parse_id("kvm-1234", 48, &id), 0);
	assert_int_equal(id.tid, 1234);
	assert_int_equal(id.vcpu, -1);
	assert_int_equal(stats_parse_id("kvm-77/vcpu-15", 15, &id), 0);
	assert_int_equal(id.tid, 77);
	assert_int_equal(id.vcpu, 15);
	/* It must end inside. */
	assert_int_equal(stats_parse_id("kvm-77/vcpu-15", 14, &id), -EBADMSG);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (stats_parse_id(bad[i], strlen(bad[i]) + 1, &id) != -EBADMSG)
			fail_msg("\"%s\" is taken", bad[i]);
}

/* Parse what was made, from memory that ends where the descriptors do. */
static int parse(const struct made_desc *made, size_t count, struct stats_desc *descs, uint32_t *data_size)
{
	static char *text;
	struct stats_header header = today;
	size_t len;

	free(text);
	text = malloc(count * (STATS_DESC_SIZE + NAME_SIZE) + 1);
	assert_non_null(text);
	header.num_desc = (uint32_t)count;
	len = make_descs(text, made, count, NAME_SIZE);
	assert_int_equal(len, stats_descs_size(&header));
	return stats_parse_descs(&header, text, len, descs, data_size);
}

#define refused(...) \
	do { \
		const struct made_desc made_[] = { __VA_ARGS__ }; \
		struct stats_desc descs_[MOST]; \
		uint32_t size_; \
		assert_int_equal(parse(made_, sizeof(made_) / sizeof(made_[0]), descs_, &size_), -EBADMSG); \
	} while (0)

static void test_classes_and_units(void **state)
{
	static const struct made_desc made[] = {
		{ "exits", CUMULATIVE, 0, 1, 0 },
		{ "halt_wait_ns", CUMULATIVE | SECONDS, -9, 1, 8 },
		{ "blocking", INSTANT | BOOLEAN, 0, 1, 16 },
		{ "peak", PEAK | BYTES | POW2, 0, 1, 24 },
		{ "linear", LINEAR | CYCLES, 0, 4, 32 },
		{ "halt_wait_hist", LOG | SECONDS, -9, 32, 64 },
		{ "seconds", CUMULATIVE | SECONDS, 0, 1, 320 },		/* no word for them */
		{ "mibs", CUMULATIVE | BYTES | POW2, 20, 1, 328 },
		{ "furlongs", CUMULATIVE | 9 << 4, 0, 1, 336 },
	};
	static const struct {
		enum kvmstat_class class;
		enum kvmstat_unit unit;
		uint32_t cells;
	} expected[] = {
		{ KVMSTAT_CUMULATIVE, KVMSTAT_COUNT, 1 }, { KVMSTAT_CUMULATIVE, KVMSTAT_NS, 1 },
		{ KVMSTAT_INSTANT, KVMSTAT_BOOLEAN, 1 },  { KVMSTAT_PEAK, KVMSTAT_BYTES, 1 },
		{ KVMSTAT_LINEAR_HIST, KVMSTAT_CYCLES, 4 }, { KVMSTAT_LOG_HIST, KVMSTAT_NS, 32 },
		{ KVMSTAT_CUMULATIVE, KVMSTAT_COUNT, 1 }, { KVMSTAT_CUMULATIVE, KVMSTAT_COUNT, 1 },
		{ KVMSTAT_CUMULATIVE, KVMSTAT_COUNT, 1 },
	};
	struct stats_desc descs[MOST];
	uint32_t size;

	(void)state;
	assert_int_equal(parse(made, 9, descs, &size), 9);
	assert_int_equal(size, 344);
	for (size_t i = 0; i < 9; i++) {
		assert_string_equal(descs[i].name, made[i].name);
		assert_int_equal(descs[i].offset, made[i].offset);
		assert_int_equal(descs[i].class, expected[i].class);
		assert_int_equal(descs[i].unit, expected[i].unit);
		assert_int_equal(descs[i].cells, expected[i].cells);
	}
}

/* x86: max_mmu_rmap_size is described first and is behind the other. */
static void test_order_is_not_that_of_the_data(void **state)
{
	static const struct made_desc made[] = {
		{ "max_mmu_rmap_size", PEAK, 0, 1, 112 },
		{ "max_mmu_page_hash_collisions", PEAK, 0, 1, 104 },
		{ "pages_4k", INSTANT, 0, 1, 0 },
	};
	struct stats_desc descs[MOST];
	uint32_t size;

	(void)state;
	assert_int_equal(parse(made, 3, descs, &size), 3);
	assert_int_equal(descs[0].offset, 112);
	assert_int_equal(descs[1].offset, 104);
	assert_int_equal(size, 120);
}

/* A type of the future is left out; where its numbers are does not matter, and none of them is read. */
static void test_unknown_type(void **state)
{
	static const struct made_desc made[] = {
		{ "exits", CUMULATIVE, 0, 1, 0 },
		{ "sketch", 5, 0, 999, 0xfffffff0 },
		{ "other", 15 | 1u << 31, 0, 0, 0 },
	};
	struct stats_desc descs[MOST];
	uint32_t size;

	(void)state;
	assert_int_equal(parse(made, 3, descs, &size), 1);
	assert_string_equal(descs[0].name, "exits");
	assert_int_equal(size, 8);
	assert_int_equal(parse(made, 0, descs, &size), 0);
	assert_int_equal(size, 0);
}

static void test_sizes_and_places(void **state)
{
	(void)state;
	refused({ "a", CUMULATIVE, 0, 0, 0 });
	refused({ "a", CUMULATIVE, 0, 2, 0 });
	refused({ "a", PEAK, 0, 65535, 0 });
	refused({ "a", LOG, 0, 0, 0 });
	refused({ "a", LOG, 0, 1025, 0 });
	refused({ "a", CUMULATIVE, 0, 1, 4 });
	refused({ "a", CUMULATIVE, 0, 1, STATS_DATA_MAX });
	refused({ "a", CUMULATIVE, 0, 1, 0xfffffff8 });
	refused({ "a", LOG, 0, 1024, STATS_DATA_MAX - 1023 * 8 });
	refused({ "", CUMULATIVE, 0, 1, 0 });
	refused({ "a_name_of_48_bytes_has_no_room_for_its_end_______", CUMULATIVE, 0, 1, 0 });
	refused({ "a_type_of_the_future_needs_a_name_that_ends_too__", 7, 0, 1, 0 });
}

static void test_the_last_place(void **state)
{
	const struct made_desc made[] = { { "a", LOG, 0, 1024, STATS_DATA_MAX - 1024 * 8 } };
	struct stats_desc descs[MOST];
	uint32_t size;

	(void)state;
	assert_int_equal(parse(made, 1, descs, &size), 1);
	assert_int_equal(size, STATS_DATA_MAX);
}

static void test_collisions(void **state)
{
	(void)state;
	refused({ "a", CUMULATIVE, 0, 1, 0 }, { "a", CUMULATIVE, 0, 1, 8 });
	refused({ "a", CUMULATIVE, 0, 1, 0 }, { "b", CUMULATIVE, 0, 1, 0 });
	refused({ "a", LOG, 0, 4, 8 }, { "b", CUMULATIVE, 0, 1, 32 });
	refused({ "b", CUMULATIVE, 0, 1, 32 }, { "a", LOG, 0, 4, 8 });
	refused({ "b", LOG, 0, 2, 16 }, { "x", CUMULATIVE, 0, 1, 0 }, { "a", LOG, 0, 8, 8 });
}

/* At every byte. */
static void test_truncated(void **state)
{
	static const struct made_desc made[] = {
		{ "exits", CUMULATIVE, 0, 1, 0 }, { "blocking", INSTANT, 0, 1, 8 }, { "hist", LOG, 0, 4, 16 },
	};
	char text[3 * (STATS_DESC_SIZE + NAME_SIZE)];
	struct stats_desc descs[3];
	uint32_t size;

	(void)state;
	assert_int_equal(make_descs(text, made, 3, NAME_SIZE), sizeof(text));
	for (size_t len = 0; len < sizeof(text); len++) {
		char *cut = malloc(len + 1);

		assert_non_null(cut);
		memcpy(cut, text, len);
		assert_int_equal(stats_parse_descs(&today, cut, len, descs, &size), -EBADMSG);
		free(cut);
	}
	assert_int_equal(stats_parse_descs(&today, text, sizeof(text), descs, &size), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_header_bad),
		cmocka_unit_test(test_id),
		cmocka_unit_test(test_classes_and_units),
		cmocka_unit_test(test_order_is_not_that_of_the_data),
		cmocka_unit_test(test_unknown_type),
		cmocka_unit_test(test_sizes_and_places),
		cmocka_unit_test(test_the_last_place),
		cmocka_unit_test(test_collisions),
		cmocka_unit_test(test_truncated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
