/* SPDX-License-Identifier: MIT */
/*
 * dir.h - list a directory without allocating, inode numbers included
 */
#ifndef KVMSTAT_DIR_H
#define KVMSTAT_DIR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "host/sysroot.h"

enum { DIR_BUFFER = 32 * 1024 };

struct dir_entry {
	uint64_t ino;
	const char *name;
	unsigned char type;	/* DT_... */
};

struct dir_reader {
	int fd;
	char *buffer;		/* DIR_BUFFER bytes, aligned for 64-bit numbers */
	size_t have, at;
	struct dir_entry entry;
};

/* 0 or -errno; dir_end() in any case. */
int dir_begin(struct dir_reader *reader, const struct sysroot *root, char *buffer, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* The next entry but "." and "..", valid until the next call; NULL at the end. */
const struct dir_entry *dir_next(struct dir_reader *reader);

/* Is it a file of this type (S_IFDIR, S_IFREG)? Symbolic links are none. */
bool dir_is(const struct dir_reader *reader, const struct dir_entry *entry, mode_t type);

void dir_end(struct dir_reader *reader);

#endif
