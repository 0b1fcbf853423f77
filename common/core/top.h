/* SPDX-License-Identifier: MIT */
/* top.h - rows for the busiest guests, and one row with the sum of the others */
#ifndef KVMSTAT_TOP_H
#define KVMSTAT_TOP_H

#include "core/sample.h"
#include "guests/guest.h"

struct top {
	uint32_t limit;			/* guests to show; 0: all */
	uint64_t samples;		/* selections so far */
	struct sample *before;		/* the sample of the last pass; NULL: there is none yet */
	uint64_t before_pass;
	struct column_set *set;		/* columns of sums, a reference */
	uint64_t *sums;			/* [set->ncells] what the others have counted since the collector was opened */
	uint64_t cpu_ns, wait_ns;	/* likewise */
	struct guest *others;		/* the guest of the row of sums; NULL until it is needed */
	struct candidate_guest *candidates;
	uint32_t candidates_allocated;
};

/* Select the guests of this pass to show, hide the rest, and add up their growth. 0 or -ENOMEM. */
int top_select(struct top *top, struct guests *guests, struct sample *sample, uint64_t pass);

/* Keep the published sample to compare the next pass with it. */
void top_keep(struct top *top, const struct guests *guests, struct sample *sample, uint64_t pass);

void top_exit(struct top *top);

#endif
