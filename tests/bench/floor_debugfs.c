/* SPDX-License-Identifier: MIT */
#include "floor.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct floor_debugfs {
	const char *const *names;
	size_t nnames;
	int *dirs;
	size_t ndirs;
	uint64_t files;
};

static int add_dir(struct floor_debugfs *floor, int base, const char *name)
{
	int *dirs = reallocarray(floor->dirs, floor->ndirs + 1, sizeof(*dirs));

	if (!dirs)
		return -ENOMEM;
	floor->dirs = dirs;
	dirs[floor->ndirs] = openat(base, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dirs[floor->ndirs] < 0)
		return -errno;
	floor->ndirs++;
	return 0;
}

static int add_dirs(struct floor_debugfs *floor, DIR *dir)
{
	struct dirent *entry;
	int rc = 0;

	while (rc == 0 && (entry = readdir(dir)))
		if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
			rc = add_dir(floor, dirfd(dir), entry->d_name);
	return rc;
}

int floor_debugfs_open(struct floor_debugfs **result, const char *root, const char *const *names,
		       size_t nnames)
{
	struct floor_debugfs *floor = calloc(1, sizeof(*floor));
	char path[512];
	DIR *dir;
	int rc;

	if (!floor)
		return -ENOMEM;
	floor->names = names;
	floor->nnames = nnames;
	snprintf(path, sizeof(path), "%s/sys/kernel/debug/kvm", root);
	dir = opendir(path);
	rc = dir ? add_dirs(floor, dir) : -errno;
	if (dir)
		closedir(dir);
	if (rc < 0)
		floor_debugfs_close(floor);
	else
		*result = floor;
	return rc;
}

void floor_debugfs_close(struct floor_debugfs *floor)
{
	for (size_t i = 0; i < floor->ndirs; i++)
		close(floor->dirs[i]);
	free(floor->dirs);
	free(floor);
}

int floor_debugfs_pass(void *context)
{
	struct floor_debugfs *floor = context;
	char text[32];

	floor->files = 0;
	for (size_t i = 0; i < floor->ndirs; i++) {
		for (size_t j = 0; j < floor->nnames; j++) {
			int fd = openat(floor->dirs[i], floor->names[j], O_RDONLY | O_CLOEXEC);

			if (fd < 0)
				return -errno;
			if (read(fd, text, sizeof(text)) <= 0)
				return -EIO;
			close(fd);
			floor->files++;
		}
	}
	return 0;
}

uint64_t floor_debugfs_files(const struct floor_debugfs *floor)
{
	return floor->files;
}
