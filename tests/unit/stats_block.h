/* SPDX-License-Identifier: MIT */
/*
 * stats_block.h - files of KVM's binary statistics, made by hand
 */
#ifndef KVMSTAT_STATS_BLOCK_H
#define KVMSTAT_STATS_BLOCK_H

#include <stddef.h>
#include <stdint.h>

#include "sources/statsfd/format.h"

/* Flags of a descriptor. */
enum {
	CUMULATIVE, INSTANT, PEAK, LINEAR, LOG,
	BYTES = 1 << 4, SECONDS = 2 << 4, CYCLES = 3 << 4, BOOLEAN = 4 << 4,
	POW2 = 1 << 8,
};

struct made_desc {
	const char *name;
	uint32_t flags;
	int exponent;
	unsigned int size;
	uint32_t offset;
};

/* Descriptors one after the other, each with a name of name_size bytes. Returns their size. */
size_t make_descs(char *to, const struct made_desc *descs, size_t count, uint32_t name_size);

#endif
