/* SPDX-License-Identifier: MIT */
#include "sources/bpf/object.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

/* Minimum of descriptors that loading needs. */
enum { ROOM = 16 };

static int set_config(struct bpf_object *object, const void *config, size_t config_size)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, object) {
		size_t size = 0;
		void *value;

		if (!strstr(bpf_map__name(map), ".rodata"))
			continue;
		value = (void *)(uintptr_t)bpf_map__initial_value(map, &size);
		if (!value || size != config_size)
			return -EINVAL;
		memcpy(value, config, size);
		return 0;
	}
	return -EINVAL;
}

/*
 * If libbpf does not get a descriptor, it concludes that the kernel lacks a feature, and remembers
 * that as long as the process lives. So make sure that there are enough of them. 0 or -errno.
 */
static int check_room(void)
{
	int fds[ROOM], count = 0, rc = 0;

	while (rc == 0 && count < ROOM) {
		fds[count] = eventfd(0, EFD_CLOEXEC);
		if (fds[count] < 0)
			rc = -errno;
		else
			count++;
	}
	while (count > 0)
		close(fds[--count]);
	return rc;
}

int bpf_object_begin(struct bpf_object **object, const char *start, const char *end, const void *config,
		     size_t size)
{
	int rc = check_room();

	*object = NULL;
	if (rc < 0)
		return rc;
	*object = bpf_object__open_mem(start, (size_t)(end - start), NULL);
	rc = (int)libbpf_get_error(*object);
	if (rc == 0)
		return set_config(*object, config, size);
	*object = NULL;
	return rc;
}

static size_t page_aligned(size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (size + page - 1) / page * page;
}

void *bpf_object_map(int fd, size_t size)
{
	void *memory = mmap(NULL, page_aligned(size), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

void bpf_object_unmap(void *memory, size_t size)
{
	if (memory)
		munmap(memory, page_aligned(size));
}

static int silent(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

libbpf_print_fn_t bpf_object_silence(void)
{
	return libbpf_set_print(silent);
}
