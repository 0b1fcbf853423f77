/* SPDX-License-Identifier: MIT */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "master.h"

enum { PING_MS = 3000, BIG_ENDIAN_FLAG = 0x10, ROOT_LEN = 4 };

void master_init(struct master *master)
{
	static const struct oid root = { ROOT_LEN, { 1, 3, 99, 7 } };

	*master = (struct master){ .fd = -1, .now_ms = 1000000, .views = views_new(),
				    .outbox = outbox_new() };
	handler_tree(&master->tree, &root);
	reader_init(&master->reader, master->views, 10);
	session_init(&master->session, &master->tree, &master->reader, master->outbox);
}

void master_begin(struct master *master)
{
	int fds[2];

	session_close(&master->session);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) < 0)
		abort();
	if (master->fd >= 0)
		close(master->fd);
	master->fd = fds[0];
	session_begin(&master->session, fds[1], PING_MS, master->now_ms);
}

void master_exit(struct master *master)
{
	session_exit(&master->session);
	reader_exit(&master->reader);
	views_free(master->views);
	outbox_free(master->outbox);
	if (master->fd >= 0)
		close(master->fd);
}

/* As the thread does, but without a wait. */
void master_turn(struct master *master)
{
	for (int i = 0; i < 100 && master->session.state != SESSION_ENDED; i++) {
		struct pollfd pollfd = { .fd = master->session.fd, .events = session_events(&master->session) };

		if (poll(&pollfd, 1, 0) <= 0 && session_due(&master->session) > master->now_ms)
			break;
		session_turn(&master->session, pollfd.revents, master->now_ms);
	}
}

void master_wait(struct master *master, uint64_t ms)
{
	master->now_ms += ms;
	master_turn(master);
}

/* A PDU of a size that nobody here waits for, or whose end is still to come, ends the connection. */
bool master_receive(struct master *master, struct received *received)
{
	struct agentx_header *header = &received->header;
	uint8_t head[AGENTX_HEADER];
	ssize_t n = recv(master->fd, head, sizeof(head), MSG_DONTWAIT);

	if (n <= 0)
		return false;
	if (n == sizeof(head) && agentx_header(head, header) && header->flags & BIG_ENDIAN_FLAG &&
	    header->length <= MASTER_BYTES &&
	    (!header->length ||
	     recv(master->fd, received->payload, header->length, MSG_DONTWAIT) == (ssize_t)header->length))
		return true;
	close(master->fd);
	master->fd = -1;
	return false;
}

static void put(struct master *master, uint32_t n, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++) {
		size_t shift = 8 * (master->big_endian ? bytes - 1 - i : i);

		master->out[master->len++] = (uint8_t)(n >> shift);
	}
}

void master_put16(struct master *master, uint16_t n)
{
	put(master, n, 2);
}

void master_put32(struct master *master, uint32_t n)
{
	put(master, n, 4);
}

void master_put_oid(struct master *master, const struct oid *oid, bool include)
{
	const uint8_t head[] = { (uint8_t)oid->len, 0, include, 0 };

	memcpy(master->out + master->len, head, sizeof(head));
	master->len += sizeof(head);
	for (uint32_t i = 0; i < oid->len; i++)
		put(master, oid->subid[i], 4);
}

void master_pdu(struct master *master, uint8_t type, uint8_t flags, uint32_t id, uint32_t transaction, uint32_t packet)
{
	const uint8_t head[] = { 1, type, (uint8_t)(flags | (master->big_endian ? BIG_ENDIAN_FLAG : 0)), 0 };

	memcpy(master->out, head, sizeof(head));
	master->len = sizeof(head);
	put(master, id, 4);
	put(master, transaction, 4);
	put(master, packet, 4);
	put(master, 0, 4);
}

void master_send_bytes(struct master *master, const void *bytes, size_t len)
{
	if (send(master->fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return;		/* the session has ended, or takes nothing now */
	master_turn(master);
}

void master_send(struct master *master)
{
	size_t len = master->len;

	master->len = AGENTX_HEADER - 4;
	put(master, (uint32_t)(len - AGENTX_HEADER), 4);
	master_send_bytes(master, master->out, len);
}

void master_reply(struct master *master, const struct received *received, uint32_t id, uint16_t error)
{
	master_pdu(master, AGENTX_RESPONSE, 0, id, 0, received->header.packet);
	master_put32(master, 4711);
	master_put16(master, error);
	master_put16(master, 0);
	master_send(master);
}
