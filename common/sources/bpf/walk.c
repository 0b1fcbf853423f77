/* SPDX-License-Identifier: MIT */
#include "sources/bpf/walk.h"

#include <errno.h>
#include <stdlib.h>

#include "util/array.h"

/* Starting an iterator over one process costs as much as visiting this many unrelated files. */
enum { PROCESS_COST = 54 };

static bool is_worth_it(const struct bpf_walk *walk)
{
	return walk->files_of_all > walk->files_of_vmms + (uint64_t)PROCESS_COST * walk->count;
}

bool bpf_walk_is_limited(const struct bpf_walk *walk)
{
	return !walk->cannot && is_worth_it(walk);
}

void bpf_walk_begin(struct bpf_walk *walk)
{
	walk->count = 0;
}

int bpf_walk_note(struct bpf_walk *walk, pid_t pid)
{
	/* Files of one process come one after another. */
	if (walk->count && walk->vmms[walk->count - 1] == pid)
		return 0;
	if (array_reserve(&walk->vmms, &walk->room, walk->count + 1) < 0)
		return -ENOMEM;
	walk->vmms[walk->count++] = pid;
	return 0;
}

void bpf_walk_exit(struct bpf_walk *walk)
{
	free(walk->vmms);
	*walk = (struct bpf_walk){ .cannot = walk->cannot };
}
