/* SPDX-License-Identifier: MIT */
/* labelset.h - pure: a hash table from labels to rows */
#ifndef KVMSTAT_LABELSET_H
#define KVMSTAT_LABELSET_H

#include "label.h"

struct labelset {
	struct labelset_slot *slots;
	unsigned int *numbers; /* [rows] */
	size_t mask;
};

/* Make a set for this number of rows. 0 or -ENOMEM; call labelset_free() after success only. */
int labelset_init(struct labelset *set, uint32_t rows);
void labelset_free(struct labelset *set);

/* The row that has this label, or -1. */
int64_t labelset_find(const struct labelset *set, const struct label *label);

/* Add a label that is not in the set; it must stay valid and unchanged as long as the set. */
void labelset_add(struct labelset *set, uint32_t row, const struct label *label);

/* A number that is kept for a row, 1 at first. */
unsigned int *labelset_number(struct labelset *set, uint32_t row);

#endif
