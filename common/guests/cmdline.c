/* SPDX-License-Identifier: MIT */
#include "guests/words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Command lines of VMMs other than QEMU. */
struct rule {
	const char *vmm;	/* "": of an unknown program */
	const char *option;	/* "--option VALUE" or "--option=VALUE" */
	const char *key;	/* the part of VALUE, as in opts_value(); NULL: all of it, as it is */
	void (*take)(struct identity *identity, const char *value, uint64_t unit);
	uint64_t unit;
};

static void take_name(struct identity *identity, const char *value, uint64_t unit)
{
	(void)unit;
	identity_take_name(identity, strdup(value));
}

static void take_uuid(struct identity *identity, const char *value, uint64_t unit)
{
	(void)unit;
	identity_set_uuid(identity, value);
}

static void take_memory(struct identity *identity, const char *value, uint64_t unit)
{
	uint64_t bytes;

	if (parse_size(value, unit, &bytes))
		identity->memory = bytes;
}

/* Is this a usual name of a socket or its directory, which many guests share? */
static bool is_generic(const char *stem)
{
	static const char *const generic[] = {
		"", "api", "ch", "ch-api", "clh", "clh-api", "cloud-hypervisor", "firecracker", "lib", "root", "run",
		"socket", "tmp", "var", "vmm",
	};

	for (size_t i = 0; i < sizeof(generic) / sizeof(generic[0]); i++) {
		if (strcmp(stem, generic[i]) == 0)
			return true;
	}
	return false;
}

/* Cut off the last component of path and return it without a socket's suffix. */
static char *cut_stem(char *path)
{
	static const char *const suffixes[] = { ".sock", ".socket", "-socket" };
	char *slash = strrchr(path, '/'), *stem = slash ? slash + 1 : path;

	if (slash)
		*slash = '\0';
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		size_t len = strlen(stem), tail = strlen(suffixes[i]);

		if (len > tail && strcmp(stem + len - tail, suffixes[i]) == 0) {
			stem[len - tail] = '\0';
			break;
		}
	}
	return stem;
}

/*
 * cloud-hypervisor has no name of a guest, and firecracker may have none. Their users name the API
 * socket (/run/ch/web01.sock), or a directory above it
 * (/run/vc/firecracker/ID/root/run/firecracker.socket), after the guest.
 */
static void take_socket(struct identity *identity, const char *value, uint64_t unit)
{
	char *path = identity->name ? NULL : strdup(value), *stem;

	(void)unit;
	if (!path)
		return;
	stem = cut_stem(path);
	while (is_generic(stem) && stem != path)
		stem = cut_stem(path);
	if (!is_generic(stem))
		identity_take_name(identity, strdup(stem));
	free(path);
}

static const struct rule rules[] = {
	{ "firecracker", "--id", NULL, take_name, 0 },
	{ "firecracker", "--api-sock", NULL, take_socket, 0 },
	{ "dragonball", "-id", NULL, take_name, 0 },
	{ "cloud-hypervisor", "--api-socket", "path", take_socket, 0 },
	{ "cloud-hypervisor", "--memory", "size", take_memory, 1 },
	{ "cloud-hypervisor", "--platform", "uuid", take_uuid, 0 },
	{ "crosvm", "--name", NULL, take_name, 0 },
	{ "crosvm", "--mem", "size", take_memory, MIB },
	{ "crosvm", "-m", "size", take_memory, MIB },
	{ "kvmtool", "--name", NULL, take_name, 0 },
	{ "kvmtool", "--mem", NULL, take_memory, MIB },
	{ "kvmtool", "-m", NULL, take_memory, MIB },
	{ "", "-name", "guest", take_name, 0 },
	{ "", "--name", NULL, take_name, 0 },
};

static void apply(const struct rule *rule, struct identity *identity, const char *value)
{
	char *part = rule->key ? opts_value(value, rule->key, rule->key) : strdup(value);

	if (part)
		rule->take(identity, part, rule->unit);
	free(part);
}

/* Returns the value of this option if arg is the option, and moves args past it. */
static const char *option_value(const char *option, const char *arg, struct args *args)
{
	size_t len = strlen(option);
	const char *next;

	if (strncmp(arg, option, len) != 0)
		return NULL;
	if (arg[len] == '=')
		return arg + len + 1;
	next = args_peek(args);
	return arg[len] == '\0' && next && *next != '-' ? args_next(args) : NULL;
}

static void from_rules(struct identity *identity, const char *vmm, struct args *args)
{
	const char *arg;

	/* Arguments after "--" are for other programs. */
	while ((arg = args_next(args)) && strcmp(arg, "--") != 0) {
		for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
			const char *value = NULL;

			if (strcmp(rules[i].vmm, vmm) == 0)
				value = option_value(rules[i].option, arg, args);
			if (value) {
				apply(&rules[i], identity, value);
				break;
			}
		}
	}
}

/* Programs are "firecracker", "firecracker-v1.7.0", and cut to 15 bytes where the word is a comm. */
static bool is_program(const char *word, const char *program)
{
	size_t len = strlen(program);

	if (strncmp(word, program, len) == 0)
		return !word[len] || strchr("-_.", word[len]);
	return strlen(word) == 15 && strncmp(word, program, 15) == 0;
}

/* The VMM with this program name, "" if the name is unknown. */
static const char *vmm_of(const char *program)
{
	static const struct {
		const char *program, *vmm;
	} programs[] = {
		{ "qemu-kvm", "qemu" },
		{ "kvm-spice", "qemu" },
		{ "qemu-lite", "qemu" },	/* of old versions of Kata: qemu-lite-system-x86_64 */
		{ "qemu-vanilla", "qemu" },
		{ "firecracker", "firecracker" },
		{ "cloud-hypervisor", "cloud-hypervisor" },
		{ "containerd-shim-kata-v2", "dragonball" }, /* in one process with Kata's shim */
		{ "crosvm", "crosvm" },
		{ "lkvm", "kvmtool" },
		{ "kvmtool", "kvmtool" },
	};
	const char *slash = strrchr(program, '/');
	const char *word = slash ? slash + 1 : program;

	/* Names of wrappers contain the name: .qemu-system-s390x-wrapped. */
	if (strstr(word, "qemu-system-") || strcmp(word, "kvm") == 0)
		return "qemu";
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		if (is_program(word, programs[i].program))
			return programs[i].vmm;
	}
	return "";
}

/* identity->vmm may already contain the comm, which counts if argv[0] is unknown. */
static void from_args(struct identity *identity, struct args *args)
{
	const char *program = args_next(args);
	const char *vmm = program ? vmm_of(program) : "";

	if (!*vmm)
		vmm = vmm_of(identity->vmm);
	if (strcmp(vmm, "qemu") == 0)
		identity_from_qemu(identity, args);
	else
		from_rules(identity, vmm, args);
	if (*vmm)
		snprintf(identity->vmm, sizeof(identity->vmm), "%s", vmm);
}

bool identity_from_cmdline(struct identity *identity, const char *cmdline, size_t len)
{
	char *copy = malloc(len + 1);	/* so that the last argument is terminated */
	struct args args = { copy, copy + len };

	if (!copy)
		return false;
	memcpy(copy, cmdline, len);
	copy[len] = '\0';
	from_args(identity, &args);
	free(copy);
	return identity->name != NULL;
}
