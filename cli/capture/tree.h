/* SPDX-License-Identifier: MIT */
/*
 * tree.h - a host made of files, while it is written
 *
 * Paths are relative to its top and printf-like; directories on the way are made. The first error is kept, and nothing
 * is written after it, so that callers need to look only once in a while.
 */
#ifndef KVMSTAT_TREE_H
#define KVMSTAT_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { TREE_PATH_SIZE = 512 };

struct tree {
	int fd;
	int error;		/* 0 or -errno */
	char path[TREE_PATH_SIZE];		/* where it was met */
};

void tree_make(struct tree *tree, const char *format, ...) __attribute__((format(printf, 2, 3)));
void tree_write(struct tree *tree, mode_t mode, const void *data, size_t len, const char *format, ...)
	__attribute__((format(printf, 5, 6)));
void tree_link(struct tree *tree, const char *target, const char *format, ...) __attribute__((format(printf, 3, 4)));
bool tree_has(const struct tree *tree, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* When something was, as the time of its directory. */
void tree_set_time(struct tree *tree, uint64_t ns, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* A file that is open for writing, or -1. */
int tree_create(struct tree *tree, mode_t mode, const char *path);

/* Remove name, which may be a directory, and all that is in it. 0 or -errno. */
int tree_remove(int dirfd, const char *name);

#endif
