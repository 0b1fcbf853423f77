/* SPDX-License-Identifier: MIT */
/*
 * tree.h - small trees of files in a temporary directory, to stand in for /sys and /proc in tests
 *
 * Paths are relative to the tree; directories on the way are made. Whatever cannot be made ends the test.
 */
#ifndef KVMSTAT_TREE_H
#define KVMSTAT_TREE_H

#include <limits.h>

#include "host/sysroot.h"

struct tree {
	char path[PATH_MAX];	/* absolute; for tests that need it as a prefix */
	struct sysroot root;
};

void tree_must(int good, const char *what, const char *path);
struct tree *tree_new(void);
void tree_dir(struct tree *tree, const char *path);

/* Write a file, or write it again. */
void tree_file(struct tree *tree, const char *path, const void *data, size_t len);

/* A file of text. */
void tree_text(struct tree *tree, const char *path, const char *text);

void tree_symlink(struct tree *tree, const char *path, const char *target);

/* Remove a file or a whole directory; it may be missing. */
void tree_remove(struct tree *tree, const char *path);

void tree_free(struct tree *tree);

#endif
