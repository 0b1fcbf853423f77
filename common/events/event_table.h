/* SPDX-License-Identifier: MIT */
/*
 * event_table.h - events.tsv, compiled in (scripts/events.awk makes the tables)
 */
#ifndef KVMSTAT_EVENT_TABLE_H
#define KVMSTAT_EVENT_TABLE_H

#include "kvmstat.h"

/* Sorted by name. */
struct known_event {
	const char *name;
	const char *text;
	uint16_t number;
	int16_t parent; /* in event_table, or -1 */
	uint8_t class;
	uint8_t unit;
	uint8_t scope;
	uint8_t category;
	uint16_t adds_to;     /* bit 1 << category */
	uint16_t adds_not_on; /* bit 1 << architecture: adds to nothing there */
	uint16_t archs;	      /* bit 1 << architecture */
	bool dead;
};

/* An old name. Sorted by name. */
struct known_alias {
	const char *name;
	uint16_t archs;
	uint16_t event; /* in event_table */
};

extern const struct known_event event_table[];
extern const size_t event_table_count;
extern const struct known_alias alias_table[];
extern const size_t alias_table_count;
/* Those that the diagnosis judges. Sorted by number. */
extern const struct kvmstat_judged judged_table[];
extern const size_t judged_table_count;
extern const char *const arch_table[];
extern const size_t arch_table_count;

#endif
