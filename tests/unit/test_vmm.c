/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "identity.h"
#include "tree.h"

#define STATUS_XML "tests/fixtures/libvirt/zlinux01.xml"
#define SESSION_XML "tests/fixtures/libvirt/session.xml"

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

/* ---- libvirt ---- */

static bool parse_xml(struct identity *identity, const char *xml, size_t len, pid_t pid)
{
	char *exact = malloc(len ? len : 1);
	bool found;

	memcpy(exact, xml, len);
	*identity = (struct identity){ 0 };
	found = identity_from_libvirt(identity, exact, len, pid);
	assert_int_equal(found, identity->name != NULL);
	free(exact);
	return found;
}

static void test_libvirt(void **state)
{
	struct identity identity;
	char xml[8192];
	size_t len = read_file(STATUS_XML, xml, sizeof(xml));

	(void)state;
	assert_true(parse_xml(&identity, xml, len, 4711));
	assert_string_equal(identity.name, "zlinux01");
	assert_string_equal(identity.uuid, UUID);
	assert_true(identity.memory == 8 * GIB);
	assert_int_equal(identity.nthreads, 3);
	assert_int_equal(identity.threads[0].tid, 4719);
	assert_int_equal(identity.threads[1].tid, 4720);
	assert_int_equal(identity.threads[2].tid, 4731);
	identity_free(&identity);

	len = read_file(SESSION_XML, xml, sizeof(xml));
	assert_true(parse_xml(&identity, xml, len, 21377));
	assert_string_equal(identity.name, "fedora-test");
	assert_string_equal(identity.uuid, "1d6f9f0e-3f60-4c11-a8a6-6d1c6c1f4a27");
	assert_true(identity.memory == 2 * GIB);
	assert_int_equal(identity.nthreads, 2);
	identity_free(&identity);

	len = read_file(STATUS_XML, xml, sizeof(xml));
	assert_false(parse_xml(&identity, xml, len, 4712));
	assert_false(parse_xml(&identity, xml, len, 471));
	assert_false(parse_xml(&identity, xml, len, 0));
}

static void test_libvirt_cut(void **state)
{
	struct identity identity;
	char xml[8192];
	size_t len = read_file(STATUS_XML, xml, sizeof(xml));

	(void)state;
	for (size_t cut = 0; cut < len; cut++) {
		/* But for the newline at the end, half a document is none. */
		assert_int_equal(parse_xml(&identity, xml, cut, 4711), cut == len - 1);
		identity_free(&identity);
	}
}

#define STATUS(inside) "<domstatus pid='7'>" inside "</domstatus>"
#define DOMAIN(inside) STATUS("<domain><name>a</name>" inside "</domain>")

static void test_libvirt_odd(void **state)
{
	static const struct {
		const char *xml, *name;
	} cases[] = {
		{ DOMAIN(""), "a" },
		{ STATUS("<domain><name>a &amp; b &#233;</name></domain>"), "a & b \xc3\xa9" },
		{ STATUS("<domain><name>a<!-- c -->b</name></domain>"), "ab" },
		{ STATUS("<domain><name><![CDATA[<x>]]></name></domain>"), "<x>" },
		{ STATUS("<domain><name></name></domain>"), NULL },
		{ STATUS("<domain/>"), NULL },
		{ STATUS("<name>a</name>"), NULL },
		{ STATUS("<domains><name>a</name></domains>"), NULL },
		{ STATUS(""), NULL },
		{ "<domstatus><domain><name>a</name></domain></domstatus>", NULL },
		{ "<domstatus pid=''><domain><name>a</name></domain></domstatus>", NULL },
		{ "<domstatus pid='7x'><domain><name>a</name></domain></domstatus>", NULL },
		{ "<domstatus pid='-7'><domain><name>a</name></domain></domstatus>", NULL },
		{ "<domstatus pid='4294967303'><domain><name>a</name></domain></domstatus>", NULL },
		{ "<domstatus pid='99999999999999999999'><domain><name>a</name></domain></domstatus>", NULL },
		{ "<domain pid='7'><name>a</name></domain>", NULL },
		{ "<status pid='7'><domain><name>a</name></domain></status>", NULL },
		{ "<!DOCTYPE d [<!ENTITY e 'x'>]>" STATUS("<domain><name>&e;</name></domain>"), NULL },
		{ "<!DOCTYPE d SYSTEM 'file:///etc/hostname'>" DOMAIN(""), NULL },
		{ STATUS("<domain><name>&e;</name></domain>"), NULL },
		{ "", NULL },
		{ "\n", NULL },
		{ "not xml", NULL },
		{ STATUS("<domain><name>\xff</name></domain>"), NULL },
	};
	struct identity identity;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		parse_xml(&identity, cases[i].xml, strlen(cases[i].xml), 7);
		assert_name(&identity, cases[i].name);
		identity_free(&identity);
	}
}

static void test_libvirt_memory(void **state)
{
	static const struct {
		const char *xml;
		uint64_t memory;
	} cases[] = {
		{ DOMAIN("<memory>1024</memory>"), MIB },
		{ DOMAIN("<memory unit='KiB'>1024</memory>"), MIB },
		{ DOMAIN("<memory unit='k'>1024</memory>"), MIB },
		{ DOMAIN("<memory unit='KB'>1024</memory>"), 1024000 },
		{ DOMAIN("<memory unit='b'>1024</memory>"), 1024 },
		{ DOMAIN("<memory unit='GiB'>3</memory><currentMemory>7</currentMemory>"), 3 * GIB },
		{ DOMAIN("<memory unit='TiB'>1</memory>"), 1024 * GIB },
		{ DOMAIN("<memory unit='furlong'>1</memory>"), 0 },
		{ DOMAIN("<memory unit=''>1</memory>"), 0 },
		{ DOMAIN("<memory>1G</memory>"), 0 },
		{ DOMAIN("<memory>-1</memory>"), 0 },
		{ DOMAIN("<memory>99999999999999999999</memory>"), 0 },
		{ DOMAIN("<memory unit='TiB'>16777216</memory>"), 0 },
		{ DOMAIN("<memory/>"), 0 },
		{ DOMAIN("<currentMemory unit='MiB'>5</currentMemory>"), 5 * MIB },
	};
	struct identity identity;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_true(parse_xml(&identity, cases[i].xml, strlen(cases[i].xml), 7));
		assert_true(identity.memory == cases[i].memory);
		identity_free(&identity);
	}
}

static void test_libvirt_vcpus(void **state)
{
	static const char odd[] = STATUS("<vcpus><vcpu id='0' pid='0'/><vcpu id='1'/><vcpu id='2' pid='x'/>"
					 "<cpu pid='9'/>text<vcpu id='3' pid='8'/></vcpus>"
					 "<domain><name>a</name></domain>");
	static const char none[] = STATUS("<vcpus><vcpu id='0' pid='0'/></vcpus>"
					  "<domain><name>a</name></domain>");
	struct identity identity;

	(void)state;
	assert_true(parse_xml(&identity, odd, strlen(odd), 7));
	assert_int_equal(identity.nthreads, 1);
	assert_int_equal(identity.threads[0].tid, 8);
	identity_free(&identity);
	assert_true(parse_xml(&identity, none, strlen(none), 7));
	assert_int_equal(identity.nthreads, 0);
	assert_null(identity.threads);
	identity_free(&identity);
}

static void test_libvirt_huge(void **state)
{
	static const char head[] = "<domstatus pid='7'><!--";
	static const char tail[] = "--><domain><name>a</name></domain></domstatus>";
	const size_t size = 4 * MIB + 1;
	struct identity identity;
	char *xml = malloc(size);

	(void)state;
	memset(xml, ' ', size);
	memcpy(xml, head, strlen(head));
	memcpy(xml + size - 1 - strlen(tail), tail, strlen(tail));
	xml[size - 1] = '\n';
	assert_true(parse_xml(&identity, xml, size - 1, 7));
	identity_free(&identity);
	assert_false(parse_xml(&identity, xml, size, 7));
	free(xml);
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
	static const char xml[] = "<domstatus pid='4711'><vcpus><vcpu id='0' pid='4712'/></vcpus>"
				  "<domain><name>from libvirt</name></domain></domstatus>";
	struct tree *tree = *state;
	struct identity identity;

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
	add_cmdline(tree, ARGS("x", "-name", "guest=web01", "-m", "64", "-uuid", UUID));
	tree_text(tree, "run/libvirt/qemu/web01.xml", xml);

	/* What libvirt does not tell is kept. */
	assert_int_equal(identity_read(&tree->root, &helper, 4711, &identity), 0);
	assert_string_equal(identity.name, "from libvirt");
	assert_true(identity.named);
	assert_string_equal(identity.vmm, "qemu");
	assert_string_equal(identity.uuid, UUID);
	assert_true(identity.memory == 64 * MIB);
	assert_int_equal(identity.nthreads, 1);
	identity_free(&identity);

	/* The file of an earlier guest of this name, half a file, and none of ours. */
	tree_text(tree, "run/libvirt/qemu/web01.xml",
		  "<domstatus pid='4710'><domain><name>x</name></domain></domstatus>");
	check_read(tree, 0, "web01", true, "qemu");
	tree_file(tree, "run/libvirt/qemu/web01.xml", xml, sizeof(xml) / 2);
	check_read(tree, 0, "web01", true, "qemu");
	tree_remove(tree, "proc/4711/comm");
	check_read(tree, 0, "web01", true, "");
}

static void test_read_empty_name(void **state)
{
	struct tree *tree = *state;

	tree_text(tree, "proc/4711/comm", "qemu-kvm\n");
	tree_text(tree, "proc/4711/cgroup", "0::/machine.slice/machine-qemu\\x2d3\\x2dweb01.scope\n");
	add_cmdline(tree, ARGS("qemu-kvm", "-name", "guest="));
	check_read(tree, 0, "", true, "qemu");
}

/* No name leads out of libvirt's directory, or to a file there that is no guest's. */
static void test_read_escape(void **state)
{
	static const char xml[] = "<domstatus pid='4711'><domain><name>stolen</name></domain></domstatus>";
	static const char *const names[] = {
		"../../../etc/stolen", "/etc/stolen", "a/../../../../etc/stolen", "..", ".", "",
	};
	struct tree *tree = *state;
	char name[64], longest[2048];

	tree_dir(tree, "run/libvirt/qemu/a");
	tree_text(tree, "etc/stolen.xml", xml);
	tree_text(tree, "run/libvirt/stolen.xml", xml);
	tree_text(tree, "run/libvirt/qemu/.xml", xml);
	tree_text(tree, "proc/4711/comm", "qemu-kvm\n");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(name, sizeof(name), "guest=%s", names[i]);
		add_cmdline(tree, ARGS("qemu-kvm", "-name", name));
		check_read(tree, 0, names[i], true, "qemu");
	}
	memset(longest, 'n', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	add_cmdline(tree, ARGS("qemu-kvm", "-name", longest));
	check_read(tree, 0, longest, true, "qemu");
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
		cmocka_unit_test(test_libvirt),
		cmocka_unit_test(test_libvirt_cut),
		cmocka_unit_test(test_libvirt_odd),
		cmocka_unit_test(test_libvirt_memory),
		cmocka_unit_test(test_libvirt_vcpus),
		cmocka_unit_test(test_libvirt_huge),
		cmocka_unit_test(test_cgroup),
		cmocka_unit_test_setup_teardown(test_read_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_read_empty_name, setup, teardown),
		cmocka_unit_test_setup_teardown(test_read_escape, setup, teardown),
		cmocka_unit_test_setup_teardown(test_read_huge, setup, teardown),
		cmocka_unit_test(test_read_self),
	};

	return cmocka_run_group_tests_name("vmm", tests, NULL, NULL);
}
