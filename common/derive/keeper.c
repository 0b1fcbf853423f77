// SPDX-License-Identifier: MIT
/*
 * keeper.c - when a diagnosis is saved, and what is wrong if it cannot be kept
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kvmstat.h"

#define SAVE_EACH_NS (15 * 60 * UINT64_C(1000000000))

static const char *reason(int rc)
{
	if (rc == -ENXIO || rc == -ELOOP)
		return "it is not a regular file";
	return strerror(-rc);
}

int kvmstat_keeper_load(struct kvmstat_keeper *keeper, struct kvmstat_diagnosis *diagnosis, char *text, size_t size)
{
	char why[256] = "";
	int rc = keeper->dir ? kvmstat_diagnosis_load(diagnosis, keeper->dir, why, sizeof(why)) : 0;

	if (!rc)
		return 0;
	if (rc > 0) {
		snprintf(text, size,
			 "%s/" KVMSTAT_BASELINE " is damaged: %s; it is kept as " KVMSTAT_BASELINE
			 ".bad, and what is usual is learnt from the beginning",
			 keeper->dir, why);
		return 1;
	}
	snprintf(text, size,
		 "%s/" KVMSTAT_BASELINE " cannot be read: %s; nothing is saved, so that it stays as it is; move it away, or "
		 "choose another directory with StateDir, and restart %s",
		 keeper->dir, reason(rc), keeper->program);
	free(keeper->dir);
	keeper->dir = NULL;
	return 1;
}

bool kvmstat_keeper_due(struct kvmstat_keeper *keeper, const struct kvmstat_sample *sample, bool changed)
{
	if (!keeper->saved_ns)
		keeper->saved_ns = sample->time_ns;
	return keeper->dir && (changed || sample->time_ns - keeper->saved_ns >= SAVE_EACH_NS);
}

int kvmstat_keeper_save(struct kvmstat_keeper *keeper, const struct kvmstat_diagnosis *diagnosis,
			const struct kvmstat_sample *sample, char *text, size_t size)
{
	int rc;

	if (!keeper->dir || !keeper->saved_ns)
		return 0;
	/* One that fails is tried again as late as one that does not: each may take long. */
	if (sample)
		keeper->saved_ns = sample->time_ns;
	rc = kvmstat_diagnosis_save(diagnosis, keeper->dir);
	if (rc)
		snprintf(text, size,
			 "%s/" KVMSTAT_BASELINE ", which keeps what is usual, cannot be saved: %s; make the directory writable, or "
			 "choose another one with StateDir",
			 keeper->dir, reason(rc));
	return rc;
}
