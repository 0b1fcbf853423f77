/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tree.h"

static int setup(void **state)
{
	*state = tree_new();
	return 0;
}

static int teardown(void **state)
{
	tree_free(*state);
	return 0;
}

static void test_init(void **state)
{
	struct tree *tree = *state;
	struct sysroot root;
	char path[2 * PATH_MAX];

	assert_int_equal(sysroot_init(&root, "/"), 0);
	assert_true(root.live);
	assert_true(sysroot_exists(&root, "proc/self/%s", "stat"));
	sysroot_exit(&root);
	assert_int_equal(root.fd, -1);
	sysroot_exit(&root);

	assert_false(tree->root.live);
	tree_text(tree, "file", "");
	snprintf(path, sizeof(path), "%s/file", tree->path);
	assert_int_equal(sysroot_init(&root, path), -ENOTDIR);
	snprintf(path, sizeof(path), "%s/none", tree->path);
	assert_int_equal(sysroot_init(&root, path), -ENOENT);
}

static void test_open(void **state)
{
	struct tree *tree = *state;
	DIR *dir;
	int fd;

	tree_text(tree, "proc/7/comm", "x\n");
	fd = sysroot_open(&tree->root, O_RDONLY, "proc/%d/%s", 7, "comm");
	assert_true(fd >= 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);
	assert_int_equal(sysroot_open(&tree->root, O_RDONLY, "proc/%d/comm", 8), -ENOENT);

	dir = sysroot_opendir(&tree->root, "proc/%d", 7);
	assert_non_null(dir);
	closedir(dir);
	errno = 0;
	assert_null(sysroot_opendir(&tree->root, "proc/%d", 8));
	assert_int_equal(errno, ENOENT);
	assert_null(sysroot_opendir(&tree->root, "proc/7/comm"));
	assert_int_equal(errno, ENOTDIR);
}

static void test_read_sizes(void **state)
{
	struct tree *tree = *state;
	char buf[9];

	tree_text(tree, "f", "12345678");
	assert_int_equal(sysroot_read(&tree->root, buf, 9, "f"), 8);
	assert_string_equal(buf, "12345678");
	assert_int_equal(sysroot_read(&tree->root, buf, 5, "f"), 4);
	assert_string_equal(buf, "1234");
	assert_int_equal(sysroot_read(&tree->root, buf, 1, "f"), 0);
	assert_string_equal(buf, "");
	assert_int_equal(sysroot_read(&tree->root, buf, 9, "none"), -ENOENT);
	tree_dir(tree, "d");
	assert_int_equal(sysroot_read(&tree->root, buf, 9, "d"), -EISDIR);
}

/* Every size around the first buffer's and its doubles, and every kind of limit. */
static void test_slurp_sizes(void **state)
{
	static const size_t sizes[] = { 0, 1, 4095, 4096, 4097, 8191, 8192, 8193, 70000 };
	static const size_t limits[] = { 1, 100, 4095, 4096, 4097, 8192, 10000, 69999, 70000, 1 << 20 };
	const size_t nsizes = sizeof(sizes) / sizeof(sizes[0]), nlimits = sizeof(limits) / sizeof(limits[0]);
	struct tree *tree = *state;
	char content[70000];

	for (size_t i = 0; i < sizeof(content); i++)
		content[i] = (char)(i % 251);
	for (size_t i = 0; i < nsizes * nlimits; i++) {
		size_t size = sizes[i / nlimits], max = limits[i % nlimits];
		size_t expected = size < max ? size : max;
		char *data;

		tree_file(tree, "big", content, size);
		assert_int_equal(sysroot_slurp(&tree->root, &data, max, "big"), expected);
		assert_memory_equal(data, content, expected);
		assert_int_equal(data[expected], 0);
		free(data);
	}
}

static void test_slurp_proc(void **state)
{
	struct sysroot root;
	ssize_t len;
	char *data;

	(void)state;
	assert_int_equal(sysroot_init(&root, "/"), 0);
	/* Comes in many pieces, and has no size to stat. */
	len = sysroot_slurp(&root, &data, 1 << 20, "proc/self/maps");
	assert_true(len > 0);
	assert_int_equal(strlen(data), len);
	assert_int_equal(data[len - 1], '\n');
	free(data);
	assert_int_equal(sysroot_slurp(&root, &data, 100, "proc/self/none"), -ENOENT);
	sysroot_exit(&root);
}

static void test_links(void **state)
{
	struct tree *tree = *state;
	struct stat st;
	char buf[18];

	tree_symlink(tree, "fd/3", "anon_inode:kvm-vm");
	tree_symlink(tree, "good", "fd");
	assert_int_equal(sysroot_readlink(&tree->root, buf, sizeof(buf), "fd/%d", 3), 17);
	assert_string_equal(buf, "anon_inode:kvm-vm");
	assert_int_equal(sysroot_readlink(&tree->root, buf, 5, "fd/3"), 4);
	assert_string_equal(buf, "anon");
	assert_int_equal(sysroot_readlink(&tree->root, buf, sizeof(buf), "fd/4"), -ENOENT);
	assert_int_equal(sysroot_readlink(&tree->root, buf, sizeof(buf), "fd"), -EINVAL);
	assert_true(sysroot_exists(&tree->root, "good"));
	assert_false(sysroot_exists(&tree->root, "fd/3"));
	assert_false(sysroot_exists(&tree->root, "none"));
	assert_int_equal(sysroot_stat(&tree->root, &st, "good"), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(sysroot_stat(&tree->root, &st, "%s", "fd"), 0);
	assert_true(S_ISDIR(st.st_mode));
	assert_int_equal(sysroot_stat(&tree->root, &st, "none"), -ENOENT);
}

static void test_long_paths(void **state)
{
	struct tree *tree = *state;
	char name[601], buf[8], *data;
	struct stat st;

	/* Cut off, it would be a directory. */
	for (size_t i = 0; i < sizeof(name) - 1; i += 2)
		memcpy(name + i, "./", 3);
	assert_int_equal(sysroot_open(&tree->root, O_RDONLY, "%s", name), -ENAMETOOLONG);
	assert_int_equal(sysroot_read(&tree->root, buf, sizeof(buf), "%s", name), -ENAMETOOLONG);
	assert_int_equal(sysroot_slurp(&tree->root, &data, 8, "%s", name), -ENAMETOOLONG);
	assert_int_equal(sysroot_readlink(&tree->root, buf, sizeof(buf), "%s", name), -ENAMETOOLONG);
	assert_false(sysroot_exists(&tree->root, "%s", name));
	assert_int_equal(sysroot_stat(&tree->root, &st, "%s", name), -ENAMETOOLONG);
	assert_null(sysroot_opendir(&tree->root, "%s", name));
	assert_int_equal(errno, ENAMETOOLONG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_init, setup, teardown),
		cmocka_unit_test_setup_teardown(test_open, setup, teardown),
		cmocka_unit_test_setup_teardown(test_read_sizes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_slurp_sizes, setup, teardown),
		cmocka_unit_test(test_slurp_proc),
		cmocka_unit_test_setup_teardown(test_links, setup, teardown),
		cmocka_unit_test_setup_teardown(test_long_paths, setup, teardown),
	};

	return cmocka_run_group_tests_name("sysroot", tests, NULL, NULL);
}
