/* SPDX-License-Identifier: MIT */
/*
 * map.h - the index of a guest: the same after a restart of the guest, the subagent or the host,
 * and never the index of another guest
 *
 * An index is published only once it is in the file. While it cannot be saved, the guest is left
 * out.
 */
#ifndef KVMSTAT_AGENTX_INDEXMAP_H
#define KVMSTAT_AGENTX_INDEXMAP_H

#include "kvmstat.h"

struct indexmap;

/* What may be published of a sample. Valid until the next indexmap_assign(). */
struct assignment {
	const uint32_t *guest;	/* [nrows], 0: leave this guest out */
	const bool *event;	/* [ncolumns], false: leave this event out */
	uint64_t generation;	/* differs if anything above does */
};

/* dir NULL: indices are kept in memory only. 0 or -ENOMEM. */
int indexmap_new(struct indexmap **map, const char *dir);
void indexmap_free(struct indexmap *map);

/* Hand the numbers of unknown events of earlier runs to a collector, before its first pass. */
void indexmap_remember_events(struct indexmap *map, struct kvmstat *kvmstat);

/*
 * Indices for every guest of this sample. Reads and writes the file only when guests or events changed, or as
 * long as that fails. 0 or -ENOMEM.
 */
int indexmap_assign(struct indexmap *map, const struct kvmstat_sample *sample, struct assignment *assignment);

#endif
