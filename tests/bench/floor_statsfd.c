/* SPDX-License-Identifier: MIT */
#include "floor.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/kvm.h>

/* The numbers of a VM's statistics and of a vCPU's, and where they are: the same in all of a kind. */
enum kind { VM, VCPU, NKINDS };

struct block {
	uint32_t offset, size;
};

/* The statistics of a VM or a vCPU, in its VMM. */
struct file {
	int pidfd;
	int fd;
	enum kind kind;
};

enum { NUMBERS_MAX = 64 * 1024 };

struct floor_statsfd {
	struct file *files;
	size_t nfiles, nvcpus;
	int *pidfds;
	size_t npidfds;
	struct block blocks[NKINDS];
	char numbers[NUMBERS_MAX];
};

static int add_file(struct floor_statsfd *floor, enum kind kind, int pidfd, int fd)
{
	struct file *files = reallocarray(floor->files, floor->nfiles + 1, sizeof(*files));

	if (!files)
		return -ENOMEM;
	floor->files = files;
	files[floor->nfiles++] = (struct file){pidfd, fd, kind};
	floor->nvcpus += kind == VCPU;
	return 0;
}

static int add_files(struct floor_statsfd *floor, const char *pid, int pidfd)
{
	char path[64], target[64];
	struct dirent *entry;
	int rc = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%.16s/fd", pid);
	dir = opendir(path);
	while (rc == 0 && dir && (entry = readdir(dir))) {
		ssize_t len = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);

		target[len > 0 ? len : 0] = '\0';
		if (!strncmp(target, "anon_inode:kvm-vcpu-stats:", 26))
			rc = add_file(floor, VCPU, pidfd, atoi(entry->d_name));
		else if (!strcmp(target, "anon_inode:kvm-vm-stats"))
			rc = add_file(floor, VM, pidfd, atoi(entry->d_name));
	}
	if (dir)
		closedir(dir);
	return rc;
}

/* Other guests of the host may keep none, or not all. */
static bool is_ours(const char *pid)
{
	char path[64], text[4096] = "";
	size_t len = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%.16s/cmdline", pid);
	file = fopen(path, "r");
	if (file) {
		len = fread(text, 1, sizeof(text), file);
		fclose(file);
	}
	return memmem(text, len, FLOOR_STATSFD_NAME, strlen(FLOOR_STATSFD_NAME)) != NULL;
}

static int add_process(struct floor_statsfd *floor, const char *pid)
{
	int *pidfds = reallocarray(floor->pidfds, floor->npidfds + 1, sizeof(*pidfds));
	size_t before = floor->nfiles;
	int rc;

	if (!pidfds)
		return -ENOMEM;
	floor->pidfds = pidfds;
	pidfds[floor->npidfds] = (int)syscall(SYS_pidfd_open, atoi(pid), 0);
	if (pidfds[floor->npidfds] < 0)
		return 0;
	rc = add_files(floor, pid, pidfds[floor->npidfds]);
	if (floor->nfiles > before)
		floor->npidfds++;
	else
		close(pidfds[floor->npidfds]);
	return rc;
}

/* Where the numbers are, and how many. */
static int learn(const struct file *file, struct block *block)
{
	struct kvm_stats_header header;
	uint32_t highest = 0;
	char *descs;
	int fd;

	fd = (int)syscall(SYS_pidfd_getfd, file->pidfd, file->fd, 0);
	if (fd < 0 || pread(fd, &header, sizeof(header), 0) != sizeof(header))
		return -EIO;
	descs = malloc(header.num_desc * (sizeof(struct kvm_stats_desc) + header.name_size) + 1);
	if (!descs)
		return -ENOMEM;
	for (uint32_t i = 0; i < header.num_desc; i++) {
		size_t size = sizeof(struct kvm_stats_desc) + header.name_size;
		struct kvm_stats_desc *desc = (void *)(descs + i * size);

		if (pread(fd, desc, size, (off_t)(header.desc_offset + i * size)) != (ssize_t)size)
			continue;
		if (desc->offset + desc->size * 8u > highest)
			highest = desc->offset + desc->size * 8u;
	}
	free(descs);
	close(fd);
	*block = (struct block){header.data_offset, highest};
	return highest && highest <= NUMBERS_MAX ? 0 : -EINVAL;
}

/* By the first file of each kind. */
static int learn_blocks(struct floor_statsfd *floor)
{
	int rc = floor->nvcpus ? 0 : -ENOENT;

	for (size_t i = 0; rc == 0 && i < floor->nfiles; i++) {
		struct block *block = &floor->blocks[floor->files[i].kind];

		if (!block->size)
			rc = learn(&floor->files[i], block);
	}
	return rc;
}

int floor_statsfd_open(struct floor_statsfd **result)
{
	struct rlimit files = {65536, 65536};
	struct floor_statsfd *floor = calloc(1, sizeof(*floor));
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	int rc = floor && proc ? 0 : -ENOMEM;

	setrlimit(RLIMIT_NOFILE, &files);
	while (rc == 0 && (entry = readdir(proc)))
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' && is_ours(entry->d_name))
			rc = add_process(floor, entry->d_name);
	if (proc)
		closedir(proc);
	if (rc == 0)
		rc = learn_blocks(floor);
	if (rc < 0 && floor)
		floor_statsfd_close(floor);
	else
		*result = floor;
	return rc;
}

void floor_statsfd_close(struct floor_statsfd *floor)
{
	for (size_t i = 0; i < floor->npidfds; i++)
		close(floor->pidfds[i]);
	free(floor->pidfds);
	free(floor->files);
	free(floor);
}

int floor_statsfd_pass(void *context)
{
	struct floor_statsfd *floor = context;

	for (size_t i = 0; i < floor->nfiles; i++) {
		const struct file *file = &floor->files[i];
		const struct block *block = &floor->blocks[file->kind];
		int fd = (int)syscall(SYS_pidfd_getfd, file->pidfd, file->fd, 0);

		if (fd < 0)
			return -errno;
		if (pread(fd, floor->numbers, block->size, block->offset) != (ssize_t)block->size)
			return -EIO;
		close(fd);
	}
	return 0;
}

uint64_t floor_statsfd_vcpus(const struct floor_statsfd *floor)
{
	return floor->nvcpus;
}
