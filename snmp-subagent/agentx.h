/* SPDX-License-Identifier: MIT */
/* agentx.h - pure: encode and decode PDUs of AgentX (RFC 2741); checks all input */
#ifndef KVMSTAT_AGENTX_AGENTX_H
#define KVMSTAT_AGENTX_AGENTX_H

#include <stdbool.h>

#include "oid.h"
#include "value.h"

enum agentx_type {
	AGENTX_OPEN = 1,
	AGENTX_CLOSE = 2,
	AGENTX_REGISTER = 3,
	AGENTX_GET = 5,
	AGENTX_GETNEXT = 6,
	AGENTX_GETBULK = 7,
	AGENTX_TESTSET = 8,
	AGENTX_COMMITSET = 9,
	AGENTX_UNDOSET = 10,
	AGENTX_CLEANUPSET = 11,
	AGENTX_NOTIFY = 12,
	AGENTX_PING = 13,
	AGENTX_ADD_CAPS = 16,
	AGENTX_RESPONSE = 18,
};

/* res.error of a Response. */
enum agentx_error {
	AGENTX_NO_ERROR = 0,
	AGENTX_GEN_ERR = 5,
	AGENTX_COMMIT_FAILED = 14,
	AGENTX_UNDO_FAILED = 15,
	AGENTX_NOT_WRITABLE = 17,
	AGENTX_OPEN_FAILED = 256,
	AGENTX_NOT_OPEN = 257,
	AGENTX_UNSUPPORTED_CONTEXT = 262,
	AGENTX_DUPLICATE = 263,
	AGENTX_PARSE_ERROR = 266,
	AGENTX_REQUEST_DENIED = 267,
	AGENTX_PROCESSING_ERROR = 268,
};

enum { AGENTX_HEADER = 20, AGENTX_MAX = 1 << 20 };	/* bytes */

struct agentx_header {
	uint8_t type, flags;
	uint32_t session, transaction, packet;
	uint32_t length;		/* of what follows the header */
};

/* False: these are not the first bytes of a valid PDU. */
bool agentx_header(const uint8_t bytes[AGENTX_HEADER], struct agentx_header *header);

/* ---- coming in ---- */

/* The rest of a PDU. After an error all reads return 0. */
struct agentx_in {
	const uint8_t *bytes;
	size_t left;
	bool big_endian, wrong;
};

void agentx_in(struct agentx_in *in, const struct agentx_header *header, const uint8_t *payload);
uint16_t agentx_take16(struct agentx_in *in);
uint32_t agentx_take32(struct agentx_in *in);

/* include: the search may return this very OID. */
void agentx_take_oid(struct agentx_in *in, struct oid *oid, bool *include);

/* Skip the name of the context, if the header has one. Returns true if there is one. */
bool agentx_take_context(struct agentx_in *in, const struct agentx_header *header);

/* ---- going out ---- */

/* PDUs one after another. full: there was no memory, or one grew too large; it is not in there. */
struct agentx_out {
	uint8_t *bytes;
	size_t len, size;
	size_t begin;			/* of the PDU that is being made */
	bool full;
};

void agentx_begin(struct agentx_out *out, const struct agentx_header *header);
void agentx_put16(struct agentx_out *out, uint16_t n);
void agentx_put32(struct agentx_out *out, uint32_t n);
void agentx_put_bytes(struct agentx_out *out, const uint8_t bytes[4]);
void agentx_put_oid(struct agentx_out *out, const struct oid *oid);
void agentx_put_string(struct agentx_out *out, const void *data, size_t len);

/* Without a value for the types that have none. */
void agentx_put_variable(struct agentx_out *out, const struct oid *name, uint8_t type, const struct value *value);

/* True: the PDU is complete. False: it is not there at all. */
bool agentx_end(struct agentx_out *out);

/* Take back what agentx_begin() began. */
void agentx_drop(struct agentx_out *out);

#endif
