/* SPDX-License-Identifier: MIT */
#include "counting.h"

#include <errno.h>
#include <malloc.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

unsigned long allocations;
long outstanding;

#if COUNTING_FAILS

unsigned long fail_at;
bool fail_on;

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
