/* SPDX-License-Identifier: MIT */
#include "stats_block.h"

#include <string.h>

size_t make_descs(char *to, const struct made_desc *descs, size_t count, uint32_t name_size)
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
