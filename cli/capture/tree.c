// SPDX-License-Identifier: MIT
#include "capture/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Keep the first error. */
static void fail(struct tree *tree, const char *path, int error)
{
	if (tree->error)
		return;
	tree->error = -error;
	snprintf(tree->path, sizeof(tree->path), "%s", path);
}

/* 0 or -1: nothing can be done with it. */
__attribute__((format(printf, 3, 0)))
static int format_path(struct tree *tree, char path[TREE_PATH_SIZE], const char *format, va_list args)
{
	int len = vsnprintf(path, TREE_PATH_SIZE, format, args);

	if (len < 0 || len >= TREE_PATH_SIZE)
		fail(tree, path, ENAMETOOLONG);
	return tree->error ? -1 : 0;
}

/* Make the directories that path names, up to its last slash. */
static int make_parents(struct tree *tree, char *path)
{
	for (char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		int rc;

		*slash = '\0';
		rc = mkdirat(tree->fd, path, 0755);
		if (rc < 0 && errno != EEXIST)
			fail(tree, path, errno);
		*slash = '/';
		if (tree->error)
			return -1;
	}
	return 0;
}

void tree_make(struct tree *tree, const char *format, ...)
{
	char path[TREE_PATH_SIZE];
	va_list args;
	int rc;

	va_start(args, format);
	rc = format_path(tree, path, format, args);
	va_end(args);
	if (rc < 0 || make_parents(tree, path) < 0)
		return;
	if (mkdirat(tree->fd, path, 0755) < 0 && errno != EEXIST)
		fail(tree, path, errno);
}

int tree_create(struct tree *tree, mode_t mode, const char *path)
{
	char copy[TREE_PATH_SIZE];
	int fd;

	snprintf(copy, sizeof(copy), "%s", path);
	if (tree->error || make_parents(tree, copy) < 0)
		return -1;
	fd = openat(tree->fd, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 || fchmod(fd, mode) < 0)
		fail(tree, path, errno);
	if (tree->error && fd >= 0)
		close(fd);
	return tree->error ? -1 : fd;
}

void tree_write(struct tree *tree, mode_t mode, const void *data, size_t len, const char *format, ...)
{
	char path[TREE_PATH_SIZE];
	size_t done = 0;
	va_list args;
	int fd, rc;

	va_start(args, format);
	rc = format_path(tree, path, format, args);
	va_end(args);
	fd = rc < 0 ? -1 : tree_create(tree, mode, path);
	if (fd < 0)
		return;
	while (!tree->error && done < len) {
		ssize_t put = write(fd, (const char *)data + done, len - done);

		if (put >= 0)
			done += (size_t)put;
		else if (errno != EINTR)
			fail(tree, path, errno);
	}
	if (close(fd) < 0)
		fail(tree, path, errno);
}

void tree_link(struct tree *tree, const char *target, const char *format, ...)
{
	char path[TREE_PATH_SIZE];
	va_list args;
	int rc;

	va_start(args, format);
	rc = format_path(tree, path, format, args);
	va_end(args);
	if (rc == 0 && make_parents(tree, path) == 0 && symlinkat(target, tree->fd, path) < 0)
		fail(tree, path, errno);
}

bool tree_has(const struct tree *tree, const char *format, ...)
{
	char path[TREE_PATH_SIZE];
	struct stat st;
	va_list args;

	va_start(args, format);
	vsnprintf(path, sizeof(path), format, args);
	va_end(args);
	return fstatat(tree->fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

void tree_set_time(struct tree *tree, uint64_t ns, const char *format, ...)
{
	struct timespec times[2];
	char path[TREE_PATH_SIZE];
	va_list args;
	int rc;

	times[0].tv_sec = (time_t)(ns / 1000000000);
	times[0].tv_nsec = (long)(ns % 1000000000);
	times[1] = times[0];
	va_start(args, format);
	rc = format_path(tree, path, format, args);
	va_end(args);
	if (rc == 0 && utimensat(tree->fd, path, times, AT_SYMLINK_NOFOLLOW) < 0)
		fail(tree, path, errno);
}

/* All that a directory has in it. */
static int remove_contents(int fd)
{
	DIR *dir = fdopendir(fd);
	struct dirent *entry;
	int rc = 0;

	if (!dir) {
		close(fd);
		return -ENOMEM;
	}
	while (rc == 0 && (entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			rc = tree_remove(dirfd(dir), entry->d_name);
	closedir(dir);
	return rc;
}

int tree_remove(int dirfd, const char *name)
{
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), rc;

	if (fd < 0)
		return unlinkat(dirfd, name, 0) < 0 ? -errno : 0;
	rc = remove_contents(fd);
	if (rc == 0 && unlinkat(dirfd, name, AT_REMOVEDIR) < 0)
		rc = -errno;
	return rc;
}
