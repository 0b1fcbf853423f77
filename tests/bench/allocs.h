/* SPDX-License-Identifier: MIT */
/*
 * allocs.h - counts what this process asks of malloc
 */
#ifndef BENCH_ALLOCS_H
#define BENCH_ALLOCS_H

#include <stdint.h>

/* Calls of malloc, calloc, realloc and aligned_alloc so far, all libraries and threads included. */
uint64_t allocs_count(void);

#endif
