/* SPDX-License-Identifier: MIT */
/* send.h - select the values to send, their order and their pace; independent of collectd */
#ifndef KVMSTAT_PASS_H
#define KVMSTAT_PASS_H

#include "options.h"
#include "history.h"

/* Called once for each value; owner->label is the same pointer for all values of a guest. */
typedef void pass_emit(void *context, const struct series_owner *owner, const struct cell *cell, uint64_t value,
		       uint64_t realtime_ns);

/* Is the 0 that was emitted of this cell the daemon's last value of it? Then a later one cannot overtake it. */
typedef bool pass_arrived(void *context, const struct series_owner *owner, const struct cell *cell);

struct pass {
	const struct options *options;
	struct state *state; /* state_update() was called for the sample */
	pass_emit *emit;
	pass_arrived *arrived;
	void *context;
	uint64_t interval_ns;
	/* results */
	uint32_t sent;	   /* before: by the last pass, 0 at first */
	uint32_t left_out; /* over MaxValues */
	uint32_t deferred; /* of sent: those that pass_end() will send */
};

/* May one more value be sent, now or at the end? It is counted in either case. */
bool pass_admit(struct pass *pass);

/*
 * Send all values; for an event that woke up, only the 0 before its value.
 * The guests' own values come first, so that MaxValues cuts off those of vCPUs.
 */
void pass_run(struct pass *pass, const struct kvmstat_sample *sample);

/*
 * Send the values of events that woke up, each after its 0 has arrived: the daemon's write threads
 * take one value list each, and might write the value before its 0. If the 0 takes too long, the
 * next pass sends the next value.
 */
void pass_end(struct pass *pass, const struct kvmstat_sample *sample);

#endif
