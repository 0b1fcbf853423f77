/* SPDX-License-Identifier: MIT */
/*
 * store.h - the state directory: locked for one process, watched, and its log messages
 *
 * If the directory or the file is replaced, mounted over or removed, the next look notices it. Then
 * both are opened, locked and read again.
 */
#ifndef KVMSTAT_INDEXSTORE_H
#define KVMSTAT_INDEXSTORE_H

#include "index/file.h"
#include "log.h"

struct indexstore {
	char *dir;			/* NULL: in memory only */
	int dirfd;			/* locked; -1: not open */
	bool loaded;			/* the file was read at least once */
	bool current;			/* what is in the file is known, and it may be written */
	bool damaged;			/* the file is, and is not kept under another name yet */
	bool dirty;			/* the content differs from the file */
	uint32_t gap;			/* indices to skip before the first new one */
	struct index_identity file;	/* as it was read or written */
	struct complaint trouble;
};

/* dir is copied; NULL: nothing is kept. 0 or -ENOMEM. */
int indexstore_init(struct indexstore *store, const char *dir);
void indexstore_exit(struct indexstore *store);

/*
 * See whether directory and file are still those that were read or written last; if not, or at first, merge what is
 * there into the content. 1 if the content may have changed, 0 if it has not, -ENOMEM. What fails is logged, and then
 * the store is not current.
 */
int indexstore_look(struct indexstore *store, struct index_content *content);

/* Write the content if it differs from the file. What fails is logged, and then the store stays dirty. */
void indexstore_save(struct indexstore *store, struct index_content *content);

/* Log that all guests are served again. */
void indexstore_recovered(struct indexstore *store);

#endif
