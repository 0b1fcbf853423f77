/* SPDX-License-Identifier: MIT */
/* layout.h - the layout of the running kernel's struct kvm and struct kvm_vcpu, from its BTF */
#ifndef KVMSTAT_BPF_LAYOUT_H
#define KVMSTAT_BPF_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kvmstat.h"
#include "sources/bpf/kvmiter.h"

struct btf;

/* One statistic as the iterator delivers it. */
struct layout_event {
	char *name;		/* of the member, which is the event's name */
	enum kvmstat_scope scope;
	uint32_t offset;	/* in the data of a record of that scope */
	uint32_t cells;		/* 1, or buckets of a histogram */
};

struct layout {
	struct layout_event *events;
	size_t nevents;
	uint32_t vm_size;	/* bytes of data in a record of each scope */
	uint32_t vcpu_size;
	struct kvmiter_config config;
};

/*
 * Read the layout. Skips members that are not a 64-bit number (or an array of them: a histogram,
 * only if histograms is set).
 * 0; call layout_exit() in this case only
 * -ENOENT: BTF has no struct kvm
 * -EINVAL: it is inconsistent
 * -ENOMEM
 * The last two set why, too.
 */
int layout_init(struct layout *layout, const struct btf *btf, bool histograms, char *why, size_t size);
void layout_exit(struct layout *layout);

/* Remove the i-th event, which stays in the records. */
void layout_drop(struct layout *layout, size_t i);

#endif
