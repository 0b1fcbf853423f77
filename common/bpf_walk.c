/* SPDX-License-Identifier: MIT */
#include "bpf_walk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * KVM announces a VM just before its fd can be seen: a walk that began so long after the announcement has seen it.
 * And every now and then all files are looked at whatever is announced.
 */
static const uint64_t SETTLE_NS = 1000000000;
static const uint64_t FULL_EVERY_NS = 60000000000;

/* An iterator over one process costs as much as looking at so many files. */
enum { PROCESS_COST = 48 };

static uint64_t count_uevents(const struct sysroot *root)
{
	char text[32];

	return sysroot_read(root, text, sizeof(text), "sys/kernel/uevent_seqnum") > 0 ? strtoull(text, NULL, 10) : 0;
}

static bool is_settled(struct bpf_walk *walk, const struct sysroot *root, uint64_t now_ns)
{
	uint64_t uevents = count_uevents(root);

	if (!uevents || uevents != walk->uevents) {
		walk->uevents = uevents;
		walk->changed_ns = now_ns;
		return false;
	}
	return walk->begun_ns >= walk->changed_ns + SETTLE_NS && now_ns < walk->begun_ns + FULL_EVERY_NS;
}

static bool is_worth_it(const struct bpf_walk *walk)
{
	return walk->files_of_all > walk->files_of_vmms + (uint64_t)PROCESS_COST * walk->count;
}

bool bpf_walk_is_limited(struct bpf_walk *walk, const struct sysroot *root, uint64_t now_ns)
{
	return !walk->cannot && is_settled(walk, root, now_ns) && is_worth_it(walk);
}

void bpf_walk_begin(struct bpf_walk *walk, uint64_t now_ns)
{
	walk->begun_ns = now_ns;
	walk->count = 0;
}

int bpf_walk_note(struct bpf_walk *walk, pid_t pid)
{
	/* Files of one process come one after another. */
	if (walk->count && walk->vmms[walk->count - 1] == pid)
		return 0;
	if (walk->count == walk->room) {
		uint32_t room = walk->room ? 2 * walk->room : 16;
		pid_t *vmms = reallocarray(walk->vmms, room, sizeof(*vmms));

		if (!vmms)
			return -ENOMEM;
		walk->vmms = vmms;
		walk->room = room;
	}
	walk->vmms[walk->count++] = pid;
	return 0;
}

void bpf_walk_exit(struct bpf_walk *walk)
{
	free(walk->vmms);
	*walk = (struct bpf_walk){ .cannot = walk->cannot };
}
