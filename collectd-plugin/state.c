/* SPDX-License-Identifier: MIT */
/*
 * state.c - what the plugin knows from one pass to the next
 */
#include "state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- cells -------------------------------------------------------------- */

static void cell_fill(struct cell *cell, const struct kvmstat_column *column, uint32_t bucket, bool skip)
{
	const struct kvmstat_event *event = column->event;
	bool histogram = event->class == KVMSTAT_LINEAR_HIST || event->class == KVMSTAT_LOG_HIST;
	int len;

	if (histogram)
		len = snprintf(cell->type_instance, LABEL_SIZE, "%.120s-%02u", event->name, bucket);
	else
		len = snprintf(cell->type_instance, LABEL_SIZE, "%s", event->name);
	cell->len = (uint8_t)(len < LABEL_SIZE ? len : LABEL_SIZE - 1);
	cell->gauge = event->class == KVMSTAT_INSTANT || event->class == KVMSTAT_PEAK;
	cell->skip = skip || event->dead;
}

static struct cell *cells_make(const struct kvmstat_sample *sample, bool skip)
{
	struct cell *cells = calloc(sample->ncells + 1, sizeof(*cells));

	if (!cells)
		return NULL;
	for (uint32_t i = 0; i < sample->ncolumns; i++) {
		const struct kvmstat_column *column = &sample->columns[i];

		for (uint32_t bucket = 0; bucket < column->cells; bucket++) {
			cell_fill(&cells[column->column + bucket], column, bucket, skip);
			cells[column->column + bucket].column = i;
		}
	}
	return cells;
}

/* The cell of sample that means the same as this one of now, or -1. */
static int64_t cell_in(const struct kvmstat_sample *sample, const struct kvmstat_sample *now,
		       const struct cell *cells, uint32_t cell)
{
	const struct kvmstat_column *column = &now->columns[cells[cell].column], *other;

	if (sample->event_generation == now->event_generation)
		return cell;
	other = kvmstat_sample_column(sample, column->event->number);
	if (!other || cell - column->column >= other->cells)
		return -1;
	return other->column + (cell - column->column);
}

/* ---- labels ------------------------------------------------------------- */

static uint64_t key_hash(const char *key)
{
	uint64_t hash = 14695981039346656037u;

	while (*key)
		hash = (hash ^ (unsigned char)*key++) * 1099511628211u;
	return hash;
}

static bool was_suffixed(const struct state *state, uint64_t key)
{
	for (uint32_t i = 0; i < state->nsuffixed && i < STATE_SUFFIXED; i++)
		if (state->suffixed[i] == key)
			return true;
	return false;
}

static void remember_suffixed(struct state *state, uint64_t key)
{
	if (!was_suffixed(state, key))
		state->suffixed[state->nsuffixed++ % STATE_SUFFIXED] = key;
}

/* Everything that naming needs while the guests of one sample get their labels. */
struct christening {
	struct state *state;
	const struct kvmstat_sample *now;
	const struct naming *naming;
	struct guest_state *guests;
	struct label numbered; /* the last label that got a number behind it, */
	unsigned int number;   /* and which */
};

enum { FREE = -1, RESERVED = -2 };

/* The row that has this label, FREE, or RESERVED for what the plugin says of itself. */
static int64_t holder(const struct christening *c, const struct label *label)
{
	for (uint32_t i = 0; i < c->now->nrows; i++)
		if (c->guests[i].named && label_same(&c->guests[i].label, label))
			return i;
	return !label->instance[0] && !strcmp(label->host, c->naming->hostname) ? RESERVED : FREE;
}

static bool suffix_uuid(const struct christening *c, struct label *label, const struct label *base,
			const char *uuid)
{
	char suffix[9];

	snprintf(suffix, sizeof(suffix), "%s", uuid);
	*label = *base;
	label_append(label, c->naming, suffix);
	return holder(c, label) == FREE;
}

static void suffix_number(struct christening *c, struct label *label, const struct label *base)
{
	char suffix[12];

	if (!label_same(base, &c->numbered)) {
		c->numbered = *base;
		c->number = 1;
	}
	do {
		snprintf(suffix, sizeof(suffix), "%u", ++c->number);
		*label = *base;
		label_append(label, c->naming, suffix);
	} while (holder(c, label) != FREE);
}

/* The earlier guest keeps the label; the later one is told apart by its UUID, if it has another one. */
static void name_guest(struct christening *c, uint32_t row)
{
	const struct kvmstat_guest *guest = c->now->rows[row].guest;
	struct guest_state *state = &c->guests[row];
	uint64_t key = key_hash(guest->key);
	const char *other;
	struct label base;
	int64_t held;

	state->changed = label_make(&base, c->naming, guest->name, guest->uuid);
	held = holder(c, &base);
	if (held == FREE && !was_suffixed(c->state, key)) {
		state->label = base;
		return;
	}
	state->changed = true;
	other = held >= 0 ? c->now->rows[held].guest->uuid : "";
	if (guest->uuid[0] && strncmp(guest->uuid, other, 8) &&
	    suffix_uuid(c, &state->label, &base, guest->uuid)) {
		remember_suffixed(c->state, key);
		return;
	}
	suffix_number(c, &state->label, &base);
}

static void christen(struct christening *c, uint32_t row)
{
	name_guest(c, row);
	c->guests[row].id = c->now->rows[row].guest->id;
	c->guests[row].fresh = true;
	c->guests[row].named = true;
}

/* ---- guests ------------------------------------------------------------- */

/* Rows that were there before keep their label and what was seen of them; both lists ascend by id. */
static void guests_carry_over(const struct christening *c, const struct cell *cells, uint8_t *seen)
{
	const struct state *old = c->state;
	const struct kvmstat_sample *now = c->now;
	uint32_t j = 0;

	for (uint32_t i = 0; i < now->nrows; i++) {
		uint64_t id = now->rows[i].guest->id;

		while (j < old->nguests && old->guests[j].id < id)
			j++;
		if (j == old->nguests || old->guests[j].id != id)
			continue;
		c->guests[i] = old->guests[j];
		c->guests[i].fresh = false;
		for (uint32_t k = 0; k < now->ncells; k++) {
			int64_t cell = cell_in(old->before, now, cells, k);

			if (cell >= 0)
				seen[(size_t)i * now->ncells + k] =
					old->seen[(size_t)j * old->ncells + (size_t)cell];
		}
	}
}

static bool is_current(const struct state *state, const struct kvmstat_sample *now)
{
	const struct kvmstat_sample *before = state->before;

	return before && before->guest_generation == now->guest_generation &&
	       before->event_generation == now->event_generation && before->nrows == now->nrows &&
	       before->ncells == now->ncells;
}

static void state_replace(struct state *state, const struct kvmstat_sample *now, struct guest_state *guests,
			  struct cell *cells, uint8_t *seen)
{
	free(state->guests);
	free(state->cells);
	free(state->seen);
	state->guests = guests;
	state->cells = cells;
	state->seen = seen;
	state->nguests = now->nrows;
	state->ncells = now->ncells;
}

int state_update(struct state *state, const struct kvmstat_sample *now, const struct naming *naming,
		 bool skip_never_seen)
{
	struct christening c = {.state = state, .now = now, .naming = naming};
	struct cell *cells;
	uint8_t *seen;

	if (is_current(state, now))
		return 0;
	c.guests = calloc((size_t)now->nrows + 1, sizeof(*c.guests));
	seen = calloc((size_t)now->nrows * now->ncells + 1, 1);
	cells = cells_make(now, skip_never_seen);
	if (!c.guests || !seen || !cells) {
		free(c.guests);
		free(seen);
		free(cells);
		return -ENOMEM;
	}
	guests_carry_over(&c, cells, seen);
	for (uint32_t i = 0; i < now->nrows; i++)
		if (!c.guests[i].named)
			christen(&c, i);
	state_replace(state, now, c.guests, cells, seen);
	return 1;
}

/* Did the last sample say 0 here, at an earlier time? */
static bool was_zero(const struct state *state, const struct kvmstat_sample *now, uint32_t row, uint32_t cell)
{
	const struct kvmstat_sample *before = state->before;
	uint64_t id = now->rows[row].guest->id;
	uint32_t low = 0, high;
	int64_t there;

	if (!before || before->realtime_ns >= now->realtime_ns)
		return false;
	for (high = before->nrows; low < high;) {
		uint32_t middle = low + (high - low) / 2;

		if (before->rows[middle].guest->id < id)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == before->nrows || before->rows[low].guest->id != id)
		return false;
	there = cell_in(before, now, state->cells, cell);
	return there >= 0 && before->rows[low].from[there] != KVMSTAT_ABSENT &&
	       before->rows[low].value[there] == 0;
}

enum { SEEN = 1, OWED = 2 };

enum verdict state_judge(struct state *state, const struct kvmstat_sample *now, uint32_t row, uint32_t cell)
{
	uint8_t *seen = &state->seen[(size_t)row * state->ncells + cell];
	bool woke;

	if (now->rows[row].from[cell] == KVMSTAT_ABSENT)
		return LEAVE_OUT;
	if (now->rows[row].value[cell] == 0)
		return *seen || !state->cells[cell].skip ? SEND : LEAVE_OUT;
	woke = !*seen && state->cells[cell].skip;
	*seen = SEEN;
	return woke && was_zero(state, now, row, cell) ? SEND_ZERO_FIRST : SEND;
}

void state_owe(struct state *state, uint32_t row, uint32_t cell)
{
	state->seen[(size_t)row * state->ncells + cell] = OWED;
}

bool state_pay(struct state *state, uint32_t row, uint32_t cell)
{
	uint8_t *seen = &state->seen[(size_t)row * state->ncells + cell];
	bool owed = *seen == OWED;

	if (owed)
		*seen = SEEN;
	return owed;
}

void state_advance(struct state *state, struct kvmstat_sample *now)
{
	kvmstat_sample_put(state->before);
	state->before = now;
}

void state_free(struct state *state)
{
	free(state->guests);
	free(state->cells);
	free(state->seen);
	kvmstat_sample_put(state->before);
	*state = (struct state){0};
}
