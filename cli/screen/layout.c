// SPDX-License-Identifier: MIT
/* layout.c - columns of a table beside one another in the width of a screen */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "screen/layout.h"
#include "screen/memory.h"

enum { NARROW = 5 };

/* After the name of a row whose parts are hidden. */
static const char hides_more[] = " +";

static size_t columns_of(uint32_t character)
{
	int columns = character < 0x80 ? 1 : wcwidth((wchar_t)character);

	return columns > 0 ? (size_t)columns : 0;
}

/* What does not fit ends in this width: *used of it. */
static size_t cut(const char *text, size_t width, size_t *used)
{
	size_t bytes = 0;

	*used = 0;
	while (text[bytes]) {
		uint32_t character = 0;
		size_t length = kvmstat_utf8(text + bytes, &character);

		if (!length || *used + columns_of(character) > width)
			break;
		*used += columns_of(character);
		bytes += length;
	}
	return bytes;
}

size_t layout_cut(const char *text, size_t width)
{
	size_t used;

	return cut(text, width, &used);
}

/* ---- widths ------------------------------------------------------------- */

/* The column whose text gives way to others: the first one that begins at the left. */
static size_t elastic(const struct table *table)
{
	size_t c = 0;

	while (c < table->ncolumns && !(table->headings[c].title && table->headings[c].left))
		c++;
	return c;
}

static size_t needed(const struct grid *grid, size_t column)
{
	const struct heading *heading = &grid->table->headings[column];
	bool marked = grid->order->parent != NOWHERE && column == elastic(grid->table);
	size_t widest = strlen(heading->title);

	if (heading->narrow && widest < NARROW)
		widest = NARROW;
	for (size_t i = 0; i < grid->nrows; i++) {
		size_t width;

		free(table_image(grid_cell(grid, i, (int)column), heading, &width));
		if (width > widest)
			widest = width;
	}
	return widest + (marked ? strlen(hides_more) : 0);
}

/* Names of events do without other columns; names of guests may be very long. */
static size_t at_least(const struct layout *layout, size_t column, size_t wanted)
{
	size_t share = layout->grid->order->parent == NOWHERE ? 5 : 2, least = layout->width / share < 8 ? 8 : layout->width / share;

	return column == elastic(layout->grid->table) && wanted > least ? least : wanted;
}

/* Take columns from the left while there is room; a text that is cut off is the last. Returns what is left. */
static size_t take_columns(struct layout *layout, const size_t *wanted)
{
	const struct table *table = layout->grid->table;
	size_t left = layout->width, taken = 0;

	for (size_t c = 0; c < table->ncolumns; c++) {
		size_t blank = taken > 0, width = at_least(layout, c, wanted[c]);

		if (!wanted[c])
			continue;
		if (taken && width + blank > left && (!table->headings[c].left || left <= NARROW + blank))
			break;
		layout->widths[c] = width + blank > left ? left - blank : width;
		left -= layout->widths[c] + blank;
		taken++;
	}
	return left;
}

void layout_make(struct layout *layout, const struct grid *grid, size_t *kept, size_t width)
{
	const struct table *table = grid->table;
	size_t *wanted = get_memory(table->ncolumns, sizeof(*wanted)), column = elastic(table), left, more;

	*layout = (struct layout){ grid, get_memory(table->ncolumns, sizeof(size_t)), width };
	for (size_t c = 0; c < table->ncolumns; c++) {
		wanted[c] = table->headings[c].title ? needed(grid, c) : 0;
		if (wanted[c] && wanted[c] < kept[c])
			wanted[c] = kept[c];
		kept[c] = wanted[c];
	}
	left = take_columns(layout, wanted);
	if (column < table->ncolumns && layout->widths[column]) {
		more = wanted[column] - layout->widths[column];
		layout->widths[column] += more < left ? more : left;
	}
	free(wanted);
}

void layout_free(struct layout *layout)
{
	free(layout->widths);
	layout->widths = NULL;
}

/* ---- lines -------------------------------------------------------------- */

/* A line that is written from the left. */
struct pen {
	struct memory memory;
	size_t column;		/* of the screen */
};

/* A text in its column; one that is cut ends with a '~'. */
static void put(struct pen *pen, const char *text, size_t width, bool left)
{
	size_t used, bytes = cut(text, width, &used), padding;

	if (text[bytes] && width)
		bytes = cut(text, width - 1, &used);
	padding = width - used - (text[bytes] && width);
	if (!left)
		fprintf(pen->memory.file, "%*s", (int)padding, "");
	fwrite(text, 1, bytes, pen->memory.file);
	if (text[bytes] && width)
		fputc('~', pen->memory.file);
	if (left)
		fprintf(pen->memory.file, "%*s", (int)padding, "");
	pen->column += width;
}

static void put_blank(struct pen *pen)
{
	if (!pen->column)
		return;
	fputc(' ', pen->memory.file);
	pen->column++;
}

char *layout_head(const struct layout *layout, int column, size_t *from, size_t *to)
{
	const struct table *table = layout->grid->table;
	struct pen pen = { .column = 0 };

	*from = *to = 0;
	memory_begin(&pen.memory);
	for (size_t c = 0; c < table->ncolumns; c++) {
		if (!layout->widths[c])
			continue;
		put_blank(&pen);
		if ((int)c == column)
			*from = pen.column;
		put(&pen, table->headings[c].title, layout->widths[c], table->headings[c].left);
		if ((int)c == column)
			*to = pen.column;
	}
	return memory_finish(&pen.memory);
}

static char *image_of(const struct layout *layout, size_t at, size_t column, bool plus)
{
	const struct heading *heading = &layout->grid->table->headings[column];
	size_t width;
	char *text = table_image(grid_cell(layout->grid, at, (int)column), heading, &width), *marked;

	if (!plus || column != elastic(layout->grid->table))
		return text;
	if (asprintf(&marked, "%s%s", text, hides_more) < 0)
		out_of_memory();
	free(text);
	return marked;
}

char *layout_row(const struct layout *layout, size_t at, bool plus)
{
	const struct table *table = layout->grid->table;
	struct pen pen = { .column = 0 };

	memory_begin(&pen.memory);
	for (size_t c = 0; c < table->ncolumns; c++) {
		char *text;

		if (!layout->widths[c])
			continue;
		text = image_of(layout, at, c, plus);
		put_blank(&pen);
		put(&pen, text, layout->widths[c], table->headings[c].left);
		free(text);
	}
	return memory_finish(&pen.memory);
}
