/* SPDX-License-Identifier: MIT */
/*
 * top.c - rows for the busiest guests, and one row with the sum of the others
 *
 * The counters of the row of others must not fall when a guest leaves or joins it. So the row is
 * not a sum of counters: it adds up the growth, from pass to pass, of guests that are hidden now or
 * were hidden in the pass before. The rows of these guests have no rate for that time. Thus the
 * rates of all rows add up to those of all guests.
 */
#include "core/top.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/collector.h"
#include "util/array.h"

enum {
	STAY_PERCENT = 10,	/* how much busier a hidden guest must be to replace a shown one */
	/*
	 * Minimum of passes that a guest stays hidden. If it came back sooner, a reader might count
	 * the growth in between, which is in the row of others, for the guest as well.
	 */
	HIDE_PASSES = 4,
};

struct candidate_guest {
	struct guest *guest;
	double score;
};

/* Returns the guest's cells of the last pass, with the same columns, or NULL. */
static const struct kvmstat_row *cells_before(const struct top *top, const struct guest *guest,
					      struct kvmstat_row *row)
{
	size_t start;

	if (!top->before || guest->kept_pass != top->before_pass)
		return NULL;
	start = (size_t)guest->kept_slot * top->before->set->ncells;
	row->value = top->before->values + start;
	row->from = top->before->from + start;
	return row;
}

/* Growth of a cell since the last pass; the whole value if the guest is new. */
static uint64_t growth(const struct kvmstat_row *was, const struct sample *sample, const struct guest *guest,
		       uint32_t cell)
{
	size_t at = (size_t)guest->slot * sample->set->ncells + cell;
	uint64_t value = sample->values[at], earlier = 0;

	if (sample->from[at] == KVMSTAT_ABSENT || (was && was->from[cell] == KVMSTAT_ABSENT))
		return 0;
	if (was)
		earlier = was->value[cell];
	return value > earlier ? value - earlier : 0;
}

static double score_of(const struct top *top, const struct sample *sample, const struct guest *guest)
{
	struct kvmstat_row row;
	const struct kvmstat_row *was = cells_before(top, guest, &row);
	double score = 0;

	for (uint32_t i = 0; i < sample->set->ncolumns; i++) {
		const struct kvmstat_column *column = &sample->set->columns[i];

		if (column->event->adds_to & 1u << KVMSTAT_EXITS)
			score += (double)growth(was, sample, guest, column->first_cell);
	}
	return guest->hidden ? score : score + score * STAY_PERCENT / 100;
}

static int by_score(const void *a, const void *b)
{
	const struct candidate_guest *x = a, *y = b;

	if (x->score != y->score)
		return x->score < y->score ? 1 : -1;
	if (x->guest->hidden != y->guest->hidden)
		return x->guest->hidden ? 1 : -1;
	return x->guest->public.id < y->guest->public.id ? -1 : 1;
}

/*
 * Sort the candidates: the busiest first; of equals, those shown before. Returns their number, or
 * -ENOMEM.
 */
static ssize_t rank(struct top *top, const struct guests *guests, const struct sample *sample, uint64_t pass)
{
	size_t count = 0;

	if (array_reserve(&top->candidates, &top->candidates_allocated, guests->count) < 0)
		return -ENOMEM;
	for (uint32_t i = 0; i < guests->count; i++) {
		struct guest *guest = guests->list[i];

		if (guest->pass == pass && guest->wanted && !(guest->hidden && top->samples < guest->hidden_until))
			top->candidates[count++] = (struct candidate_guest){ guest, score_of(top, sample, guest) };
	}
	qsort(top->candidates, count, sizeof(*top->candidates), by_score);
	return (ssize_t)count;
}

/* ---- the others' row ---- */

/* The columns have changed: move each sum to the event's new cell. */
static int move_sums(struct top *top, struct column_set *set)
{
	uint64_t *sums = calloc(set->ncells + 1u, sizeof(*sums));

	if (!sums)
		return -ENOMEM;
	for (uint32_t i = 0; top->set && i < set->ncolumns; i++)
		for (uint32_t k = 0; k < top->set->ncolumns; k++) {
			const struct kvmstat_column *to = &set->columns[i], *from = &top->set->columns[k];

			if (to->event == from->event && to->cells == from->cells)
				memcpy(sums + to->first_cell, top->sums + from->first_cell, to->cells * sizeof(*sums));
		}
	free(top->sums);
	top->sums = sums;
	column_set_put(top->set);
	top->set = set;
	set->refs++;
	return 0;
}

static struct guest *make_others(const struct guests *guests)
{
	struct guest *others = calloc(1, sizeof(*others));

	if (!others)
		return NULL;
	others->refs = 1;
	others->dirfd = -1;
	others->wanted = true;
	others->public = (struct kvmstat_guest){
		.name = strdup(KVMSTAT_OTHERS),
		.uuid = strdup(""),
		.key = strdup(KVMSTAT_OTHERS),
		.incarnation = strdup(guests->boot_id),
		.vmm = strdup(""),
		.fd = -1,
		.created_ns = clock_ns(CLOCK_REALTIME),
	};
	guest_set_began(&others->public);
	if (others->public.name && others->public.uuid && others->public.key && others->public.incarnation &&
	    others->public.vmm)
		return others;
	guest_put(others);
	return NULL;
}

/* One guest's part of the others' row. */
static void add_guest(struct top *top, const struct sample *sample, const struct guest *guest)
{
	size_t start = (size_t)guest->slot * sample->set->ncells, to = (size_t)top->others->slot * sample->set->ncells;
	struct kvmstat_row row;
	const struct kvmstat_row *was = cells_before(top, guest, &row);

	for (uint32_t i = 0; i < sample->set->ncolumns; i++) {
		const struct kvmstat_column *column = &sample->set->columns[i];
		enum kvmstat_class class = column->event->class;

		for (uint32_t cell = column->first_cell; cell < column->first_cell + column->cells; cell++) {
			uint64_t value = sample->values[start + cell], *sum = &sample->values[to + cell];

			if (class != KVMSTAT_INSTANT && class != KVMSTAT_PEAK)
				top->sums[cell] += was ? growth(was, sample, guest, cell) : 0;
			if (!guest->hidden || sample->from[start + cell] == KVMSTAT_ABSENT)
				continue;
			if (class == KVMSTAT_INSTANT)
				*sum += value;
			else if (class == KVMSTAT_PEAK && value > *sum)
				*sum = value;
			sample->from[to + cell] = sample->from[start + cell];
		}
	}
}

/* If no hidden guest has the event any more, the row keeps its last value. */
static void finish(const struct top *top, const struct sample *sample)
{
	size_t to = (size_t)top->others->slot * sample->set->ncells;

	for (uint32_t i = 0; i < sample->set->ncolumns; i++) {
		const struct kvmstat_column *column = &sample->set->columns[i];
		enum kvmstat_class class = column->event->class;

		if (class == KVMSTAT_INSTANT || class == KVMSTAT_PEAK)
			continue;
		for (uint32_t cell = column->first_cell; cell < column->first_cell + column->cells; cell++) {
			sample->values[to + cell] = top->sums[cell];
			if (sample->from[to + cell] == KVMSTAT_ABSENT && top->sums[cell])
				sample->from[to + cell] = column->source;
		}
	}
}

static void add_thread_times(struct top *top, const struct guest *guest)
{
	if (guest->hidden) {
		top->others->vcpus += guest->vcpus;
		top->others->has_cpu &= guest->has_cpu;
	}
	if (!top->before || guest->kept_pass != top->before_pass || !guest->has_cpu || !guest->kept_has_cpu)
		return;
	top->cpu_ns += guest->cpu_ns > guest->kept_cpu_ns ? guest->cpu_ns - guest->kept_cpu_ns : 0;
	top->wait_ns += guest->wait_ns > guest->kept_wait_ns ? guest->wait_ns - guest->kept_wait_ns : 0;
}

static int add_others(struct top *top, struct guests *guests, struct sample *sample, uint64_t pass)
{
	struct guest *others = top->others;

	if (sample_claim(sample, &others->slot) < 0)
		return -ENOMEM;
	memset(sample->values + (size_t)others->slot * sample->set->ncells, 0, sample->set->ncells * sizeof(uint64_t));
	others->pass = pass;
	others->vcpus = 0;
	others->has_cpu = true;
	for (uint32_t i = 0; i < guests->count; i++) {
		const struct guest *guest = guests->list[i];

		if (guest->pass != pass || !guest->wanted || (!guest->hidden && !guest->was_hidden))
			continue;
		add_guest(top, sample, guest);
		add_thread_times(top, guest);
	}
	others->cpu_ns = top->cpu_ns;
	others->wait_ns = top->wait_ns;
	finish(top, sample);
	return 0;
}

/* ---- selection ---- */

/* Returns true if a guest was hidden or shown that was not before. */
static bool hide(const struct top *top, struct guests *guests, size_t nshown, uint64_t pass)
{
	bool changed = false;

	for (uint32_t i = 0; i < guests->count; i++) {
		guests->list[i]->was_hidden = guests->list[i]->hidden;
		guests->list[i]->hidden = true;
	}
	for (size_t i = 0; i < nshown; i++)
		top->candidates[i].guest->hidden = false;
	for (uint32_t i = 0; i < guests->count; i++) {
		struct guest *guest = guests->list[i];

		if (guest->hidden == guest->was_hidden || guest->pass != pass)
			continue;
		changed = true;
		if (guest->hidden && top->before && guest->kept_pass == top->before_pass)
			guest->hidden_until = top->samples + HIDE_PASSES;
	}
	return changed;
}

static bool has_hidden(const struct guests *guests, uint64_t pass)
{
	for (uint32_t i = 0; i < guests->count; i++)
		if (guests->list[i]->pass == pass && guests->list[i]->wanted && guests->list[i]->hidden)
			return true;
	return false;
}

static void forget(struct top *top)
{
	if (top->before)
		kvmstat_sample_put(&top->before->public);
	top->before = NULL;
}

int top_select(struct top *top, struct guests *guests, struct sample *sample, uint64_t pass)
{
	ssize_t count;

	if (!top->limit)
		return 0;
	if (sample->set != top->set && move_sums(top, sample->set) < 0)
		return -ENOMEM;
	/* Cells of other columns cannot be compared. */
	if (top->before && top->before->set != sample->set)
		forget(top);
	top->samples++;
	count = rank(top, guests, sample, pass);
	if (count < 0)
		return (int)count;
	guests->generation += hide(top, guests, (size_t)count < top->limit ? (size_t)count : top->limit, pass);
	if (!top->others && has_hidden(guests, pass)) {
		top->others = make_others(guests);
		if (!top->others)
			return -ENOMEM;
		guests->generation++;
	}
	return top->others ? add_others(top, guests, sample, pass) : 0;
}

void top_keep(struct top *top, const struct guests *guests, struct sample *sample, uint64_t pass)
{
	if (!top->limit)
		return;
	forget(top);
	kvmstat_sample_get(&sample->public);
	top->before = sample;
	top->before_pass = pass;
	for (uint32_t i = 0; i < guests->count; i++) {
		struct guest *guest = guests->list[i];

		guest->kept_pass = guest->pass;
		guest->kept_slot = guest->slot;
		guest->kept_has_cpu = guest->has_cpu;
		guest->kept_cpu_ns = guest->cpu_ns;
		guest->kept_wait_ns = guest->wait_ns;
	}
}

void top_exit(struct top *top)
{
	forget(top);
	column_set_put(top->set);
	free(top->sums);
	free(top->candidates);
	if (top->others)
		guest_put(top->others);
}
