/* SPDX-License-Identifier: MIT */
/*
 * fake.h - samples made by hand, and the few functions of the core that would want a real one
 */
#ifndef FAKE_H
#define FAKE_H

#include "kvmstat.h"

enum { FAKE_REMEMBERED = 8 };

struct fake {
	struct kvmstat_sample sample;
	struct kvmstat_guest *guests;
	struct kvmstat_row *rows;
	struct kvmstat_column *columns;
	struct kvmstat_vcpu *vcpus;
	uint64_t *value;	/* of rows, then of vCPUs */
	uint8_t *from;
	int refs;		/* kvmstat_sample_get() less kvmstat_sample_put() */
};

/* Room for a sample; every cell is absent. Guests are named g0, g1, ..., their keys name:g0, ... */
struct fake *fake_new(uint32_t nrows, uint32_t ncolumns, uint32_t ncells);

/* The same with vCPUs shown one by one: nvcpus[row] of each guest, with ids from 0. */
struct fake *fake_new_vcpus(uint32_t nrows, uint32_t ncolumns, uint32_t ncells, const uint32_t *nvcpus);
void fake_free(struct fake *fake);

void fake_set(struct fake *fake, uint32_t row, uint32_t cell, uint64_t value);

/* vcpu: of all guests, in the order of rows. */
void fake_set_vcpu(struct fake *fake, uint32_t vcpu, uint32_t cell, uint64_t value);

/* Take a copy of the strings. */
void fake_key(struct fake *fake, uint32_t row, const char *key, const char *incarnation);

/* What kvmstat_remember_event() was told, and what it returns. */
extern struct fake_remembered {
	unsigned int count;
	char name[FAKE_REMEMBERED][128];
	uint32_t number[FAKE_REMEMBERED];
	int result;
} fake_remembered;

#endif
