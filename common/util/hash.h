/* SPDX-License-Identifier: MIT */
/*
 * hash.h - FNV-1a, 64 bit
 */
#ifndef KVMSTAT_HASH_H
#define KVMSTAT_HASH_H

#include <stddef.h>
#include <stdint.h>

#define HASH_BASIS UINT64_C(0xcbf29ce484222325)

/* hash is HASH_BASIS, or the hash of what comes before. */
static inline uint64_t hash_bytes(uint64_t hash, const void *data, size_t len)
{
	for (const unsigned char *at = data; len--; at++)
		hash = (hash ^ *at) * UINT64_C(0x100000001b3);
	return hash;
}

#endif
