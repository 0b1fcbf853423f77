/* SPDX-License-Identifier: MIT */
/*
 * tables.h - KVMSTAT-MIB as data: every table with its columns, and how a value is taken from a view
 */
#ifndef KVMSTAT_AGENTX_TABLES_H
#define KVMSTAT_AGENTX_TABLES_H

#include "reader.h"
#include "value.h"

/* A request, as far as a value can depend on it. */
struct ask {
	struct reader *reader;
	const struct view *view;	/* NULL before the first sample */
	uint64_t now_ns;		/* CLOCK_BOOTTIME */
};

struct column {
	uint8_t number;
	uint8_t type;			/* ASN_... */
	/* False: there is no such instance. In a matrix, only called for cells that have their kind. */
	bool (*get)(const struct ask *ask, struct view_place place, const struct column *column,
		    struct value *value);
	int detail;			/* category, or kind of view_has() */
};

/* place.guest is the row whatever the rows are; place.event is used by a matrix only. */
struct table {
	const char *name;
	uint8_t group;			/* root.1.group */
	bool scalars;			/* registered there; a table at its Entry, root.1.group.1 */
	bool matrix;			/* indexed by guest and event, else by one number */
	bool always;			/* shown whatever the age of the view */
	const struct column *columns;	/* in ascending order of number */
	size_t ncolumns;
	uint32_t (*rows)(const struct view *view);
	uint32_t (*index)(const struct view *view, uint32_t row); /* ascending */
};

extern const struct table *const tables[];
extern const size_t ntables;

#endif
