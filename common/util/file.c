/* SPDX-License-Identifier: MIT */
#include "util/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kvmstat.h"

/* ---- reading ------------------------------------------------------------ */

/* At most size bytes, fewer if it ends before. What was read, or -errno. */
static ssize_t read_all(int fd, char *data, size_t size)
{
	size_t used = 0;

	while (used < size) {
		ssize_t n = read(fd, data + used, size - used);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			break;
		if (n > 0)
			used += (size_t)n;
	}
	return (ssize_t)used;
}

static int read_regular(int fd, size_t max, char **data, size_t *size)
{
	struct stat st;
	ssize_t len;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -ENXIO;
	if ((uint64_t)st.st_size < max)
		max = (size_t)st.st_size;
	*data = malloc(max + 1);
	if (!*data)
		return -ENOMEM;
	len = read_all(fd, *data, max);
	if (len < 0) {
		free(*data);
		return (int)len;
	}
	(*data)[len] = '\0';
	*size = (size_t)len;
	return 0;
}

int kvmstat_file_read(int dirfd, const char *name, size_t max, char **data, size_t *size)
{
	int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY), rc;

	if (fd < 0)
		return -errno;
	rc = read_regular(fd, max, data, size);
	close(fd);
	return rc;
}

/* ---- writing ------------------------------------------------------------ */

static int write_all(int fd, const char *data, size_t size)
{
	while (size) {
		ssize_t n = write(fd, data, size);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			data += n;
			size -= (size_t)n;
		}
	}
	return 0;
}

/* What is there already, of a run that was killed, may be anything. */
static int write_new(int dirfd, const char *name, const char *data, size_t size)
{
	int fd, rc;

	if (unlinkat(dirfd, name, 0) < 0 && errno != ENOENT)
		return -errno;
	fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	rc = write_all(fd, data, size);
	if (!rc && fsync(fd) < 0)
		rc = -errno;
	if (close(fd) < 0 && !rc)
		rc = -errno;
	return rc;
}

static void name_with(char with[NAME_MAX + 1], const char *name, const char *suffix)
{
	snprintf(with, NAME_MAX + 1, "%.*s%s", (int)(NAME_MAX - strlen(suffix)), name, suffix);
}

int kvmstat_file_replace(int dirfd, const char *name, const char *data, size_t size)
{
	char new[NAME_MAX + 1];
	int rc;

	name_with(new, name, ".new");
	rc = write_new(dirfd, new, data, size);
	if (!rc && renameat(dirfd, new, dirfd, name) < 0)
		rc = -errno;
	if (rc) {
		unlinkat(dirfd, new, 0);
		return rc;
	}
	return fsync(dirfd) < 0 ? -errno : 0;
}

int file_set_aside(int dirfd, const char *name)
{
	char bad[NAME_MAX + 1];

	name_with(bad, name, ".bad");
	return renameat(dirfd, name, dirfd, bad) < 0 ? -errno : 0;
}
