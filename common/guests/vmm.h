/* SPDX-License-Identifier: MIT */
/*
 * vmm.h - who a guest is: name, UUID and memory, from the process of its virtual machine monitor
 */
#ifndef KVMSTAT_VMM_H
#define KVMSTAT_VMM_H

#include "guests/proc_helper.h"

struct identity {
	char *name;		/* bytes; never NULL; "" only if the VMM was given an empty name */
	char uuid[37];		/* lower case, or "" */
	char vmm[32];		/* "qemu", "firecracker", ..., else the process' comm */
	bool named;		/* false: name is comm-TGID, nothing better was found */
	int unknown;		/* 0, or the -errno that may hide a better identity: ask again */
	uint64_t memory;	/* bytes, 0 if unknown */
};

/*
 * Read, in this order, the command line, the machined scope in the cgroup path, and comm.
 * If the answer may change soon, or the command line cannot be read, identity->unknown is the
 * reason.
 * 0, -ENOMEM, or another -errno: not even comm could be read, and the name is "pid-PID".
 * Call identity_free() unless -ENOMEM was returned.
 */
int identity_read(const struct sysroot *root, struct proc_helper *helper, pid_t pid, struct identity *identity);
void identity_free(struct identity *identity);

/*
 * The pure parts: fill an empty identity; return true if they found a name.
 * cmdline: the arguments as in /proc/PID/cmdline, each ended by NUL, len bytes in total.
 */
bool identity_from_cmdline(struct identity *identity, const char *cmdline, size_t len);
bool identity_from_cgroup(struct identity *identity, const char *cgroup);

#endif
