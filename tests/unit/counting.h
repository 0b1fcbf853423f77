/* SPDX-License-Identifier: MIT */
/*
 * counting.h - an allocator that counts, and that can fail at the n-th call
 *
 * Include it in one file of a test. With AddressSanitizer, whose allocator must stay, it only counts.
 */
#ifndef KVMSTAT_COUNTING_H
#define KVMSTAT_COUNTING_H

#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

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

static unsigned long allocations;
static long outstanding; /* allocated and not yet freed */

#if COUNTING_FAILS

static unsigned long fail_at; /* number of the allocation that fails; 0: none does */
static bool fail_on;	      /* and all after it */

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void __libc_free(void *memory);

static bool counted(void)
{
	allocations++;
	if (!fail_at || allocations < fail_at || (allocations > fail_at && !fail_on))
		return true;
	errno = ENOMEM;
	return false;
}

#define COUNTING_PUBLIC __attribute__((visibility("default")))

COUNTING_PUBLIC void *malloc(size_t size)
{
	void *memory = counted() ? __libc_malloc(size) : NULL;

	outstanding += memory != NULL;
	return memory;
}

COUNTING_PUBLIC void *calloc(size_t count, size_t size)
{
	void *memory = counted() ? __libc_calloc(count, size) : NULL;

	outstanding += memory != NULL;
	return memory;
}

COUNTING_PUBLIC void *realloc(void *old, size_t size)
{
	void *memory = counted() ? __libc_realloc(old, size) : NULL;

	outstanding += memory != NULL && !old;
	return memory;
}

COUNTING_PUBLIC void *reallocarray(void *old, size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(old, bytes);
}

/* What is used after it was freed shall be noticed. */
COUNTING_PUBLIC void free(void *memory)
{
	if (!memory)
		return;
	outstanding--;
	memset(memory, 0xdb, malloc_usable_size(memory));
	__libc_free(memory);
}

#else

int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void *, size_t),
					      void (*on_free)(const volatile void *));

static void on_malloc(const volatile void *memory, size_t size)
{
	(void)memory;
	(void)size;
	allocations++;
	outstanding++;
}

static void on_free(const volatile void *memory)
{
	outstanding -= memory != NULL;
}

__attribute__((constructor)) static void count_with_sanitizer(void)
{
	__sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);
}

#endif

#endif
