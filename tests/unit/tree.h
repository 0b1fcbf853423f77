/* SPDX-License-Identifier: MIT */
/*
 * tree.h - small trees of files in a temporary directory, to stand in for /sys and /proc in tests
 *
 * Paths are relative to the tree; directories on the way are made. Whatever cannot be made ends the test.
 */
#ifndef KVMSTAT_TREE_H
#define KVMSTAT_TREE_H

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/sysroot.h"

#define TREE_UNUSED __attribute__((unused))

struct tree {
	char path[PATH_MAX];	/* absolute; for tests that need it as a prefix */
	struct sysroot root;
};

static TREE_UNUSED void tree_must(int good, const char *what, const char *path)
{
	if (good)
		return;
	fprintf(stderr, "tree: %s %s: %s\n", what, path, strerror(errno));
	abort();
}

static TREE_UNUSED struct tree *tree_new(void)
{
	const char *tmp = getenv("TMPDIR");
	struct tree *tree = calloc(1, sizeof(*tree));

	tree_must(tree != NULL, "allocate", "");
	snprintf(tree->path, sizeof(tree->path), "%s/kvmstat-tree-XXXXXX", tmp ? tmp : "/tmp");
	tree_must(mkdtemp(tree->path) != NULL, "make", tree->path);
	tree_must(sysroot_init(&tree->root, tree->path) == 0, "open", tree->path);
	return tree;
}

/* Make the directories above path. */
static TREE_UNUSED void tree_parents(struct tree *tree, const char *path)
{
	char dir[PATH_MAX];

	snprintf(dir, sizeof(dir), "%s", path);
	for (char *slash = strchr(dir, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		tree_must(mkdirat(tree->root.fd, dir, 0755) == 0 || errno == EEXIST, "make", dir);
		*slash = '/';
	}
}

static TREE_UNUSED void tree_dir(struct tree *tree, const char *path)
{
	tree_parents(tree, path);
	tree_must(mkdirat(tree->root.fd, path, 0755) == 0 || errno == EEXIST, "make", path);
}

/* Write a file, or write it again. */
static TREE_UNUSED void tree_file(struct tree *tree, const char *path, const void *data, size_t len)
{
	int fd;

	tree_parents(tree, path);
	fd = openat(tree->root.fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	tree_must(fd >= 0, "create", path);
	tree_must(write(fd, data, len) == (ssize_t)len, "write", path);
	close(fd);
}

/* A file of text. */
static TREE_UNUSED void tree_text(struct tree *tree, const char *path, const char *text)
{
	tree_file(tree, path, text, strlen(text));
}

static TREE_UNUSED void tree_symlink(struct tree *tree, const char *path, const char *target)
{
	tree_parents(tree, path);
	unlinkat(tree->root.fd, path, 0);
	tree_must(symlinkat(target, tree->root.fd, path) == 0, "link", path);
}

static TREE_UNUSED int tree_unlink(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

/* Remove a file or a whole directory; it may be missing. */
static TREE_UNUSED void tree_remove(struct tree *tree, const char *path)
{
	char full[2 * PATH_MAX];

	snprintf(full, sizeof(full), "%s/%s", tree->path, path);
	nftw(full, tree_unlink, 16, FTW_DEPTH | FTW_PHYS);
}

static TREE_UNUSED void tree_free(struct tree *tree)
{
	sysroot_exit(&tree->root);
	nftw(tree->path, tree_unlink, 16, FTW_DEPTH | FTW_PHYS);
	free(tree);
}

#endif
