// SPDX-License-Identifier: MIT
/*
 * events.c - kvmstat events: every event, of one guest or summed over those that have it
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "report.h"
#include "since.h"
#include "state/state.h"
#include "tables.h"

enum column {
	COLUMN_PARENT_NUMBER,
	COLUMN_UNIT_NUMBER,
	COLUMN_TIME,
	COLUMN_GUEST,
	COLUMN_NAME,
	COLUMN_NUMBER,
	COLUMN_PARENT,
	COLUMN_CLASS,
	COLUMN_UNIT,
	COLUMN_SCOPE,
	COLUMN_CATEGORY,
	COLUMN_VALUE,
	COLUMN_RATE,
	COLUMN_PERCENT,
	COLUMN_UNIT_TEXT,
	COLUMN_GUESTS,
	COLUMN_SOURCE,
	COLUMN_REASON,
	COLUMN_USUAL,		/* of one guest, and only where a front end judges guests */
	NCOLUMNS,
};

const struct order events_order = {
	.id = COLUMN_NUMBER,
	.parent = COLUMN_PARENT_NUMBER,
	.group = COLUMN_UNIT_NUMBER,
	.name = COLUMN_NAME,
	.rate = COLUMN_RATE,
	.total = COLUMN_VALUE,
	.alarm = NOWHERE,
};

static const struct heading headings[NCOLUMNS] = {
	[COLUMN_TIME] = { .key = "time", .csv_only = true },
	[COLUMN_GUEST] = { .key = "guest" },
	[COLUMN_NAME] = { .key = "event", .title = "EVENT", .left = true, .wraps = true },
	[COLUMN_NUMBER] = { .key = "number" },
	[COLUMN_PARENT] = { .key = "parent" },
	[COLUMN_CLASS] = { .key = "class" },
	[COLUMN_UNIT] = { .key = "unit" },
	[COLUMN_SCOPE] = { .key = "scope" },
	[COLUMN_CATEGORY] = { .key = "category" },
	[COLUMN_VALUE] = { .key = "value", .title = "TOTAL" },
	[COLUMN_RATE] = { .key = "rate", .title = "PER SECOND" },
	[COLUMN_PERCENT] = { .key = "percent", .title = "%" },
	[COLUMN_UNIT_TEXT] = { .title = "UNIT", .left = true },
	[COLUMN_GUESTS] = { .key = "guests" },
	[COLUMN_SOURCE] = { .key = "source", .title = "SOURCE", .left = true },
	[COLUMN_REASON] = { .key = "reason" },
	[COLUMN_USUAL] = { .key = "usual", .title = "USUAL" },
};

/* One event, added up over the guests that have it. */
struct item {
	const struct kvmstat_column *column;
	struct item *parent;		/* NULL also if the parent is not collected */
	uint32_t guests;
	uint64_t value;
	double rate;			/* NaN: no guest has one */
	bool shown;
};

struct report {
	const struct options *options;
	struct table *table;
	struct item *items;
	struct item **sorted;
	uint32_t count;
	double exits;			/* per second, all of them */
	const char *guest;
	uint64_t guest_id;
	const struct kvmstat_diagnosis *marks; /* NULL: nothing is known of the guest */
	char *time;
};

static void add_row(struct item *item, const struct watch *watch, uint32_t r)
{
	bool peak = item->column->event->class == KVMSTAT_PEAK, any = false;

	for (uint32_t i = 0; i < item->column->cells; i++) {
		double rate = kvmstat_rate(watch->rates, r, item->column->first_cell + i);
		uint64_t value;

		if (!since_value(watch, r, item->column, i, &value))
			continue;
		any = true;
		if (!peak)
			item->value += value;
		else if (value > item->value)
			item->value = value;
		if (!isnan(rate))
			item->rate = isnan(item->rate) ? rate : item->rate + rate;
	}
	item->guests += any;
}

/* Guests without a rate, such as new ones, add nothing. */
static double exits_per_second(const struct watch *watch, uint32_t row)
{
	struct kvmstat_activity activity[KVMSTAT_NCATEGORIES];

	kvmstat_activity(watch->now, watch->rates, row, activity);
	return activity[KVMSTAT_EXITS].has_rate ? activity[KVMSTAT_EXITS].rate : 0;
}

static struct item *find_item(const struct report *report, const struct kvmstat_event *event)
{
	for (uint32_t i = 0; event && i < report->count; i++)
		if (report->items[i].column->event == event)
			return &report->items[i];
	return NULL;
}

/* The largest first, but counts before ns, and events without a rate last. */
static int by_rate(const void *a, const void *b)
{
	const struct item *x = *(struct item *const *)a, *y = *(struct item *const *)b;
	double p = isnan(x->rate) ? -1 : x->rate, q = isnan(y->rate) ? -1 : y->rate;

	if (x->column->event->unit != y->column->event->unit)
		return x->column->event->unit < y->column->event->unit ? -1 : 1;
	if (p != q)
		return p < q ? 1 : -1;
	if (x->value != y->value)
		return x->value < y->value ? 1 : -1;
	return x->column->event->number < y->column->event->number ? -1 : 1;
}

static void add_up(struct report *report, const struct watch *watch, const struct selection *selection)
{
	const struct kvmstat_sample *sample = watch->now;

	report->count = sample->ncolumns;
	report->items = get_memory(report->count, sizeof(*report->items));
	report->sorted = get_memory(report->count, sizeof(*report->sorted));
	for (uint32_t i = 0; i < report->count; i++) {
		report->items[i].column = &sample->columns[i];
		report->items[i].rate = NAN;
		report->sorted[i] = &report->items[i];
		for (uint32_t r = selection->first; r < selection->end; r++)
			add_row(&report->items[i], watch, r);
	}
	for (uint32_t r = selection->first; r < selection->end; r++)
		report->exits += exits_per_second(watch, r);
	for (uint32_t i = 0; i < report->count; i++)
		report->items[i].parent = find_item(report, sample->columns[i].event->parent);
	qsort(report->sorted, report->count, sizeof(*report->sorted), by_rate);
}

/* Events that are not zero, and their parents. */
static void choose(struct report *report)
{
	for (uint32_t i = 0; i < report->count; i++) {
		struct item *item = &report->items[i];

		if (!item->value && !report->options->all)
			continue;
		for (; item && !item->shown; item = item->parent)
			item->shown = true;
	}
}

/* Share of the parent's rate; for an exit without a parent, share of all exits. */
static double percent(const struct report *report, const struct item *item)
{
	const struct kvmstat_event *event = item->column->event;
	double whole = NAN;

	if (item->parent && item->parent->column->event->unit == event->unit)
		whole = item->parent->rate;
	else if (!item->parent && event->adds_to & (1u << KVMSTAT_EXITS))
		whole = report->exits;
	return whole > 0 ? 100 * item->rate / whole : NAN;
}

static void fill(struct cell *cells, const struct report *report, const struct item *item)
{
	const struct kvmstat_event *event = item->column->event;

	cells[COLUMN_PARENT_NUMBER] = item->parent ? cell_count(item->parent->column->event->number) : cell_none();
	cells[COLUMN_UNIT_NUMBER] = cell_count(event->unit);
	cells[COLUMN_TIME] = cell_string(report->time);
	cells[COLUMN_GUEST] = report->guest ? cell_string(report->guest) : cell_none();
	cells[COLUMN_NAME] = cell_string(event->name);
	cells[COLUMN_NUMBER] = cell_count(event->number);
	cells[COLUMN_PARENT] = event->parent ? cell_string(event->parent->name) : cell_none();
	cells[COLUMN_CLASS] = cell_string(kvmstat_class_name(event->class));
	cells[COLUMN_UNIT] = cell_string(kvmstat_unit_name(event->unit));
	cells[COLUMN_SCOPE] = cell_string(kvmstat_scope_name(event->scope));
	cells[COLUMN_CATEGORY] = cell_string(kvmstat_category_name(event->category));
	cells[COLUMN_VALUE] = item->guests ? cell_count(item->value) : cell_none();
	cells[COLUMN_RATE] = cell_number(item->rate);
	cells[COLUMN_PERCENT] = cell_number(percent(report, item));
	cells[COLUMN_UNIT_TEXT] =
		cell_string(event->unit == KVMSTAT_COUNT ? "" : kvmstat_unit_name(event->unit));
	cells[COLUMN_GUESTS] = cell_count(item->guests);
	cells[COLUMN_SOURCE] = cell_string(kvmstat_source_name(item->column->source));
	cells[COLUMN_REASON] = *item->column->reason ? cell_string(item->column->reason) : cell_none();
	cells[COLUMN_USUAL] =
		report->marks ? cell_number(kvmstat_diagnosis_usual(report->marks, report->guest_id, event->number)) : cell_none();
}

/* The children of an item, or what has no parent, each followed by its own children. */
static void add_children(struct report *report, const struct item *parent, unsigned int depth)
{
	for (uint32_t i = 0; i < report->count; i++) {
		const struct item *item = report->sorted[i];
		struct cell cells[NCOLUMNS];

		if (item->parent != parent || !item->shown)
			continue;
		fill(cells, report, item);
		cells[COLUMN_NAME].indent = 2 * depth;
		table_add(report->table, cells);
		add_children(report, item, depth + 1);
	}
}

void events_table(struct table *table, const struct watch *watch, const struct options *options, const struct selection *rows,
		  const struct kvmstat_diagnosis *marks)
{
	struct report report = { .options = options, .table = table, .marks = marks };

	table->headings = headings;
	table->ncolumns = options->marked ? NCOLUMNS : COLUMN_USUAL;
	if (options->guest && rows->first < rows->end) {
		report.guest = watch->now->rows[rows->first].guest->name;
		report.guest_id = watch->now->rows[rows->first].guest->id;
	}
	report.time = table_keep(table, REPORT_TIME_SIZE);
	report_time(watch, report.time);
	add_up(&report, watch, rows);
	choose(&report);
	add_children(&report, NULL, 0);
	free(report.sorted);
	free(report.items);
}

static int report_events(const struct watch *watch, const struct options *options)
{
	struct kvmstat_diagnosis *marks = options->marked ? marks_of(watch, options) : NULL;
	struct table table = { .headings = NULL };
	struct selection selection;
	int status;

	status = select_guest(&selection, watch, options->guest);
	if (!status) {
		events_table(&table, watch, options, &selection, marks);
		report_print(watch, options, &table, "events");
	}
	table_free(&table);
	kvmstat_diagnosis_free(marks);
	return status;
}

int events_command(const struct options *options)
{
	struct options marked = *options;

	marked.marked = options->guest && marks_exist(options);
	return watch_all(&marked, report_events);
}
