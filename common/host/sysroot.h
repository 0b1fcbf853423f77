/* SPDX-License-Identifier: MIT */
/*
 * sysroot.h - every path of /sys and /proc goes through here, so that a captured or generated tree can
 * stand in for the running host.
 *
 * Paths are relative to the root and printf-like: "proc/%d/status".
 */
#ifndef KVMSTAT_SYSROOT_H
#define KVMSTAT_SYSROOT_H

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

struct sysroot {
	int fd;		/* O_PATH directory */
	bool live;	/* the running host, not a tree that stands in for it */
};

/*
 * Is this -errno temporary, because descriptors or memory are short? Then it is unknown whether the
 * file exists.
 */
bool is_shortage(ssize_t rc);

/* prefix "/" is the running host. 0 or -errno. */
int sysroot_init(struct sysroot *root, const char *prefix);
void sysroot_exit(struct sysroot *root);

/* fd (O_CLOEXEC is added) or -errno. */
int sysroot_open(const struct sysroot *root, int flags, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* NULL with errno set. */
DIR *sysroot_opendir(const struct sysroot *root, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Read at most size - 1 bytes of a file and terminate them with NUL.
 * Bytes read, or -errno.
 */
ssize_t sysroot_read(const struct sysroot *root, char *buf, size_t size, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/*
 * Read a whole file of unknown size, up to max bytes (the rest is cut off). *data is malloc'ed, followed
 * by a NUL, and the caller's to free. Bytes read, or -errno.
 */
ssize_t sysroot_slurp(const struct sysroot *root, char **data, size_t max, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* The target of a symbolic link, cut at size - 1 and terminated with NUL. Bytes, or -errno. */
ssize_t sysroot_readlink(const struct sysroot *root, char *buf, size_t size, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* As lstat(2). 0 or -errno. */
int sysroot_stat(const struct sysroot *root, struct stat *st, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Is there such a file? (Follows links; a refusal counts as no.) */
bool sysroot_exists(const struct sysroot *root, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
