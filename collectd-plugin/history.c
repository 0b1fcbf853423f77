/* SPDX-License-Identifier: MIT */
/* history.c - pure: what the plugin keeps from one pass to the next, and its verdict on each value */
#include "history.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- cells -------------------------------------------------------------- */

/* The cell of sample for the same event and bucket as this cell of now, or -1. */
static int64_t cell_in(const struct kvmstat_sample *sample, const struct kvmstat_sample *now,
		       const struct cell *cells, uint32_t cell)
{
	const struct kvmstat_column *column, *other;

	if (cell >= now->ncells)
		return sample->nvcpus ? (int64_t)sample->ncells + (cell - now->ncells) : -1;
	if (sample->event_generation == now->event_generation)
		return cell;
	column = &now->columns[cells[cell].column];
	other = kvmstat_sample_column(sample, column->event->number);
	if (!other || cell - column->first_cell >= other->cells)
		return -1;
	return other->first_cell + (cell - column->first_cell);
}

/* Has the guest, or this vCPU of it, a value? */
static bool read_cell(const struct kvmstat_sample *sample, const struct kvmstat_row *row,
		      const struct kvmstat_vcpu *vcpu, uint32_t cell, uint64_t *value)
{
	if (cell < sample->ncells) {
		*value = vcpu ? vcpu->value[cell] : row->value[cell];
		return (vcpu ? vcpu->from[cell] : row->from[cell]) != KVMSTAT_ABSENT;
	}
	if (cell - sample->ncells == TIME_CPU)
		*value = vcpu ? vcpu->cpu_ns : row->cpu_ns;
	else
		*value = vcpu ? vcpu->wait_ns : row->wait_ns;
	return vcpu ? vcpu->has_cpu : row->has_cpu;
}

/* ---- guests and vCPUs --------------------------------------------------- */

/* Data for the state of a new sample. */
struct renewal {
	struct state *old;
	struct name_pass naming;
	struct suffix *vcpus;
	struct cell *cells;
	int64_t *earlier;	/* [ncells] of each cell the one of the sample before, or -1 */
	uint32_t ncells;
	uint8_t *seen;
	uint32_t *newcomers; /* room for a number of each row */
};

static uint32_t vcpu_index(const struct kvmstat_sample *sample, const struct kvmstat_vcpu *vcpu)
{
	return (uint32_t)(vcpu - sample->vcpus);
}

/* What was seen of a guest or vCPU; slots as in state->seen. */
static void seen_carry_over(const struct renewal *next, size_t slot, size_t old_slot)
{
	const struct state *old = next->old;

	for (uint32_t i = 0; i < next->ncells; i++) {
		int64_t cell = next->earlier[i];

		if (cell >= 0)
			next->seen[slot * next->ncells + i] =
				old->seen[old_slot * old->ncells + (size_t)cell];
	}
}

/* Both lists ascend by id. */
static void vcpus_carry_over(const struct renewal *next, const struct kvmstat_row *row,
			     const struct kvmstat_row *old_row)
{
	const struct state *old = next->old;
	const struct kvmstat_sample *now = next->naming.now;
	uint32_t j = 0;

	for (uint32_t i = 0; i < row->nvcpus; i++) {
		while (j < old_row->nvcpus && old_row->vcpus[j].id < row->vcpus[i].id)
			j++;
		if (j < old_row->nvcpus && old_row->vcpus[j].id == row->vcpus[i].id)
			seen_carry_over(next, (size_t)now->nrows + vcpu_index(now, &row->vcpus[i]),
					(size_t)old->nguests + vcpu_index(old->before, &old_row->vcpus[j]));
	}
}

/* Rows of the last sample keep their label and their state; both lists ascend by id. */
static void guests_carry_over(const struct renewal *next)
{
	const struct state *old = next->old;
	const struct kvmstat_sample *now = next->naming.now;
	struct guest_state *guests = next->naming.guests;
	uint32_t j = 0;

	for (uint32_t i = 0; old->nguests && i < next->ncells; i++)
		next->earlier[i] = cell_in(old->before, now, next->cells, i);
	for (uint32_t i = 0; i < now->nrows; i++) {
		uint64_t id = now->rows[i].guest->id;

		while (j < old->nguests && old->guests[j].id < id)
			j++;
		if (j == old->nguests || old->guests[j].id != id)
			continue;
		guests[i] = old->guests[j];
		guests[i].fresh = false;
		seen_carry_over(next, i, j);
		vcpus_carry_over(next, &now->rows[i], &old->before->rows[j]);
	}
}

static bool is_current(const struct state *state, const struct kvmstat_sample *now)
{
	const struct kvmstat_sample *before = state->before;

	return before && before->guest_generation == now->guest_generation &&
	       before->event_generation == now->event_generation && before->nrows == now->nrows &&
	       before->nvcpus == now->nvcpus && before->ncells == now->ncells;
}

static void state_forget(struct state *state)
{
	free(state->guests);
	free(state->vcpus);
	free(state->cells);
	free(state->seen);
}

static void state_replace(struct state *state, const struct renewal *next)
{
	state_forget(state);
	state->guests = next->naming.guests;
	state->vcpus = next->vcpus;
	state->cells = next->cells;
	state->seen = next->seen;
	state->nguests = next->naming.now->nrows;
	state->nvcpus = next->naming.now->nvcpus;
	state->ncells = next->ncells;
}

static int renewal_begin(struct renewal *next, bool skip_never_seen)
{
	const struct kvmstat_sample *now = next->naming.now;

	next->ncells = series_count(now);
	next->naming.guests = calloc((size_t)now->nrows + 1, sizeof(*next->naming.guests));
	next->vcpus = calloc((size_t)now->nvcpus + 1, sizeof(*next->vcpus));
	next->seen = calloc(((size_t)now->nrows + now->nvcpus) * next->ncells + 1, 1);
	next->cells = series_cells(now, skip_never_seen);
	next->earlier = calloc(next->ncells + 1u, sizeof(*next->earlier));
	next->newcomers = calloc(now->nrows + 1u, sizeof(*next->newcomers));
	if (next->naming.guests && next->vcpus && next->seen && next->cells && next->earlier &&
	    next->newcomers && labelset_init(&next->naming.taken, now->nrows) == 0)
		return 0;
	free(next->naming.guests);
	free(next->vcpus);
	free(next->seen);
	free(next->cells);
	free(next->earlier);
	free(next->newcomers);
	return -ENOMEM;
}

int state_update(struct state *state, const struct kvmstat_sample *now, const struct naming *naming,
		 bool skip_never_seen)
{
	struct renewal next = {
		.old = state,
		.naming = {.suffixed = &state->suffixed, .now = now, .naming = naming},
	};
	int err;

	if (is_current(state, now))
		return 0;
	err = renewal_begin(&next, skip_never_seen);
	if (err)
		return err;
	guests_carry_over(&next);
	free(next.earlier);
	name_newcomers(&next.naming, next.newcomers);
	free(next.newcomers);
	labelset_free(&next.naming.taken);
	for (uint32_t i = 0; i < now->nvcpus; i++)
		next.vcpus[i] = series_suffix(now->vcpus[i].id);
	state_replace(state, &next);
	return 1;
}

/* ---- values ------------------------------------------------------------- */

enum { SEEN = 1, DEFERRED = 2 };

struct series_owner state_guest(const struct state *state, const struct kvmstat_sample *now, uint32_t row)
{
	return (struct series_owner){
		.row = &now->rows[row],
		.label = &state->guests[row].label,
		.seen = state->seen + (size_t)row * state->ncells,
	};
}

struct series_owner state_vcpu(const struct state *state, const struct kvmstat_sample *now, uint32_t row,
			       uint32_t vcpu)
{
	return (struct series_owner){
		.row = &now->rows[row],
		.vcpu = &now->vcpus[vcpu],
		.label = &state->guests[row].label,
		.suffix = &state->vcpus[vcpu],
		.seen = state->seen + ((size_t)state->nguests + vcpu) * state->ncells,
	};
}

/* The guest's row in an earlier sample, or NULL. */
static const struct kvmstat_row *find_row(const struct kvmstat_sample *sample, uint64_t id)
{
	uint32_t low = 0, high = sample->nrows;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (sample->rows[middle].guest->id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < sample->nrows && sample->rows[low].guest->id == id ? &sample->rows[low] : NULL;
}

static const struct kvmstat_vcpu *find_vcpu(const struct kvmstat_row *row, uint32_t id)
{
	for (uint32_t i = 0; i < row->nvcpus; i++)
		if (row->vcpus[i].id == id)
			return &row->vcpus[i];
	return NULL;
}

/* Was this cell 0 in the last sample, at an earlier time? */
static bool was_zero(const struct state *state, const struct kvmstat_sample *now,
		     const struct series_owner *owner, uint32_t cell)
{
	const struct kvmstat_sample *before = state->before;
	const struct kvmstat_vcpu *vcpu = NULL;
	const struct kvmstat_row *row;
	int64_t there;
	uint64_t value;

	if (!before || before->realtime_ns >= now->realtime_ns)
		return false;
	row = find_row(before, owner->row->guest->id);
	if (row && owner->vcpu)
		vcpu = find_vcpu(row, owner->vcpu->id);
	if (!row || (owner->vcpu && !vcpu))
		return false;
	there = cell_in(before, now, state->cells, cell);
	return there >= 0 && read_cell(before, row, vcpu, (uint32_t)there, &value) && value == 0;
}

enum verdict state_judge(const struct state *state, const struct kvmstat_sample *now,
			 const struct series_owner *owner, uint32_t cell, uint64_t *value)
{
	uint8_t *seen = &owner->seen[cell];
	bool woke;

	if (owner->vcpu && !state->cells[cell].per_vcpu)
		return LEAVE_OUT;
	if (!read_cell(now, owner->row, owner->vcpu, cell, value))
		return LEAVE_OUT;
	if (*value == 0)
		return *seen || !state->cells[cell].skip ? SEND : LEAVE_OUT;
	woke = !*seen && state->cells[cell].skip;
	*seen = SEEN;
	return woke && was_zero(state, now, owner, cell) ? SEND_ZERO_FIRST : SEND;
}

void state_defer(const struct series_owner *owner, uint32_t cell)
{
	owner->seen[cell] = DEFERRED;
}

bool state_is_deferred(const struct series_owner *owner, uint32_t cell)
{
	return owner->seen[cell] == DEFERRED;
}

bool state_flush(const struct kvmstat_sample *now, const struct series_owner *owner, uint32_t cell,
		 uint64_t *value)
{
	owner->seen[cell] = SEEN;
	return read_cell(now, owner->row, owner->vcpu, cell, value);
}

void state_advance(struct state *state, struct kvmstat_sample *now)
{
	kvmstat_sample_put(state->before);
	state->before = now;
}

void state_free(struct state *state)
{
	state_forget(state);
	kvmstat_sample_put(state->before);
	*state = (struct state){0};
}
