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

/* What a front end has learnt. 0; 1 or, if the file must stay as it is, -1 with a message. */
static int load_learnt(struct kvmstat_keeper *keeper, struct kvmstat_diagnosis *diagnosis, char *text, size_t size)
{
	char why[256] = "";
	int rc = kvmstat_diagnosis_load(diagnosis, keeper->dir, why, sizeof(why));

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
	return -1;
}

/* What the command has recorded. 0, or 1 with a message. */
static int load_good(const struct kvmstat_keeper *keeper, struct kvmstat_diagnosis *diagnosis, char *text, size_t size)
{
	char why[256] = "";
	int rc = kvmstat_diagnosis_load_good(diagnosis, keeper->dir, why, sizeof(why));

	if (rc)
		snprintf(text, size,
			 "%s/" KVMSTAT_GOOD_DIR "/" KVMSTAT_GOOD ", the recorded good case, cannot be used: %s; record it once more "
			 "with 'kvmstat baseline save', and restart %s",
			 keeper->dir, rc > 0 ? why : reason(rc), keeper->program);
	return rc != 0;
}

int kvmstat_keeper_load(struct kvmstat_keeper *keeper, struct kvmstat_diagnosis *diagnosis, char *text, size_t size)
{
	int learnt, good;
	size_t used = 0;

	if (!keeper->dir)
		return 0;
	learnt = load_learnt(keeper, diagnosis, text, size);
	if (learnt) {
		used = strlen(text);
		if (used + 3 < size)
			used = (size_t)(stpcpy(text + used, ". ") - text);
	}
	good = load_good(keeper, diagnosis, text + used, size - used);
	if (learnt && !good)
		text[used - 2] = '\0';
	if (learnt < 0) {
		free(keeper->dir);
		keeper->dir = NULL;
	}
	return learnt || good;
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
