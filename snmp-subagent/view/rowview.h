/* SPDX-License-Identifier: MIT */
/*
 * rowview.h - a sample as the tables show it: guests in order of their index, events in order of
 * their number
 *
 * The sampling thread builds a view of every sample and publishes it. The SNMP thread takes the
 * view and may read it for any time; a view does not change. Both threads share only an atomic
 * pointer to the newest view, and the views' reference counts.
 */
#ifndef KVMSTAT_AGENTX_ROWVIEW_H
#define KVMSTAT_AGENTX_ROWVIEW_H

#include "index/map.h"
#include "kvmstat.h"
#include "view/alarmlist.h"
#include "view/grid.h"

/* What a cell of kvmGuestEventTable and kvmVcpuEventTable can have. A histogram has neither. */
enum view_kind {
	VIEW_RATE,		/* per second, of a cumulative event */
	VIEW_COUNT,		/* the value of a cumulative event */
	VIEW_LEVEL,		/* the value of an instant or a peak event */
	VIEW_VCPU_NKINDS,
	VIEW_USUAL = VIEW_VCPU_NKINDS, /* the highest rate that a minute has reached: guests that are judged */
	VIEW_NKINDS
};

/* Values of a vCPU itself. */
enum view_fact {
	VIEW_STATE,		/* always */
	VIEW_THREAD,
	VIEW_TIME,		/* CPU time and time of waiting for a CPU */
	VIEW_CPU_RATE,
	VIEW_WAIT_RATE,
	VIEW_NFACTS
};

/* What a bucket of a histogram can have. */
enum view_bucket_kind {
	VIEW_BUCKET_LOWER,
	VIEW_BUCKET_UPPER,	/* the last one has none */
	VIEW_BUCKET_COUNT,
	VIEW_BUCKET_RATE,
	VIEW_NBUCKET_KINDS
};

struct view_guest {
	uint32_t index;
	uint32_t row;			/* in the sample */
	const struct kvmstat_row *data;
	uint64_t since_ns;		/* CLOCK_BOOTTIME when counting (re)started, 0 if unknown */
	uint32_t alarm;			/* number of the active one, 0: there is none */
	float learnt;			/* days, NaN: it is not judged */
	struct kvmstat_activity activity[KVMSTAT_NCATEGORIES];
};

/* Its values are where the sample has them; nothing is copied. */
struct view_vcpu {
	uint32_t guest;			/* position in the view */
	uint32_t row;			/* in sample->vcpus */
	const struct kvmstat_vcpu *data;
};

struct view_bucket {
	const struct kvmstat_column *column;
	uint32_t number;			/* from 0 */
	bool bounded;				/* the bounds are known */
	uint64_t lower, upper;			/* upper is UINT64_MAX if there is no limit */
};

struct view {
	struct kvmstat_sample *sample;
	struct kvmstat_rates *rates;
	uint32_t nguests, nevents, nvcpus, nbuckets;
	uint32_t host_vcpus;			/* of all guests, whether they are shown one by one or not */
	struct view_guest *guests;		/* [nguests] in ascending order of index */
	const struct kvmstat_column **events;	/* [nevents] in ascending order of number */
	struct view_vcpu *vcpus;		/* [nvcpus] in ascending order of guest and id; with ReportVcpus */
	struct view_bucket *buckets;		/* [nbuckets] in ascending order of event and number */
	struct alarmlist alarms;
	uint32_t njudged;			/* events that are judged */
	uint32_t *judged;			/* [nevents] which of them each event is, VIEW_NOT_JUDGED: none */
	float *usual;				/* [nguests][njudged] rates, NaN: not learnt */
	struct grid cells;			/* guests x events, by enum view_kind */
	struct grid vcpu_cells;			/* vCPUs x events, the same */
	struct grid vcpu_facts;			/* vCPUs x one item, by enum view_fact */
	struct grid bucket_cells;		/* guests x buckets, by enum view_bucket_kind */
	/* private to rowview.c */
	uint32_t guests_size, events_size, vcpus_size, buckets_size, judged_size, usual_size;
	int refs;
	struct view *next_view;
};

#define VIEW_NOT_JUDGED UINT32_MAX

/* What is usual for an event of a guest; NaN: not judged, or not learnt. */
double view_usual(const struct view *view, struct view_place place);

struct views;

struct views *views_new(void);

/* All views must have been given back. */
void views_free(struct views *views);

/*
 * Build a view, in which no guest is judged yet. The caller keeps its reference to the sample. 0, or -ENOMEM: the last
 * view stays.
 */
int views_build(struct views *views, struct kvmstat_sample *sample, const struct assignment *assignment,
		struct view **view);

/* Publish a view that was built. It does not change any more. 0, or -ENOMEM: the last view stays. */
int views_show(struct views *views, struct view *view);

/* Both, without a diagnosis. */
int views_publish(struct views *views, struct kvmstat_sample *sample, const struct assignment *assignment);

/*
 * The view published last if there is a new one since the last call (give it back with view_put()), or
 * NULL.
 */
struct view *views_take(struct views *views);

struct view *view_get(struct view *view);
void view_put(struct view *view);

#endif
