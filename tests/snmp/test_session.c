/* SPDX-License-Identifier: MIT */
/*
 * test_session.c - a session with masters of every kind: that refuse, end, hang, mix up and lie
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "expect.h"

enum { ID = 77, PING_MS = 3000, CONTEXT_FLAG = 0x08 };

static const uint16_t refusals[] = { 1, 5, 256, 259, 262, 263, 264, 265, 266, 267, 268, 65535 };

enum { NREFUSALS = sizeof(refusals) / sizeof(refusals[0]) };

static int setup(void **state)
{
	struct master *master = malloc(sizeof(*master));

	master_init(master);
	master_begin(master);
	*state = master;
	return 0;
}

static int teardown(void **state)
{
	master_exit(*state);
	free(*state);
	return 0;
}

static void accept(struct master *master, uint8_t type)
{
	master_reply(master, expect(master, type), ID, 0);
}

static void refuse(struct master *master, uint8_t type, uint16_t error)
{
	master_reply(master, expect(master, type), ID, error);
}

static void make_ready(struct master *master)
{
	accept(master, AGENTX_OPEN);
	for (size_t i = 0; i < ntables; i++)
		accept(master, AGENTX_REGISTER);
	assert_int_not_equal(master->session.state, SESSION_READY);
	accept(master, AGENTX_ADD_CAPS);
	assert_int_equal(master->session.state, SESSION_READY);
	expect_nothing(master);
}

static void expect_end(struct master *master, enum session_end end)
{
	master_turn(master);
	assert_int_equal(master->session.state, SESSION_ENDED);
	assert_int_equal(master->session.end, end);
	assert_int_equal(master->session.fd, -1);
}

/* ---- registering -------------------------------------------------------- */

static void test_every_table_is_registered(void **state)
{
	struct master *master = *state;

	accept(master, AGENTX_OPEN);
	for (size_t i = 0; i < ntables; i++) {
		struct received *received = expect(master, AGENTX_REGISTER);
		struct agentx_in in;
		struct oid oid;
		bool include;

		assert_int_equal(received->header.session, ID);
		agentx_in(&in, &received->header, received->payload);
		agentx_take32(&in);
		agentx_take_oid(&in, &oid, &include);
		assert_false(in.wrong);
		assert_int_equal(oid_compare(&oid, &master->tree.at[i]), 0);
		master_reply(master, received, ID, 0);
	}
	accept(master, AGENTX_ADD_CAPS);
	assert_int_equal(master->session.state, SESSION_READY);
	assert_int_equal(reader_uptime(&master->reader, master->reader.uptime_ns), 4711);
}

static void test_open_refused(void **state)
{
	struct master *master = *state;

	refuse(master, AGENTX_OPEN, AGENTX_OPEN_FAILED);
	expect_end(master, SESSION_REFUSED);
	assert_int_equal(master->session.refusal, AGENTX_OPEN_FAILED);
	master_begin(master);
	make_ready(master);
}

/* Whatever the refusal: tried again one at a time, and all of them as soon as one is taken. */
static void check_all_refused(struct master *master, uint16_t error)
{
	accept(master, AGENTX_OPEN);
	for (size_t i = 0; i < ntables; i++)
		refuse(master, AGENTX_REGISTER, error);
	expect_nothing(master);
	assert_true(session_refused(&master->session));
	assert_int_equal(master->session.refusal, error);
	for (int i = 0; i < 20; i++) {
		master_wait(master, PING_MS - 1);
		expect_nothing(master);
		master_wait(master, 1);
		refuse(master, AGENTX_REGISTER, error);
		expect_nothing(master);
		assert_true(session_refused(&master->session));
	}
	master_wait(master, PING_MS);
	for (size_t i = 0; i < ntables; i++)
		accept(master, AGENTX_REGISTER);
	accept(master, AGENTX_ADD_CAPS);
	assert_int_equal(master->session.state, SESSION_READY);
}

static void test_all_refused(void **state)
{
	struct master *master = *state;

	for (int i = 0; i < NREFUSALS; i++) {
		check_all_refused(master, refusals[i]);
		session_close(&master->session);
		master_begin(master);
	}
}

/* The others are served meanwhile. */
static void test_one_refused(void **state)
{
	struct master *master = *state;

	for (size_t refused = 0; refused < ntables; refused++) {
		accept(master, AGENTX_OPEN);
		for (size_t i = 0; i < ntables; i++)
			refuse(master, AGENTX_REGISTER, i == refused ? AGENTX_DUPLICATE : 0);
		expect_nothing(master);
		assert_true(session_refused(&master->session));
		assert_int_equal(master->session.nregistered, ntables - 1);
		master_wait(master, PING_MS);
		accept(master, AGENTX_REGISTER);
		accept(master, AGENTX_ADD_CAPS);
		assert_int_equal(master->session.state, SESSION_READY);
		session_close(&master->session);
		master_begin(master);
	}
}

static void test_caps_refused(void **state)
{
	struct master *master = *state;

	accept(master, AGENTX_OPEN);
	for (size_t i = 0; i < ntables; i++)
		accept(master, AGENTX_REGISTER);
	refuse(master, AGENTX_ADD_CAPS, AGENTX_REQUEST_DENIED);
	assert_int_equal(master->session.state, SESSION_READY);
}

static void test_forgotten(void **state)
{
	struct master *master = *state;

	accept(master, AGENTX_OPEN);
	accept(master, AGENTX_REGISTER);
	refuse(master, AGENTX_REGISTER, AGENTX_NOT_OPEN);
	expect_end(master, SESSION_CLOSED);
	master_begin(master);
	make_ready(master);
	master_wait(master, PING_MS);
	refuse(master, AGENTX_PING, AGENTX_NOT_OPEN);
	expect_end(master, SESSION_CLOSED);
}

/* ---- masters that hang or end ------------------------------------------- */

static void test_silence(void **state)
{
	struct master *master = *state;

	expect(master, AGENTX_OPEN);
	master_wait(master, 10000);
	expect_end(master, SESSION_SILENT);
	master_begin(master);
	accept(master, AGENTX_OPEN);
	expect(master, AGENTX_REGISTER);
	master_wait(master, 10000);
	expect_end(master, SESSION_SILENT);
	master_begin(master);
	make_ready(master);
	for (int i = 0; i < 3; i++) {
		master_wait(master, PING_MS);
		accept(master, AGENTX_PING);
	}
	master_wait(master, PING_MS);
	expect(master, AGENTX_PING);
	master_wait(master, 10000);
	expect_end(master, SESSION_SILENT);
}

static void test_ends_anywhere(void **state)
{
	struct master *master = *state;

	for (size_t replies = 0; replies <= ntables + 2; replies++) {
		for (size_t i = 0; i < replies; i++)
			accept(master, i == 0 ? AGENTX_OPEN : i <= ntables ? AGENTX_REGISTER : AGENTX_ADD_CAPS);
		close(master->fd);
		master->fd = -1;
		expect_end(master, SESSION_LOST);
		master_begin(master);
		for (size_t i = 0; i < replies; i++)
			accept(master, i == 0 ? AGENTX_OPEN : i <= ntables ? AGENTX_REGISTER : AGENTX_ADD_CAPS);
		master_pdu(master, AGENTX_CLOSE, 0, ID, 0, 1);
		master_put32(master, 5);
		master_send(master);
		expect_end(master, SESSION_CLOSED);
		master_begin(master);
	}
}

/* One that takes no answers is not read from any more, and is given up. */
static void test_takes_nothing(void **state)
{
	struct master *master = *state;

	make_ready(master);
	for (int i = 0; i < 2000; i++) {
		master_pdu(master, AGENTX_GETBULK, 0, ID, 1, (uint32_t)i);
		master_put16(master, 0);
		master_put16(master, 1000);
		for (int j = 0; j < 100; j++) {
			master_put_oid(master, &master->tree.root, false);
			master_put_oid(master, &(struct oid){ .len = 0 }, false);
		}
		master_send(master);
	}
	assert_true(master->session.out.len < 4 << 20);
	assert_int_equal(session_events(&master->session) & 1, 0);
	master_wait(master, 10000);
	expect_end(master, SESSION_SILENT);
}

static void test_leave(void **state)
{
	struct master *master = *state;

	make_ready(master);
	session_close(&master->session);
	assert_int_equal(expect(master, AGENTX_CLOSE)->payload[0], 5);
	expect_end(master, SESSION_CLOSED);
}

/* ---- what is no answer -------------------------------------------------- */

static void test_late_and_twice(void **state)
{
	struct master *master = *state;
	struct received open, first;

	open = *expect(master, AGENTX_OPEN);
	master_reply(master, &open, ID, 0);
	first = *expect(master, AGENTX_REGISTER);
	master_reply(master, &open, ID + 1, AGENTX_OPEN_FAILED);
	master_reply(master, &open, ID + 1, 0);
	expect_nothing(master);
	assert_int_equal(master->session.id, ID);
	master_reply(master, &first, ID, 0);
	master_reply(master, &first, ID, AGENTX_DUPLICATE);
	master_reply(master, &first, ID, 0);
	assert_int_equal(master->session.nregistered, 1);
	for (size_t i = 1; i < ntables; i++)
		accept(master, AGENTX_REGISTER);
	accept(master, AGENTX_ADD_CAPS);
	assert_int_equal(master->session.state, SESSION_READY);
	master_reply(master, &first, ID, AGENTX_NOT_OPEN);
	assert_int_equal(master->session.state, SESSION_READY);
}

static void test_garbage(void **state)
{
	static const uint8_t bad[][AGENTX_HEADER] = {
		{ 2, 18, 16, 0 },				/* version */
		{ 1, 18, 16, 0, [19] = 3 },			/* no multiple of four */
		{ 1, 18, 16, 0, [16] = 255, [19] = 4 },		/* length */
		{ 1, 18, 16, 0, [16] = 0, [17] = 17 },
		{ 1, 99, 16, 0 },				/* type */
		{ 1, AGENTX_OPEN, 16, 0 },			/* not for us */
		{ 1, AGENTX_RESPONSE, 16, 0 },			/* too short */
	};
	struct master *master = *state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		accept(master, AGENTX_OPEN);
		master_send_bytes(master, bad[i], AGENTX_HEADER);
		expect_end(master, SESSION_GARBAGE);
		master_begin(master);
	}
}

static void test_byte_by_byte(void **state)
{
	struct master *master = *state;
	struct received *received = expect(master, AGENTX_OPEN);
	uint8_t bytes[AGENTX_HEADER + 8] = { 1, AGENTX_RESPONSE, 16, 0, [7] = ID, [15] = 1, [19] = 8 };

	bytes[15] = (uint8_t)received->header.packet;
	for (size_t i = 0; i < sizeof(bytes); i++) {
		expect_nothing(master);
		master_send_bytes(master, bytes + i, 1);
	}
	expect(master, AGENTX_REGISTER);
}

/* ---- requests ----------------------------------------------------------- */

static void begin_request(struct master *master, uint8_t type, uint8_t flags)
{
	master_pdu(master, type, flags, ID, 5, 1234);
}

static struct agentx_in expect_answer(struct master *master, uint16_t error)
{
	struct received *received = expect(master, AGENTX_RESPONSE);
	struct agentx_in in;

	assert_int_equal(received->header.packet, 1234);
	assert_int_equal(received->header.transaction, 5);
	agentx_in(&in, &received->header, received->payload);
	agentx_take32(&in);
	assert_int_equal(agentx_take16(&in), error);
	agentx_take16(&in);
	if (error)
		assert_int_equal(in.left, 0);
	return in;
}

/* A variable: its type, below which column of kvmCollector it is (0: elsewhere), and, of a number, its value. */
static uint32_t expect_variable(struct agentx_in *in, struct master *master, enum oid_type type, uint32_t column)
{
	bool include;
	struct oid oid;

	assert_int_equal(agentx_take16(in), type);
	agentx_take16(in);
	agentx_take_oid(in, &oid, &include);
	assert_false(in->wrong);
	if (column) {
		assert_true(oid_is_below(&oid, &master->tree.at[0]));
		assert_int_equal(oid.subid[oid.len - 2], column);
		assert_int_equal(oid.subid[oid.len - 1], 0);
	}
	return type >= NO_SUCH_OBJECT ? 0 : agentx_take32(in);
}

static struct oid collector(const struct master *master, uint32_t column)
{
	struct oid oid = master->tree.at[0];

	oid.subid[oid.len++] = column;
	oid.subid[oid.len++] = 0;
	return oid;
}

static const struct oid nothing = { .len = 0 }, elsewhere = { 2, { 1, 2 } };

static void ask(struct master *master, const struct oid *from, bool include, const struct oid *to)
{
	master_put_oid(master, from, include);
	master_put_oid(master, to, false);
}

static void check_requests(struct master *master)
{
	struct oid interval = collector(master, 2), number = collector(master, 3), errors = collector(master, 7);
	struct agentx_in in;

	begin_request(master, AGENTX_GET, 0);
	ask(master, &interval, false, &nothing);
	ask(master, &elsewhere, false, &nothing);
	master_send(master);
	in = expect_answer(master, 0);
	assert_int_equal(expect_variable(&in, master, TYPE_GAUGE, 2), 10);
	expect_variable(&in, master, NO_SUCH_OBJECT, 0);
	assert_int_equal(in.left, 0);

	begin_request(master, AGENTX_GETNEXT, 0);
	ask(master, &interval, false, &nothing);
	ask(master, &interval, true, &nothing);
	ask(master, &interval, false, &number);		/* ends before it */
	ask(master, &elsewhere, false, &nothing);
	ask(master, &errors, false, &nothing);
	master_send(master);
	in = expect_answer(master, 0);
	assert_int_equal(expect_variable(&in, master, TYPE_COUNTER, 3), 0);
	assert_int_equal(expect_variable(&in, master, TYPE_GAUGE, 2), 10);
	expect_variable(&in, master, END_OF_MIB_VIEW, 2);
	expect_variable(&in, master, TYPE_STRING, 1);
}

static void check_bulk(struct master *master)
{
	struct oid version = collector(master, 1), interval = collector(master, 2), number = collector(master, 3);
	struct agentx_in in;

	begin_request(master, AGENTX_GETBULK, 0);
	master_put16(master, 1);
	master_put16(master, 3);
	ask(master, &number, true, &nothing);
	ask(master, &version, true, &number);
	ask(master, &interval, true, &nothing);
	master_send(master);
	in = expect_answer(master, 0);
	expect_variable(&in, master, TYPE_COUNTER, 3);
	assert_int_equal(agentx_take16(&in), TYPE_STRING);
}

static void test_requests(void **state)
{
	struct master *master = *state;

	make_ready(master);
	for (int i = 0; i < 2; i++) {
		master->big_endian = i;
		check_requests(master);
		check_bulk(master);
	}
}

static void test_requests_refused(void **state)
{
	static const struct { uint8_t type; uint16_t error; } refused[] = {
		{ AGENTX_TESTSET, AGENTX_NOT_WRITABLE },
		{ AGENTX_COMMITSET, AGENTX_COMMIT_FAILED },
		{ AGENTX_UNDOSET, AGENTX_UNDO_FAILED },
	};
	struct master *master = *state;

	make_ready(master);
	for (int i = 0; i < 3; i++) {
		begin_request(master, refused[i].type, 0);
		master_send(master);
		expect_answer(master, refused[i].error);
	}
	begin_request(master, AGENTX_CLEANUPSET, 0);
	master_send(master);
	expect_nothing(master);
	begin_request(master, AGENTX_GET, CONTEXT_FLAG);
	master_put32(master, 4);
	master_put32(master, 0x61626364);
	ask(master, &nothing, false, &nothing);
	master_send(master);
	expect_answer(master, AGENTX_UNSUPPORTED_CONTEXT);
	master_pdu(master, AGENTX_GET, 0, ID + 1, 5, 1234);
	master_send(master);
	expect_answer(master, AGENTX_NOT_OPEN);
	begin_request(master, AGENTX_GETNEXT, 0);
	master_put32(master, 0x05050505);		/* five sub-identifiers, of which there are none */
	master_send(master);
	expect_answer(master, AGENTX_PARSE_ERROR);
	assert_int_equal(master->session.state, SESSION_READY);
}

/* As many ranges as a PDU can have: an error, in bounded time and memory. */
static void test_too_much(void **state)
{
	static const uint8_t ranges[8192];	/* of two OIDs without sub-identifiers, 8 bytes each */
	uint8_t head[AGENTX_HEADER] = { 1, AGENTX_GETNEXT, 16, 0, [7] = ID, [11] = 5, [14] = 4, [15] = 210, [17] = 16 };
	struct master *master = *state;

	make_ready(master);
	master_send_bytes(master, head, sizeof(head));
	for (int i = 0; i < AGENTX_MAX / (int)sizeof(ranges); i++)
		master_send_bytes(master, ranges, sizeof(ranges));
	expect_answer(master, AGENTX_GEN_ERR);
	assert_true(master->session.out.size < 10 << 20);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_every_table_is_registered), TEST(test_open_refused), TEST(test_all_refused),
		TEST(test_one_refused), TEST(test_caps_refused), TEST(test_forgotten), TEST(test_silence),
		TEST(test_ends_anywhere), TEST(test_takes_nothing), TEST(test_leave), TEST(test_late_and_twice),
		TEST(test_garbage), TEST(test_byte_by_byte), TEST(test_requests), TEST(test_requests_refused),
		TEST(test_too_much),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
