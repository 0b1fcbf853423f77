/* SPDX-License-Identifier: MIT */
/*
 * The tables over SNMP. The input makes a sample (guests, events, which cells there are), then asks for OIDs: what
 * GETNEXT gives comes after what was asked for, GET gives the same value, and nothing lies between the two.
 */
#include <stdbool.h>
#include <time.h>

#include "fake.h"
#include "fuzz.h"
#include "handler.h"

enum { ROOT_LEN = 4, MAX_GUESTS = 6, MAX_EVENTS = 6, MAX_ASKED = 40, STEPS = 300 };

static const struct oid root = {ROOT_LEN, {1, 3, 99, 4294967295}};
static struct tree tree;
static const bool every[MAX_EVENTS] = {true, true, true, true, true, true};

struct input {
	const uint8_t *data;
	size_t size;
};

static uint8_t byte(struct input *input)
{
	if (!input->size)
		return 0;
	input->size--;
	return *input->data++;
}

/* Small ones, those around the limits, and any. */
static uint32_t number(struct input *input)
{
	static const uint32_t special[] = {0, 1, 2147483646, 2147483647, 2147483648, 4294967294, 4294967295, 128};
	uint8_t first = byte(input);
	uint32_t any = first;

	if (first < 0xd0)
		return first;
	if (first < 0xe0)
		return special[first & 7];
	for (int i = 0; i < 3; i++)
		any = any << 8 | byte(input);
	return any;
}

/* ---- the sample ---- */

struct world {
	struct views *views;
	struct reader reader;
	struct fake *fake;
	struct kvmstat_event events[MAX_EVENTS];
	uint32_t index[MAX_GUESTS], nguests, nevents;
};

static uint64_t boottime(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* As the map of indices gives them: each only once, 1 to 2^31 - 1. */
static uint32_t fresh(const uint32_t *taken, uint32_t count, uint32_t wanted)
{
	wanted = wanted % 2147483647 + 1;
	for (uint32_t i = 0; i < count; i++)
		if (taken[i] == wanted)
			return fresh(taken, count, wanted);
	return wanted;
}

static int ascending(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* A sample has them in the order of their numbers. */
static void make_events(struct world *world, struct input *input)
{
	uint32_t numbers[MAX_EVENTS];

	for (uint32_t i = 0; i < world->nevents; i++)
		numbers[i] = fresh(numbers, i, number(input));
	qsort(numbers, world->nevents, sizeof(*numbers), ascending);
	for (uint32_t i = 0; i < world->nevents; i++) {
		uint8_t kind = byte(input);

		world->events[i] = (struct kvmstat_event){
			.name = "e",
			.text = "",
			.number = numbers[i],
			.class = kind % KVMSTAT_NCLASSES,
			.category = (kind >> 3) % KVMSTAT_NCATEGORIES,
			.adds_to = 1u << (kind >> 3) % KVMSTAT_NCATEGORIES,
		};
		world->fake->columns[i] =
			(struct kvmstat_column){.event = &world->events[i], .first_cell = i, .cells = 1, .reason = ""};
	}
}

static void make_world(struct world *world, struct input *input)
{
	world->nguests = byte(input) % (MAX_GUESTS + 1);
	world->nevents = byte(input) % (MAX_EVENTS + 1);
	world->fake = fake_new(world->nguests, world->nevents, MAX_EVENTS);
	world->fake->sample.time_ns = boottime();
	make_events(world, input);
	for (uint32_t row = 0; row < world->nguests; row++) {
		uint8_t cells = byte(input);

		/* One that has none yet is left out. */
		world->index[row] = cells & 128 ? 0 : fresh(world->index, row, number(input));
		world->fake->rows[row].vcpu_count = cells & 1;
		world->fake->rows[row].has_cpu = cells & 2;
		for (uint32_t i = 0; i < world->nevents; i++)
			if (cells >> i & 1)
				fake_set(world->fake, row, i, (uint64_t)number(input) << (cells >> 2 & 31));
	}
	world->views = views_new();
	reader_init(&world->reader, world->views, 10);
}

static void publish(struct world *world)
{
	struct assignment assignment = {world->index, every, 1};

	/* Twice, so that there are rates. */
	must(views_publish(world->views, &world->fake->sample, &assignment) == 0);
	world->fake->sample.number++;
	must(views_publish(world->views, &world->fake->sample, &assignment) == 0);
}

static void free_world(struct world *world)
{
	reader_exit(&world->reader);
	views_free(world->views);
	must(world->fake->refs == 0);
	fake_free(world->fake);
}

/* ---- requests ---- */

static const struct oid *oid_of(const struct table *table)
{
	size_t i = 0;

	while (tables[i] != table)
		i++;
	return &tree.at[i];
}

/* False if there is nothing; *name becomes that of what was found, *value a text. */
static bool ask(struct world *world, const struct table *table, bool next, struct oid *name, char *value, size_t size)
{
	static struct value found;
	enum oid_type type;
	struct ask ask;

	handler_ask(&ask, &world->reader, 0);
	if (next && !handler_next(table, oid_of(table), &ask, name, &type, &found))
		return false;
	if (!next)
		type = handler_get(table, oid_of(table), &ask, name, &found);
	must(name->len <= OID_MAX);
	if (type == NO_SUCH_OBJECT || type == NO_SUCH_INSTANCE)
		return false;
	memset(value, 0, size);
	value[0] = (char)type;
	if (type == TYPE_STRING) {
		must(found.len < size);
		memcpy(value + 1, found.data, found.len);
	} else {
		memcpy(value + 1, &found.number, sizeof(found.number));
	}
	return true;
}

/* What changes while one looks: the sample's age. */
static bool changes(const struct table *table, const struct oid *name)
{
	return table->group == 1 && name->subid[name->len - 2] == 5;
}

/* GETNEXT of anything: strictly after it, and there for GET with the same value. */
static bool check_next(struct world *world, const struct table *table, struct oid *name)
{
	char next_value[VALUE_MAX + 8], value[VALUE_MAX + 8];
	struct oid next = *name, same;

	if (!ask(world, table, true, &next, next_value, sizeof(next_value))) {
		must(oid_compare(&next, name) == 0);
		return false;
	}
	must(oid_compare(&next, name) > 0);
	same = next;
	must(ask(world, table, false, &same, value, sizeof(value)) && oid_compare(&same, &next) == 0);
	must(changes(table, &next) || memcmp(value, next_value, sizeof(value)) == 0);
	*name = next;
	return true;
}

/* If it is there, then the next of what comes before it is not beyond it. */
static void check_there(struct world *world, const struct table *table, const struct oid *name)
{
	struct oid found = *name, before = *name;
	char value[VALUE_MAX + 8];

	if (!ask(world, table, false, &found, value, sizeof(value)))
		return;
	if (before.subid[before.len - 1]-- == 0)
		before.len--;
	must(check_next(world, table, &before));
	must(oid_compare(&before, name) <= 0);
}

static void walk(struct world *world, const struct table *table)
{
	struct oid name;
	int steps = 0;

	name = *oid_of(table);
	while (check_next(world, table, &name))
		must(++steps < STEPS);
}

static void ask_any(struct world *world, struct input *input)
{
	uint8_t what = byte(input);
	const struct table *table = tables[(what & 15) % ntables];
	struct oid name, next;

	name = *oid_of(table);
	if (what & 64)
		name.subid[(what >> 4) % name.len] = number(input);
	for (int i = what >> 4 & 3; i >= 0; i--)
		name.subid[name.len++] = number(input);
	if (!(what & 64))
		check_there(world, table, &name);
	next = name;
	check_next(world, table, &next);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {data, size};
	struct world world = {.nguests = 0};
	bool empty = byte(&input) == 0xff;

	handler_tree(&tree, &root);
	make_world(&world, &input);
	if (!empty)
		publish(&world);
	for (size_t i = 0; i < ntables; i++)
		walk(&world, tables[i]);
	for (int i = 0; i < MAX_ASKED && input.size; i++)
		ask_any(&world, &input);
	free_world(&world);
	return 0;
}
