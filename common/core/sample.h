/* SPDX-License-Identifier: MIT */
/*
 * sample.h - the matrix: columns, samples that are reused in turn
 */
#ifndef KVMSTAT_SAMPLE_H
#define KVMSTAT_SAMPLE_H

#include <stdatomic.h>

#include "guests/guest.h"
#include "kvmstat.h"

enum { NO_CELL = 0xffffffff };

/* The columns that samples share; constant. Only the collector's thread counts references. */
struct column_set {
	struct kvmstat_column *columns;
	uint32_t ncolumns;
	uint32_t ncells;
	uint32_t refs;
	uint64_t generation;
	uint32_t blocking;		/* cell of the event of this name, or NO_CELL */
	char reason[512];	/* kvmstat_column.reason of events that no source may read */
};

void column_set_put(struct column_set *set);

struct sample {
	struct kvmstat_sample public;	/* first: front ends hold pointers to it */
	atomic_uint refs;		/* of front ends; at 0 the collector may fill it again */
	struct sample *next;		/* in the pool */
	struct column_set *set;
	struct kvmstat_row *rows;
	uint64_t *values;		/* [slots_allocated][ncells] */
	uint8_t *from;
	struct guest **guests;		/* those of the rows, a reference each */
	uint32_t nguests;
	struct kvmstat_vcpu *vcpus;	/* of rows, in their order */
	uint32_t nvcpus;
	uint32_t vcpus_claimed;		/* in this pass, shown or not */
	uint32_t vcpus_allocated;
	uint32_t slots;			/* used in this pass */
	uint32_t slots_allocated;
	size_t cells_allocated;
};

struct sample_pool {
	struct sample *samples;
};

/*
 * Returns an empty sample without readers, with this set of columns and room for nguests; NULL
 * without memory.
 */
struct sample *sample_begin(struct sample_pool *pool, struct column_set *set, uint32_t nguests);

/* Claim storage for one more guest or vCPU; its cells are absent. 0 or -ENOMEM. */
int sample_claim(struct sample *sample, uint32_t *slot);
int sample_claim_vcpu(struct sample *sample, uint32_t *slot);

/*
 * Show the guests of this pass that are wanted and not hidden.
 * vcpus: also show their vCPUs.
 * others: the row that comes first, or NULL.
 * The caller becomes the first reader.
 */
void sample_publish(struct sample *sample, struct guests *guests, uint64_t pass, bool vcpus, struct guest *others);

void sample_pool_exit(struct sample_pool *pool);

#endif
