/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/collector.h"

/* One offer while the columns are made. */
struct candidate {
	struct offer *offer;
	enum kvmstat_source source;
	int preference;		/* place in the configuration's order */
};

static int by_number(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	if (x->offer->event->number != y->offer->event->number)
		return x->offer->event->number < y->offer->event->number ? -1 : 1;
	if (x->offer->refused != y->offer->refused)
		return x->offer->refused ? 1 : -1;
	return x->preference - y->preference;
}

/* All offers of the open sources. Number, or -ENOMEM. */
static ssize_t gather(struct kvmstat *kvmstat, struct candidate **candidates)
{
	size_t count = 0, total = 0;

	for (int i = 0; i < KVMSTAT_NSOURCES; i++)
		total += kvmstat->sources[i].noffers;
	*candidates = calloc(total + 1, sizeof(struct candidate));
	if (!*candidates)
		return -ENOMEM;
	for (int i = 0; kvmstat->context.config->sources[i] != KVMSTAT_ABSENT; i++) {
		struct source *source = &kvmstat->sources[kvmstat->context.config->sources[i]];

		for (size_t j = 0; source->is_open && j < source->noffers; j++)
			(*candidates)[count++] = (struct candidate){ &source->offers[j], source->ops->id, i };
	}
	qsort(*candidates, count, sizeof(struct candidate), by_number);
	return (ssize_t)count;
}

static struct candidate *find(struct candidate *candidates, size_t count, const struct kvmstat_event *event)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (candidates[middle].offer->event->number < event->number)
			low = middle + 1;
		else
			high = middle;
	}
	return low < count && candidates[low].offer->event == event ? &candidates[low] : NULL;
}

/* Mark the events that pass the filter (cell 0: wanted), and their parents. */
static void select_events(const struct kvmstat *kvmstat, struct candidate *candidates, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		candidates[i].offer->cell = NO_CELL;
		candidates[i].offer->covered = false;
	}
	for (size_t i = 0; i < count; i++) {
		const struct offer *offer = candidates[i].offer;
		const struct kvmstat_event *event = offer->event;

		if (!filter_pass(kvmstat->context.config->events, event->name, offer->name))
			continue;
		for (; event; event = event->parent) {
			struct candidate *candidate = find(candidates, count, event);

			if (candidate)
				candidate->offer->cell = 0;
		}
	}
}

/* Could this source, if it worked, read what another one refuses? */
static bool is_missed(const struct source *source)
{
	enum kvmstat_source_state state = source->status.state;

	return source_may_be_chosen(source->ops) && state != KVMSTAT_UNUSED && !source_refuses(source) &&
	       (!source->is_open || state == KVMSTAT_DENIED || state == KVMSTAT_MISSING);
}

/* Set the reason for events that exist but that no source may read. */
static void explain(const struct kvmstat *kvmstat, struct column_set *set)
{
	const char *between = ", and of the sources that could read them";
	size_t len = (size_t)snprintf(set->reason, sizeof(set->reason), "debugfs refuses counters under lockdown=%s",
				      kvmstat_lockdown_name(kvmstat->context.host.lockdown));

	for (const struct source_ops *const *ops = source_list; *ops && len < sizeof(set->reason); ops++) {
		const struct source *source = &kvmstat->sources[(*ops)->id];
		const char *text = source->status.text;

		if (!is_missed(source))
			continue;
		len += (size_t)snprintf(set->reason + len, sizeof(set->reason) - len, "%s %s is %s%s%s", between, kvmstat_source_name((*ops)->id),
					kvmstat_state_name(source->status.state), *text ? ": " : "", text);
		between = ";";
	}
}

/* The first candidate of an event is the best one: make it a column. */
static void add_column(struct column_set *set, struct candidate *best)
{
	struct kvmstat_column *column = &set->columns[set->ncolumns++];
	const char *old = event_old_name(best->offer->name);

	if (strcmp(best->offer->event->name, "blocking") == 0 && !best->offer->refused)
		set->blocking = set->ncells;
	column->event = best->offer->event;
	column->first_cell = set->ncells;
	column->cells = best->offer->cells;
	column->source = best->offer->refused ? KVMSTAT_ABSENT : (uint8_t)best->source;
	column->reason = best->offer->refused ? set->reason : "";
	/* The offer's own string is freed with its source. */
	column->kernel_name = old && strcmp(best->offer->name, column->event->name) ? old : column->event->name;
	best->offer->cell = best->offer->refused ? NO_CELL : set->ncells;
	set->ncells += best->offer->cells;
}

/* A worse source fills the cells of guests that the better one cannot read. */
static void cover(const struct kvmstat *kvmstat, struct candidate *better, struct candidate *candidate)
{
	if (better->offer->cell == NO_CELL || !kvmstat->sources[better->source].ops->guest_by_guest ||
	    candidate->offer->refused || candidate->offer->cells != better->offer->cells)
		return;
	candidate->offer->cell = better->offer->cell;
	better->offer->covered = true;
}

static struct column_set *make_set(struct kvmstat *kvmstat, struct candidate *candidates, size_t count)
{
	struct column_set *set = calloc(1, sizeof(*set));

	if (!set)
		return NULL;
	set->refs = 1;
	set->blocking = NO_CELL;
	set->columns = calloc(count + 1, sizeof(*set->columns));
	if (!set->columns) {
		column_set_put(set);
		return NULL;
	}
	select_events(kvmstat, candidates, count);
	/* Of several offers of one event, only the first one has been selected. */
	for (size_t i = 0; i < count; i++) {
		if (candidates[i].offer->cell != NO_CELL)
			add_column(set, &candidates[i]);
		else if (i && candidates[i].offer->event == candidates[i - 1].offer->event)
			cover(kvmstat, &candidates[i - 1], &candidates[i]);
	}
	explain(kvmstat, set);
	return set;
}

static bool same_columns(const struct column_set *a, const struct column_set *b)
{
	if (a->ncolumns != b->ncolumns || strcmp(a->reason, b->reason) != 0)
		return false;
	for (uint32_t i = 0; i < a->ncolumns; i++) {
		const struct kvmstat_column *x = &a->columns[i], *y = &b->columns[i];

		if (x->event != y->event || x->cells != y->cells || x->source != y->source)
			return false;
	}
	return true;
}

int columns_make(struct kvmstat *kvmstat)
{
	struct candidate *candidates;
	ssize_t count = gather(kvmstat, &candidates);
	struct column_set *set;

	if (count < 0)
		return (int)count;
	set = make_set(kvmstat, candidates, (size_t)count);
	free(candidates);
	if (!set)
		return -ENOMEM;
	if (kvmstat->context.columns && same_columns(kvmstat->context.columns, set)) {
		column_set_put(set);
		return 0;
	}
	set->generation = ++kvmstat->column_generation;
	column_set_put(kvmstat->context.columns);
	kvmstat->context.columns = set;
	return 0;
}
