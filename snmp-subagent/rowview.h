/* SPDX-License-Identifier: MIT */
/*
 * rowview.h - a sample as the tables show it: guests in order of their index, events in order of their number
 *
 * The sampling thread builds a view of every sample and publishes it. The SNMP thread takes it and reads it
 * as long as it likes; a view does not change. The only thing both threads touch is one atomic pointer to
 * the newest view, and the views' reference counts.
 */
#ifndef KVMSTAT_AGENTX_ROWVIEW_H
#define KVMSTAT_AGENTX_ROWVIEW_H

#include "grid.h"
#include "indexmap.h"
#include "kvmstat.h"

/* What a cell of kvmGuestEventTable can have. A histogram has neither. */
enum view_kind {
	VIEW_RATE,		/* per second, of a cumulative event */
	VIEW_COUNT,		/* the value of a cumulative event */
	VIEW_LEVEL,		/* the value of an instant or a peak event */
	VIEW_NKINDS
};

struct view_guest {
	uint32_t index;
	uint32_t row;			/* in the sample */
	const struct kvmstat_row *data;
	uint64_t since_ns;		/* CLOCK_BOOTTIME when counting (re)started, 0 if unknown */
	uint64_t start_ns;		/* CLOCK_REALTIME when it was started, 0 if unknown */
	struct kvmstat_activity activity[KVMSTAT_NCATEGORIES];
};

struct view {
	struct kvmstat_sample *sample;
	struct kvmstat_rates *rates;
	uint32_t nguests, nevents;
	uint32_t vcpus;
	struct view_guest *guests;		/* [nguests] in ascending order of index */
	const struct kvmstat_column **events;	/* [nevents] in ascending order of number */
	struct grid cells;			/* guests x events, by enum view_kind */
	/* private to rowview.c */
	uint32_t guests_size, events_size;
	int refs;
	struct view *next_view;
};

struct views;

struct views *views_new(void);

/* All views must have been given back. */
void views_free(struct views *views);

/* Build a view and publish it. The sample is the caller's still. 0 or -ENOMEM; then the last view stays. */
int views_publish(struct views *views, struct kvmstat_sample *sample, const struct assignment *assignment);

/*
 * The view published last if there is a new one since the last call (give it back with view_put()), or
 * NULL.
 */
struct view *views_take(struct views *views);

struct view *view_get(struct view *view);
void view_put(struct view *view);

#endif
