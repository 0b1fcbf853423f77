/* SPDX-License-Identifier: MIT */
/*
 * table.h - rows and columns as aligned text, CSV or JSON
 */
#ifndef KVMSTAT_TABLE_H
#define KVMSTAT_TABLE_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum format {
	FORMAT_TEXT,
	FORMAT_CSV,
	FORMAT_JSON,
};

enum cell_kind {
	CELL_NONE,		/* no value: "-", nothing, null */
	CELL_STRING,
	CELL_COUNT,
	CELL_NUMBER,
};

struct cell {
	enum cell_kind kind;
	unsigned int indent;	/* of a string, in text */
	union {
		const char *string;
		uint64_t count;
		double number;
	};
};

static inline struct cell cell_none(void)
{
	return (struct cell){ .kind = CELL_NONE };
}

static inline struct cell cell_string(const char *string)
{
	return (struct cell){ .kind = CELL_STRING, .string = string };
}

static inline struct cell cell_count(uint64_t count)
{
	return (struct cell){ .kind = CELL_COUNT, .count = count };
}

/* NaN is no value. */
static inline struct cell cell_number(double number)
{
	return (struct cell){ .kind = isnan(number) ? CELL_NONE : CELL_NUMBER, .number = number };
}

/* One column. */
struct heading {
	const char *key;	/* in CSV and JSON, NULL: not there */
	bool csv_only;		/* JSON has it once, around the rows */
	const char *title;	/* in text, NULL: not there */
	bool left;		/* adjusted to the left in text */
	bool wraps;		/* where it is very wide, the rest of the line goes below */
	bool narrow;		/* text has five characters: 12345, 1.23M */
};

struct table {
	const struct heading *headings;
	size_t ncolumns;
	struct cell *cells;	/* [nrows * ncolumns] */
	size_t nrows;
	struct kept *kept;
};

/* Appended; cells are copied, strings are not and must outlive the table. */
void table_add(struct table *table, const struct cell *row);
void table_free(struct table *table);

/* Zeroed memory that lives as long as the table: for headings, and for strings that nobody else keeps. */
void *table_keep(struct table *table, size_t size);

/* A cell as it stands in a text; malloc'ed. *width: columns it takes. */
char *table_image(const struct cell *cell, const struct heading *heading, size_t *width);

void table_print_text(const struct table *table, FILE *to);
void table_print_csv_head(const struct table *table, FILE *to);
void table_print_csv(const struct table *table, FILE *to);
void table_print_json(const struct table *table);

/*
 * All of a report that is one table. JSON has it under this name, behind the time when it was written (NULL: none);
 * text of an empty one is what nothing says.
 */
void table_report(const struct table *table, enum format format, const char *name, const char *written, const char *nothing);

#endif
