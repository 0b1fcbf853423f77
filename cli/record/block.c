// SPDX-License-Identifier: MIT
/*
 * block.c - a block of a recording: a head, and a body that holds one sample
 */
#include <errno.h>
#include <string.h>

#if WITH_ZSTD
#include <zstd.h>
#endif

#include "cli.h"
#include "record/block.h"

enum { CHECKED = BLOCK_HEAD - 4 };	/* bytes of a head before its own checksum */

uint32_t block_checksum(const uint8_t *data, size_t size)
{
	static const uint32_t of_four_bits[16] = {
		0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
		0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
	};
	uint32_t sum = UINT32_MAX;

	for (size_t i = 0; i < size; i++) {
		sum ^= data[i];
		sum = sum >> 4 ^ of_four_bits[sum & 15];
		sum = sum >> 4 ^ of_four_bits[sum & 15];
	}
	return ~sum;
}

static void write_head(uint8_t *to, const struct block_head *head)
{
	memcpy(to, BLOCK_MAGIC, BLOCK_MAGIC_SIZE);
	fixed_put(to + 8, head->kind, 1);
	fixed_put(to + 9, head->method, 1);
	fixed_put(to + 10, 0, 2);
	fixed_put(to + 12, head->stored, 4);
	fixed_put(to + 16, head->size, 4);
	fixed_put(to + 20, head->checksum, 4);
	fixed_put(to + 24, head->time_ns, 8);
	fixed_put(to + CHECKED, block_checksum(to, CHECKED), 4);
}

bool block_read_head(const uint8_t *data, struct block_head *head)
{
	if (memcmp(data, BLOCK_MAGIC, BLOCK_MAGIC_SIZE) || fixed_get(data + CHECKED, 4) != block_checksum(data, CHECKED))
		return false;
	*head = (struct block_head){
		.kind = (enum block_kind)fixed_get(data + 8, 1),
		.method = (enum block_method)fixed_get(data + 9, 1),
		.stored = (uint32_t)fixed_get(data + 12, 4),
		.size = (uint32_t)fixed_get(data + 16, 4),
		.checksum = (uint32_t)fixed_get(data + 20, 4),
		.time_ns = fixed_get(data + 24, 8),
	};
	return (head->kind == BLOCK_KEY || head->kind == BLOCK_CHANGES) && head->method <= BLOCK_ZSTD &&
	       head->stored <= BLOCK_MAX && head->size <= BLOCK_MAX;
}

#if WITH_ZSTD
/* Bytes written to to, which has room for as many as the body has; 0: it does not become smaller. */
static size_t pack(uint8_t *to, const struct bytes *body)
{
	size_t size = ZSTD_compress(to, body->size, body->data, body->size, 1);

	return ZSTD_isError(size) ? 0 : size;
}

static int unpack(uint8_t *to, size_t size, const uint8_t *stored, size_t length)
{
	return ZSTD_decompress(to, size, stored, length) == size ? 0 : -EBADMSG;
}
#else
static size_t pack(uint8_t *to, const struct bytes *body)
{
	(void)to;
	(void)body;
	return 0;
}

static int unpack(uint8_t *to, size_t size, const uint8_t *stored, size_t length)
{
	(void)to;
	(void)size;
	(void)stored;
	(void)length;
	return -ENOTSUP;
}
#endif

bool block_write(struct bytes *to, enum block_kind kind, uint64_t time_ns, const struct bytes *body)
{
	struct block_head head = { .kind = kind, .method = BLOCK_ZSTD, .size = (uint32_t)body->size, .time_ns = time_ns };
	uint8_t *block;

	if (body->size > BLOCK_MAX)
		return false;
	block = bytes_reserve(to, BLOCK_HEAD + body->size);
	head.stored = (uint32_t)pack(block + BLOCK_HEAD, body);
	if (!head.stored) {
		head.method = BLOCK_PLAIN;
		head.stored = head.size;
		memcpy(block + BLOCK_HEAD, body->data, body->size);
	}
	head.checksum = block_checksum(block + BLOCK_HEAD, head.stored);
	write_head(block, &head);
	to->size += BLOCK_HEAD + head.stored;
	return true;
}

int block_unpack(const struct block_head *head, const uint8_t *stored, struct bytes *body)
{
	int rc = 0;

	if (block_checksum(stored, head->stored) != head->checksum)
		return -EBADMSG;
	if (head->method == BLOCK_PLAIN && head->size != head->stored)
		return -EBADMSG;
	body->data = get_memory(head->size, 1);
	body->size = body->room = head->size;
	if (head->method == BLOCK_PLAIN)
		memcpy(body->data, stored, head->size);
	else
		rc = unpack(body->data, head->size, stored, head->stored);
	return rc;
}
