/* SPDX-License-Identifier: MIT */
/*
 * master.h - the other end of a session: an AgentX master by hand, in either byte order
 */
#ifndef MASTER_H
#define MASTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "session.h"

enum { MASTER_BYTES = 1 << 16 };

struct master {
	struct session session;
	struct tree tree;
	struct reader reader;
	struct views *views;
	struct outbox *outbox;
	uint64_t now_ms;
	int fd;
	bool big_endian;
	uint8_t out[MASTER_BYTES];	/* the PDU that is being made */
	size_t len;
};

/* What the session sent: its header, and its payload, as it always sends, in network byte order. */
struct received {
	struct agentx_header header;
	uint8_t payload[MASTER_BYTES];
};

/* A session that has just begun. */
void master_init(struct master *master);
void master_begin(struct master *master);
void master_exit(struct master *master);

/* Let the session do what it has to do now, or so much later. */
void master_turn(struct master *master);
void master_wait(struct master *master, uint64_t ms);

/* The next PDU that the session sent. False: there is none. */
bool master_receive(struct master *master, struct received *received);

/* Make a PDU, then send it. */
void master_pdu(struct master *master, uint8_t type, uint8_t flags, uint32_t id, uint32_t transaction, uint32_t packet);
void master_put16(struct master *master, uint16_t n);
void master_put32(struct master *master, uint32_t n);
void master_put_oid(struct master *master, const struct oid *oid, bool include);
void master_send(struct master *master);
void master_send_bytes(struct master *master, const void *bytes, size_t len);

/* Reply to what was received. */
void master_reply(struct master *master, const struct received *received, uint32_t id, uint16_t error);

#endif
