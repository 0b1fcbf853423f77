// SPDX-License-Identifier: MIT
/* view.c - the table of what the user looks at */
#include <stdarg.h>
#include <stdio.h>

#include "screen/screen.h"

static void explain(struct screen *screen, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void explain(struct screen *screen, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(screen->nothing, sizeof(screen->nothing), format, args);
	va_end(args);
}

static void explain_no_guests(struct screen *screen)
{
	if (screen->watch->now->nrows)
		explain(screen, "No guest matches.");
	else if (screen->options.some_guests)
		explain(screen, "No KVM guest matches the options Guest and ExcludeGuest.");
	else
		explain(screen, "No KVM guests are visible. '!' shows what stands in the way.");
}

static void view_guests(struct screen *screen, const struct level *level)
{
	bool chosen = level->event || screen->filter.compiled;

	explain_no_guests(screen);
	screen->order = chosen ? &chosen_guests_order : &guests_order;
	screen->options.totals = screen->by_total;
	if (chosen)
		chosen_guests_table(&screen->table, screen, level);
	else
		guests_table(&screen->table, screen->watch, &screen->options, screen->marks);
}

static void explain_ended(struct screen *screen)
{
	explain(screen, "The guest has ended. If it comes back, it is shown again; Esc goes back.");
}

static void view_events(struct screen *screen, struct level *level)
{
	const struct kvmstat_sample *now = screen->watch->now;
	struct selection rows = { 0, now->nrows };
	struct options options = screen->options;

	screen->order = &events_order;
	explain(screen, screen->filter.compiled ? "No event that happened matches the filter; 'c' removes it." :
						  "No event has happened or can be read. '!' shows what stands in the way.");
	options.marked = false;
	if (level->guest != ALL_GUESTS) {
		const struct kvmstat_row *row = level_row(screen, level);

		if (!row)
			explain_ended(screen);
		options.guest = level->name;
		options.marked = screen->options.marked;
		rows.first = row ? (uint32_t)(row - now->rows) : 0;
		rows.end = rows.first + (row != NULL);
	}
	events_table(&screen->table, screen->watch, &options, &rows, screen->marks);
}

static void explain_vcpus(struct screen *screen, const struct kvmstat_row *row)
{
	const struct kvmstat_source_status *bpf = &screen->watch->now->sources[KVMSTAT_BPF];
	const struct kvmstat_source_status *statsfd = &screen->watch->now->sources[KVMSTAT_STATSFD];

	if (!row)
		explain_ended(screen);
	else
		explain(screen, "Single vCPUs cannot be seen. bpf: %s %s; statsfd: %s %s", kvmstat_state_name(bpf->state), bpf->text,
			kvmstat_state_name(statsfd->state), statsfd->text);
}

static void view_vcpus(struct screen *screen, struct level *level)
{
	const struct kvmstat_row *row = level_row(screen, level);
	const struct kvmstat_column *column = kvmstat_sample_column(screen->watch->now, level->event);

	explain_vcpus(screen, row);
	screen->order = column ? &chosen_vcpus_order : &vcpus_order;
	if (row && column)
		chosen_vcpus_table(&screen->table, screen, row, column);
	else if (row)
		vcpus_table(&screen->table, screen->watch, row);
}

static void view_histogram(struct screen *screen, struct level *level)
{
	const struct kvmstat_row *row = level_row(screen, level);
	const struct kvmstat_column *column = kvmstat_sample_column(screen->watch->now, level->event);

	screen->order = &histogram_order;
	explain_ended(screen);
	if (!row)
		return;
	explain(screen, "The histogram is empty, or cannot be read.");
	if (column && column->source != KVMSTAT_ABSENT && row->from[column->first_cell] != KVMSTAT_ABSENT)
		histogram_table(&screen->table, screen->watch, &screen->options, row, column);
}

static void view_alarms(struct screen *screen)
{
	screen->order = &alarms_order;
	explain(screen, screen->marks ? "No guest is abnormal, and none was within a day." :
					"Nobody judges the guests of this host: start collectd with its plugin, or kvmstat-agentx, or "
					"name a directory with --state-dir.");
	if (screen->marks)
		alarms_table(&screen->table, screen->marks, 0);
}

void view_make(struct screen *screen)
{
	struct level *level = screen_level(screen);

	table_free(&screen->table);
	screen->table = (struct table){ .headings = NULL };
	if (level->kind == LEVEL_GUESTS)
		view_guests(screen, level);
	else if (level->kind == LEVEL_EVENTS)
		view_events(screen, level);
	else if (level->kind == LEVEL_VCPUS)
		view_vcpus(screen, level);
	else if (level->kind == LEVEL_HISTOGRAM)
		view_histogram(screen, level);
	else
		view_alarms(screen);
}

int view_usual_order(const struct screen *screen)
{
	enum kind kind = screen->levels[screen->depth - 1].kind;

	if (kind == LEVEL_HISTOGRAM || kind == LEVEL_ALARMS || screen->order == &vcpus_order)
		return NOWHERE;
	return screen->by_total ? screen->order->total : screen->order->rate;
}
