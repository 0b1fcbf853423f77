/* SPDX-License-Identifier: MIT */
#include "floor.h"

#include <errno.h>

#if WITH_BPF

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "sources/bpf/load.h"

struct floor_bpf {
	struct sysroot root;
	struct layout layout;
	struct bpf_loader *loader;
	uint64_t bytes;
	char buffer[128 * 1024];
};

int floor_bpf_open(struct floor_bpf **result)
{
	struct floor_bpf *floor = calloc(1, sizeof(*floor));
	struct kvmstat_source_status status;
	int rc;

	if (!floor)
		return -ENOMEM;
	rc = sysroot_init(&floor->root, "/");
	if (rc == 0) {
		rc = bpf_loader_open(&floor->loader, &floor->layout, &floor->root, KVMSTAT_LOCKDOWN_UNKNOWN,
				     false, &status);
		if (rc < 0) {
			fprintf(stderr, "bpf: %s\n", status.text);
			sysroot_exit(&floor->root);
		}
	}
	if (rc < 0) {
		free(floor);
		return rc;
	}
	*result = floor;
	return 0;
}

void floor_bpf_close(struct floor_bpf *floor)
{
	bpf_loader_close(floor->loader);
	layout_exit(&floor->layout);
	sysroot_exit(&floor->root);
	free(floor);
}

int floor_bpf_pass(void *context)
{
	struct floor_bpf *floor = context;
	int fd = bpf_loader_iterate(floor->loader, 0);
	ssize_t got;

	if (fd < 0)
		return fd;
	floor->bytes = 0;
	while ((got = read(fd, floor->buffer, sizeof(floor->buffer))) > 0)
		floor->bytes += (uint64_t)got;
	close(fd);
	return got < 0 ? -errno : 0;
}

uint64_t floor_bpf_bytes(const struct floor_bpf *floor)
{
	return floor->bytes;
}

#else

int floor_bpf_open(struct floor_bpf **result)
{
	(void)result;
	return -ENOSYS;
}

void floor_bpf_close(struct floor_bpf *floor)
{
	(void)floor;
}

int floor_bpf_pass(void *context)
{
	(void)context;
	return -ENOSYS;
}

uint64_t floor_bpf_bytes(const struct floor_bpf *floor)
{
	(void)floor;
	return 0;
}

#endif
