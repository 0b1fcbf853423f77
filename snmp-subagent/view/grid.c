/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "view/grid.h"

int grid_reset(struct grid *grid, uint32_t rows, uint32_t items, uint32_t kinds)
{
	size_t words = ((size_t)items + 63) / 64, bits = (size_t)kinds * rows * words, next = kinds * ((size_t)rows + 1);

	grid->rows = 0;
	if (!rows || !items)
		return 0;
	if (bits > grid->bits_size) {
		free(grid->bits);
		grid->bits = calloc(bits, sizeof(*grid->bits));
		grid->bits_size = grid->bits ? bits : 0;
	}
	if (next > grid->next_size) {
		free(grid->next);
		grid->next = calloc(next, sizeof(*grid->next));
		grid->next_size = grid->next ? next : 0;
	}
	if (!grid->bits || !grid->next)
		return -ENOMEM;
	memset(grid->bits, 0, bits * sizeof(*grid->bits));
	grid->rows = rows;
	grid->items = items;
	grid->kinds = kinds;
	grid->words = (uint32_t)words;
	return 0;
}

void grid_exit(struct grid *grid)
{
	free(grid->bits);
	free(grid->next);
}

static uint64_t *bits_of(const struct grid *grid, uint32_t kind, uint32_t row)
{
	return grid->bits + ((size_t)kind * grid->rows + row) * grid->words;
}

static uint32_t *next_of(const struct grid *grid, uint32_t kind)
{
	return grid->next + (size_t)kind * (grid->rows + 1);
}

void grid_add(struct grid *grid, uint32_t kind, struct view_place place)
{
	bits_of(grid, kind, place.row)[place.item / 64] |= UINT64_C(1) << (place.item % 64);
}

void grid_close(struct grid *grid)
{
	for (uint32_t kind = 0; grid->rows && kind < grid->kinds; kind++) {
		uint32_t *next = next_of(grid, kind);

		next[grid->rows] = grid->rows;
		for (uint32_t row = grid->rows; row-- > 0;) {
			const uint64_t *bits = bits_of(grid, kind, row);
			uint64_t any = 0;

			for (uint32_t word = 0; word < grid->words; word++)
				any |= bits[word];
			next[row] = any ? row : next[row + 1];
		}
	}
}

bool grid_has(const struct grid *grid, uint32_t kind, struct view_place place)
{
	if (place.row >= grid->rows || place.item >= grid->items)
		return false;
	return bits_of(grid, kind, place.row)[place.item / 64] >> (place.item % 64) & 1;
}

/* The first set bit from this one on, or grid->items. */
static uint32_t next_item(const struct grid *grid, const uint64_t *bits, uint32_t item)
{
	uint32_t word = item / 64;
	uint64_t rest;

	if (item >= grid->items)
		return grid->items;
	rest = bits[word] & (~UINT64_C(0) << (item % 64));
	while (!rest && ++word < grid->words)
		rest = bits[word];
	return rest ? word * 64 + (uint32_t)__builtin_ctzll(rest) : grid->items;
}

bool grid_seek(const struct grid *grid, uint32_t kind, struct view_place *place)
{
	while (place->row < grid->rows) {
		uint32_t item = next_item(grid, bits_of(grid, kind, place->row), place->item);

		if (item < grid->items) {
			place->item = item;
			return true;
		}
		place->row = next_of(grid, kind)[place->row + 1];
		place->item = 0;
	}
	return false;
}
