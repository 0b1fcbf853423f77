/* SPDX-License-Identifier: MIT */
/*
 * history.h - what the plugin keeps from one pass to the next: labels of guests, and which values
 * were ever not 0. Independent of collectd.
 */
#ifndef KVMSTAT_HISTORY_H
#define KVMSTAT_HISTORY_H

#include "kvmstat.h"
#include "naming.h"
#include "series.h"

struct state {
	struct guest_state *guests; /* [nguests], as the rows of before */
	uint32_t nguests;
	struct suffix *vcpus; /* [nvcpus], as the vcpus of before */
	uint32_t nvcpus;
	struct cell *cells; /* [ncells], as the cells of before, and the times */
	uint32_t ncells;
	uint8_t *seen; /* [nguests + nvcpus][ncells]: 0, 1 once it was not zero, 2 while deferred */
	struct kvmstat_sample *before; /* the last sample, NULL at first */
	struct suffixed suffixed;
};

enum verdict {
	LEAVE_OUT,
	SEND,
	SEND_ZERO_FIRST, /* it woke up: first send the 0 of state->before */
};

/* A guest, or one of its vCPUs, in the sample that state_update() was last called with. */
struct series_owner {
	const struct kvmstat_row *row;
	const struct kvmstat_vcpu *vcpu; /* NULL: the guest itself */
	const struct label *label;
	const struct suffix *suffix; /* NULL: the guest itself */
	uint8_t *seen;		     /* [ncells] */
};

/*
 * Update the state to this sample. Allocates only if guests, vCPUs or events have changed.
 * 0: they are the same
 * 1: they have changed
 * -ENOMEM: the state is unchanged, and the sample must be left out
 */
int state_update(struct state *state, const struct kvmstat_sample *now, const struct naming *naming,
		 bool skip_never_seen);

struct series_owner state_guest(const struct state *state, const struct kvmstat_sample *now, uint32_t row);

/* vcpu is an index of now->vcpus, of a vCPU in this row. */
struct series_owner state_vcpu(const struct state *state, const struct kvmstat_sample *now, uint32_t row,
			       uint32_t vcpu);

/* Decide what to do with a cell. Sets *value unless the cell is left out. */
enum verdict state_judge(const struct state *state, const struct kvmstat_sample *now,
			 const struct series_owner *owner, uint32_t cell, uint64_t *value);

/* The 0 of this cell has been sent; its value follows with state_flush(). */
void state_defer(const struct series_owner *owner, uint32_t cell);

bool state_is_deferred(const struct series_owner *owner, uint32_t cell);

/* End the deferral. *value is what has to be sent; false: there is no value. */
bool state_flush(const struct kvmstat_sample *now, const struct series_owner *owner, uint32_t cell,
		 uint64_t *value);

/* End of the pass: keep the reference to now and give the last sample back. */
void state_advance(struct state *state, struct kvmstat_sample *now);

void state_free(struct state *state);

#endif
