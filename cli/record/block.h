/* SPDX-License-Identifier: MIT */
/*
 * block.h - a block of a recording: a head, and a body that holds one sample (docs/recording.md)
 */
#ifndef KVMSTAT_BLOCK_H
#define KVMSTAT_BLOCK_H

#include "record/bytes.h"

/* The last byte is the version of the format. */
#define BLOCK_MAGIC "KVMSTAT\1"

enum {
	BLOCK_MAGIC_SIZE = 8,
	BLOCK_HEAD = 36,
	BLOCK_MAX = 1 << 28,	/* bytes of a body */
};

enum block_kind {
	BLOCK_KEY = 1,		/* needs no other block */
	BLOCK_CHANGES,		/* what has changed since the block before it */
};

enum block_method {
	BLOCK_PLAIN,
	BLOCK_ZSTD,
};

struct block_head {
	enum block_kind kind;
	enum block_method method;
	uint32_t stored;	/* bytes of the body in the file */
	uint32_t size;		/* bytes of the body when it is unpacked */
	uint32_t checksum;	/* of the stored bytes */
	uint64_t time_ns;	/* of the sample, CLOCK_REALTIME */
};

/* CRC-32 as in zlib and gzip. */
uint32_t block_checksum(const uint8_t *data, size_t size);

/* Append a head and the body, packed if that makes it smaller. Returns false if the body is too long. */
bool block_write(struct bytes *to, enum block_kind kind, uint64_t time_ns, const struct bytes *body);

/* False: these BLOCK_HEAD bytes are no head. */
bool block_read_head(const uint8_t *data, struct block_head *head);

/*
 * Check the stored bytes, and unpack them into body, which is empty before.
 * 0; -EBADMSG: damaged; -ENOTSUP: this build has no libzstd
 */
int block_unpack(const struct block_head *head, const uint8_t *stored, struct bytes *body);

#endif
