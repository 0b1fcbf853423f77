/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "kvmstat-mib/notify.h"
#include "session.h"

enum {
	REPLY_MS = 3000,		/* only our next request waits for it */
	READ_SIZE = 65536,
	BACKLOG = 1 << 20,		/* bytes that snmpd has not read: above it, nothing more is read */
	PRIORITY = 127,			/* the default of RFC 2741 */
	REASON_PROTOCOL = 3, REASON_SHUTDOWN = 5,
};

static const char description[] = "KVMSTAT-MIB: why KVM guests leave guest mode";

void session_init(struct session *session, const struct tree *tree, struct reader *reader, struct outbox *outbox)
{
	*session = (struct session){ .tree = tree, .reader = reader, .outbox = outbox, .fd = -1 };
}

void session_exit(struct session *session)
{
	session_close(session);
	free(session->in);
	free(session->out.bytes);
}

static void end(struct session *session, enum session_end why)
{
	if (session->state == SESSION_ENDED)
		return;
	close(session->fd);
	session->fd = -1;
	session->state = SESSION_ENDED;
	session->end = why;
	outbox_give_back(session->outbox);
}

bool session_refused(const struct session *session)
{
	return session->state == SESSION_REGISTERING && !session->awaited && session->nregistered < ntables;
}

/* ---- what is sent of our own accord ------------------------------------- */

static void begin(struct session *session, uint8_t type)
{
	agentx_begin(&session->out, &(struct agentx_header){ .type = type, .session = session->id,
							     .packet = ++session->packet });
}

/* Send a request that needs a reply. Without memory the session ends. */
static void request(struct session *session, uint8_t type, uint64_t now_ms)
{
	if (!agentx_end(&session->out)) {
		end(session, SESSION_LOST);
		return;
	}
	session->awaited = type;
	session->limit_ms = now_ms + REPLY_MS;
}

static void send_open(struct session *session, uint64_t now_ms)
{
	begin(session, AGENTX_OPEN);
	agentx_put32(&session->out, 0);		/* no limit of time of our own */
	agentx_put_oid(&session->out, &session->tree->root);
	agentx_put_string(&session->out, description, strlen(description));
	request(session, AGENTX_OPEN, now_ms);
}

static void send_register(struct session *session, uint64_t now_ms)
{
	begin(session, AGENTX_REGISTER);
	agentx_put_bytes(&session->out, (const uint8_t[]){ 0, PRIORITY, 0, 0 });
	agentx_put_oid(&session->out, &session->tree->at[session->table]);
	request(session, AGENTX_REGISTER, now_ms);
}

/* A row of sysORTable. */
static void send_caps(struct session *session, uint64_t now_ms)
{
	begin(session, AGENTX_ADD_CAPS);
	agentx_put_oid(&session->out, &session->tree->root);
	agentx_put_string(&session->out, description, strlen(description));
	request(session, AGENTX_ADD_CAPS, now_ms);
}

static void send_ping(struct session *session, uint64_t now_ms)
{
	begin(session, AGENTX_PING);
	request(session, AGENTX_PING, now_ms);
}

/* The next notification, if all is quiet: registered, or waiting to try again. */
static void send_notification(struct session *session, uint64_t now_ms)
{
	const struct notification *notification;

	if (session->awaited || (session->state != SESSION_READY && !session_refused(session)))
		return;
	notification = outbox_take(session->outbox);
	if (!notification)
		return;
	begin(session, AGENTX_NOTIFY);
	notify_put(&session->out, &session->tree->root, notification);
	request(session, AGENTX_NOTIFY, now_ms);
}

static void send_close(struct session *session, uint8_t reason)
{
	begin(session, AGENTX_CLOSE);
	agentx_put_bytes(&session->out, (const uint8_t[]){ reason, 0, 0, 0 });
	agentx_end(&session->out);
}

/* ---- registering -------------------------------------------------------- */

/*
 * The next table that snmpd has not accepted. First each is tried once; then refused tables are
 * tried one at a time, in turn, because snmpd logs every refusal. When one is accepted, the others
 * are tried at once.
 */
static void register_next(struct session *session, uint64_t now_ms)
{
	if (session->nregistered == ntables) {
		send_caps(session, now_ms);
	} else if (session->tries == 0) {
		session->tries = 1;
		session->again = true;
		session->next_ms = now_ms + session->ping_ms;
	} else {
		session->tries--;
		while (session->registered[session->table])
			session->table = (session->table + 1) % ntables;
		send_register(session, now_ms);
	}
}

static void on_open(struct session *session, uint16_t error, uint32_t id, uint64_t now_ms)
{
	if (error) {
		session->refusal = error;
		end(session, SESSION_REFUSED);
		return;
	}
	session->id = id;
	session->state = SESSION_REGISTERING;
	session->tries = ntables;
	register_next(session, now_ms);
}

static void on_register(struct session *session, uint16_t error, uint64_t now_ms)
{
	if (error) {
		session->refusal = error;
	} else {
		session->registered[session->table] = true;
		session->nregistered++;
		if (session->again)
			session->tries = 1;
	}
	session->table = (session->table + 1) % ntables;
	register_next(session, now_ms);
}

/* Everything is served even without the row. */
static void on_caps(struct session *session, uint64_t now_ms)
{
	session->state = SESSION_READY;
	session->next_ms = now_ms + session->ping_ms;
}

static uint64_t monotonic_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * UINT64_C(1000000000) + (uint64_t)ts.tv_nsec;
}

/* A response that is late or duplicate is ignored. */
static void take_reply(struct session *session, const struct agentx_header *header, struct agentx_in *in, uint64_t now_ms)
{
	uint32_t uptime = agentx_take32(in);
	uint16_t error = agentx_take16(in);
	uint8_t type = session->awaited;

	if (in->wrong) {
		end(session, SESSION_GARBAGE);
		return;
	}
	if (!type || header->packet != session->packet)
		return;
	session->awaited = 0;
	if (error == AGENTX_NOT_OPEN && type != AGENTX_OPEN) {
		end(session, SESSION_CLOSED);
		return;
	}
	reader_set_uptime(session->reader, uptime, monotonic_ns());
	if (type == AGENTX_OPEN)
		on_open(session, error, header->session, now_ms);
	else if (type == AGENTX_REGISTER)
		on_register(session, error, now_ms);
	else if (type == AGENTX_ADD_CAPS)
		on_caps(session, now_ms);
	else if (type == AGENTX_NOTIFY)
		outbox_sent(session->outbox);
}

/* ---- requests of snmpd -------------------------------------------------- */

static void begin_answer(struct session *session, const struct agentx_header *header, enum agentx_error error)
{
	agentx_begin(&session->out, &(struct agentx_header){ .type = AGENTX_RESPONSE, .session = header->session,
							     .transaction = header->transaction,
							     .packet = header->packet });
	agentx_put32(&session->out, 0);
	agentx_put16(&session->out, (uint16_t)error);
	agentx_put16(&session->out, error ? 1 : 0);
}

static void end_answer(struct session *session)
{
	if (!agentx_end(&session->out))
		end(session, SESSION_LOST);
}

static void answer_error(struct session *session, const struct agentx_header *header, enum agentx_error error)
{
	begin_answer(session, header, error);
	end_answer(session);
}

static void answer(struct session *session, const struct agentx_header *header, struct agentx_in *in)
{
	enum agentx_error error;

	if (session->state == SESSION_OPENING || header->session != session->id) {
		answer_error(session, header, AGENTX_NOT_OPEN);
		return;
	}
	if (agentx_take_context(in, header)) {
		answer_error(session, header, AGENTX_UNSUPPORTED_CONTEXT);
		return;
	}
	begin_answer(session, header, AGENTX_NO_ERROR);
	error = handler_answer(session->reader, session->tree, header, in, &session->out);
	if (!error) {
		end_answer(session);
		return;
	}
	agentx_drop(&session->out);
	answer_error(session, header, error);
}

static void take_pdu(struct session *session, const struct agentx_header *header, const uint8_t *payload, uint64_t now_ms)
{
	struct agentx_in in;

	agentx_in(&in, header, payload);
	switch (header->type) {
	case AGENTX_RESPONSE:
		take_reply(session, header, &in, now_ms);
		break;
	case AGENTX_GET:
	case AGENTX_GETNEXT:
	case AGENTX_GETBULK:
		answer(session, header, &in);
		break;
	case AGENTX_TESTSET:
		answer_error(session, header, AGENTX_NOT_WRITABLE);
		break;
	case AGENTX_COMMITSET:
		answer_error(session, header, AGENTX_COMMIT_FAILED);
		break;
	case AGENTX_UNDOSET:
		answer_error(session, header, AGENTX_UNDO_FAILED);
		break;
	case AGENTX_CLEANUPSET:
		break;
	case AGENTX_CLOSE:
		end(session, SESSION_CLOSED);
		break;
	default:
		end(session, SESSION_GARBAGE);
	}
}

/* ---- bytes -------------------------------------------------------------- */

static size_t pending(const struct session *session)
{
	return session->out.len - session->sent;
}

/* The length of the PDU that is at the beginning of bytes if it is whole, else how many there must be to know more. */
static size_t pdu_length(const uint8_t *bytes, size_t len, struct agentx_header *header, bool *wrong)
{
	if (len < AGENTX_HEADER)
		return AGENTX_HEADER;
	*wrong = !agentx_header(bytes, header);
	return AGENTX_HEADER + (*wrong ? 0 : (size_t)header->length);
}

/* Handle every complete PDU. The rest moves to the front. */
static void take_pdus(struct session *session, uint64_t now_ms)
{
	size_t begin = 0;

	while (session->state != SESSION_ENDED && pending(session) < BACKLOG) {
		struct agentx_header header;
		bool wrong = false;
		size_t len = pdu_length(session->in + begin, session->in_len - begin, &header, &wrong);

		if (wrong) {
			send_close(session, REASON_PROTOCOL);
			end(session, SESSION_GARBAGE);
		}
		if (wrong || len > session->in_len - begin)
			break;
		take_pdu(session, &header, session->in + begin + AGENTX_HEADER, now_ms);
		begin += len;
	}
	session->in_len -= begin;
	memmove(session->in, session->in + begin, session->in_len);
}

/* Room for as much as is to be read at once, or for the whole PDU that has begun. */
static bool make_room(struct session *session)
{
	struct agentx_header header;
	bool wrong = false;
	size_t size = pdu_length(session->in, session->in_len, &header, &wrong) + READ_SIZE;
	uint8_t *bytes;

	if (size <= session->in_size)
		return true;
	bytes = realloc(session->in, size);
	if (!bytes)
		return false;
	session->in = bytes;
	session->in_size = size;
	return true;
}

static void receive(struct session *session, uint64_t now_ms)
{
	ssize_t n;

	if (!make_room(session)) {
		end(session, SESSION_LOST);
		return;
	}
	n = recv(session->fd, session->in + session->in_len, session->in_size - session->in_len, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		end(session, SESSION_LOST);
		return;
	}
	session->in_len += (size_t)n;
	if (session->state == SESSION_READY)
		session->next_ms = now_ms + session->ping_ms;
	take_pdus(session, now_ms);
}

static void flush(struct session *session, uint64_t now_ms)
{
	while (session->state != SESSION_ENDED && session->sent < session->out.len) {
		ssize_t n = send(session->fd, session->out.bytes + session->sent, session->out.len - session->sent,
				 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0) {
			end(session, SESSION_LOST);
			return;
		}
		session->sent += (size_t)n;
		session->progress_ms = now_ms;
	}
	if (!session->sent)
		return;
	session->out.len = pending(session);
	memmove(session->out.bytes, session->out.bytes + session->sent, session->out.len);
	session->sent = 0;
}

/* ---- the whole ---------------------------------------------------------- */

void session_begin(struct session *session, int fd, uint32_t ping_ms, uint64_t now_ms)
{
	*session = (struct session){ .state = SESSION_OPENING, .fd = fd, .tree = session->tree,
				     .reader = session->reader, .outbox = session->outbox, .ping_ms = ping_ms, .packet = session->packet,
				     .in = session->in, .in_size = session->in_size,
				     .out = { .bytes = session->out.bytes, .size = session->out.size },
				     .progress_ms = now_ms };
	reader_reset(session->reader);
	send_open(session, now_ms);
	flush(session, now_ms);
}

short session_events(const struct session *session)
{
	return (short)((pending(session) < BACKLOG ? POLLIN : 0) | (pending(session) ? POLLOUT : 0));
}

uint64_t session_due(const struct session *session)
{
	uint64_t due = session->awaited ? session->limit_ms : session->next_ms;

	if (pending(session) && session->progress_ms + REPLY_MS < due)
		due = session->progress_ms + REPLY_MS;
	return due;
}

static void on_time(struct session *session, uint64_t now_ms)
{
	if (session->state == SESSION_ENDED || now_ms < session_due(session))
		return;
	if (session->awaited || pending(session) > 0)
		end(session, SESSION_SILENT);
	else if (session->state == SESSION_READY)
		send_ping(session, now_ms);
	else
		register_next(session, now_ms);
}

void session_turn(struct session *session, short revents, uint64_t now_ms)
{
	if (session->state == SESSION_ENDED)
		return;
	if (!pending(session))
		session->progress_ms = now_ms;
	if (session->in_len)	/* requests that waited until snmpd reads answers again */
		take_pdus(session, now_ms);
	if (session->state != SESSION_ENDED && pending(session) < BACKLOG && revents & ~POLLOUT)
		receive(session, now_ms);
	on_time(session, now_ms);
	send_notification(session, now_ms);
	flush(session, now_ms);
}

void session_close(struct session *session)
{
	if (session->state == SESSION_ENDED)
		return;
	if (session->state != SESSION_OPENING) {
		send_close(session, REASON_SHUTDOWN);
		flush(session, session->progress_ms);
	}
	end(session, SESSION_CLOSED);
}
