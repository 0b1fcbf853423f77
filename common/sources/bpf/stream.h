/* SPDX-License-Identifier: MIT */
/*
 * stream.h - from the iterator's records to cells
 */
#ifndef KVMSTAT_BPF_STREAM_H
#define KVMSTAT_BPF_STREAM_H

#include "core/source.h"
#include "sources/bpf/layout.h"
#include "sources/bpf/walk.h"

enum { BPF_MAX_VCPUS = 65536 };

/* One number of a record, and its cell. */
struct bpf_term {
	uint32_t offset;
	uint32_t cell;
};

struct bpf_terms {
	struct bpf_term *terms;
	uint32_t count;
};

struct bpf_stream {
	uint32_t vm_size, vcpu_size;	/* bytes of data in a record */
	struct bpf_terms vm;		/* taken as they are */
	struct bpf_terms sums;		/* added up over the vCPUs */
	struct bpf_terms peaks;		/* the highest of the vCPUs */
	uint8_t *from;			/* what a row's from[] is after this source, [ncells] */
	uint32_t ncells;
	uint64_t page_size;
	struct bpf_walk *walk;		/* is told in which processes files of KVM are; NULL: nobody wants to know */
	bool has_vm;			/* a VM record has come in this pass */
	uint64_t kvm;			/* VM of the last VM record, and whose it is */
	struct guest *guest;		/* NULL: nobody's that is wanted */
};

/* events[i] is delivered for offers[i]. 0 or -ENOMEM. bpf_stream_exit() in any case. */
int bpf_stream_bind(struct bpf_stream *stream, const struct layout *layout, const struct offer *offers,
		    uint32_t ncells);
void bpf_stream_exit(struct bpf_stream *stream);

/* A walk over files begins. */
void bpf_stream_begin(struct bpf_stream *stream, struct bpf_walk *walk);

/* The pass is over: what cannot be known of the guests that were seen is marked absent. */
void bpf_stream_end(const struct bpf_stream *stream, struct pass *pass);

/*
 * Take whole records from data. Bytes taken: what is left is the beginning of a record. -EINVAL: this is not
 * what the iterator writes; -ENOMEM.
 */
ssize_t bpf_stream_feed(struct bpf_stream *stream, struct pass *pass, const char *data, size_t len);

#endif
