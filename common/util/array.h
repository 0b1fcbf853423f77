/* SPDX-License-Identifier: MIT */
/*
 * array.h - arrays that grow. array is the address of the pointer to the first item.
 */
#ifndef KVMSTAT_ARRAY_H
#define KVMSTAT_ARRAY_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Give the array room for count items, not 0. 0; or -ENOMEM, and the array is as before. */
#define array_resize(array, count) array_resize_bytes(array, count, sizeof(**(array)))

/* The same for an array that has *room already: it doubles if count is more. */
#define array_reserve(array, room, count) array_reserve_bytes(array, room, count, sizeof(**(array)))

static inline int array_resize_bytes(void *array, size_t count, size_t size)
{
	void *items;

	memcpy(&items, array, sizeof(items));
	items = reallocarray(items, count, size);
	if (!items)
		return -ENOMEM;
	memcpy(array, &items, sizeof(items));
	return 0;
}

static inline int array_reserve_bytes(void *array, uint32_t *room, uint32_t count, size_t size)
{
	uint32_t more = *room ? 2 * *room : 4;
	int rc;

	if (count <= *room)
		return 0;
	if (more < count)
		more = count;
	rc = array_resize_bytes(array, more, size);
	if (rc == 0)
		*room = more;
	return rc;
}

#endif
