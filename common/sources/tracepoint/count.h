/* SPDX-License-Identifier: MIT */
/* count.h - turn counts of threads into cells of guests */
#ifndef KVMSTAT_TRACEPOINT_COUNT_H
#define KVMSTAT_TRACEPOINT_COUNT_H

#include "core/source.h"
#include "sources/tracepoint/claims.h"
#include "sources/tracepoint/format.h"

struct tracepoint_counts {
	struct tracepoint tracepoints[TRACEPOINT_MAX];
	int ntracepoints;
	struct claims claims;	/* of this pass */
	uint32_t *offer_of;	/* [event_table_count]: in source->offers, or NO_CELL */
	uint32_t seen;		/* guests of the last pass that are wanted */
	struct fault unknown, contested;	/* guests that cannot be counted for */
};

/* The caller fills tracepoints. NULL without memory. */
struct tracepoint_counts *tracepoint_counts_new(void);
void tracepoint_counts_free(struct tracepoint_counts *counts);

/* The offer of an event (in event_table), made now if it is a new one. 0 or -ENOMEM. */
int tracepoint_offer(struct tracepoint_counts *counts, struct context *context, struct source *source, uint16_t event,
		     uint32_t *number);

/* Offer the events of the tracepoints themselves; those of reasons are offered when they are first met. 0 or -ENOMEM. */
int tracepoint_offer_totals(struct tracepoint_counts *counts, struct context *context, struct source *source);

/*
 * Set the cells of guests with known threads to 0, and leave the others absent. Call it after
 * claims_make().
 */
void tracepoint_clear(struct tracepoint_counts *counts, const struct source *source, struct pass *pass);

/* Add what one thread of a guest has counted of one event. */
struct tracepoint_hits {
	uint32_t guest;		/* in guests->list */
	pid_t tid;
	uint32_t offer;		/* in source->offers */
	uint64_t count;
};

void tracepoint_add(const struct tracepoint_counts *counts, const struct source *source, const struct pass *pass,
		    const struct tracepoint_hits *hits);

#endif
