/* SPDX-License-Identifier: MIT */
/*
 * scan.h - the slots that the BPF program counts in, read once a pass
 */
#ifndef KVMSTAT_TRACEPOINT_SCAN_H
#define KVMSTAT_TRACEPOINT_SCAN_H

#include "sources/tracepoint/count.h"

struct tracepoint_scan;

/* Begin to count. 0, or -errno with status set. */
int tracepoint_scan_open(struct tracepoint_scan **scan, const struct tracepoint_counts *counts, const struct sysroot *root,
			 uint32_t cpus, struct kvmstat_source_status *status);
void tracepoint_scan_close(struct tracepoint_scan *scan);

/* Fill the cells of every guest that was seen. 0 or -ENOMEM. */
int tracepoint_scan_pass(struct tracepoint_scan *scan, struct tracepoint_counts *counts, struct source *source,
			 struct pass *pass);

/* Report hits that were not counted, if there are any. */
void tracepoint_scan_report(struct tracepoint_scan *scan, struct source *source, struct context *context);

#endif
