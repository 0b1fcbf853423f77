/* SPDX-License-Identifier: MIT */
/*
 * interpose.h - tests that see, and may refuse, every file the core opens
 *
 * Include it in one file of a test: its openat() stands in for the C library's.
 */
#ifndef KVMSTAT_INTERPOSE_H
#define KVMSTAT_INTERPOSE_H

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Called with each path before it is opened; an errno refuses it. */
static int (*on_open)(int dirfd, const char *path);
static unsigned long opened;

static int interposed(int dirfd, const char *path, int flags, mode_t mode)
{
	int error = on_open ? on_open(dirfd, path) : 0;

	opened++;
	if (error) {
		errno = error;
		return -1;
	}
	return (int)syscall(SYS_openat, dirfd, path, flags, mode);
}

#undef openat
int openat(int dirfd, const char *path, int flags, ...);
int __openat_2(int dirfd, const char *path, int flags);

__attribute__((visibility("default"))) int openat(int dirfd, const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list args;

	va_start(args, flags);
	if (flags & O_CREAT)
		mode = va_arg(args, mode_t);
	va_end(args);
	return interposed(dirfd, path, flags, mode);
}

/* What openat() is with _FORTIFY_SOURCE. */
__attribute__((visibility("default"))) int __openat_2(int dirfd, const char *path, int flags)
{
	return interposed(dirfd, path, flags, 0);
}

#endif
