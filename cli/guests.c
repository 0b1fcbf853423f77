// SPDX-License-Identifier: MIT
/*
 * guests.c - kvmstat guests: one row a guest
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "report.h"
#include "since.h"
#include "state/state.h"
#include "tables.h"

enum column {
	COLUMN_ID,
	COLUMN_TIME,
	COLUMN_NAME,
	COLUMN_UUID,
	COLUMN_PID,
	COLUMN_VMM,
	COLUMN_VCPUS,
	COLUMN_MEMORY,
	COLUMN_CPU,
	COLUMN_WAIT,
	COLUMN_TOTALS,
	COLUMN_RATES = COLUMN_TOTALS + KVMSTAT_OTHER,
	COLUMN_ALARM = COLUMN_RATES + KVMSTAT_OTHER, /* the last, and only where a front end judges guests */
	NCOLUMNS,
};

const struct order guests_order = {
	.id = COLUMN_ID,
	.parent = NOWHERE,
	.group = NOWHERE,
	.name = COLUMN_NAME,
	.rate = COLUMN_RATES + KVMSTAT_EXITS,
	.total = COLUMN_TOTALS + KVMSTAT_EXITS,
	.alarm = COLUMN_ALARM,
};

static const struct heading fixed[COLUMN_TOTALS] = {
	[COLUMN_TIME] = { .key = "time", .csv_only = true },
	[COLUMN_NAME] = { .key = "name", .title = "GUEST", .left = true, .wraps = true },
	[COLUMN_UUID] = { .key = "uuid" },
	[COLUMN_PID] = { .key = "pid" },
	[COLUMN_VMM] = { .key = "vmm" },
	[COLUMN_VCPUS] = { .key = "vcpus", .title = "VCPU" },
	[COLUMN_MEMORY] = { .key = "memory_bytes" },
	[COLUMN_CPU] = { .key = "cpu_percent", .title = "%CPU" },
	[COLUMN_WAIT] = { .key = "wait_percent", .title = "%WAIT" },
};

static const struct {
	const char *title;
	const char *total;
	const char *rate;
} categories[KVMSTAT_OTHER] = {
	[KVMSTAT_EXITS] = { "EXITS", "exits_total", "exits_rate" },
	[KVMSTAT_IO] = { "I/O", "io_total", "io_rate" },
	[KVMSTAT_IDLE] = { "IDLE", "idle_total", "idle_rate" },
	[KVMSTAT_INSTRUCTION] = { "INSTR", "instruction_total", "instruction_rate" },
	[KVMSTAT_INTERRUPT] = { "INTR", "interrupt_total", "interrupt_rate" },
	[KVMSTAT_YIELD] = { "YIELD", "yield_total", "yield_rate" },
	[KVMSTAT_MEMORY] = { "MEM", "memory_total", "memory_rate" },
	[KVMSTAT_USERSPACE] = { "USER", "userspace_total", "userspace_rate" },
};

/* One guest on its way to its place in the report. */
struct entry {
	uint32_t row;
	double rate;		/* of exits; -1: none */
	uint64_t count;
	const char *name;
	struct kvmstat_activity activity[KVMSTAT_NCATEGORIES];
};

static struct heading *make_headings(struct table *table, bool totals)
{
	struct heading *headings = table_keep(table, NCOLUMNS * sizeof(*headings));

	memcpy(headings, fixed, sizeof(fixed));
	for (int c = 0; c < KVMSTAT_OTHER; c++) {
		headings[COLUMN_TOTALS + c] =
			(struct heading){ .key = categories[c].total,
					  .narrow = true,
					  .title = totals ? categories[c].title : NULL };
		headings[COLUMN_RATES + c] = (struct heading){ .key = categories[c].rate, .narrow = true,
							       .title = totals ? NULL : categories[c].title };
	}
	headings[COLUMN_ALARM] = (struct heading){ .key = "alarm", .left = true };
	table->headings = headings;
	return headings;
}

/* Most exits first. */
static int by_exits(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->rate != y->rate)
		return x->rate < y->rate ? 1 : -1;
	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return strcmp(x->name, y->name);
}

static struct entry *sorted_entries(const struct watch *watch)
{
	uint32_t count = watch->now->nrows;
	struct entry *entries = get_memory(count, sizeof(*entries));

	for (uint32_t i = 0; i < count; i++) {
		const struct kvmstat_activity *exits = &entries[i].activity[KVMSTAT_EXITS];

		since_activity(watch, i, entries[i].activity);
		entries[i].row = i;
		entries[i].name = watch->now->rows[i].guest->name;
		entries[i].rate = exits->has_rate ? exits->rate : -1;
		entries[i].count = exits->count;
	}
	qsort(entries, count, sizeof(*entries), by_exits);
	return entries;
}

static struct cell known(uint64_t count)
{
	return count ? cell_count(count) : cell_none();
}

static void fill(struct cell *cells, const struct watch *watch, const struct entry *entry, const char *time)
{
	const struct kvmstat_row *row = &watch->now->rows[entry->row];
	const struct kvmstat_guest *guest = row->guest;

	cells[COLUMN_ID] = cell_count(guest->id);
	cells[COLUMN_TIME] = cell_string(time);
	cells[COLUMN_NAME] = cell_string(guest->name);
	cells[COLUMN_UUID] = *guest->uuid ? cell_string(guest->uuid) : cell_none();
	cells[COLUMN_PID] = cell_count((uint64_t)guest->pid);
	cells[COLUMN_VMM] = cell_string(guest->vmm);
	cells[COLUMN_VCPUS] = known(row->vcpu_count);
	cells[COLUMN_MEMORY] = known(guest->memory);
	cells[COLUMN_CPU] = cell_number(kvmstat_rate_cpu(watch->rates, entry->row) / 1e7);
	cells[COLUMN_WAIT] = cell_number(kvmstat_rate_wait(watch->rates, entry->row) / 1e7);
	for (int c = 0; c < KVMSTAT_OTHER; c++) {
		const struct kvmstat_activity *activity = &entry->activity[c];

		cells[COLUMN_TOTALS + c] = activity->has_count ? cell_count(activity->count) : cell_none();
		cells[COLUMN_RATES + c] = activity->has_rate ? cell_number(activity->rate) : cell_none();
	}
}

static void mark(struct cell *cell, struct heading *heading, const char *cause)
{
	*cell = cause ? cell_string(cause) : cell_none();
	if (cause)
		heading->title = "ALARM";
}

void guests_table(struct table *table, const struct watch *watch, const struct options *options,
		  const struct kvmstat_diagnosis *marks)
{
	struct heading *headings = make_headings(table, options->totals);
	struct entry *entries = sorted_entries(watch);
	char *time = table_keep(table, REPORT_TIME_SIZE);
	struct cell cells[NCOLUMNS];

	table->ncolumns = options->marked ? NCOLUMNS : COLUMN_ALARM;
	report_time(watch, time);
	for (uint32_t i = 0; i < watch->now->nrows; i++) {
		fill(cells, watch, &entries[i], time);
		mark(&cells[COLUMN_ALARM], &headings[COLUMN_ALARM], mark_of(marks, watch->now->rows[entries[i].row].guest->id));
		table_add(table, cells);
	}
	free(entries);
}

static int report(const struct watch *watch, const struct options *options)
{
	struct kvmstat_diagnosis *marks = options->marked ? marks_of(watch, options) : NULL;
	struct table table = { .headings = NULL };

	guests_table(&table, watch, options, marks);
	report_print(watch, options, &table, "guests");
	table_free(&table);
	kvmstat_diagnosis_free(marks);
	return EXIT_SUCCESS;
}

int guests_command(const struct options *options)
{
	struct options marked = *options;

	marked.marked = marks_exist(options);
	return watch_all(&marked, report);
}
