/* SPDX-License-Identifier: MIT */
/*
 * quiet.h - what needs little history: a guest that fell silent, and a host that is short of CPU
 */
#ifndef KVMSTAT_QUIET_H
#define KVMSTAT_QUIET_H

#include "derive/level.h"

/* The activity of a guest: how much it does at least, by hour of the day. */
struct quiet {
	uint16_t hour[24];	/* level of the lowest usual activity, 0: not known */
	uint8_t steps;		/* silent ones in a row, or awake ones while it is silent */
	bool silent;
};

/*
 * One step. level is that of its idle, timer, I/O and instruction events, or LEVEL_MISSING; hour 0 to 23; young: it
 * is judged with more care. Returns whether the guest is silent.
 */
bool quiet_update(struct quiet *quiet, uint16_t level, unsigned int hour, bool young, const struct pace *pace);

/* It began once more: the hours stay. */
void quiet_forget(struct quiet *quiet);

/* What guests get and wait for in a step, in CPUs. */
struct demand {
	double cpu;
	double wait;
	unsigned int waiting;	/* guests that wait more than a little */
};

void demand_add(struct demand *demand, double cpu_ns, double wait_ns);

/* The share of the time that somebody waits, 0 to 1. */
double demand_share(double cpu, double wait);

struct shortage {
	uint16_t record;	/* level of the highest share held for a minute */
	uint16_t block;
	uint16_t peak;		/* of the shortage that is on */
	double held;		/* seconds */
	double calm;
	bool active;
};

/* The rules of a shortage: from which share on, and whether one that is known counts. */
struct shortage_rules {
	double share;
	bool known;
};

/* One step; ends: it is the last of a minute. Returns whether the host is short of CPU. */
bool shortage_update(struct shortage *shortage, const struct demand *demand, const struct shortage_rules *rules,
		     const struct pace *pace, bool ends);

/* Is it short at all, so that the guests' own waiting says nothing of them? */
bool shortage_holds_back(const struct demand *demand);

void shortage_fade(struct shortage *shortage, unsigned int units);

#endif
