/* SPDX-License-Identifier: MIT */
/*
 * grid.h - the rows of a table in the order of the screen, and a cursor that stays on its row
 *
 * Nothing here knows a terminal.
 */
#ifndef KVMSTAT_GRID_H
#define KVMSTAT_GRID_H

#include "tables.h"

struct sorting {
	int column;		/* largest first, texts from A; NOWHERE: as the table is */
	bool reverse;		/* rows without a value stay last */
};

/* Which rows are shown. */
struct pick {
	bool (*matches)(const struct table *table, size_t row, const void *context); /* NULL: all match */
	const void *context;
	bool folded;		/* rows that are part of another one only if they match something */
};

struct grid {
	const struct table *table;
	const struct order *order;
	size_t *rows;		/* [nrows] of the table, from the top */
	size_t nrows;
};

/* Rows that match, those that they are part of, and, unless folded, what is part of rows that match. */
void grid_make(struct grid *grid, const struct table *table, const struct order *order, const struct sorting *sorting,
	       const struct pick *pick);
void grid_free(struct grid *grid);

const struct cell *grid_cell(const struct grid *grid, size_t at, int column);
uint64_t grid_id(const struct grid *grid, size_t at);

struct cursor {
	uint64_t id;		/* of its row */
	size_t at;		/* its row */
	size_t first;		/* first row on the screen */
	bool held;		/* it was moved, and follows its row; else it stays at the top */
};

/* After rows have changed: find its row again, else the one that stands there now. height: rows on the screen. */
void cursor_follow(struct cursor *cursor, const struct grid *grid, size_t height);

/* Up or down. Further than the first row lets it go. */
void cursor_move(struct cursor *cursor, const struct grid *grid, long rows, size_t height);

/* Onto the row with this id; it need not be there yet. */
void cursor_put(struct cursor *cursor, uint64_t id);

/* To the next row whose name has this text in it, in any case; from the current one on, or after it. False: there is none. */
bool cursor_find(struct cursor *cursor, const struct grid *grid, const char *text, bool after, size_t height);

#endif
