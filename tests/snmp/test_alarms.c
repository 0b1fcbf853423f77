/* SPDX-License-Identifier: MIT */
/*
 * test_alarms.c - from the core's alarms to notifications: what is shown, what is sent, and how often
 *
 * The core's diagnosis is a fake: a test sets its alarms and what changes.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "diagnosis.h"
#include "fake.h"
#include "kvmstat-mib/notify.h"
#include "expect.h"

#define S UINT64_C(1000000000)

enum { ID = 77, PING_MS = 3000, D44 = 1252, MANY = 1000 };

/* ---- the fake core ------------------------------------------------------ */

static struct {
	struct kvmstat_alarm alarm[8];
	const struct kvmstat_alarm *all[8];
	size_t count;
	struct kvmstat_change changes[8];
	size_t nchanges;
	int saves, result;
} core;

struct kvmstat_diagnosis *kvmstat_diagnosis_new(const struct kvmstat_diagnosis_config *config)
{
	(void)config;
	return malloc(1);
}

void kvmstat_diagnosis_free(struct kvmstat_diagnosis *diagnosis)
{
	free(diagnosis);
}

int kvmstat_diagnose(struct kvmstat_diagnosis *diagnosis, const struct kvmstat_sample *sample,
		     const struct kvmstat_rates *rates, const struct kvmstat_change **changes, size_t *nchanges)
{
	(void)diagnosis, (void)sample, (void)rates;
	*changes = core.changes;
	*nchanges = core.nchanges;
	return core.result;
}

const struct kvmstat_alarm *const *kvmstat_diagnosis_alarms(const struct kvmstat_diagnosis *diagnosis, size_t *count)
{
	(void)diagnosis;
	*count = core.count;
	return core.all;
}

uint64_t kvmstat_diagnosis_row_alarm(const struct kvmstat_diagnosis *diagnosis, uint32_t row)
{
	(void)diagnosis;
	return row == 1 ? 3 : 0;
}

double kvmstat_diagnosis_row_learnt(const struct kvmstat_diagnosis *diagnosis, uint32_t row)
{
	(void)diagnosis;
	return row == 1 ? 2.5 : NAN;
}

double kvmstat_diagnosis_row_usual(const struct kvmstat_diagnosis *diagnosis, uint32_t row, uint32_t number)
{
	(void)diagnosis;
	return row == 1 && number == D44 ? 61 : NAN;
}

int kvmstat_diagnosis_save(const struct kvmstat_diagnosis *diagnosis, const char *dir)
{
	(void)diagnosis, (void)dir;
	core.saves++;
	return 0;
}

int kvmstat_diagnosis_load(struct kvmstat_diagnosis *diagnosis, const char *dir, char *error, size_t size)
{
	(void)diagnosis, (void)dir, (void)error, (void)size;
	return 0;
}

int kvmstat_diagnosis_load_good(struct kvmstat_diagnosis *diagnosis, const char *dir, char *error, size_t size)
{
	(void)diagnosis, (void)dir, (void)error, (void)size;
	return 0;
}

int kvmstat_diagnosis_write(const struct kvmstat_diagnosis *diagnosis, char **text, size_t *size)
{
	(void)diagnosis;
	*text = strdup("");
	*size = 0;
	return 0;
}

int kvmstat_diagnosis_read(struct kvmstat_diagnosis *diagnosis, const char *text, size_t size, char *error, size_t error_size)
{
	(void)diagnosis, (void)text, (void)size, (void)error, (void)error_size;
	return 0;
}

static struct kvmstat_alarm *raise(uint64_t number, const char *guest, unsigned int cause)
{
	struct kvmstat_alarm *alarm = &core.alarm[core.count];

	*alarm = (struct kvmstat_alarm){ .number = number, .guest = guest, .key = *guest ? guest : "",
					 .cause = kvmstat_cause(cause), .event = kvmstat_judged(D44), .rate = 2400,
					 .usual = 61, .since_ns = S, .nevents = 1, .text = "what happens" };
	core.all[core.count++] = alarm;
	return alarm;
}

static void change(enum kvmstat_change_kind kind, struct kvmstat_alarm *alarm)
{
	core.changes[core.nchanges++] = (struct kvmstat_change){ kind, alarm, 0 };
}

static void clear(struct kvmstat_alarm *alarm)
{
	alarm->cleared_ns = 2 * S;
	strcpy(alarm->text, "it is over");
	change(KVMSTAT_CLEARED, alarm);
}

/* ---- the subagent ------------------------------------------------------- */

struct world {
	struct master master;
	struct settings settings;
	struct diagnosis *diagnosis;
	struct fake *fake;
	struct kvmstat_event event;
	struct view *view;		/* of the last pass */
};

static int setup(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	memset(&core, 0, sizeof(core));
	master_init(&world->master);
	world->settings.diagnosis = (struct kvmstat_diagnosis_options){ .diagnose = true, .notify = true };
	world->settings.state_dir = "/nowhere";
	world->event = (struct kvmstat_event){ .name = "instruction_diagnose_44", .text = "", .number = D44,
					       .class = KVMSTAT_CUMULATIVE };
	world->fake = fake_new(2, 1, 1);
	world->fake->columns[0] = (struct kvmstat_column){ .event = &world->event, .cells = 1, .reason = "" };
	*state = world;
	return diagnosis_begin(&world->diagnosis, &world->settings, world->master.outbox);
}

static int teardown(void **state)
{
	struct world *world = *state;

	diagnosis_free(world->diagnosis);
	master_exit(&world->master);
	fake_free(world->fake);
	free(world);
	return 0;
}

/* One pass over two guests, g0 and g1 with the indices 5 and 6. Changes are those that were set since the last one. */
static void pass(struct world *world)
{
	static const bool every[] = { true };
	static const uint32_t index[] = { 5, 6 };
	struct assignment assignment = { index, every, 1 };

	world->fake->sample.time_ns += 10 * S;
	world->fake->sample.realtime_ns = world->fake->sample.time_ns;
	fake_key(world->fake, 0, "g0", "");
	fake_key(world->fake, 1, "g1", "");
	assert_int_equal(views_build(world->master.views, &world->fake->sample, &assignment, &world->view), 0);
	diagnosis_judge(world->diagnosis, world->view);
	assert_int_equal(views_show(world->master.views, world->view), 0);
	diagnosis_report(world->diagnosis, world->view);
	core.nchanges = 0;
}

/* The next notification is this one. */
static const struct notification *expect_sent(struct world *world, unsigned int kind, uint32_t number, unsigned int cause)
{
	static struct notification copy;
	const struct notification *sent = outbox_take(world->master.outbox);

	assert_non_null(sent);
	assert_int_equal(sent->kind, kind);
	assert_int_equal(sent->alarm.number, number);
	assert_int_equal(sent->alarm.cause->number, cause);
	copy = *sent;
	outbox_sent(world->master.outbox);
	return &copy;
}

static void expect_none(struct world *world)
{
	assert_null(outbox_take(world->master.outbox));
}

/* ---- the diagnosis ------------------------------------------------------ */

static void test_begin_and_end(void **state)
{
	struct world *world = *state;
	struct kvmstat_alarm *alarm;

	pass(world);
	expect_none(world);
	assert_int_equal(core.saves, 0);
	alarm = raise(3, "g1", KVMSTAT_CAUSE_OVERCOMMIT);
	change(KVMSTAT_RAISED, alarm);
	pass(world);
	assert_int_equal(core.saves, 1);
	assert_int_equal(world->view->alarms.count, 1);
	assert_int_equal(world->view->alarms.all[0].guest, 6);
	assert_int_equal(world->view->alarms.active, 1);
	assert_int_equal(world->view->alarms.raised, 1);
	assert_int_equal(world->view->alarms.changed_ns, world->fake->sample.time_ns);
	assert_int_equal(world->view->guests[1].alarm, 3);
	assert_true(world->view->guests[1].learnt == 2.5f);
	assert_true(view_usual(world->view, (struct view_place){ 1, 0 }) == 61);
	assert_true(isnan(view_usual(world->view, (struct view_place){ 0, 0 })));
	expect_sent(world, 1, 3, KVMSTAT_CAUSE_OVERCOMMIT);
	pass(world);
	expect_none(world);
	assert_int_equal(world->view->alarms.changed_ns, world->fake->sample.time_ns - 10 * S);
	clear(alarm);
	pass(world);
	assert_string_equal(expect_sent(world, 2, 3, KVMSTAT_CAUSE_OVERCOMMIT)->alarm.text, "it is over");
	expect_none(world);
	assert_int_equal(world->view->alarms.active, 0);
	assert_int_equal(world->view->alarms.raised, 1);
	assert_int_equal(world->view->alarms.count, 1);
	core.count = 0;
	pass(world);
	assert_int_equal(world->view->alarms.count, 0);
}

static void test_of_the_host(void **state)
{
	struct world *world = *state;
	struct kvmstat_alarm *alarm;

	pass(world);
	alarm = raise(1, "", KVMSTAT_CAUSE_CPU_STARVED);
	change(KVMSTAT_RAISED, alarm);
	pass(world);
	expect_sent(world, 3, 1, KVMSTAT_CAUSE_CPU_STARVED);
	clear(alarm);
	pass(world);
	expect_sent(world, 4, 1, KVMSTAT_CAUSE_CPU_STARVED);
	expect_none(world);
}

/* A manager pairs by cause: what was told ends, and what is known now begins. */
static void test_better_cause(void **state)
{
	struct world *world = *state;
	struct kvmstat_alarm *alarm;

	pass(world);
	alarm = raise(1, "g0", KVMSTAT_CAUSE_UNKNOWN);
	alarm->event = kvmstat_judged(KVMSTAT_NUMBER_CPU);
	change(KVMSTAT_RAISED, alarm);
	pass(world);
	assert_string_equal(expect_sent(world, 1, 1, KVMSTAT_CAUSE_UNKNOWN)->alarm.event->name, "cpu_ns");
	alarm->cause = kvmstat_cause(KVMSTAT_CAUSE_OVERCOMMIT);
	alarm->event = kvmstat_judged(D44);
	change(KVMSTAT_UPDATED, alarm);
	pass(world);
	assert_string_equal(expect_sent(world, 2, 1, KVMSTAT_CAUSE_UNKNOWN)->alarm.event->name, "cpu_ns");
	assert_string_equal(expect_sent(world, 1, 1, KVMSTAT_CAUSE_OVERCOMMIT)->alarm.event->name, "instruction_diagnose_44");
	clear(alarm);
	pass(world);
	assert_string_equal(expect_sent(world, 2, 1, KVMSTAT_CAUSE_OVERCOMMIT)->alarm.event->name, "instruction_diagnose_44");
	expect_none(world);
}

/* It is in the table, but nobody was told: its end is that of what was told. */
static void test_better_cause_held_back(void **state)
{
	struct world *world = *state;
	struct kvmstat_alarm *alarm;

	pass(world);
	alarm = raise(1, "g0", KVMSTAT_CAUSE_UNKNOWN);
	change(KVMSTAT_RAISED, alarm);
	pass(world);
	expect_sent(world, 1, 1, KVMSTAT_CAUSE_UNKNOWN);
	alarm->cause = kvmstat_cause(KVMSTAT_CAUSE_IO);
	core.changes[core.nchanges++] = (struct kvmstat_change){ KVMSTAT_SUPPRESSED, NULL, 7 };
	pass(world);
	expect_none(world);
	assert_int_equal(world->view->alarms.all[0].cause->number, KVMSTAT_CAUSE_IO);
	assert_int_equal(world->view->alarms.suppressed, 7);
	clear(alarm);
	pass(world);
	expect_sent(world, 2, 1, KVMSTAT_CAUSE_UNKNOWN);
}

static void test_over_before_it_was_sent(void **state)
{
	struct world *world = *state;
	struct kvmstat_alarm *alarm;

	pass(world);
	alarm = raise(1, "g0", KVMSTAT_CAUSE_IO);
	change(KVMSTAT_RAISED, alarm);
	pass(world);
	clear(alarm);
	pass(world);
	expect_none(world);
	pass(world);
	assert_int_equal(world->view->alarms.suppressed, 1);
	assert_int_equal(world->view->alarms.raised, 1);
}

/* Of what was raised before, the begin was sent then. The end is sent once. */
static void test_restart(void **state)
{
	struct world *world = *state;
	struct kvmstat_alarm *known = raise(3, "g1", KVMSTAT_CAUSE_IO), *held_back = raise(4, "g0", KVMSTAT_CAUSE_IO);

	known->known = true;
	pass(world);
	expect_none(world);
	assert_int_equal(world->view->alarms.raised, 0);
	assert_int_equal(world->view->alarms.active, 2);
	clear(known);
	held_back->cleared_ns = S;
	pass(world);
	expect_sent(world, 2, 3, KVMSTAT_CAUSE_IO);
	pass(world);
	expect_none(world);
}

static void test_reload(void **state)
{
	struct world *world = *state;
	struct kvmstat_alarm *alarm;
	struct diagnosis *next;

	pass(world);
	alarm = raise(3, "g1", KVMSTAT_CAUSE_IO);
	change(KVMSTAT_RAISED, alarm);
	pass(world);
	expect_sent(world, 1, 3, KVMSTAT_CAUSE_IO);
	alarm->known = true;
	assert_int_equal(diagnosis_continue(&next, world->diagnosis, &world->settings, world->master.outbox), 0);
	assert_int_equal(core.saves, 2);
	diagnosis_free(world->diagnosis);
	world->diagnosis = next;
	pass(world);
	assert_int_equal(world->view->alarms.raised, 1);
	clear(alarm);
	pass(world);
	expect_sent(world, 2, 3, KVMSTAT_CAUSE_IO);
	expect_none(world);
}

static void test_not_notified(void **state)
{
	struct world *world = *state;

	diagnosis_free(world->diagnosis);
	world->settings.diagnosis.notify = false;
	assert_int_equal(diagnosis_begin(&world->diagnosis, &world->settings, world->master.outbox), 0);
	pass(world);
	change(KVMSTAT_RAISED, raise(1, "g0", KVMSTAT_CAUSE_IO));
	pass(world);
	expect_none(world);
	assert_int_equal(world->view->alarms.count, 1);
	assert_false(world->view->alarms.notify);
}

static void test_not_judged(void **state)
{
	struct world *world = *state;

	diagnosis_free(world->diagnosis);
	world->settings.diagnosis.diagnose = false;
	assert_int_equal(diagnosis_begin(&world->diagnosis, &world->settings, world->master.outbox), 0);
	assert_null(world->diagnosis);
	pass(world);
	assert_false(world->view->alarms.judged);
	assert_int_equal(world->view->guests[1].alarm, 0);
	assert_true(isnan(world->view->guests[1].learnt));
}

/* ---- the outbox --------------------------------------------------------- */

static struct view_alarm row(uint32_t number, bool over)
{
	return (struct view_alarm){ .number = number, .guest = 6, .name = "g1", .key = "name:g1", .rate = 2400, .usual = 61,
				    .cause = kvmstat_cause(KVMSTAT_CAUSE_OVERCOMMIT), .event = kvmstat_judged(D44), .since_ns = S,
				    .cleared_ns = over ? 2 * S : 0, .nevents = 1, .text = "text" };
}

static void add(struct world *world, uint32_t number, bool over, int result)
{
	struct view_alarm alarm = row(number, over);

	assert_int_equal(outbox_add(world->master.outbox, &alarm), result);
}

static void test_outbox(void **state)
{
	struct world *world = *state;

	add(world, 1, false, 0);
	add(world, 2, false, 0);
	add(world, 3, false, 0);
	add(world, 3, true, 1);		/* the last one, so the next goes behind 2 */
	add(world, 2, true, 1);
	add(world, 4, false, 0);
	add(world, 5, true, 0);
	expect_sent(world, 1, 1, 3);
	add(world, 1, true, 0);
	expect_sent(world, 1, 4, 3);
	expect_sent(world, 2, 5, 3);
	expect_sent(world, 2, 1, 3);
	expect_none(world);
}

/* What may have been seen is not taken back, and nothing is tried for ever. */
static void test_outbox_tries(void **state)
{
	struct world *world = *state;
	struct outbox *outbox = world->master.outbox;

	add(world, 1, false, 0);
	outbox_take(outbox);
	add(world, 1, true, 0);
	outbox_give_back(outbox);
	outbox_give_back(outbox);
	assert_int_equal(outbox_take(outbox)->kind, 1);
	outbox_give_back(outbox);
	assert_int_equal(outbox_take(outbox)->kind, 1);
	outbox_give_back(outbox);
	expect_sent(world, 2, 1, 3);
	expect_none(world);
}

/* ---- the session -------------------------------------------------------- */

static void make_ready(struct master *master)
{
	master_begin(master);
	master_reply(master, expect(master, AGENTX_OPEN), ID, 0);
	for (size_t i = 0; i < ntables; i++)
		master_reply(master, expect(master, AGENTX_REGISTER), ID, 0);
	master_reply(master, expect(master, AGENTX_ADD_CAPS), ID, 0);
	assert_int_equal(master->session.state, SESSION_READY);
}

/* An OID below the root, or another one. */
static void expect_oid(struct agentx_in *in, const struct oid *root, const uint32_t *suffix, uint32_t len)
{
	struct oid oid;
	bool include;

	agentx_take_oid(in, &oid, &include);
	assert_int_equal(oid.len, root->len + len);
	assert_true(oid_is_below(&oid, root));
	assert_memory_equal(oid.subid + root->len, suffix, len * sizeof(*suffix));
}

static void expect_variable(struct agentx_in *in, const struct oid *root, uint32_t column, uint32_t number, uint16_t type)
{
	assert_int_equal(agentx_take16(in), type);
	agentx_take16(in);
	expect_oid(in, root, (const uint32_t[]){ 1, 15, 1, column, number }, 5);
}

static void expect_octets(struct agentx_in *in, const char *text)
{
	uint32_t len = agentx_take32(in);

	assert_int_equal(len, strlen(text));
	assert_memory_equal(in->bytes, text, len);
	while (len % 4)
		len++;
	in->bytes += len;
	in->left -= len;
}

/* All that a Notify has, byte for byte. */
static void expect_notify(struct master *master, uint32_t kind, uint32_t number)
{
	static const struct oid trap_oid = { 11, { 1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0 } };
	struct received *received;
	const struct oid *root = &master->tree.root;
	struct agentx_in in;

	session_turn(&master->session, 0, master->now_ms);	/* as agent_wake() does */
	received = expect(master, AGENTX_NOTIFY);
	assert_int_equal(received->header.session, ID);
	agentx_in(&in, &received->header, received->payload);
	assert_int_equal(agentx_take16(&in), TYPE_OID);
	agentx_take16(&in);
	expect_oid(&in, &trap_oid, NULL, 0);
	expect_oid(&in, root, (const uint32_t[]){ 0, kind }, 2);
	expect_variable(&in, root, 3, number, TYPE_STRING);
	expect_octets(&in, "g1");
	expect_variable(&in, root, 4, number, TYPE_STRING);
	expect_octets(&in, "name:g1");
	expect_variable(&in, root, 5, number, TYPE_INTEGER);
	assert_int_equal(agentx_take32(&in), 3);
	expect_variable(&in, root, 6, number, TYPE_INTEGER);
	assert_int_equal(agentx_take32(&in), kind == 1 ? 4 : 1);
	expect_variable(&in, root, 9, number, TYPE_STRING);
	expect_octets(&in, "instruction_diagnose_44");
	expect_variable(&in, root, 10, number, TYPE_STRING);
	expect_octets(&in, "exit_instruction");
	expect_variable(&in, root, 11, number, TYPE_GAUGE);
	assert_int_equal(agentx_take32(&in), 2400);
	expect_variable(&in, root, 12, number, TYPE_GAUGE);
	assert_int_equal(agentx_take32(&in), 61);
	expect_variable(&in, root, 16, number, TYPE_STRING);
	expect_octets(&in, "text");
	assert_int_equal(in.left, 0);
	assert_false(in.wrong);
}

static void reply(struct master *master, uint16_t error)
{
	struct received received = { .header.packet = master->session.packet };

	master_reply(master, &received, ID, error);
}

static void test_notify(void **state)
{
	struct world *world = *state;
	struct master *master = &world->master;

	add(world, 8, false, 0);
	add(world, 9, true, 0);
	make_ready(master);
	expect_notify(master, 1, 8);
	expect_nothing(master);		/* until the reply */
	reply(master, 0);
	expect_notify(master, 2, 9);
	reply(master, 0);
	expect_nothing(master);
	master_wait(master, PING_MS);
	master_reply(master, expect(master, AGENTX_PING), ID, 0);
	add(world, 10, false, 0);
	expect_notify(master, 1, 10);
}

/* Never more than one at once is on its way, however many there are; requests are answered meanwhile. */
static void test_burst(void **state)
{
	struct world *world = *state;
	struct master *master = &world->master;
	struct oid name = master->tree.at[0];

	name.subid[name.len++] = 2;
	name.subid[name.len++] = 0;
	make_ready(master);
	for (uint32_t i = 1; i <= MANY; i++)
		add(world, i, false, 0);
	for (uint32_t i = 1; i <= MANY; i++) {
		expect_notify(master, 1, i);
		master_pdu(master, AGENTX_GET, 0, ID, i, i);
		master_put_oid(master, &name, false);
		master_put_oid(master, &(struct oid){ 0 }, false);
		master_send(master);
		expect(master, AGENTX_RESPONSE);
		expect_nothing(master);
		reply(master, 0);
	}
	expect_nothing(master);
}

/* Whether a session that was lost has taken it nobody knows: it is sent again, but not for ever. */
static void test_lost_session(void **state)
{
	struct world *world = *state;
	struct master *master = &world->master;

	add(world, 8, false, 0);
	add(world, 9, false, 0);
	for (int i = 0; i < NOTIFICATION_TRIES; i++) {
		make_ready(master);
		expect_notify(master, 1, 8);
	}
	make_ready(master);
	expect_notify(master, 1, 9);
	reply(master, AGENTX_NOT_OPEN);
	assert_int_equal(master->session.state, SESSION_ENDED);
	make_ready(master);
	expect_notify(master, 1, 9);
	master_wait(master, PING_MS);	/* no reply */
	assert_int_equal(master->session.state, SESSION_ENDED);
	assert_int_equal(master->session.end, SESSION_SILENT);
	make_ready(master);
	expect_notify(master, 1, 9);
	reply(master, AGENTX_PROCESSING_ERROR);
	expect_nothing(master);
}

/* A table that is refused does not keep notifications back. */
static void test_while_a_table_is_refused(void **state)
{
	struct world *world = *state;
	struct master *master = &world->master;

	add(world, 8, false, 0);
	master_begin(master);
	master_reply(master, expect(master, AGENTX_OPEN), ID, 0);
	for (size_t i = 0; i < ntables; i++)
		master_reply(master, expect(master, AGENTX_REGISTER), ID, i ? 0 : AGENTX_DUPLICATE);
	expect_notify(master, 1, 8);
	reply(master, 0);
	expect_nothing(master);
	master_wait(master, PING_MS);
	master_reply(master, expect(master, AGENTX_REGISTER), ID, 0);
	master_reply(master, expect(master, AGENTX_ADD_CAPS), ID, 0);
	assert_int_equal(master->session.state, SESSION_READY);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_begin_and_end),
		TEST(test_of_the_host),
		TEST(test_better_cause),
		TEST(test_better_cause_held_back),
		TEST(test_over_before_it_was_sent),
		TEST(test_restart),
		TEST(test_reload),
		TEST(test_not_notified),
		TEST(test_not_judged),
		TEST(test_outbox),
		TEST(test_outbox_tries),
		TEST(test_notify),
		TEST(test_burst),
		TEST(test_lost_session),
		TEST(test_while_a_table_is_refused),
	};

	return cmocka_run_group_tests_name("alarms", tests, NULL, NULL);
}
