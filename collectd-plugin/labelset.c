/* SPDX-License-Identifier: MIT */
#include "labelset.h"

#include <errno.h>
#include <stdlib.h>

struct labelset_slot {
	const struct label *label; /* NULL: free */
	uint32_t row;
};

int labelset_init(struct labelset *set, uint32_t rows)
{
	size_t size = 8;

	while (size < 2 * ((size_t)rows + 1))
		size *= 2;
	set->mask = size - 1;
	set->slots = calloc(size, sizeof(*set->slots));
	set->numbers = calloc((size_t)rows + 1, sizeof(*set->numbers));
	if (set->slots && set->numbers)
		return 0;
	labelset_free(set);
	return -ENOMEM;
}

void labelset_free(struct labelset *set)
{
	free(set->slots);
	free(set->numbers);
}

static uint64_t hash_text(uint64_t hash, const char *text)
{
	while (*text)
		hash = (hash ^ (unsigned char)*text++) * 1099511628211u;
	return hash;
}

/* The slot of the label, or the free slot for it. */
static struct labelset_slot *slot_of(const struct labelset *set, const struct label *label)
{
	uint64_t hash = hash_text(hash_text(14695981039346656037u, label->instance), label->host);
	size_t i = (size_t)(hash ^ hash >> 32) & set->mask;

	while (set->slots[i].label && !label_same(set->slots[i].label, label))
		i = (i + 1) & set->mask;
	return &set->slots[i];
}

int64_t labelset_find(const struct labelset *set, const struct label *label)
{
	const struct labelset_slot *slot = slot_of(set, label);

	return slot->label ? (int64_t)slot->row : -1;
}

void labelset_add(struct labelset *set, uint32_t row, const struct label *label)
{
	*slot_of(set, label) = (struct labelset_slot){label, row};
	set->numbers[row] = 1;
}

unsigned int *labelset_number(struct labelset *set, uint32_t row)
{
	return &set->numbers[row];
}
