/* SPDX-License-Identifier: MIT */
/*
 * file.h - a small file that is read and replaced as a whole
 */
#ifndef KVMSTAT_FILE_H
#define KVMSTAT_FILE_H

#include <stddef.h>

/*
 * All of a regular file of at most max bytes; nothing else is waited for. *data is to be freed, and has a NUL after its
 * *size bytes. 0; -ENXIO or -ELOOP if it is not a regular file; -E2BIG; or another -errno.
 */
int file_read(int dirfd, const char *name, size_t max, char **data, size_t *size);

/* Once this returned 0 the new content survives a crash; else the old one is still there. Goes by way of NAME.new. */
int file_replace(int dirfd, const char *name, const char *data, size_t size);

/* Call it NAME.bad, and replace what had that name. 0 or -errno. */
int file_set_aside(int dirfd, const char *name);

#endif
