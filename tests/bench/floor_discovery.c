/* SPDX-License-Identifier: MIT */
#include "floor.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SLOTS = 1 << 13 };

/* Guests of this pass and the last by their inodes: the least that tells a newcomer. */
struct floor_discovery {
	int base, proc;
	unsigned int now; /* which of the two */
	uint64_t guests;
	ino_t seen[2][SLOTS];
	char entries[64 * 1024];
};

static ino_t *slot_of(ino_t *seen, ino_t ino)
{
	size_t i = (size_t)ino * 2654435761u % SLOTS;

	while (seen[i] && seen[i] != ino)
		i = (i + 1) % SLOTS;
	return &seen[i];
}

static bool is_known(struct floor_discovery *floor, ino_t ino)
{
	*slot_of(floor->seen[floor->now], ino) = ino;
	return *slot_of(floor->seen[!floor->now], ino) != 0;
}

static void read_file(struct floor_discovery *floor, int pid, const char *name)
{
	char path[96], text[4096];
	int fd;

	snprintf(path, sizeof(path), "%d/%s", pid, name);
	fd = openat(floor->proc, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	while (read(fd, text, sizeof(text)) > 0)
		;
	close(fd);
}

/* Each fd of the process says whether it is a vCPU, each thread by its name. */
static void look_at_each(struct floor_discovery *floor, int pid, const char *list)
{
	bool is_fds = !strcmp(list, "fd");
	char path[96], target[64];
	struct dirent *entry;
	DIR *dir;
	int fd;

	snprintf(path, sizeof(path), "%d/%s", pid, list);
	fd = openat(floor->proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd >= 0 ? fdopendir(fd) : NULL;
	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%.32s/comm", list, entry->d_name);
		if (!is_fds)
			read_file(floor, pid, path);
		else if (readlinkat(fd, entry->d_name, target, sizeof(target)) < 0)
			break;
	}
	if (dir)
		closedir(dir);
}

/* Which process, when it began, what it is, and what vCPUs and threads it has. */
static void look_at(struct floor_discovery *floor, int pid)
{
	static const char *const files[] = {"status", "stat", "comm", "cmdline"};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		read_file(floor, pid, files[i]);
	look_at_each(floor, pid, "fd");
	look_at_each(floor, pid, "task");
}

static void take(struct floor_discovery *floor, int dir, const struct dirent64 *entry)
{
	int pid = atoi(entry->d_name);
	struct stat st;

	if (entry->d_type != DT_DIR || pid <= 0)
		return;
	floor->guests++;
	if (is_known(floor, entry->d_ino))
		return;
	if (fstatat(dir, entry->d_name, &st, 0) == 0)
		look_at(floor, pid);
}

int floor_discovery_pass(void *context)
{
	struct floor_discovery *floor = context;
	int dir = openat(floor->base, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ssize_t got;

	if (dir < 0)
		return -errno;
	floor->guests = 0;
	floor->now = !floor->now;
	memset(floor->seen[floor->now], 0, sizeof(floor->seen[0]));
	while ((got = getdents64(dir, floor->entries, sizeof(floor->entries))) > 0)
		for (ssize_t at = 0; at < got;) {
			const struct dirent64 *entry = (const void *)(floor->entries + at);

			take(floor, dir, entry);
			at += entry->d_reclen;
		}
	close(dir);
	return got < 0 ? -errno : 0;
}

static int open_below(const char *root, const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", root, name);
	return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

int floor_discovery_open(struct floor_discovery **result, const char *root)
{
	struct floor_discovery *floor = calloc(1, sizeof(*floor));

	if (!floor)
		return -ENOMEM;
	floor->base = open_below(root, "sys/kernel/debug/kvm");
	floor->proc = open_below(root, "proc");
	if (floor->base < 0 || floor->proc < 0) {
		floor_discovery_close(floor);
		return -ENOENT;
	}
	*result = floor;
	return 0;
}

void floor_discovery_close(struct floor_discovery *floor)
{
	if (floor->base >= 0)
		close(floor->base);
	if (floor->proc >= 0)
		close(floor->proc);
	free(floor);
}

uint64_t floor_discovery_guests(const struct floor_discovery *floor)
{
	return floor->guests;
}
