/* SPDX-License-Identifier: MIT */
/*
 * grid.h - a bit map of the existing places of rows x items, of several kinds, that finds the next
 * one without a search
 */
#ifndef KVMSTAT_AGENTX_GRID_H
#define KVMSTAT_AGENTX_GRID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct view_place {
	uint32_t row, item;
};

struct grid {
	uint32_t rows;		/* 0 if it is empty, which takes no memory */
	/* private to grid.c */
	uint32_t items, kinds, words;
	size_t bits_size, next_size;
	uint64_t *bits;		/* [kinds][rows][words] */
	uint32_t *next;		/* [kinds][rows + 1]: first row from here on that has any */
};

/* Set the size and clear it. Allocates only when it grows. 0 or -ENOMEM. */
int grid_reset(struct grid *grid, uint32_t rows, uint32_t items, uint32_t kinds);
void grid_exit(struct grid *grid);

/* Add a place. After the last one, grid_close() prepares the two functions below. */
void grid_add(struct grid *grid, uint32_t kind, struct view_place place);
void grid_close(struct grid *grid);

/* Does the place exist? */
bool grid_has(const struct grid *grid, uint32_t kind, struct view_place place);

/* Move place to the first one at or after it that is there; false if there is none. */
bool grid_seek(const struct grid *grid, uint32_t kind, struct view_place *place);

#endif
