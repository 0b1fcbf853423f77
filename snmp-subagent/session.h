/* SPDX-License-Identifier: MIT */
/*
 * session.h - one AgentX session over one connection: open it, register every table, keep it alive,
 * answer requests
 *
 * No function here blocks. What snmpd refuses is tried again as long as the session lasts. A
 * session that has ended is not resumed: the next one starts from the beginning.
 *
 * Notifications leave one at a time, each when snmpd has taken the one before: snmpd answers each on the connection that
 * it reads, and a burst would make it wait for us while we wait for it.
 */
#ifndef KVMSTAT_AGENTX_SESSION_H
#define KVMSTAT_AGENTX_SESSION_H

#include "handler.h"
#include "outbox.h"

enum session_state {
	SESSION_ENDED,
	SESSION_OPENING,
	SESSION_REGISTERING,	/* until every table is accepted */
	SESSION_READY,
};

/* Why it ended. */
enum session_end {
	SESSION_LOST,		/* the connection did */
	SESSION_SILENT,		/* snmpd does not answer, or does not read */
	SESSION_GARBAGE,	/* snmpd sent data that is not AgentX */
	SESSION_CLOSED,		/* snmpd ended it, or has forgotten it */
	SESSION_REFUSED,	/* it was not opened; see refusal */
};

struct session {
	enum session_state state;
	enum session_end end;		/* if it ended */
	uint16_t refusal;		/* enum agentx_error of what was refused last, 0: nothing yet */
	unsigned int nregistered;	/* tables */
	int fd;				/* -1 if it ended */
	/* private to session.c */
	const struct tree *tree;
	struct reader *reader;
	struct outbox *outbox;
	uint32_t ping_ms;
	uint32_t id;
	uint8_t *in;
	size_t in_len, in_size;
	struct agentx_out out;
	size_t sent;			/* of out */
	uint64_t progress_ms;		/* when snmpd last read something of out */
	uint8_t awaited;		/* type of the PDU that has no reply yet, 0: there is none */
	uint32_t packet;		/* its number */
	uint64_t limit_ms;		/* for the reply */
	uint64_t next_ms;		/* for a ping, or the next try to register */
	bool registered[TABLES_MAX];
	size_t table;			/* that is asked for */
	size_t tries;			/* left until next_ms */
	bool again;			/* each was tried once */
};

/* All of these must stay. */
void session_init(struct session *session, const struct tree *tree, struct reader *reader, struct outbox *outbox);

/*
 * Begin, if it has ended, with this connection, which does not block, and which it closes. ping_ms: between two signs of
 * life, and two tries.
 */
void session_begin(struct session *session, int fd, uint32_t ping_ms, uint64_t now_ms);

/* What poll(2) is to wait for, and until when at the latest. */
short session_events(const struct session *session);
uint64_t session_due(const struct session *session);

/* Do what is to be done. */
void session_turn(struct session *session, short revents, uint64_t now_ms);

/* Close the session, if it has not ended yet. */
void session_close(struct session *session);
void session_exit(struct session *session);

/* Is a table not accepted yet, with another attempt to come? */
bool session_refused(const struct session *session);

#endif
