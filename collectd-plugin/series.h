/* SPDX-License-Identifier: MIT */
/*
 * series.h - pure: what the values of a guest and of its vCPUs are called in collectd
 *
 * A type instance is the event's name, behind it a histogram's bucket, behind that the vCPU:
 *
 *	exit_instruction
 *	exit_instruction-vcpu003
 *	halt_wait_hist-07-from-64ns
 */
#ifndef KVMSTAT_SERIES_H
#define KVMSTAT_SERIES_H

#include "kvmstat.h"
#include "label.h"

/* CPU time and run-queue wait are not events: they follow the events' cells, if vCPUs are reported. */
enum { TIME_CPU, TIME_WAIT, NTIMES };

/* Properties of a cell that are the same in every row. */
struct cell {
	char type_instance[LABEL_SIZE];
	uint8_t len; /* of type_instance, its NUL not counted */
	bool gauge;
	bool skip;	 /* not sent until it is not 0 */
	bool per_vcpu;	 /* sent of each vCPU as well: no bucket, and nothing that only a VM has */
	uint32_t column; /* index in sample->columns; of a time: ncolumns */
};

/* The suffix of a vCPU in every cell: "-vcpu003". */
struct suffix {
	char text[16];
	uint8_t len;
};

/* How many cells there are to name: those of the sample, and the times. */
uint32_t series_count(const struct kvmstat_sample *sample);

/* One for each; NULL without memory. skip: of all of them. */
struct cell *series_cells(const struct kvmstat_sample *sample, bool skip);

struct suffix series_suffix(uint32_t vcpu);

const char *series_time_name(int time);

/* suffix NULL: of the guest itself. A name of more than 111 bytes is cut where a suffix needs the room. */
void series_name(char name[LABEL_SIZE], const struct cell *cell, const struct suffix *suffix);

#endif
