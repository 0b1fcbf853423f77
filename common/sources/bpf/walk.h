/* SPDX-License-Identifier: MIT */
/*
 * walk.h - whose files the iterator visits: those of all processes, or of the known VMMs only
 *
 * A walk over all files finds every guest, and its cost grows with all files of the host. Once the
 * VMMs are known, a walk over their files finds as much, unless another process has created a VM
 * (uevents.h).
 */
#ifndef KVMSTAT_BPF_WALK_H
#define KVMSTAT_BPF_WALK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct bpf_walk {
	bool cannot;			/* the kernel does not support it (before 6.1) */
	pid_t *vmms;			/* processes that had files of KVM in the last walk over all */
	uint32_t count, room;
	uint32_t lacking;		/* guests that it missed, or whose vCPUs it did not all see */
	uint64_t files_of_all;		/* files that it visited */
	uint64_t files_of_vmms;		/* files of the last walk over the VMMs', 0 before the first */
};

void bpf_walk_exit(struct bpf_walk *walk);

/* Is a walk over the VMMs' files the cheaper one? */
bool bpf_walk_is_limited(const struct bpf_walk *walk);

/* Begin a walk over all files. */
void bpf_walk_begin(struct bpf_walk *walk);

/* Note that a walk over all files met a file of KVM in this process. 0 or -ENOMEM. */
int bpf_walk_note(struct bpf_walk *walk, pid_t pid);

#endif
