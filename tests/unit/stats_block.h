/* SPDX-License-Identifier: MIT */
/*
 * stats_block.h - files of KVM's binary statistics, made by hand
 */
#ifndef KVMSTAT_STATS_BLOCK_H
#define KVMSTAT_STATS_BLOCK_H

#include <stdio.h>
#include <string.h>

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
static inline size_t make_descs(char *to, const struct made_desc *descs, size_t count, uint32_t name_size)
{
	size_t stride = STATS_DESC_SIZE + name_size;

	memset(to, 0, count * stride);
	for (size_t i = 0; i < count; i++, to += stride) {
		int16_t exponent = (int16_t)descs[i].exponent;
		uint16_t size = (uint16_t)descs[i].size;

		memcpy(to, &descs[i].flags, 4);
		memcpy(to + 4, &exponent, 2);
		memcpy(to + 6, &size, 2);
		memcpy(to + 8, &descs[i].offset, 4);
		memcpy(to + STATS_DESC_SIZE, descs[i].name, strnlen(descs[i].name, name_size));
	}
	return count * stride;
}

#endif
