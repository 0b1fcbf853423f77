/* SPDX-License-Identifier: MIT */
/*
 * bucket.c - pure: histograms, and which values a bucket counts
 */
#include "kvmstat.h"

bool kvmstat_is_histogram(enum kvmstat_class class)
{
	return class == KVMSTAT_LINEAR_HIST || class == KVMSTAT_LOG_HIST;
}

/* The place of the highest bit that is set says which bucket: 0 counts 0, 1 counts 1, 2 counts 2 and 3, ... */
bool kvmstat_bucket(const struct kvmstat_column *column, uint32_t bucket, uint64_t *from, uint64_t *below)
{
	if (column->event->class != KVMSTAT_LOG_HIST || bucket > 64)
		return false;
	*from = bucket ? UINT64_C(1) << (bucket - 1) : 0;
	*below = bucket + 1 < column->cells && bucket < 64 ? UINT64_C(1) << bucket : UINT64_MAX;
	return true;
}
