// SPDX-License-Identifier: MIT
/*
 * sample.c - what the writer and the reader of samples share: predecessors
 */
#include <stdlib.h>

#include "record/sample.h"

static const struct kvmstat_guest no_guest;
static const struct kvmstat_row no_row = { .guest = &no_guest };
static const struct kvmstat_vcpu no_vcpu;

const struct kvmstat_sample sample_empty;

const struct kvmstat_row *sample_find_row(const struct kvmstat_sample *sample, uint32_t *at, uint64_t id)
{
	while (*at < sample->nrows && sample->rows[*at].guest->id < id)
		++*at;
	return *at < sample->nrows && sample->rows[*at].guest->id == id ? &sample->rows[*at] : &no_row;
}

const struct kvmstat_vcpu *sample_find_vcpu(const struct kvmstat_row *row, uint32_t *at, uint32_t id)
{
	while (*at < row->nvcpus && row->vcpus[*at].id < id)
		++*at;
	return *at < row->nvcpus && row->vcpus[*at].id == id ? &row->vcpus[*at] : &no_vcpu;
}

void played_put(struct played *played)
{
	if (!played || --played->refs)
		return;
	free(played->guests);
	free(played->rows);
	free(played->vcpus);
	free(played->events);
	free(played->columns);
	free(played->values);
	free(played->from);
	free(played->texts);
	free(played);
}
