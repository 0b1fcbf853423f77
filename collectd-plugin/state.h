/* SPDX-License-Identifier: MIT */
/*
 * state.h - what the plugin knows from one pass to the next: labels of guests, and which values ever were
 * something else than 0. Nothing of collectd in it.
 */
#ifndef KVMSTAT_STATE_H
#define KVMSTAT_STATE_H

#include "kvmstat.h"
#include "label.h"

/* What is the same for a cell in every row. */
struct cell {
	char type_instance[LABEL_SIZE];
	uint8_t len; /* of type_instance, its NUL not counted */
	bool gauge;
	bool skip;	 /* not sent before it is something else than 0 */
	uint32_t column; /* index in sample->columns */
};

struct guest_state {
	uint64_t id;
	bool named;   /* has its label */
	bool changed; /* the label says the name in other bytes, or has a suffix */
	bool fresh;   /* found in the last update that changed something */
	struct label label;
};

enum { STATE_SUFFIXED = 1024 };

struct state {
	struct guest_state *guests; /* [nguests], as the rows of before */
	uint32_t nguests;
	struct cell *cells; /* [ncells], as the cells of before */
	uint32_t ncells;
	uint8_t *seen;		       /* [nguests][ncells]: 0, 1 once it was not zero, 2 while owed */
	struct kvmstat_sample *before; /* the last sample, NULL at first */
	/* Keys (hashed) of guests that had to take a suffix, so that they do so again when they return. */
	uint64_t suffixed[STATE_SUFFIXED];
	uint32_t nsuffixed;
};

enum verdict {
	LEAVE_OUT,
	SEND,
	SEND_ZERO_FIRST, /* it woke up: send the 0 of state->before before it */
};

/*
 * Make the state one of this sample. Allocates only if guests or events are others than before.
 * 0, 1 if they are others, or -ENOMEM: then nothing is changed, and the sample must be left out.
 */
int state_update(struct state *state, const struct kvmstat_sample *now, const struct naming *naming,
		 bool skip_never_seen);

/* What to do with a cell of the sample that state_update() was last called with. */
enum verdict state_judge(struct state *state, const struct kvmstat_sample *now, uint32_t row, uint32_t cell);

/* The 0 of this cell has been sent, its value has not. */
void state_owe(struct state *state, uint32_t row, uint32_t cell);

/* Was a value owed? From now on it is not. */
bool state_pay(struct state *state, uint32_t row, uint32_t cell);

/* The pass is over: keeps the reference to now, gives the last sample back. */
void state_advance(struct state *state, struct kvmstat_sample *now);

void state_free(struct state *state);

#endif
