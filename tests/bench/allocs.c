/* SPDX-License-Identifier: MIT */
/*
 * allocs.c - stands in front of glibc's malloc and counts
 *
 * As allocs.so it is preloaded into programs that know nothing of it, and counts in the file that
 * BENCH_ALLOCS names: calls of the first thread, and of all others.
 */
#include "allocs.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

#define EXPORTED __attribute__((visibility("default")))

struct calls {
	atomic_ullong first, others;
};

static struct calls here;
static struct calls *calls = &here;

static __thread int is_first; /* 1: yes, -1: no, 0: not known yet */

static void count(void)
{
	if (!is_first)
		is_first = gettid() == getpid() ? 1 : -1;
	if (is_first > 0)
		calls->first++;
	else
		calls->others++;
}

uint64_t allocs_count(void)
{
	return calls->first + calls->others;
}

__attribute__((constructor)) static void share(void)
{
	const char *path = getenv("BENCH_ALLOCS");
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *shared;

	if (fd < 0)
		return;
	shared = mmap(NULL, sizeof(*calls), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (shared != MAP_FAILED)
		calls = shared;
}

EXPORTED void *malloc(size_t size)
{
	count();
	return __libc_malloc(size);
}

EXPORTED void *calloc(size_t number, size_t size)
{
	count();
	return __libc_calloc(number, size);
}

EXPORTED void *realloc(void *old, size_t size)
{
	count();
	return __libc_realloc(old, size);
}

EXPORTED void *aligned_alloc(size_t alignment, size_t size)
{
	count();
	return __libc_memalign(alignment, size);
}
