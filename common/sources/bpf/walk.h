/* SPDX-License-Identifier: MIT */
/*
 * walk.h - whose files the iterator must look at: those of all processes, or of the known VMMs only
 *
 * A walk over all files finds every guest, and costs by all the files of the host. Once the VMMs are known, a walk
 * over theirs tells as much, as long as no VM was made elsewhere (uevents.h).
 */
#ifndef KVMSTAT_BPF_WALK_H
#define KVMSTAT_BPF_WALK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct bpf_walk {
	bool cannot;			/* the kernel cannot do it (before 6.1) */
	pid_t *vmms;			/* processes that had files of KVM in the last walk over all */
	uint32_t count, room;
	uint32_t lacking;		/* guests that it did not see, or not with every vCPU */
	uint64_t files_of_all;		/* how many it looked at */
	uint64_t files_of_vmms;		/* and the last one over the VMMs', 0 before the first */
};

void bpf_walk_exit(struct bpf_walk *walk);

/* Is a walk over the VMMs' files the cheaper one? */
bool bpf_walk_is_limited(const struct bpf_walk *walk);

/* A walk over all files begins. */
void bpf_walk_begin(struct bpf_walk *walk);

/* In a walk over all, a file of KVM was met in this process. 0 or -ENOMEM. */
int bpf_walk_note(struct bpf_walk *walk, pid_t pid);

#endif
