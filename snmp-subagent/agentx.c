/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "agentx.h"

enum {
	VERSION = 1,
	FLAG_CONTEXT = 0x08,
	FLAG_BIG_ENDIAN = 0x10,
	OUT_MAX = 4 << 20,	/* a PDU that is sent, bytes */
	FIRST_SIZE = 4096,
};

/* A prefix stands for 1.3.6.1.PREFIX. */
static const uint32_t internet[] = { 1, 3, 6, 1 };

enum { INTERNET_LEN = sizeof(internet) / sizeof(internet[0]) };

/* ---- OIDs --------------------------------------------------------------- */

int oid_compare(const struct oid *a, const struct oid *b)
{
	for (uint32_t i = 0; i < a->len && i < b->len; i++)
		if (a->subid[i] != b->subid[i])
			return a->subid[i] < b->subid[i] ? -1 : 1;
	return (a->len > b->len) - (a->len < b->len);
}

bool oid_is_below(const struct oid *oid, const struct oid *top)
{
	return oid->len >= top->len && memcmp(oid->subid, top->subid, top->len * sizeof(*top->subid)) == 0;
}

/* ---- coming in ---------------------------------------------------------- */

static uint32_t number(const uint8_t *bytes, size_t len, bool big_endian)
{
	uint32_t n = 0;

	for (size_t i = 0; i < len; i++)
		n = n << 8 | bytes[big_endian ? i : len - 1 - i];
	return n;
}

bool agentx_header(const uint8_t bytes[AGENTX_HEADER], struct agentx_header *header)
{
	bool big_endian = bytes[2] & FLAG_BIG_ENDIAN;

	header->type = bytes[1];
	header->flags = bytes[2];
	header->session = number(bytes + 4, 4, big_endian);
	header->transaction = number(bytes + 8, 4, big_endian);
	header->packet = number(bytes + 12, 4, big_endian);
	header->length = number(bytes + 16, 4, big_endian);
	return bytes[0] == VERSION && header->length % 4 == 0 && header->length <= AGENTX_MAX;
}

void agentx_in(struct agentx_in *in, const struct agentx_header *header, const uint8_t *payload)
{
	*in = (struct agentx_in){ payload, header->length, header->flags & FLAG_BIG_ENDIAN, false };
}

/* NULL, and nothing more is taken, if there is not so much. */
static const uint8_t *take(struct agentx_in *in, size_t len)
{
	const uint8_t *bytes = in->bytes;

	if (in->wrong || len > in->left) {
		in->wrong = true;
		return NULL;
	}
	in->bytes += len;
	in->left -= len;
	return bytes;
}

uint16_t agentx_take16(struct agentx_in *in)
{
	const uint8_t *bytes = take(in, 2);

	return bytes ? (uint16_t)number(bytes, 2, in->big_endian) : 0;
}

uint32_t agentx_take32(struct agentx_in *in)
{
	const uint8_t *bytes = take(in, 4);

	return bytes ? number(bytes, 4, in->big_endian) : 0;
}

void agentx_take_oid(struct agentx_in *in, struct oid *oid, bool *include)
{
	const uint8_t *head = take(in, 4);
	uint32_t count = head ? head[0] : 0;

	oid->len = 0;
	*include = head && head[2];
	if (head && head[1]) {
		memcpy(oid->subid, internet, sizeof(internet));
		oid->subid[INTERNET_LEN] = head[1];
		oid->len = INTERNET_LEN + 1;
	}
	if (oid->len + count > OID_MAX || count * 4 > in->left)
		in->wrong = true;
	for (; count && !in->wrong; count--)
		oid->subid[oid->len++] = agentx_take32(in);
}

bool agentx_take_context(struct agentx_in *in, const struct agentx_header *header)
{
	uint32_t len;

	if (!(header->flags & FLAG_CONTEXT))
		return false;
	len = agentx_take32(in);
	take(in, ((size_t)len + 3) & ~(size_t)3);
	return true;
}

/* ---- going out ---------------------------------------------------------- */

/* Room for so many bytes, or NULL. */
static uint8_t *room(struct agentx_out *out, size_t len)
{
	size_t size = out->size ? out->size : FIRST_SIZE;
	uint8_t *bytes;

	if (out->full || out->len - out->begin + len > OUT_MAX) {
		out->full = true;
		return NULL;
	}
	while (size < out->len + len)
		size *= 2;
	if (size > out->size) {
		bytes = realloc(out->bytes, size);
		if (!bytes) {
			out->full = true;
			return NULL;
		}
		out->bytes = bytes;
		out->size = size;
	}
	out->len += len;
	return out->bytes + out->len - len;
}

static void store(uint8_t *bytes, uint32_t n)
{
	for (int i = 3; i >= 0; i--, n >>= 8)
		bytes[i] = (uint8_t)n;
}

void agentx_put32(struct agentx_out *out, uint32_t n)
{
	uint8_t *bytes = room(out, 4);

	if (bytes)
		store(bytes, n);
}

void agentx_put16(struct agentx_out *out, uint16_t n)
{
	uint8_t *bytes = room(out, 2);

	if (bytes) {
		bytes[0] = (uint8_t)(n >> 8);
		bytes[1] = (uint8_t)n;
	}
}

void agentx_put_bytes(struct agentx_out *out, const uint8_t four[4])
{
	uint8_t *bytes = room(out, 4);

	if (bytes)
		memcpy(bytes, four, 4);
}

/* Everything goes out in network byte order, which the session keeps to. */
void agentx_begin(struct agentx_out *out, const struct agentx_header *header)
{
	out->begin = out->len;
	out->full = false;
	agentx_put_bytes(out, (const uint8_t[]){ VERSION, header->type, FLAG_BIG_ENDIAN, 0 });
	agentx_put32(out, header->session);
	agentx_put32(out, header->transaction);
	agentx_put32(out, header->packet);
	agentx_put32(out, 0);
}

bool agentx_end(struct agentx_out *out)
{
	if (out->full) {
		agentx_drop(out);
		return false;
	}
	store(out->bytes + out->begin + AGENTX_HEADER - 4, (uint32_t)(out->len - out->begin - AGENTX_HEADER));
	return true;
}

void agentx_drop(struct agentx_out *out)
{
	out->len = out->begin;
	out->full = false;
}

void agentx_put_oid(struct agentx_out *out, const struct oid *oid)
{
	uint8_t *bytes = room(out, 4 + 4 * (size_t)oid->len);

	if (!bytes)
		return;
	memcpy(bytes, (const uint8_t[]){ (uint8_t)oid->len, 0, 0, 0 }, 4);
	for (uint32_t i = 0; i < oid->len; i++)
		store(bytes + 4 + 4 * (size_t)i, oid->subid[i]);
}

void agentx_put_string(struct agentx_out *out, const void *data, size_t len)
{
	uint8_t *bytes;

	agentx_put32(out, (uint32_t)len);
	bytes = room(out, (len + 3) & ~(size_t)3);
	if (!bytes)
		return;
	memset(bytes, 0, (len + 3) & ~(size_t)3);
	if (len)
		memcpy(bytes, data, len);
}

void agentx_put_variable(struct agentx_out *out, const struct oid *name, uint8_t type, const struct value *value)
{
	agentx_put16(out, type);
	agentx_put16(out, 0);
	agentx_put_oid(out, name);
	switch (type) {
	case TYPE_STRING:
		agentx_put_string(out, value->data, value->len);
		break;
	case TYPE_COUNTER64:
		agentx_put32(out, (uint32_t)(value->number >> 32));
		agentx_put32(out, (uint32_t)value->number);
		break;
	case TYPE_INTEGER:
	case TYPE_COUNTER:
	case TYPE_GAUGE:
	case TYPE_TICKS:
		agentx_put32(out, (uint32_t)value->number);
		break;
	}
}
