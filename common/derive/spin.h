/* SPDX-License-Identifier: MIT */
/*
 * spin.h - vCPUs that compute all the time and never halt, where vCPUs are reported one by one
 *
 * The sum of a busy guest hides one such vCPU. The record is how many of them a guest has had for minutes when nothing
 * was wrong; it fades by half in two weeks, as levels do (level.h).
 */
#ifndef KVMSTAT_SPIN_H
#define KVMSTAT_SPIN_H

#include <stdbool.h>
#include <stdint.h>

#include "derive/level.h"

struct spin {
	float *seconds;		/* [room] by id: for how long the vCPU has computed without a halt */
	uint32_t room;
	uint32_t count;		/* vCPUs that have for long enough */
	uint32_t first;		/* id of the first of them */
	uint32_t peak;		/* highest count while abnormal */
	float record;
	double calm;		/* seconds */
	bool abnormal;
};

void spin_free(struct spin *spin);

/* One sample of a vCPU; NaN: unknown. 0 or -ENOMEM. */
int spin_note(struct spin *spin, uint32_t vcpu, double cpu_ns, double halts, double seconds);

/* One step. judged: or only learnt from. */
void spin_step(struct spin *spin, bool judged, const struct pace *pace);

void spin_fade(struct spin *spin, unsigned int units);

/* What it is now is normal from now on. */
void spin_adopt(struct spin *spin);

/* Nothing is under suspicion any more; the record stays. */
void spin_forget(struct spin *spin);

#endif
