/* SPDX-License-Identifier: MIT */
/*
 * sample.h - a sample as the body of a block, and back
 */
#ifndef KVMSTAT_RECORD_SAMPLE_H
#define KVMSTAT_RECORD_SAMPLE_H

#include "kvmstat.h"
#include "record/bytes.h"

/* A sample that was read. */
struct played {
	struct kvmstat_sample sample;	/* first: reports hold pointers to it */
	uint64_t session;		/* ids of guests and CLOCK_BOOTTIME are comparable within one */
	unsigned int refs;
	struct kvmstat_guest *guests;	/* [nrows] */
	struct kvmstat_row *rows;
	struct kvmstat_vcpu *vcpus;
	struct kvmstat_event *events;
	uint32_t nevents;
	struct kvmstat_column *columns;
	uint64_t *values;		/* [nrows + nvcpus][ncells] */
	uint8_t *from;
	char *texts;
	size_t texts_size;
};

/*
 * Append the body. before: the sample of the block before it, with the same columns; NULL: the block needs no other.
 * session: the same for all samples of a collector, and another one for the next.
 */
void sample_encode(struct bytes *to, const struct kvmstat_sample *before, const struct kvmstat_sample *now, uint64_t session);

/*
 * The sample of a body, with one reference, or NULL: it makes no sense.
 * before: the sample of the block before it; NULL: the block needs no other.
 */
struct played *sample_decode(const struct bytes *body, const struct played *before);

/* The predecessor of what has none: all zero. */
extern const struct kvmstat_sample sample_empty;

/* The row of this guest, or one that is all zero. Ids ascend from call to call; *at is 0 before the first. */
const struct kvmstat_row *sample_find_row(const struct kvmstat_sample *sample, uint32_t *at, uint64_t id);

/* The same of a row's vCPU. */
const struct kvmstat_vcpu *sample_find_vcpu(const struct kvmstat_row *row, uint32_t *at, uint32_t id);

/* Give a reference back; NULL is allowed. */
void played_put(struct played *played);

#endif
