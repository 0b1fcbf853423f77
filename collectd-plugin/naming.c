/* SPDX-License-Identifier: MIT */
/* naming.c - pure: a unique label for each guest */
#include "naming.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t key_hash(const char *key)
{
	uint64_t hash = 14695981039346656037u;

	while (*key)
		hash = (hash ^ (unsigned char)*key++) * 1099511628211u;
	return hash;
}

static bool was_suffixed(const struct suffixed *suffixed, uint64_t key)
{
	for (uint32_t i = 0; i < suffixed->count && i < MAX_SUFFIXED; i++)
		if (suffixed->keys[i] == key)
			return true;
	return false;
}

static void remember_suffixed(struct suffixed *suffixed, uint64_t key)
{
	if (!was_suffixed(suffixed, key))
		suffixed->keys[suffixed->count++ % MAX_SUFFIXED] = key;
}

enum { FREE = -1, RESERVED = -2 };

/* The row that has this label, FREE, or RESERVED for the plugin's own values. */
static int64_t holder(const struct name_pass *c, const struct label *label)
{
	int64_t row = labelset_find(&c->taken, label);

	if (row >= 0)
		return row;
	return !label->instance[0] && !strcmp(label->host, c->naming->hostname) ? RESERVED : FREE;
}

static bool suffix_uuid(const struct name_pass *c, struct label *label, const struct label *base,
			const char *uuid)
{
	char suffix[9];

	snprintf(suffix, sizeof(suffix), "%s", uuid);
	*label = *base;
	label_append(label, c->naming, suffix);
	return holder(c, label) == FREE;
}

/* The number that the last twin of this label got, so that none is tried twice. */
static unsigned int *last_number(struct name_pass *c, const struct label *base, int64_t held)
{
	if (held >= 0)
		return labelset_number(&c->taken, (uint32_t)held);
	if (!label_same(base, &c->numbered)) {
		c->numbered = *base;
		c->number = 1;
	}
	return &c->number;
}

static void suffix_number(struct name_pass *c, struct label *label, const struct label *base, int64_t held)
{
	unsigned int *number = last_number(c, base, held);
	char suffix[12];

	do {
		snprintf(suffix, sizeof(suffix), "%u", ++*number);
		*label = *base;
		label_append(label, c->naming, suffix);
	} while (holder(c, label) != FREE);
}

/* The earlier guest keeps the label; the later one is distinguished by its UUID, if that differs. */
static void name_guest(struct name_pass *c, uint32_t row)
{
	const struct kvmstat_guest *guest = c->now->rows[row].guest;
	struct guest_state *state = &c->guests[row];
	uint64_t key = key_hash(guest->key);
	const char *other;
	struct label base;
	int64_t held;

	state->changed = label_make(&base, c->naming, guest->name, guest->uuid);
	held = holder(c, &base);
	if (held == FREE && !was_suffixed(c->suffixed, key)) {
		state->label = base;
		return;
	}
	state->changed = true;
	other = held >= 0 ? c->now->rows[held].guest->uuid : "";
	if (guest->uuid[0] && strncmp(guest->uuid, other, 8) &&
	    suffix_uuid(c, &state->label, &base, guest->uuid)) {
		remember_suffixed(c->suffixed, key);
		return;
	}
	suffix_number(c, &state->label, &base, held);
}

static void add_name(struct name_pass *c, uint32_t row)
{
	name_guest(c, row);
	c->guests[row].id = c->now->rows[row].guest->id;
	c->guests[row].fresh = true;
	c->guests[row].named = true;
	labelset_add(&c->taken, row, &c->guests[row].label);
}

/*
 * The guest that is named first keeps the name. So the order must survive a restart of the
 * collector and a change of source: it is the order in which the guests began. Every source knows
 * the compared members.
 */
static int compare_ages(const void *a, const void *b, void *data)
{
	const struct name_pass *c = data;
	const struct kvmstat_guest *x = c->now->rows[*(const uint32_t *)a].guest;
	const struct kvmstat_guest *y = c->now->rows[*(const uint32_t *)b].guest;
	int uuids = strcmp(x->uuid, y->uuid);

	if (x->start_ns != y->start_ns)
		return x->start_ns < y->start_ns ? -1 : 1;
	if (uuids)
		return uuids;
	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	return (x->fd > y->fd) - (x->fd < y->fd);
}

/* An unidentified guest has no series. */
void name_newcomers(struct name_pass *c, uint32_t *order)
{
	uint32_t newcomers = 0;

	for (uint32_t i = 0; i < c->now->nrows; i++) {
		if (c->guests[i].named)
			labelset_add(&c->taken, i, &c->guests[i].label);
		else if (*c->now->rows[i].guest->key)
			order[newcomers++] = i;
	}
	qsort_r(order, newcomers, sizeof(*order), compare_ages, c);
	for (uint32_t i = 0; i < newcomers; i++)
		add_name(c, order[i]);
}
