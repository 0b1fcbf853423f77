/* SPDX-License-Identifier: MIT */
#include "bpf_object.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

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

int bpf_object_begin(struct bpf_object **object, const char *start, const char *end, const void *config,
		     size_t size)
{
	int rc;

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
