// SPDX-License-Identifier: MIT
/* chosen.c - how often guests, or vCPUs, have one event or those that the filter selects */
#include <math.h>
#include <stdlib.h>

#include "screen/screen.h"
#include "since.h"
#include "state/state.h"

enum column {
	COLUMN_ID,
	COLUMN_GUEST,
	COLUMN_VCPUS,
	COLUMN_VCPU,		/* what is said of a guest stands where it is said of a vCPU */
	COLUMN_CPU = COLUMN_VCPU + VCPU_CPU,
	COLUMN_WAIT = COLUMN_VCPU + VCPU_WAIT,
	COLUMN_VALUE = COLUMN_VCPU + VCPU_CELLS,
	COLUMN_RATE,
	COLUMN_PERCENT,
	COLUMN_ALARM,
	NCOLUMNS,
};

const struct order chosen_guests_order = {
	.id = COLUMN_ID,
	.parent = NOWHERE,
	.group = NOWHERE,
	.name = COLUMN_GUEST,
	.rate = COLUMN_RATE,
	.total = COLUMN_VALUE,
	.alarm = COLUMN_ALARM,
};

const struct order chosen_vcpus_order = {
	.id = COLUMN_VCPU,
	.parent = NOWHERE,
	.group = NOWHERE,
	.name = COLUMN_VCPU + VCPU_STATE,
	.rate = COLUMN_RATE,
	.total = COLUMN_VALUE,
	.alarm = NOWHERE,
};

static const struct heading guest_headings[NCOLUMNS] = {
	[COLUMN_GUEST] = { .key = "guest", .title = "GUEST", .left = true, .wraps = true },
	[COLUMN_VCPUS] = { .key = "vcpus", .title = "VCPU" },
	[COLUMN_CPU] = { .key = "cpu_percent", .title = "%CPU" },
	[COLUMN_WAIT] = { .key = "wait_percent", .title = "%WAIT" },
	[COLUMN_VALUE] = { .key = "value", .title = "TOTAL" },
	[COLUMN_RATE] = { .key = "rate", .title = "PER SECOND" },
	[COLUMN_PERCENT] = { .key = "percent", .title = "%" },
	[COLUMN_ALARM] = { .key = "alarm", .title = "ALARM", .left = true },
};

static const struct heading vcpu_headings[NCOLUMNS] = {
	[COLUMN_GUEST] = { .key = "guest" },
	VCPU_HEADINGS(COLUMN_VCPU),
	[COLUMN_VALUE] = { .key = "value", .title = "TOTAL" },
	[COLUMN_RATE] = { .key = "rate", .title = "PER SECOND" },
	[COLUMN_PERCENT] = { .key = "percent", .title = "%" },
};

struct sum {
	bool known;
	uint64_t value;
	double rate;		/* NaN: there is none */
};

static void add_rate(double *sum, double rate)
{
	if (!isnan(rate))
		*sum = isnan(*sum) ? rate : *sum + rate;
}

static void add_event(struct sum *sum, const struct watch *watch, uint32_t row, const struct kvmstat_column *column)
{
	for (uint32_t i = 0; i < column->cells; i++) {
		uint64_t value;

		add_rate(&sum->rate, kvmstat_rate(watch->rates, row, column->first_cell + i));
		if (!since_value(watch, row, column, i, &value))
			continue;
		sum->known = true;
		sum->value += value;
	}
}

static bool is_chosen(const struct screen *screen, const struct kvmstat_event *event)
{
	return event->class == KVMSTAT_CUMULATIVE && event->unit == KVMSTAT_COUNT && filter_matches(&screen->filter, event->name);
}

/* An event that is part of another chosen one is counted there. */
static bool counts(const struct screen *screen, const struct kvmstat_event *event)
{
	if (!is_chosen(screen, event))
		return false;
	for (const struct kvmstat_event *more = event->parent; more; more = more->parent)
		if (is_chosen(screen, more) && kvmstat_sample_column(screen->watch->now, more->number))
			return false;
	return true;
}

static struct sum add_up(const struct screen *screen, uint32_t row, uint32_t number)
{
	const struct kvmstat_sample *now = screen->watch->now;
	struct sum sum = { .rate = NAN };

	for (uint32_t i = 0; i < now->ncolumns; i++) {
		const struct kvmstat_event *event = now->columns[i].event;

		if (number ? event->number == number : counts(screen, event))
			add_event(&sum, screen->watch, row, &now->columns[i]);
	}
	return sum;
}

static void fill_sum(struct cell *cells, const struct sum *sum, double whole)
{
	cells[COLUMN_VALUE] = sum->known ? cell_count(sum->value) : cell_none();
	cells[COLUMN_RATE] = cell_number(sum->rate);
	cells[COLUMN_PERCENT] = cell_number(whole > 0 ? 100 * sum->rate / whole : NAN);
}

static void fill_guest(struct cell *cells, const struct screen *screen, uint32_t i)
{
	const struct kvmstat_row *row = &screen->watch->now->rows[i];
	const char *alarm = mark_of(screen->marks, row->guest->id);

	cells[COLUMN_ID] = cell_count(row->guest->id);
	cells[COLUMN_GUEST] = cell_string(row->guest->name);
	cells[COLUMN_VCPUS] = row->vcpu_count ? cell_count(row->vcpu_count) : cell_none();
	cells[COLUMN_CPU] = cell_number(kvmstat_rate_cpu(screen->watch->rates, i) / 1e7);
	cells[COLUMN_WAIT] = cell_number(kvmstat_rate_wait(screen->watch->rates, i) / 1e7);
	cells[COLUMN_ALARM] = alarm ? cell_string(alarm) : cell_none();
}

void chosen_guests_table(struct table *table, const struct screen *screen, const struct level *level)
{
	uint32_t count = screen->watch->now->nrows;
	struct sum *sums = get_memory(count, sizeof(*sums));
	struct cell cells[NCOLUMNS] = { 0 };
	double whole = NAN;

	table->headings = guest_headings;
	table->ncolumns = screen->options.marked ? NCOLUMNS : COLUMN_ALARM;
	for (uint32_t i = 0; i < count; i++) {
		sums[i] = add_up(screen, i, level->event);
		add_rate(&whole, sums[i].rate);
	}
	for (uint32_t i = 0; i < count; i++) {
		fill_guest(cells, screen, i);
		fill_sum(cells, &sums[i], whole);
		table_add(table, cells);
	}
	free(sums);
}

void chosen_vcpus_table(struct table *table, const struct screen *screen, const struct kvmstat_row *row,
			const struct kvmstat_column *column)
{
	const struct watch *watch = screen->watch;
	uint32_t first = (uint32_t)(row->vcpus - watch->now->vcpus), number = (uint32_t)(row - watch->now->rows);
	struct cell cells[NCOLUMNS] = { 0 };
	double whole = NAN;

	table->headings = vcpu_headings;
	table->ncolumns = COLUMN_ALARM;
	cells[COLUMN_GUEST] = cell_string(row->guest->name);
	for (uint32_t i = 0; i < row->nvcpus; i++)
		add_rate(&whole, kvmstat_rate_of_vcpu(watch->rates, first + i, column->first_cell));
	for (uint32_t i = 0; i < row->nvcpus; i++) {
		struct sum sum = { .rate = kvmstat_rate_of_vcpu(watch->rates, first + i, column->first_cell) };

		sum.known = since_value_of_vcpu(watch, number, &row->vcpus[i], column, &sum.value);
		vcpu_fill(&cells[COLUMN_VCPU], watch, &row->vcpus[i]);
		fill_sum(cells, &sum, whole);
		table_add(table, cells);
	}
}
