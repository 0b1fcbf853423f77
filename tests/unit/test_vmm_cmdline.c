/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "identity.h"

#define CMDLINES "tests/fixtures/cmdlines/"

/* Parse the first len bytes from a buffer that ends with them, so that one byte too many is noticed. */
static bool parse_exactly(struct identity *identity, const char *cmdline, size_t len)
{
	char *exact = malloc(len ? len : 1);
	bool found;

	memcpy(exact, cmdline, len);
	*identity = (struct identity){ 0 };
	found = identity_from_cmdline(identity, exact, len);
	assert_int_equal(found, identity->name != NULL);
	free(exact);
	return found;
}

static void parse_args(struct identity *identity, const char *const *args)
{
	char cmdline[4096];

	parse_exactly(identity, cmdline, join(cmdline, sizeof(cmdline), args));
}

static void check_name(const char *const *args, const char *name)
{
	struct identity identity;

	parse_args(&identity, args);
	assert_name(&identity, name);
	identity_free(&identity);
}

/* Checked against query-name of a real QEMU. */
static void test_qemu_names(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		const char *qemu = "qemu-system-s390x", *name = i ? "--name" : "-name";

		check_name(ARGS(qemu, name, "plain"), "plain");
		check_name(ARGS(qemu, name, "guest=a,,b,debug-threads=on"), "a,b");
		check_name(ARGS(qemu, name, "x,,"), "x,");
		check_name(ARGS(qemu, name, ",,x"), ",x");
		check_name(ARGS(qemu, name, "a,,,,b"), "a,,b");
		check_name(ARGS(qemu, name, "foo", "-name", "process=bar"), "foo");
		check_name(ARGS(qemu, name, "foo", "-name", "guest=baz"), "baz");
		check_name(ARGS(qemu, name, "guest=one,guest=two"), "two");
		check_name(ARGS(qemu, name, "debug-threads=on,guest=late"), "late");
		check_name(ARGS(qemu, name, "guest=a=b"), "a=b");
		check_name(ARGS(qemu, name, "guest="), "");
		check_name(ARGS(qemu, name, ""), NULL);
		check_name(ARGS(qemu, name, "/slash name \xc3\xa9"), "/slash name \xc3\xa9");
		check_name(ARGS(qemu, name, "new\nline \xff;'\"$"), "new\nline \xff;'\"$");
		check_name(ARGS(qemu, name, "process=p,guest=ab"), "ab");
		check_name(ARGS(qemu, name, "x,guest"), "on");
		check_name(ARGS(qemu, name, "x,noguest"), "off");
		check_name(ARGS(qemu, name, "x,nodebug-threads"), "x");
		check_name(ARGS(qemu, name, "guest"), "guest");
		check_name(ARGS(qemu, name, "guests=x"), NULL);
		check_name(ARGS(qemu, name, "process=bar"), NULL);
		check_name(ARGS(qemu, name), NULL);
		check_name(ARGS(qemu), NULL);
	}
}

static void test_qemu_arguments(void **state)
{
	(void)state;
	/* What follows an option that takes a value is its value; what follows a flag is not. */
	check_name(ARGS("qemu-kvm", "-append", "-name", "x"), NULL);
	check_name(ARGS("qemu-kvm", "-kernel", "-name", "-name", "x"), "x");
	check_name(ARGS("qemu-kvm", "-name", "-uuid", "-name", "process=x"), "-uuid");
	check_name(ARGS("qemu-kvm", "-enable-kvm", "-name", "x"), "x");
	check_name(ARGS("qemu-kvm", "-S", "-name", "x"), "x");
	check_name(ARGS("qemu-kvm", "--only-migratable", "--name", "x"), "x");
	check_name(ARGS("qemu-kvm", "disk.img", "-name", "x"), "x");
	/* Options of a QEMU to come. */
	check_name(ARGS("qemu-kvm", "-new-flag", "-name", "x"), "x");
	check_name(ARGS("qemu-kvm", "-new-value", "v", "-name", "x"), "x");
	check_name(ARGS("qemu-kvm", "-name=x"), NULL);
	check_name(ARGS("qemu-kvm", "---name", "x"), NULL);
	check_name(ARGS("qemu-kvm", "-names", "x"), NULL);
	check_name(ARGS("qemu-kvm", "", "-name", "x", "-", "--", ""), "x");
}

static void check_memory(const char *const *args, uint64_t memory)
{
	struct identity identity;

	parse_args(&identity, args);
	assert_true(identity.memory == memory);
	identity_free(&identity);
}

static void test_qemu_memory(void **state)
{
	static const struct {
		const char *size;
		uint64_t memory;
	} cases[] = {
		{ "2048", 2048 * MIB },
		{ "2G", 2 * GIB },
		{ "2g,slots=2,maxmem=8G", 2 * GIB },
		{ "size=2097152k,slots=16,maxmem=33554432k", 2 * GIB },
		{ "slots=16,maxmem=32G,size=512", 512 * MIB },
		{ "size=1G,size=3G", 3 * GIB },
		{ "1.5G", 1536 * MIB },
		{ "0.5g", 512 * MIB },
		{ "67108864b", 64 * MIB },
		{ "67108864B", 64 * MIB },
		{ "65536K", 64 * MIB },
		{ "64M", 64 * MIB },
		{ "2T", 2048 * GIB },
		{ "2P", 2048 * 1024 * GIB },
		{ "15E", 15ull << 60 },
		{ "15.5E", 31ull << 59 },
		{ "16E", 0 },
		{ "18446744073709551615b", UINT64_MAX },
		{ "18446744073709551616b", 0 },
		{ "18446744073709551615", 0 },
		{ "0", 0 },
		{ "", 0 },
		{ "size=", 0 },
		{ "slots=2", 0 },
		{ "2GB", 0 },
		{ "2X", 0 },
		{ "-2", 0 },
		{ " 2", 0 },
		{ "G", 0 },
		{ ".5G", 0 },
		{ "maxmem=4G", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_memory(ARGS("qemu-kvm", "-m", cases[i].size), cases[i].memory);
	check_memory(ARGS("qemu-kvm", "-m", "1G", "-m", "slots=2,maxmem=4G"), GIB);
	check_memory(ARGS("qemu-kvm", "-m", "1G", "-m", "2G"), 2 * GIB);
	check_memory(ARGS("qemu-kvm", "-m", "1G", "-m", "junk"), GIB);
	check_memory(ARGS("qemu-kvm", "-m"), 0);
}

static void check_uuid(const char *const *args, const char *uuid)
{
	struct identity identity;

	parse_args(&identity, args);
	assert_string_equal(identity.uuid, uuid);
	identity_free(&identity);
}

static void test_qemu_uuid(void **state)
{
	static const char *const malformed[] = {
		"", "6f3d0c5e", UUID "0", "6f3d0c5e-2f0a-4b8e-9a6f-0b1c2d3e4f5",
		"6f3d0c5e2f0a4b8e9a6f0b1c2d3e4f50----",
		"6f3d0c5e-2f0a-4b8e-9a6f-0b1c2d3e4f5g", "6f3d0c5e-2f0a-4b8e-9a6f+0b1c2d3e4f50",
		"6f3d0c5e-2f0a-4b8e-9a6-f0b1c2d3e4f50", "@f3d0c5e-2f0a-4b8e-9a6f-0b1c2d3e4f50",
	};

	(void)state;
	check_uuid(ARGS("qemu-kvm", "-uuid", UUID), UUID);
	check_uuid(ARGS("qemu-kvm", "--uuid", "6F3D0C5E-2F0A-4b8e-9a6F-0B1C2D3E4F50"), UUID);
	check_uuid(ARGS("qemu-kvm", "-uuid", "00000000-0000-0000-0000-000000000001", "-uuid", UUID), UUID);
	check_uuid(ARGS("qemu-kvm", "-uuid"), "");
	check_uuid(ARGS("qemu-kvm", "-append", "-uuid", UUID), "");
	for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++)
		check_uuid(ARGS("qemu-kvm", "-uuid", malformed[i]), "");
}

/* Which program is what, by argv[0] and, if that tells nothing, by comm. */
static void test_programs(void **state)
{
	static const struct {
		const char *program, *comm, *vmm;
	} cases[] = {
		{ "/usr/bin/qemu-system-x86_64", "", "qemu" },
		{ "qemu-system-s390x", "", "qemu" },
		{ "/nix/store/x/bin/.qemu-system-x86_64-wrapped", "", "qemu" },
		{ "/usr/libexec/qemu-kvm", "qemu-kvm", "qemu" },
		{ "/usr/bin/kvm", "kvm", "qemu" },
		{ "kvm-spice", "", "qemu" },
		{ "kvm-acme", "", "" },
		{ "/qemu-system-x86_64/other", "", "" },
		{ "web01", "qemu-system-s39", "qemu" },
		{ "microvm@web01", "qemu-system-x86", "qemu" },
		{ "/opt/kata/bin/qemu-lite-system-x86_64", "qemu-lite-syste", "qemu" },
		{ "x", "qemu-vanilla-sy", "qemu" },
		{ "x", "containerd-shim", "dragonball" },
		{ "", "qemu-kvm", "qemu" },
		{ "firecracker", "", "firecracker" },
		{ "/srv/firecracker-v1.7.0-x86_64", "", "firecracker" },
		{ "firecrackers", "", "" },
		{ "x", "cloud-hyperviso", "cloud-hypervisor" },
		{ "cloud-hypervisor-static", "", "cloud-hypervisor" },
		{ "crosvm", "", "crosvm" },
		{ "lkvm", "", "kvmtool" },
		{ "/opt/acme/vmm", "acme", "acme" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct identity identity = { 0 };

		strcpy(identity.vmm, cases[i].comm);
		identity_from_cmdline(&identity, cases[i].program, strlen(cases[i].program) + 1);
		assert_string_equal(identity.vmm, cases[i].vmm);
		identity_free(&identity);
	}
}

/* Rules of QEMU hold for QEMU only. */
static void test_other_names(void **state)
{
	(void)state;
	check_name(ARGS("firecracker", "--id", "a,,b"), "a,,b");
	check_name(ARGS("firecracker", "--id=a=b"), "a=b");
	check_name(ARGS("firecracker", "--id="), "");
	check_name(ARGS("firecracker", "--id", "--no-api"), NULL);
	check_name(ARGS("firecracker", "--id"), NULL);
	check_name(ARGS("firecracker", "--identity", "x"), NULL);
	check_name(ARGS("firecracker", "--api-sock", "/run/vm3.sock"), "vm3");
	check_name(ARGS("firecracker", "--api-sock", "/run/vm3.sock", "--id", "x"), "x");
	check_name(ARGS("firecracker", "--id", "x", "--api-sock", "/run/vm3.sock"), "x");
	check_name(ARGS("firecracker", "--api-sock=/tmp/firecracker.socket"), NULL);
	check_name(ARGS("firecracker", "--name", "x"), NULL);
	check_name(ARGS("firecracker", "--", "--id", "x"), NULL);
	check_name(ARGS("cloud-hypervisor", "--api-socket", "/run/ch/web01.sock"), "web01");
	check_name(ARGS("cloud-hypervisor", "--api-socket=path=/run/libvirt/ch/web01-socket"), "web01");
	check_name(ARGS("cloud-hypervisor", "--api-socket", "web01.socket"), "web01");
	check_name(ARGS("cloud-hypervisor", "--api-socket", "/run/vms/web01/api.sock"), "web01");
	check_name(ARGS("cloud-hypervisor", "--api-socket", "/tmp/cloud-hypervisor.sock"), NULL);
	check_name(ARGS("cloud-hypervisor", "--api-socket", "api.sock"), NULL);
	check_name(ARGS("cloud-hypervisor", "--api-socket", "/var/run/api.sock"), NULL);
	check_name(ARGS("cloud-hypervisor", "--api-socket", "/run/vms/web01/root/run/api.sock"), "web01");
	check_name(ARGS("cloud-hypervisor", "--api-socket", "/api.sock"), NULL);
	check_name(ARGS("cloud-hypervisor", "--api-socket", "/.sock"), ".sock");
	check_name(ARGS("cloud-hypervisor", "--api-socket", "/"), NULL);
	check_name(ARGS("cloud-hypervisor", "--api-socket", ""), NULL);
	check_name(ARGS("cloud-hypervisor", "--api-socket", "fd=3"), NULL);
	check_name(ARGS("lkvm", "run", "--name", "x,,y", "-m", "512"), "x,,y");
	check_name(ARGS("acme", "-name", "guest=x,,y"), "x,y");
	check_name(ARGS("acme", "--name", "guest=x"), "guest=x");
	check_name(ARGS("acme", "--name", "-x"), NULL);
	check_memory(ARGS("lkvm", "run", "-m", "512"), 512 * MIB);
	check_memory(ARGS("lkvm", "run", "--mem", "2G"), 2 * GIB);
	check_memory(ARGS("crosvm", "run", "-m", "2048"), 2 * GIB);
	check_memory(ARGS("crosvm", "run", "--mem=size=2048"), 2 * GIB);
	check_memory(ARGS("cloud-hypervisor", "--memory", "size=1073741824"), GIB);
	check_memory(ARGS("cloud-hypervisor", "--memory", "size=0"), 0);
	check_memory(ARGS("acme", "-m", "512"), 0);
}

static const struct {
	const char *file, *vmm, *name, *uuid;
	uint64_t memory;
} fixtures[] = {
	{ "qemu-libvirt-s390x", "qemu", "zlinux01", UUID, 8 * GIB },
	{ "qemu-libvirt-x86", "qemu", "instance-0000002a", "0f6e9c1a-7b34-4d55-8e21-aabbccddeeff", 4 * GIB },
	{ "qemu-kubevirt", "qemu", "default_testvm", "5d307ca9-b3ef-428c-8861-06e72d69f223", GIB },
	{ "qemu-proxmox", "qemu", "web01", "", 2 * GIB },
	{ "qemu-tricky", "qemu", "a,b", "aabbccdd-0011-2233-4455-66778899aabb", 512 * MIB },
	{ "qemu-libvirt-session", "qemu", "fedora-test", "1d6f9f0e-3f60-4c11-a8a6-6d1c6c1f4a27", 2 * GIB },
	{ "qemu-virt-install", "qemu", "web,blue", "c327780f-0000-40d5-aa13-5d17e8b279e3", 4 * GIB },
	{ "qemu-kata", "qemu", "sandbox-b1", "5208064f-95bb-4351-0000-526fead35624", GIB },
	{ "qemu-kata-rs", "qemu", "sandbox-hello", "", 2 * GIB },
	{ "qemu-lxd", "qemu", "cgroup2", "ec1ab1f6-0000-4ba5-b688-a010e66ec89e", 0 },
	/* What stands in the file is not looked for: it is the VMM's, wherever that lives. */
	{ "qemu-readconfig", "qemu", NULL, "", 256 * MIB },
	{ "firecracker", "firecracker", "551e7604-e35c-42b3-b825-416853441234", "", 0 },
	{ "firecracker-plain", "firecracker", "vm-7", "", 0 },
	{ "firecracker-jailer", "firecracker", "9c1f7c7e-81d4", "", 0 },
	{ "firecracker-kata", "firecracker", "ubuntu-kata-fc", "", 0 },
	{ "cloud-hypervisor-kata-rs", "cloud-hypervisor", "6f0e9d1a2b3c", "", 0 },
	{ "dragonball-kata", "dragonball", "2415e1bffd9fe0fe0ab088bd64c51057", "", 0 },
	{ "crosvm-cuttlefish", "crosvm", NULL, "", 4 * GIB },
	{ "kvmtool-default", "kvmtool", "guest-2137", "", 448 * MIB },
	{ "unknown-stratovirt", "", "guest3", "", 0 },
	{ "cloud-hypervisor", "cloud-hypervisor", "web01", "9c1b7e40-52d0-4b0f-9d55-0a0b0c0d0e0f",
	  1536 * MIB },
	{ "cloud-hypervisor-kata", "cloud-hypervisor", "2f6d9a0c77e1", "", 0 },
	{ "cloud-hypervisor-fd", "cloud-hypervisor", NULL, "", 0 },
	{ "crosvm", "crosvm", "penguin", "", 2 * GIB },
	{ "kvmtool", "kvmtool", "web01", "", 512 * MIB },
	{ "unknown", "", "acme01", "", 0 },
	{ "unknown-qemu", "", "acme02", "", 0 },
	{ "unknown-none", "", NULL, "", 0 },
};

/* A fixture has one argument a line; as in /proc, each is ended by NUL. */
static size_t read_cmdline(const char *name, char *cmdline, size_t size)
{
	char path[128];
	size_t len;

	snprintf(path, sizeof(path), CMDLINES "%s.args", name);
	len = read_file(path, cmdline, size);
	for (size_t i = 0; i < len; i++) {
		if (cmdline[i] == '\n')
			cmdline[i] = '\0';
	}
	return len;
}

static void test_fixtures(void **state)
{
	char cmdline[8192];

	(void)state;
	for (size_t i = 0; i < sizeof(fixtures) / sizeof(fixtures[0]); i++) {
		size_t len = read_cmdline(fixtures[i].file, cmdline, sizeof(cmdline));
		struct identity identity;

		parse_exactly(&identity, cmdline, len);
		assert_string_equal(identity.vmm, fixtures[i].vmm);
		assert_name(&identity, fixtures[i].name);
		assert_string_equal(identity.uuid, fixtures[i].uuid);
		assert_true(identity.memory == fixtures[i].memory);
		identity_free(&identity);
	}
}

static void test_cmdline_cut(void **state)
{
	char cmdline[8192];

	(void)state;
	for (size_t i = 0; i < sizeof(fixtures) / sizeof(fixtures[0]); i++) {
		size_t len = read_cmdline(fixtures[i].file, cmdline, sizeof(cmdline));

		for (size_t cut = 0; cut <= len; cut++) {
			struct identity identity;

			parse_exactly(&identity, cmdline, cut);
			identity_free(&identity);
		}
	}
}

static void test_cmdline_bytes(void **state)
{
	static const char alphabet[] = "-=,,\0\0\0nameguidm0129GkM\n\xff";
	uint32_t seed = 4711;
	char cmdline[64];

	(void)state;
	strcpy(cmdline, "kvm");
	for (int round = 0; round < 20000; round++) {
		struct identity identity;

		for (size_t i = 4; i < sizeof(cmdline); i++) {
			seed = seed * 1664525 + 1013904223;
			cmdline[i] = alphabet[(seed >> 16) % (sizeof(alphabet) - 1)];
		}
		memcpy(cmdline + 4, round % 2 ? "-name" : "--m\0\0", 6);
		parse_exactly(&identity, cmdline, sizeof(cmdline));
		identity_free(&identity);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_qemu_names),
		cmocka_unit_test(test_qemu_arguments),
		cmocka_unit_test(test_qemu_memory),
		cmocka_unit_test(test_qemu_uuid),
		cmocka_unit_test(test_programs),
		cmocka_unit_test(test_other_names),
		cmocka_unit_test(test_fixtures),
		cmocka_unit_test(test_cmdline_cut),
		cmocka_unit_test(test_cmdline_bytes),
	};

	return cmocka_run_group_tests_name("vmm_cmdline", tests, NULL, NULL);
}
