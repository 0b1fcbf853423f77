/* SPDX-License-Identifier: MIT */
/* tables.h - KVMSTAT-MIB as data: every table with its columns, and the function of each value */
#ifndef KVMSTAT_AGENTX_TABLES_H
#define KVMSTAT_AGENTX_TABLES_H

#include "oid.h"
#include "value.h"
#include "view/reader.h"

/* The part of a request that a value can depend on. */
struct ask {
	struct reader *reader;
	const struct view *view;	/* NULL before the first sample */
	uint64_t now_ns;		/* CLOCK_BOOTTIME */
	uint64_t uptime;		/* sysUpTime now, in 1/100 s */
};

enum { AXIS_SUBIDS = 2 };

/* Things in the order of their keys: the rows, or the possible items of each row. */
struct axis {
	uint8_t len;			/* sub-identifiers of a key; 0: there is one thing, of no key */
	uint32_t (*count)(const struct view *view);
	uint32_t (*subid[AXIS_SUBIDS])(const struct view *view, uint32_t position);
};

struct column {
	uint8_t number;
	uint8_t type;			/* enum oid_type */
	/* False: there is no such instance. In a matrix, only called for places that are in the grid. */
	bool (*get)(const struct ask *ask, struct view_place place, const struct column *column,
		    struct value *value);
	int detail;			/* category, or kind of the grid */
};

/* place.row is a position in rows; place.item, of a matrix only, one in items. */
struct table {
	const char *name;
	uint8_t group;			/* root.1.group */
	bool scalars;			/* registered as this; a table as its Entry, root.1.group.1 */
	bool always;			/* shown whatever the age of the view */
	const struct column *columns;	/* in ascending order of number */
	size_t ncolumns;
	struct axis rows;
	struct axis items;		/* a matrix: the key of an item follows that of the row */
	const struct grid *(*grid)(const struct view *view); /* NULL: no matrix */
};

enum { TABLES_MAX = 16 };

/* In ascending order of group. */
extern const struct table *const tables[];
extern const size_t ntables;

#endif
