/* SPDX-License-Identifier: MIT */
/*
 * collector.h - the object that owns guests, sources and samples; private to the core
 */
#ifndef KVMSTAT_COLLECTOR_H
#define KVMSTAT_COLLECTOR_H

#include "core/context.h"
#include "core/pass.h"
#include "core/source.h"
#include "core/top.h"
#include "sources/sources.h"
#include "util/clock.h"

struct kvmstat {
	struct context context;		/* shared with the sources */
	struct sample_pool pool;
	struct top top;
	bool stale;			/* columns must be made again: sources came or went */
	uint64_t column_generation;
	struct source sources[KVMSTAT_NSOURCES];	/* by enum kvmstat_source; [0] is not used */
	uint64_t samples;
	uint64_t recheck_pass;		/* when bpf may be suspected again of seeing nothing */
};

/* columns.c: make the columns from the offers of the open sources and the filter. 0 or -ENOMEM. */
int columns_make(struct kvmstat *kvmstat);

/* problem.c */
void problems_begin(struct kvmstat *kvmstat);
void problems_find(struct kvmstat *kvmstat);	/* raise those of sources and names, at the end of a pass */
void problems_end(struct kvmstat *kvmstat);

#endif
