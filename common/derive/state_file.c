// SPDX-License-Identifier: MIT
/*
 * state_file.c - the kept text as a file of a state directory
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kvmstat.h"
#include "util/file.h"

/* A thousand guests with every event take 2.3 MB. */
enum { SIZE_MAX_READ = 64 << 20 };

static int open_dir(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int kvmstat_diagnosis_save(const struct kvmstat_diagnosis *diagnosis, const char *dir)
{
	char *text;
	size_t size;
	int fd, rc;

	if (mkdir(dir, 0755) < 0 && errno != EEXIST)
		return -errno;
	fd = open_dir(dir);
	if (fd < 0)
		return fd;
	rc = kvmstat_diagnosis_write(diagnosis, &text, &size);
	if (!rc) {
		rc = kvmstat_file_replace(fd, KVMSTAT_BASELINE, text, size);
		free(text);
	}
	close(fd);
	return rc;
}

/* What does not make sense is kept for whoever wants to know why. */
static int take(struct kvmstat_diagnosis *diagnosis, int fd, char *error, size_t error_size)
{
	size_t size;
	char *text;
	int rc = kvmstat_file_read(fd, KVMSTAT_BASELINE, SIZE_MAX_READ + 1, &text, &size);

	if (rc)
		return rc == -ENOENT ? 0 : rc;
	rc = size > SIZE_MAX_READ ? -E2BIG : kvmstat_diagnosis_read(diagnosis, text, size, error, error_size);
	free(text);
	if (rc != -EINVAL)
		return rc;
	rc = file_set_aside(fd, KVMSTAT_BASELINE);
	return rc ? rc : 1;
}

static int take_good(struct kvmstat_diagnosis *diagnosis, int fd, char *error, size_t error_size)
{
	size_t size;
	char *text;
	int rc = kvmstat_file_read(fd, KVMSTAT_GOOD, SIZE_MAX_READ + 1, &text, &size);

	if (rc)
		return rc == -ENOENT ? 0 : rc;
	rc = size > SIZE_MAX_READ ? -E2BIG : kvmstat_diagnosis_read_good(diagnosis, text, size, error, error_size);
	free(text);
	return rc == -EINVAL ? 1 : rc;
}

int kvmstat_diagnosis_load_good(struct kvmstat_diagnosis *diagnosis, const char *dir, char *error, size_t error_size)
{
	int top = open_dir(dir), fd, rc;

	if (top < 0)
		return top == -ENOENT ? 0 : top;
	fd = openat(top, KVMSTAT_GOOD_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	rc = fd < 0 ? -errno : 0;
	close(top);
	if (fd < 0)
		return rc == -ENOENT ? 0 : rc;
	rc = take_good(diagnosis, fd, error, error_size);
	close(fd);
	return rc;
}

int kvmstat_diagnosis_load(struct kvmstat_diagnosis *diagnosis, const char *dir, char *error, size_t error_size)
{
	int fd = open_dir(dir), rc;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	rc = take(diagnosis, fd, error, error_size);
	close(fd);
	return rc;
}
