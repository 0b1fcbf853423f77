/* SPDX-License-Identifier: MIT */
#include "host/sysroot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Long enough for every path of /sys and /proc that the collector asks for. */
enum { PATH_SIZE = 512 };

/* 0 or -ENAMETOOLONG. */
__attribute__((format(printf, 2, 0)))
static int format_path(char path[PATH_SIZE], const char *format, va_list args)
{
	int len = vsnprintf(path, PATH_SIZE, format, args);

	return len < 0 || len >= PATH_SIZE ? -ENAMETOOLONG : 0;
}

__attribute__((format(printf, 3, 0)))
static int open_path(const struct sysroot *root, int flags, const char *format, va_list args)
{
	char path[PATH_SIZE];
	int rc = format_path(path, format, args);

	if (rc < 0)
		return rc;
	rc = openat(root->fd, path, flags | O_CLOEXEC);
	return rc < 0 ? -errno : rc;
}

bool is_shortage(ssize_t rc)
{
	return rc == -EMFILE || rc == -ENFILE || rc == -ENOMEM || rc == -EAGAIN || rc == -EINTR;
}

int sysroot_init(struct sysroot *root, const char *prefix)
{
	root->live = strcmp(prefix, "/") == 0;
	root->fd = open(prefix, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return root->fd < 0 ? -errno : 0;
}

void sysroot_exit(struct sysroot *root)
{
	if (root->fd >= 0)
		close(root->fd);
	root->fd = -1;
}

int sysroot_open(const struct sysroot *root, int flags, const char *format, ...)
{
	va_list args;
	int fd;

	va_start(args, format);
	fd = open_path(root, flags, format, args);
	va_end(args);
	return fd;
}

DIR *sysroot_opendir(const struct sysroot *root, const char *format, ...)
{
	va_list args;
	DIR *dir;
	int fd;

	va_start(args, format);
	fd = open_path(root, O_RDONLY | O_DIRECTORY, format, args);
	va_end(args);
	if (fd < 0) {
		errno = -fd;
		return NULL;
	}
	dir = fdopendir(fd);
	if (!dir)
		close(fd);
	return dir;
}

/* Files of /proc may come in pieces: read until the end or until buf is full. */
static ssize_t read_all(int fd, char *buf, size_t size)
{
	size_t have = 0;

	while (have < size) {
		ssize_t got = read(fd, buf + have, size - have);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		have += (size_t)got;
	}
	return (ssize_t)have;
}

ssize_t sysroot_read(const struct sysroot *root, char *buf, size_t size, const char *format, ...)
{
	va_list args;
	ssize_t got;
	int fd;

	va_start(args, format);
	fd = open_path(root, O_RDONLY, format, args);
	va_end(args);
	if (fd < 0)
		return fd;
	got = read_all(fd, buf, size - 1);
	close(fd);
	buf[got < 0 ? 0 : got] = '\0';
	return got;
}

/* Fill *data from fd, doubling it up to max. */
static ssize_t slurp(int fd, char **data, size_t max)
{
	size_t size = max < 4096 ? max : 4096, have = 0;
	char *buf = NULL;

	for (;;) {
		char *bigger = realloc(buf, size + 1);
		ssize_t got;

		if (!bigger) {
			free(buf);
			return -ENOMEM;
		}
		buf = bigger;
		got = read_all(fd, buf + have, size - have);
		if (got < 0) {
			free(buf);
			return got;
		}
		have += (size_t)got;
		if (have < size || size >= max)
			break;
		size = size * 2 < max ? size * 2 : max;
	}
	buf[have] = '\0';
	*data = buf;
	return (ssize_t)have;
}

ssize_t sysroot_slurp(const struct sysroot *root, char **data, size_t max, const char *format, ...)
{
	va_list args;
	ssize_t got;
	int fd;

	va_start(args, format);
	fd = open_path(root, O_RDONLY, format, args);
	va_end(args);
	if (fd < 0)
		return fd;
	got = slurp(fd, data, max);
	close(fd);
	return got;
}

ssize_t sysroot_readlink(const struct sysroot *root, char *buf, size_t size, const char *format, ...)
{
	char path[PATH_SIZE];
	va_list args;
	ssize_t got;
	int rc;

	va_start(args, format);
	rc = format_path(path, format, args);
	va_end(args);
	if (rc < 0)
		return rc;
	got = readlinkat(root->fd, path, buf, size - 1);
	if (got < 0)
		return -errno;
	buf[got] = '\0';
	return got;
}

int sysroot_stat(const struct sysroot *root, struct stat *st, const char *format, ...)
{
	char path[PATH_SIZE];
	va_list args;
	int rc;

	va_start(args, format);
	rc = format_path(path, format, args);
	va_end(args);
	if (rc < 0)
		return rc;
	return fstatat(root->fd, path, st, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

bool sysroot_exists(const struct sysroot *root, const char *format, ...)
{
	char path[PATH_SIZE];
	va_list args;
	int rc;

	va_start(args, format);
	rc = format_path(path, format, args);
	va_end(args);
	return rc == 0 && faccessat(root->fd, path, F_OK, 0) == 0;
}
