/* SPDX-License-Identifier: MIT */
/* layout.h - columns of a table beside one another in the width of a screen */
#ifndef KVMSTAT_LAYOUT_H
#define KVMSTAT_LAYOUT_H

#include "screen/grid.h"

struct layout {
	const struct grid *grid;
	size_t *widths;		/* [ncolumns] of the table, 0: the column is not shown */
	size_t width;		/* of the screen */
};

/*
 * Find the columns that fit, from the left. kept: [ncolumns] widths of the last time, which are not gone below, so that
 * columns do not jump. The first text gives way to the others, the last one is cut off.
 */
void layout_make(struct layout *layout, const struct grid *grid, size_t *kept, size_t width);
void layout_free(struct layout *layout);

/* The headings, malloc'ed; the columns of the screen from *from to before *to are that of column. */
char *layout_head(const struct layout *layout, int column, size_t *from, size_t *to);

/* A row, malloc'ed. plus: it hides others, which a '+' after its name shows. */
char *layout_row(const struct layout *layout, size_t at, bool plus);

/* Bytes of the longest beginning of a printable text that takes no more columns than width. */
size_t layout_cut(const char *text, size_t width);

#endif
