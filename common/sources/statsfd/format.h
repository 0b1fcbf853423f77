/* SPDX-License-Identifier: MIT */
/*
 * format.h - pure: the format of KVM's binary statistics files (Linux 5.14 and later)
 *
 * Such a file has a header, an id string, descriptors, and the numbers, at the offsets in the
 * header. Everything is in the byte order of the host. All fields are checked before use.
 */
#ifndef KVMSTAT_STATSFD_PARSE_H
#define KVMSTAT_STATSFD_PARSE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "kvmstat.h"

enum {
	STATS_HEADER_SIZE = 24,
	STATS_DESC_SIZE = 16,		/* of a descriptor in front of its name */
	STATS_NAME_MAX = 256,		/* of header.name_size, currently 48 */
	STATS_DESCS_MAX = 1024,
	STATS_DATA_MAX = 64 * 1024,	/* bytes of numbers */
	STATS_DESCS_SIZE_MAX = STATS_DESCS_MAX * (STATS_DESC_SIZE + STATS_NAME_MAX),
};

/* As it is in the file. */
struct stats_header {
	uint32_t flags;
	uint32_t name_size;
	uint32_t num_desc;
	uint32_t id_offset;
	uint32_t desc_offset;
	uint32_t data_offset;
};

/* Whose numbers they are: a VM's (vcpu -1) or a vCPU's, and the thread that created it. */
struct stats_id {
	pid_t tid;
	int vcpu;
};

struct stats_desc {
	const char *name;	/* in the descriptors that were parsed */
	uint32_t offset;	/* of its numbers after header.data_offset: not in the order of the descriptors */
	uint32_t cells;		/* numbers: 1, or the buckets of a histogram */
	enum kvmstat_class class;
	enum kvmstat_unit unit;	/* KVMSTAT_COUNT for units that kvmstat does not know */
};

/* All return -EBADMSG for invalid data. */

/* Check the header. 0: valid. */
int stats_parse_header(const void *file, size_t len, struct stats_header *header);

/* Parse the id string of size bytes: "kvm-TID", "kvm-TID/vcpu-ID". 0: valid. */
int stats_parse_id(const char *text, size_t size, struct stats_id *id);

/* Bytes of all descriptors, at most STATS_DESCS_SIZE_MAX. */
size_t stats_descs_size(const struct stats_header *header);

/*
 * Parse len bytes of descriptors into descs, which has room for header->num_desc. Skips unknown
 * types.
 * *data_size: bytes of numbers that the descriptors use.
 * Returns the number of descriptors in descs.
 */
int stats_parse_descs(const struct stats_header *header, const void *text, size_t len, struct stats_desc *descs,
		      uint32_t *data_size);

#endif
