/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "identity.h"
#include "tree.h"

static struct proc_helper helper;

static int setup(void **state)
{
	*state = tree_new();
	proc_helper_begin(&helper);
	return 0;
}

static int teardown(void **state)
{
	proc_helper_end(&helper);
	tree_free(*state);
	return 0;
}

/* ---- cgroup ---- */

static void test_cgroup(void **state)
{
	static const struct {
		const char *cgroup, *name;
	} cases[] = {
		{ "0::/machine.slice/machine-qemu\\x2d3\\x2dweb01.scope/libvirt/emulator\n", "web01" },
		{ "0::/machine.slice/machine-qemu\\x2d3\\x2dweb01.scope\n", "web01" },
		{ "12:cpuset:/x\n1:name=systemd:/machine-qemu\\x2d12\\x2da\\x2d7\\x2db.scope\n", "a-7-b" },
		{ "0::/machine.slice/machine-qemu\\x2d3\\x2d42.scope", "42" },
		{ "0::/user.slice/machine-qemu\\x2djoe\\x2d3\\x2dweb01.scope", "web01" },
		{ "0::/machine.slice/machine-ch\\x2d3\\x2dweb01.scope", "web01" },
		{ "0::/machine-lxc\\x2d3\\x2dbox.scope/machine-qemu\\x2d4\\x2dweb02.scope\n", "web02" },
		{ "0::/machine.slice/machine-box.scope/payload\n", NULL },
		{ "0::/machine.slice/machine-qemu\\x2d3\\x2d.scope", NULL },
		{ "0::/machine.slice/machine-qemu\\x2d3.scope", NULL },
		{ "0::/machine.slice/machine-qemu\\x2d.scope", NULL },
		{ "0::/machine.slice/machine-qemu\\x2d3\\x2dweb01.slice", NULL },
		{ "0::/machine.slice/machine-qemu\\x2d3\\x2dx\\x0", NULL },
		{ "0::/machine.slice/machine-qemu\\x2d3\\x2dx\\x00y\\x.scope", "x\\x00y\\x" },
		{ "0::/machine-.scope", NULL },
		{ "0::/machine-", NULL },
		{ "0::/machine-\\x", NULL },
		{ "0::/\n", NULL },
		{ "", NULL },
	};
	struct identity identity;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *exact = strdup(cases[i].cgroup);

		identity = (struct identity){ 0 };
		assert_int_equal(identity_from_cgroup(&identity, exact), cases[i].name != NULL);
		assert_name(&identity, cases[i].name);
		identity_free(&identity);
		for (size_t len = strlen(exact); len > 0; len--) {
			exact[len - 1] = '\0';
			identity_from_cgroup(&identity, exact);
			identity_free(&identity);
		}
		free(exact);
	}
}

/* ---- all of it ---- */

static void add_cmdline(struct tree *tree, const char *const *args)
{
	char cmdline[4096];

	tree_file(tree, "proc/4711/cmdline", cmdline, join(cmdline, sizeof(cmdline), args));
}

static void check_read(struct tree *tree, int rc, const char *name, bool named, const char *vmm)
{
	struct identity identity;

	assert_int_equal(identity_read(&tree->root, &helper, 4711, &identity), rc);
	assert_string_equal(identity.name, name);
	assert_int_equal(identity.named, named);
	assert_string_equal(identity.vmm, vmm);
	identity_free(&identity);
	assert_null(identity.name);
}

static void test_read_order(void **state)
{
	struct tree *tree = *state;

	check_read(tree, -ENOENT, "pid-4711", false, "");
	tree_text(tree, "proc/4711/comm", "");
	check_read(tree, 0, "pid-4711", false, "");
	tree_text(tree, "proc/4711/comm", "a b)\n\n");
	check_read(tree, 0, "a b)\n-4711", false, "a b)\n");
	tree_text(tree, "proc/4711/comm", "qemu-system-x86\n");
	check_read(tree, 0, "qemu-system-x86-4711", false, "qemu-system-x86");
	tree_text(tree, "proc/4711/cmdline", "");
	check_read(tree, 0, "qemu-system-x86-4711", false, "qemu");
	tree_text(tree, "proc/4711/cgroup", "0::/machine.slice/machine-qemu\\x2d3\\x2dweb01.scope\n");
	check_read(tree, 0, "web01", true, "qemu");
	add_cmdline(tree, ARGS("x", "-name", "guest=web/01,,", "-m", "64", "-uuid", UUID));
	check_read(tree, 0, "web/01,", true, "qemu");
	tree_remove(tree, "proc/4711/comm");
	check_read(tree, 0, "web/01,", true, "");
}

static void test_read_empty_name(void **state)
{
	struct tree *tree = *state;

	tree_text(tree, "proc/4711/comm", "qemu-kvm\n");
	tree_text(tree, "proc/4711/cgroup", "0::/machine.slice/machine-qemu\\x2d3\\x2dweb01.scope\n");
	add_cmdline(tree, ARGS("qemu-kvm", "-name", "guest="));
	check_read(tree, 0, "", true, "qemu");
}

/* The name comes after more than 64 KiB of devices, and before more than is read at all. */
static void test_read_huge(void **state)
{
	static const char head[] = "qemu-kvm\0-device", tail[] = "x\0-name\0late";
	const size_t sizes[] = { 100 * KIB, 2 * MIB, 3 * MIB };
	struct tree *tree = *state;

	tree_text(tree, "proc/4711/comm", "qemu-kvm\n");
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		const bool whole = sizes[i] <= 2 * MIB;
		const char *name = whole ? "late" : "qemu-kvm-4711";
		char *cmdline = malloc(sizes[i]);

		memset(cmdline, 'd', sizes[i]);
		memcpy(cmdline, head, sizeof(head));
		memcpy(cmdline + sizes[i] - sizeof(tail), tail, sizeof(tail));
		tree_file(tree, "proc/4711/cmdline", cmdline, sizes[i]);
		check_read(tree, 0, name, whole, "qemu");
		/* Not ended by NUL. */
		tree_file(tree, "proc/4711/cmdline", cmdline, sizes[i] - 1);
		check_read(tree, 0, name, whole, "qemu");
		free(cmdline);
	}
}

static void test_read_self(void **state)
{
	struct identity identity;
	struct sysroot root;
	char comm[32], last[64];
	ssize_t len;

	(void)state;
	assert_int_equal(sysroot_init(&root, "/"), 0);
	len = sysroot_read(&root, comm, sizeof(comm), "proc/self/comm");
	assert_true(len > 0);
	comm[len - 1] = '\0';
	proc_helper_begin(&helper);
	assert_int_equal(identity_read(&root, &helper, getpid(), &identity), 0);
	proc_helper_end(&helper);
	snprintf(last, sizeof(last), "%s-%d", comm, getpid());
	assert_string_equal(identity.vmm, comm);
	assert_string_equal(identity.name, last);
	assert_false(identity.named);
	identity_free(&identity);
	sysroot_exit(&root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cgroup),
		cmocka_unit_test_setup_teardown(test_read_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_read_empty_name, setup, teardown),
		cmocka_unit_test_setup_teardown(test_read_huge, setup, teardown),
		cmocka_unit_test(test_read_self),
	};

	return cmocka_run_group_tests_name("vmm", tests, NULL, NULL);
}
