/* SPDX-License-Identifier: MIT */
/*
 * perf.h - hits of tracepoints counted by perf, where BPF may not run: how many exits, not why
 *
 * One fd for each vCPU thread and tracepoint, without filters: their cost would grow with the number of reasons.
 */
#ifndef KVMSTAT_TRACEPOINT_PERF_H
#define KVMSTAT_TRACEPOINT_PERF_H

#include "sources/tracepoint/count.h"

struct tracepoint_perf;

/* 0; -errno: perf may not be used, or it has not these tracepoints. */
int tracepoint_perf_open(struct tracepoint_perf **perf, const struct tracepoint_counts *counts);
void tracepoint_perf_close(struct tracepoint_perf *perf);

/* Fill the cells of every guest that was seen. 0 or -ENOMEM. */
int tracepoint_perf_pass(struct tracepoint_perf *perf, struct tracepoint_counts *counts, struct source *source,
			 struct pass *pass);

/* Say that there are only totals, and why; and if threads are left out. */
void tracepoint_perf_tell(const struct tracepoint_perf *perf, struct source *source, struct kvmstat *kvmstat,
			  const char *why);

#endif
