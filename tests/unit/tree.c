/* SPDX-License-Identifier: MIT */
#include "tree.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void tree_must(int good, const char *what, const char *path)
{
	if (good)
		return;
	fprintf(stderr, "tree: %s %s: %s\n", what, path, strerror(errno));
	abort();
}

struct tree *tree_new(void)
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
static void tree_parents(struct tree *tree, const char *path)
{
	char dir[PATH_MAX];

	snprintf(dir, sizeof(dir), "%s", path);
	for (char *slash = strchr(dir, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		tree_must(mkdirat(tree->root.fd, dir, 0755) == 0 || errno == EEXIST, "make", dir);
		*slash = '/';
	}
}

void tree_dir(struct tree *tree, const char *path)
{
	tree_parents(tree, path);
	tree_must(mkdirat(tree->root.fd, path, 0755) == 0 || errno == EEXIST, "make", path);
}

void tree_file(struct tree *tree, const char *path, const void *data, size_t len)
{
	int fd;

	tree_parents(tree, path);
	fd = openat(tree->root.fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	tree_must(fd >= 0, "create", path);
	tree_must(write(fd, data, len) == (ssize_t)len, "write", path);
	close(fd);
}

void tree_text(struct tree *tree, const char *path, const char *text)
{
	tree_file(tree, path, text, strlen(text));
}

void tree_symlink(struct tree *tree, const char *path, const char *target)
{
	tree_parents(tree, path);
	unlinkat(tree->root.fd, path, 0);
	tree_must(symlinkat(target, tree->root.fd, path) == 0, "link", path);
}

static int tree_unlink(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void tree_remove(struct tree *tree, const char *path)
{
	char full[2 * PATH_MAX];

	snprintf(full, sizeof(full), "%s/%s", tree->path, path);
	nftw(full, tree_unlink, 16, FTW_DEPTH | FTW_PHYS);
}

void tree_free(struct tree *tree)
{
	sysroot_exit(&tree->root);
	nftw(tree->path, tree_unlink, 16, FTW_DEPTH | FTW_PHYS);
	free(tree);
}
