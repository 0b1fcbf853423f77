/* SPDX-License-Identifier: MIT */
/* fuzz.h - what the fuzz targets share */
#ifndef KVMSTAT_FUZZ_H
#define KVMSTAT_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must hold whatever the input is. */
#define must(condition)                                                                                      \
	do {                                                                                                 \
		if (!(condition)) {                                                                          \
			fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);       \
			abort();                                                                             \
		}                                                                                            \
	} while (0)

/* A copy with a NUL behind it, in memory that ends there. */
static inline char *fuzz_copy(const uint8_t *data, size_t size)
{
	char *copy = malloc(size + 1);

	must(copy != NULL);
	if (size)
		memcpy(copy, data, size);
	copy[size] = '\0';
	return copy;
}

#endif
