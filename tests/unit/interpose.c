/* SPDX-License-Identifier: MIT */
#include "interpose.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

int (*on_open)(int dirfd, const char *path);
unsigned long opened;

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
