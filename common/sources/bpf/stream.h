/* SPDX-License-Identifier: MIT */
/* stream.h - turn the iterator's records into cells */
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
	struct bpf_terms vm;		/* copied to the cell */
	struct bpf_terms sums;		/* added up over the vCPUs */
	struct bpf_terms peaks;		/* the highest of the vCPUs */
	uint8_t *from;			/* from[] of a row that this source has filled, [ncells] */
	uint32_t ncells;
	uint64_t page_size;
	struct bpf_walk *walk;		/* collects the processes that have files of KVM; NULL: not needed */
	bool has_vm;			/* a VM record has come in this pass */
	uint64_t kvm;			/* VM of the last VM record, and its guest */
	struct guest *guest;		/* NULL: not wanted */
};

/* Write events[i] to the cell of offers[i]. 0 or -ENOMEM; call bpf_stream_exit() in any case. */
int bpf_stream_bind(struct bpf_stream *stream, const struct layout *layout, const struct offer *offers,
		    uint32_t ncells);
void bpf_stream_exit(struct bpf_stream *stream);

/* A walk over files begins. */
void bpf_stream_begin(struct bpf_stream *stream, struct bpf_walk *walk);

/* End of a pass: mark unknown cells of the guests that were seen as absent. */
void bpf_stream_end(const struct bpf_stream *stream, struct pass *pass);

/*
 * Read whole records from data.
 * Returns the number of bytes read: the rest is the beginning of a record.
 * -EINVAL: invalid record
 * -ENOMEM
 */
ssize_t bpf_stream_feed(struct bpf_stream *stream, struct pass *pass, const char *data, size_t len);

#endif
