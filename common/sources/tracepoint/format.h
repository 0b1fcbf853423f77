/* SPDX-License-Identifier: MIT */
/*
 * format.h - which of kvm's tracepoints this kernel has, and what their records look like
 */
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
 * Where a member is, from the text of a tracepoint's file "format". As TRACEPOINT_MEMBER(); -ENOENT: the record has no member of this
 * name; -EINVAL: the text cannot be understood, or the member cannot be read where it is.
 */
int tracepoint_find_member(const char *format, const char *name);

/*
 * All that are known (reasons.tsv) and there, from tracefs. Their number, or -errno with the state and the words for the
 * source's status: -ENOENT, -EINVAL, or what refuses to let tracefs be read.
 */
int tracepoint_find_all(const struct sysroot *root, struct tracepoint tracepoints[TRACEPOINT_MAX],
			struct kvmstat_source_status *status);

#endif
