/* SPDX-License-Identifier: MIT */
/*
 * file.h - the file that remembers which guest has which index, and the numbers of unknown events
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

#include <sys/stat.h>

#include "index/content.h"

#define INDEX_FILE "index"
#define INDEX_FILE_NEW "index.new"
#define INDEX_FILE_BAD "index.bad"

/* Skipped if a damaged file does not even contain the highest index that was given. */
enum { INDEX_MARGIN = 1000000 };

/* Which file it was: two of them are identical if nobody wrote, replaced or removed it in between. */
struct index_identity {
	bool exists;
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec written;
};

void index_identify(int dirfd, struct index_identity *identity);
bool index_identical(const struct index_identity *a, const struct index_identity *b);

/*
 * Read the file in this directory into an empty content, guests in ascending order of index. No file is an
 * empty one. Returns 0; 1 if the file is damaged or larger than INDEX_SIZE_MAX, with all that could be read;
 * -EPROTONOSUPPORT if it is of a later version; -ENXIO or -ELOOP if it is not a regular file, which is never waited
 * for; or another -errno. Events above INDEX_EVENTS_MAX are left out, *left_out is their number.
 */
int index_read(int dirfd, struct index_content *content, size_t *left_out);

/* Keep the file as it is under the name of INDEX_FILE_BAD, before it is replaced. 0 or -errno. */
int index_keep_bad(int dirfd);

/*
 * Replace the file: once this returned 0 it survives a crash; else the old one is still there. 0; -E2BIG if
 * it would be larger than INDEX_SIZE_MAX; or another -errno.
 */
int index_write(int dirfd, const struct index_content *content);

/* FNV-1a */
uint32_t index_hash(const char *data, size_t len);

#endif
