/* SPDX-License-Identifier: MIT */
/*
 * content.h - the content of the index file: guests with their indices, and the numbers of unknown
 * events
 */
#ifndef KVMSTAT_INDEXCONTENT_H
#define KVMSTAT_INDEXCONTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	INDEX_MAX = 2147483647,
	INDEX_GUESTS_MAX = 20000,	/* above this, guests that do not run are forgotten */
	INDEX_EVENTS_MAX = 4096,	/* as many as a collector takes */
	INDEX_SIZE_MAX = 16 << 20,	/* bytes of the file */
};

struct index_guest {
	uint32_t index;
	bool live;		/* in the last sample */
	bool saved;		/* the file has this index for this key */
	bool exact;		/* and this incarnation */
	bool twin;		/* another guest has the same key */
	uint32_t next_key;	/* chains of indexmap.c */
	uint32_t next_incarnation;
	uint64_t seen_ns;	/* when it was in a sample last, CLOCK_BOOTTIME; 0: not since it was read */
	char *key;
	char *incarnation;
};

struct index_event {
	uint32_t number;
	bool live;		/* in the last sample */
	bool saved;
	char *name;
};

struct index_content {
	uint32_t highest;	/* no index above this one was ever given */
	size_t nguests, guests_size;
	struct index_guest *guests;	/* in ascending order of index */
	size_t nevents, events_size;
	struct index_event *events;	/* in the order of their appearance */
};

void index_content_free(struct index_content *content);

/* Append; strings are copied. 0 or -ENOMEM. */
int index_add_guest(struct index_content *content, uint32_t index, const char *key, const char *incarnation);
int index_add_event(struct index_content *content, uint32_t number, const char *name);

/* Sort guests by index and drop every guest that has the index of the one before it. True if there were any. */
bool index_sort(struct index_content *content);

/*
 * Merge entries that only other has; entries and indices that both have stay unchanged.
 * Drops entries that are not saved yet, which were never published.
 * other is left empty. 0 or -ENOMEM.
 */
int index_merge(struct index_content *content, struct index_content *other);

/*
 * Forget guests that are not live: those that cannot return (keys of the form "dir:...") some minutes after they were
 * seen last, others if there are too many. now_ns: CLOCK_BOOTTIME.
 */
void index_forget_guests(struct index_content *content, uint64_t now_ns);

/* Forget the eldest events that are not live until there is room for one more; none if all are live. */
void index_forget_event(struct index_content *content);

#endif
