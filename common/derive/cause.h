/* SPDX-License-Identifier: MIT */
/*
 * cause.h - which cause fits best what is abnormal of a guest
 */
#ifndef KVMSTAT_CAUSE_H
#define KVMSTAT_CAUSE_H

#include "kvmstat.h"

/* causes.tsv, compiled in; [0] is none. */
extern const struct kvmstat_cause cause_table[KVMSTAT_NCAUSES];

/* What is to be seen of a guest in a step. */
struct symptoms {
	double excess[KVMSTAT_NCAUSES]; /* of the loudest abnormal event that speaks for the cause, log2; 0: there is none */
	const struct kvmstat_judged *event[KVMSTAT_NCAUSES]; /* it */
	unsigned int abnormal;	/* events that are no followers */
	unsigned int followers;
	bool io;		/* an exit for I/O is among them */
	bool silent;
	bool history;		/* it is judged by what was learnt */
	double cpu;		/* CPUs */
	double wait;		/* CPUs that it waits for */
	uint32_t vcpus;
	uint32_t cpus;		/* of the host */
};

/* KVMSTAT_CAUSE_NONE: all is well. */
enum kvmstat_cause_number cause_of(const struct symptoms *symptoms);

/* How long this must be seen before it is reported, in seconds. */
double cause_hold(enum kvmstat_cause_number cause, const struct symptoms *symptoms);

/* The event to name; NULL if the cause needs none. */
const struct kvmstat_judged *cause_event(enum kvmstat_cause_number cause, const struct symptoms *symptoms);

#endif
