/* SPDX-License-Identifier: MIT */
/* format.h - kvm's tracepoints of this kernel, and the layout of their records */
#ifndef KVMSTAT_TRACEPOINT_FORMAT_H
#define KVMSTAT_TRACEPOINT_FORMAT_H

#include "host/sysroot.h"
#include "kvmstat.h"
#include "sources/tracepoint/record.h"

enum { TRACEPOINT_MAX = 8 };	/* of one architecture */

/* One tracepoint of this kernel. */
struct tracepoint {
	struct tracepoint_config config;
	uint64_t id;		/* perf's number of it */
};

/*
 * Find a member in the text of a tracepoint's file "format".
 * Returns TRACEPOINT_MEMBER()
 * -ENOENT: the record has no member of this name
 * -EINVAL: the text is invalid, or the member's offset cannot be read
 */
int tracepoint_find_member(const char *format, const char *name);

/*
 * Find the known tracepoints (reasons.tsv) in tracefs.
 * Returns their number, or -errno with status set: -ENOENT, -EINVAL, or the error of reading
 * tracefs.
 */
int tracepoint_find_all(const struct sysroot *root, struct tracepoint tracepoints[TRACEPOINT_MAX],
			struct kvmstat_source_status *status);

#endif
