/* SPDX-License-Identifier: MIT */
/*
 * top.h - only the busiest guests one by one, the others added up in one row
 */
#ifndef KVMSTAT_TOP_H
#define KVMSTAT_TOP_H

#include "core/sample.h"
#include "guests/guest.h"

struct top {
	uint32_t limit;			/* guests to show; 0: all */
	uint64_t samples;		/* that a selection was made for */
	struct sample *before;		/* of the last pass, held until the next; NULL: none yet */
	uint64_t before_pass;
	struct column_set *set;		/* that sums are of, a reference */
	uint64_t *sums;			/* [set->ncells] what the others have counted since the collector was opened */
	uint64_t cpu_ns, wait_ns;	/* likewise */
	struct guest *others;		/* the row of the sums; NULL until there is one */
	struct candidate_guest *candidates;
	uint32_t candidates_allocated;
};

/* Choose the guests of this pass that are shown, hide the rest, and add up what they counted. 0 or -ENOMEM. */
int top_select(struct top *top, struct guests *guests, struct sample *sample, uint64_t pass);

/* sample has been published: the next pass is compared with it. */
void top_keep(struct top *top, const struct guests *guests, struct sample *sample, uint64_t pass);

void top_exit(struct top *top);

#endif
