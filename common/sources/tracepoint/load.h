/* SPDX-License-Identifier: MIT */
/*
 * load.h - the counting program in the kernel, loaded once per tracepoint, and the memory that it
 * shares with us
 */
#ifndef KVMSTAT_TRACEPOINT_LOAD_H
#define KVMSTAT_TRACEPOINT_LOAD_H

#include "sources/tracepoint/format.h"

struct tracepoint_loader;

/*
 * Load and attach: every hit is counted until tracepoint_close().
 * slots: limit of reasons of threads.
 * 0, or -errno with status set
 */
int tracepoint_open(struct tracepoint_loader **loader, const struct sysroot *root, const struct tracepoint *tracepoints,
		    int count, uint32_t slots, struct kvmstat_source_status *status);
void tracepoint_close(struct tracepoint_loader *loader);

/* [slots], written by the kernel at any time. */
struct tracepoint_slot *tracepoint_slots(const struct tracepoint_loader *loader);

/* Give a slot back whose thread has ended. */
void tracepoint_free_slot(struct tracepoint_loader *loader, uint32_t number);

/*
 * Hits that were not counted because no slot was free, and those that the kernel skipped (reported
 * since Linux 6.7).
 */
uint64_t tracepoint_lost(const struct tracepoint_loader *loader);
uint64_t tracepoint_missed(const struct tracepoint_loader *loader);

#endif
