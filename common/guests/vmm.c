/* SPDX-License-Identifier: MIT */
#include "guests/words.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>


enum {
	MAX_CGROUP = MIB / 16,
};

void identity_free(struct identity *identity)
{
	free(identity->name);
	*identity = (struct identity){ 0 };
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Undo systemd's escaping, \xHH, in place. */
static void unescape(char *text)
{
	char *to = text;

	while (*text) {
		int high = -1, low = -1;

		if (text[0] == '\\' && text[1] == 'x')
			high = hex_digit(text[2]);
		if (high >= 0)
			low = hex_digit(text[3]);
		if (low >= 0 && high * 16 + low) {
			*to++ = (char)(high * 16 + low);
			text += 4;
		} else {
			*to++ = *text++;
		}
	}
	*to = '\0';
}

/*
 * Find the guest's name in libvirt's name for machined: qemu-3-web01, qemu-USER-3-web01 in a user's
 * session, qemu-embed-HASH-3-web01.
 * Characters outside [A-Za-z0-9.-] are lost. Returns NULL for other names.
 */
static const char *guest_of_machine(const char *machine)
{
	const char *at;

	if (strncmp(machine, "qemu-", 5) != 0 && strncmp(machine, "ch-", 3) != 0)
		return NULL;
	for (at = strchr(machine, '-'); at; at = strchr(at, '-')) {
		size_t digits = strspn(++at, "0123456789");

		if (digits && at[digits] == '-' && at[digits + 1])
			return at + digits + 1;
	}
	return NULL;
}

/* The guest's name in a scope, len bytes like "qemu\x2d3\x2dweb01.scope"; malloc'ed, NULL if it has none. */
static char *guest_of_scope(const char *scope, size_t len)
{
	static const char suffix[] = ".scope";
	const size_t tail = strlen(suffix);
	const char *guest;
	char *machine, *name;

	if (len < tail || memcmp(scope + len - tail, suffix, tail) != 0)
		return NULL;
	machine = strndup(scope, len - tail);
	if (!machine)
		return NULL;
	unescape(machine);
	guest = guest_of_machine(machine);
	name = guest ? strdup(guest) : NULL;
	free(machine);
	return name;
}

bool identity_from_cgroup(struct identity *identity, const char *cgroup)
{
	static const char prefix[] = "/machine-";
	const char *at = cgroup;

	while (!identity->name && (at = strstr(at, prefix))) {
		at += strlen(prefix);
		identity->name = guest_of_scope(at, strcspn(at, "/\n"));
	}
	return identity->name != NULL;
}

/*
 * Note an error that may pass; a file that may not be read, or that does not exist, is not such an
 * error.
 */
static void note(struct identity *identity, ssize_t rc)
{
	if (is_shortage(rc) && !identity->unknown)
		identity->unknown = (int)rc;
}

/* comm into identity->vmm. Its length or -errno. */
static ssize_t read_comm(const struct sysroot *root, pid_t pid, struct identity *identity)
{
	ssize_t len = sysroot_read(root, identity->vmm, sizeof(identity->vmm), "proc/%d/comm", (int)pid);

	if (len > 0 && identity->vmm[len - 1] == '\n')
		identity->vmm[--len] = '\0';
	note(identity, len);
	return len;
}

/* An error of the helper is not an answer. */
static void read_cmdline(const struct sysroot *root, struct proc_helper *helper, pid_t pid, struct identity *identity)
{
	const char *cmdline;
	ssize_t len = proc_helper_cmdline(helper, root, pid, &cmdline);

	note(identity, len);
	if (len == -ETIMEDOUT || len == -EBUSY)
		identity->unknown = (int)len;
	if (len >= 0)
		identity_from_cmdline(identity, cmdline, (size_t)len);
}

static void read_cgroup(const struct sysroot *root, pid_t pid, struct identity *identity)
{
	char *cgroup;
	ssize_t len = sysroot_slurp(root, &cgroup, MAX_CGROUP, "proc/%d/cgroup", (int)pid);

	note(identity, len);
	if (len < 0)
		return;
	identity_from_cgroup(identity, cgroup);
	free(cgroup);
}

int identity_read(const struct sysroot *root, struct proc_helper *helper, pid_t pid, struct identity *identity)
{
	ssize_t comm;
	char last[64];

	*identity = (struct identity){ 0 };
	comm = read_comm(root, pid, identity);
	/* The comm is the last choice as a name, but it may identify the VMM. */
	snprintf(last, sizeof(last), "%s-%d", comm > 0 ? identity->vmm : "pid", (int)pid);
	read_cmdline(root, helper, pid, identity);
	if (!identity->name && !identity->unknown)
		read_cgroup(root, pid, identity);
	identity->named = identity->name != NULL;
	if (!identity->name)
		identity->name = strdup(last);
	if (!identity->name) {
		identity_free(identity);
		return -ENOMEM;
	}
	return identity->named || comm >= 0 || identity->unknown ? 0 : (int)comm;
}
