// SPDX-License-Identifier: MIT
/*
 * table.c - rows and columns as aligned text, CSV or JSON
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "table.h"
#include "escape.h"
#include "json.h"

/* A longer name gets its own line, and the columns stay aligned. */
enum { WRAP_WIDTH = 40 };

/* What table_keep() has returned, one before the other. */
struct kept {
	struct kept *next;
	max_align_t memory[];
};

struct image {
	char *text;
	size_t width;
};

void table_add(struct table *table, const struct cell *row)
{
	size_t used = table->nrows * table->ncolumns;
	struct cell *cells = reallocarray(table->cells, used + table->ncolumns, sizeof(*cells));

	if (!cells)
		out_of_memory();
	memcpy(cells + used, row, table->ncolumns * sizeof(*row));
	table->cells = cells;
	table->nrows++;
}

void table_free(struct table *table)
{
	while (table->kept) {
		struct kept *next = table->kept->next;

		free(table->kept);
		table->kept = next;
	}
	free(table->cells);
	table->cells = NULL;
	table->nrows = 0;
}

void *table_keep(struct table *table, size_t size)
{
	struct kept *kept = get_memory(1, sizeof(*kept) + size);

	kept->next = table->kept;
	table->kept = kept;
	return kept->memory;
}

/* At most five characters. */
static void scaled(char *text, size_t size, double number)
{
	static const char units[] = " kMGTPE";
	size_t unit = 0;

	if (number < 99999.5) {
		snprintf(text, size, number > 0 && number < 9.95 ? "%.1f" : "%.0f", number);
		return;
	}
	while (number >= 999.5 && unit + 2 < sizeof(units)) {
		number /= 1000;
		unit++;
	}
	snprintf(text, size,
		 number < 9.995 ? "%.2f%c" :
		 number < 99.95 ? "%.1f%c" :
				  "%.0f%c",
		 number, units[unit]);
}

/* Make an empty name visible. */
static char *string_image(const struct cell *cell, const struct heading *heading, size_t *width)
{
	bool empty = heading->wraps && !*cell->string;
	char *name = escape_printable(empty ? "\"\"" : cell->string, width), *text;

	if (asprintf(&text, "%*s%s", (int)cell->indent, "", name) < 0)
		out_of_memory();
	free(name);
	*width += cell->indent;
	return text;
}

char *table_image(const struct cell *cell, const struct heading *heading, size_t *width)
{
	char text[32] = "-";

	if (cell->kind == CELL_STRING)
		return string_image(cell, heading, width);
	if (cell->kind == CELL_COUNT && heading->narrow && cell->count > 99999)
		scaled(text, sizeof(text), (double)cell->count);
	else if (cell->kind == CELL_COUNT)
		snprintf(text, sizeof(text), "%" PRIu64, cell->count);
	else if (cell->kind == CELL_NUMBER && heading->narrow)
		scaled(text, sizeof(text), cell->number);
	else if (cell->kind == CELL_NUMBER)
		snprintf(text, sizeof(text), "%.1f", cell->number);
	*width = strlen(text);
	return get_copy(text);
}

static void measure(const struct table *table, const struct image *images, size_t *widths)
{
	for (size_t c = 0; c < table->ncolumns; c++) {
		widths[c] = table->headings[c].title ? strlen(table->headings[c].title) : 0;
		if (table->headings[c].narrow && widths[c] < 5)
			widths[c] = 5;
		for (size_t r = 0; r < table->nrows; r++) {
			size_t width = images[r * table->ncolumns + c].width;

			if (width > widths[c] && (!table->headings[c].wraps || width <= WRAP_WIDTH))
				widths[c] = width;
		}
	}
}

/* One line, without blanks at its end; two if its name is too wide. */
static void print_line(const struct table *table, const struct image *images, const size_t *widths,
		       FILE *to)
{
	size_t blanks = 0;

	for (size_t c = 0; c < table->ncolumns; c++) {
		size_t padding = widths[c] > images[c].width ? widths[c] - images[c].width : 0;

		if (!table->headings[c].title)
			continue;
		if (!table->headings[c].left || !images[c].width)
			blanks += padding;
		if (images[c].width) {
			fprintf(to, "%*s%s", (int)blanks, "", images[c].text);
			blanks = table->headings[c].left ? padding : 0;
		}
		if (images[c].width > widths[c]) {
			putc('\n', to);
			blanks = widths[c];
		}
		blanks++;
	}
	putc('\n', to);
}

void table_print_text(const struct table *table, FILE *to)
{
	size_t count = table->nrows * table->ncolumns;
	struct image *images = get_memory(count + table->ncolumns, sizeof(*images));
	size_t *widths = get_memory(table->ncolumns, sizeof(*widths));
	struct image *titles = images + count;

	for (size_t i = 0; i < count; i++)
		images[i].text = table_image(&table->cells[i], &table->headings[i % table->ncolumns], &images[i].width);
	for (size_t c = 0; c < table->ncolumns; c++) {
		titles[c].text = (char *)table->headings[c].title;
		titles[c].width = titles[c].text ? strlen(titles[c].text) : 0;
	}
	measure(table, images, widths);
	print_line(table, titles, widths, to);
	for (size_t r = 0; r < table->nrows; r++)
		print_line(table, images + r * table->ncolumns, widths, to);
	for (size_t i = 0; i < count; i++)
		free(images[i].text);
	free(images);
	free(widths);
}

void table_print_csv_head(const struct table *table, FILE *to)
{
	const char *comma = "";

	for (size_t c = 0; c < table->ncolumns; c++) {
		if (!table->headings[c].key)
			continue;
		fprintf(to, "%s%s", comma, table->headings[c].key);
		comma = ",";
	}
	fputs("\r\n", to);
}

static void print_csv_cell(const struct cell *cell, FILE *to)
{
	if (cell->kind == CELL_STRING)
		print_csv_string(cell->string, to);
	else if (cell->kind == CELL_COUNT)
		fprintf(to, "%" PRIu64, cell->count);
	else if (cell->kind == CELL_NUMBER)
		fprintf(to, "%.3f", cell->number);
}

void table_print_csv(const struct table *table, FILE *to)
{
	for (size_t r = 0; r < table->nrows; r++) {
		const char *comma = "";

		for (size_t c = 0; c < table->ncolumns; c++) {
			if (!table->headings[c].key)
				continue;
			fputs(comma, to);
			print_csv_cell(&table->cells[r * table->ncolumns + c], to);
			comma = ",";
		}
		fputs("\r\n", to);
	}
}

static void print_json_cell(const struct cell *cell)
{
	if (cell->kind == CELL_STRING)
		json_string(cell->string);
	else if (cell->kind == CELL_COUNT)
		json_number(cell->count);
	else if (cell->kind == CELL_NUMBER)
		json_decimal(cell->number);
	else
		json_null();
}

void table_print_json(const struct table *table)
{
	json_open('[');
	for (size_t r = 0; r < table->nrows; r++) {
		json_open('{');
		for (size_t c = 0; c < table->ncolumns; c++) {
			if (!table->headings[c].key || table->headings[c].csv_only)
				continue;
			json_key(table->headings[c].key);
			print_json_cell(&table->cells[r * table->ncolumns + c]);
		}
		json_close('}');
	}
	json_close(']');
}

void table_report(const struct table *table, enum format format, const char *name, const char *written, const char *nothing)
{
	if (format == FORMAT_CSV) {
		table_print_csv_head(table, stdout);
		table_print_csv(table, stdout);
	} else if (format == FORMAT_JSON) {
		json_open('{');
		if (written)
			json_pair("written", written);
		json_key(name);
		table_print_json(table);
		json_close('}');
		json_end();
	} else if (table->nrows) {
		table_print_text(table, stdout);
	} else {
		puts(nothing);
	}
}
