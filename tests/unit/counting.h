/* SPDX-License-Identifier: MIT */
/*
 * counting.h - an allocator that counts, and that can fail at the n-th call
 *
 * That of counting.o stands in for the C library's. With AddressSanitizer, whose allocator must stay, it only counts.
 */
#ifndef KVMSTAT_COUNTING_H
#define KVMSTAT_COUNTING_H

#include <stdbool.h>

#if defined(__SANITIZE_ADDRESS__)
#define COUNTING_FAILS 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define COUNTING_FAILS 0
#endif
#endif
#ifndef COUNTING_FAILS
#define COUNTING_FAILS 1
#endif

extern unsigned long allocations;
extern long outstanding; /* allocated and not yet freed */

#if COUNTING_FAILS
extern unsigned long fail_at; /* number of the allocation that fails; 0: none does */
extern bool fail_on;	      /* and all after it */
#endif

#endif
