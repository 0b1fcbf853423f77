// SPDX-License-Identifier: MIT
/*
 * activity.c - what a guest does, in the few categories that every architecture has
 */
#include <math.h>
#include <string.h>

#include "kvmstat.h"

/* A rate that is not known makes the sum's unknown. */
static void add(struct kvmstat_activity *activity, uint64_t count, double rate)
{
	activity->has_count = true;
	activity->count += count;
	activity->rate += rate;
	activity->has_rate = !isnan(activity->rate);
}

void kvmstat_activity(const struct kvmstat_sample *sample, const struct kvmstat_rates *rates, uint32_t row,
		      struct kvmstat_activity activity[KVMSTAT_NCATEGORIES])
{
	const struct kvmstat_row *r = &sample->rows[row];

	memset(activity, 0, KVMSTAT_NCATEGORIES * sizeof(*activity));
	for (uint32_t i = 0; i < sample->ncolumns; i++) {
		uint32_t cell = sample->columns[i].first_cell;
		uint32_t adds_to = sample->columns[i].event->adds_to & ~(1u << KVMSTAT_OTHER);
		double rate;

		if (!adds_to || r->from[cell] == KVMSTAT_ABSENT)
			continue;
		rate = rates ? kvmstat_rate(rates, row, cell) : NAN;
		for (unsigned int c = 0; c < KVMSTAT_NCATEGORIES; c++)
			if (adds_to & (1u << c))
				add(&activity[c], r->value[cell], rate);
	}
}
