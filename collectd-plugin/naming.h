/* SPDX-License-Identifier: MIT */
/* naming.h - pure: a unique label for each guest */
#ifndef KVMSTAT_NAMING_H
#define KVMSTAT_NAMING_H

#include "kvmstat.h"
#include "labelset.h"

struct guest_state {
	uint64_t id;
	bool named;   /* has its label; else the guest is unidentified, and nothing is sent of it */
	bool changed; /* the label differs from the name, or has a suffix */
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
	struct label numbered; /* the last label that got a number as its suffix, */
	unsigned int number;   /* and that number */
};

/* Label the guests that have no label yet. order has room for a number of each row. */
void name_newcomers(struct name_pass *c, uint32_t *order);

#endif
