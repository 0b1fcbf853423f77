/* SPDX-License-Identifier: MIT */
/*
 * naming.h - pure: a label for each guest that no other one has
 */
#ifndef KVMSTAT_NAMING_H
#define KVMSTAT_NAMING_H

#include "kvmstat.h"
#include "labelset.h"

struct guest_state {
	uint64_t id;
	bool named;   /* has its label; without one nothing is sent of it: it is not known yet who it is */
	bool changed; /* the label says the name in other bytes, or has a suffix */
	bool fresh;   /* found in the last update that changed something */
	struct label label;
};

enum { MAX_SUFFIXED = 1024 };

/* Keys (hashed) of guests that had to take a suffix, so that they do so again when they return. */
struct suffixed {
	uint64_t keys[MAX_SUFFIXED];
	uint32_t count;
};

/* Everything that naming needs while the guests of one sample get their labels. */
struct name_pass {
	struct suffixed *suffixed;
	const struct kvmstat_sample *now;
	const struct naming *naming;
	struct guest_state *guests; /* as the rows of now */
	struct labelset taken;
	struct label numbered; /* the last label that nobody has and that got a number behind it, */
	unsigned int number;   /* and which */
};

/* Label the guests that have no label yet. order has room for a number of each row. */
void name_newcomers(struct name_pass *c, uint32_t *order);

#endif
