/* SPDX-License-Identifier: MIT */
/*
 * indexfile.h - the file that remembers which guest has which index, and the numbers of unknown events
 *
 * Lines of words, each line ended by a checksum of its own, so that of a damaged file every line that can be
 * read can be trusted:
 *
 *	kvmstat-index 1 CHECK
 *	highest INDEX CHECK			no index above this one was ever given
 *	guest INDEX KEY INCARNATION CHECK
 *	event NUMBER NAME CHECK
 *	end GUESTS EVENTS CHECK
 *
 * Keys and incarnations are bytes; everything but printable ASCII is written as %XX.
 */
#ifndef KVMSTAT_INDEXFILE_H
#define KVMSTAT_INDEXFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INDEX_FILE "index"
#define INDEX_FILE_NEW "index.new"
#define INDEX_FILE_BAD "index.bad"

enum {
	INDEX_MAX = 2147483647,
	/* Skipped if a damaged file does not even tell the highest index that was given. */
	INDEX_MARGIN = 1000000,
};

struct index_guest {
	uint32_t index;
	bool live;		/* in the last sample */
	bool saved;		/* as it is, in the file */
	uint32_t next_key;	/* chains of indexmap.c */
	uint32_t next_incarnation;
	char *key;
	char *incarnation;
};

struct index_event {
	uint32_t number;
	bool saved;
	char *name;
};

struct index_content {
	uint32_t highest;
	size_t nguests, guests_size;
	struct index_guest *guests;
	size_t nevents, events_size;
	struct index_event *events;
};

void index_content_free(struct index_content *content);

/* Append; strings are copied. 0 or -ENOMEM. */
int index_add_guest(struct index_content *content, uint32_t index, const char *key, const char *incarnation);
int index_add_event(struct index_content *content, uint32_t number, const char *name);

/*
 * Read the file in this directory into an empty content, guests in ascending order of index. No file is an
 * empty one. Returns 0; 1 if the file is damaged, with all that could be read; -EPROTONOSUPPORT if it is of
 * a later version; or another -errno.
 */
int index_read(int dirfd, struct index_content *content);

/* Keep the file as it is under the name of INDEX_FILE_BAD as well. 0 or -errno. */
int index_keep_bad(int dirfd);

/*
 * Replace the file: once this returned 0 it survives a crash; else the old one is still there. 0 or
 * -errno.
 */
int index_write(int dirfd, const struct index_content *content);

/* FNV-1a */
uint32_t index_hash(const char *data, size_t len);

#endif
