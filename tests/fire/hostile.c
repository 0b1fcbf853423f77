/* SPDX-License-Identifier: MIT */
/*
 * hostile [ROUNDS [SEED]] - sessions with an AgentX master that does what it likes: refuses, ends, hangs, answers late, twice,
 * for others, and with bytes that are no AgentX. After each round a decent one must find the session as good as new.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fire.h"
#include "master.h"

enum { SHORT = 500, LONG = 20000, STEPS = 60, ID = 77 };

static const uint16_t errors[] = { 0, 0, 0, 0, 0, 0, 1, 5, 256, 257, 259, 262, 263, 264, 266, 267, 268, 65535 };

/* What the round is about. */
struct round {
	struct master *master;
	struct received last, before;	/* what the session sent */
	bool any;
};

static unsigned int pick(unsigned int n)
{
	return (unsigned int)random() % n;
}

static uint16_t error(void)
{
	return errors[pick(sizeof(errors) / sizeof(errors[0]))];
}

static void receive(struct round *round)
{
	struct received received;

	while (round->master->fd >= 0 && master_receive(round->master, &received)) {
		round->before = round->last;
		round->last = received;
		round->any = true;
	}
}

/* ---- what it does ---- */

static void reply(struct round *round)
{
	master_reply(round->master, &round->last, pick(20) ? ID : pick(3), error());
}

static void accept_all(struct round *round)
{
	for (int i = 0; i < 4; i++) {
		master_reply(round->master, &round->last, ID, 0);
		receive(round);
	}
}

static void reply_late(struct round *round)
{
	master_reply(round->master, &round->before, ID, error());
}

static void reply_twice(struct round *round)
{
	master_reply(round->master, &round->last, ID, error());
	master_reply(round->master, &round->last, ID, error());
}

static void hang(struct round *round)
{
	master_wait(round->master, pick(5000));
}

static void send_garbage(struct round *round)
{
	uint8_t bytes[200];
	unsigned int len = 1 + pick(sizeof(bytes));

	for (unsigned int i = 0; i < len; i++)
		bytes[i] = (uint8_t)pick(256);
	if (pick(2)) {		/* it begins well */
		bytes[0] = 1;
		bytes[1] = (uint8_t)pick(19);
		memset(bytes + 16, 0, 4);
		bytes[pick(2) ? 16 : 19] = (uint8_t)(4 * pick(40));
	}
	master_send_bytes(round->master, bytes, len);
}

static void put_random_oid(struct master *master)
{
	struct oid oid = master->tree.at[pick((unsigned int)ntables)];

	oid.len = pick(oid.len + 1);
	while (pick(2) && oid.len < 20)
		oid.subid[oid.len++] = pick(3) ? pick(12) : (uint32_t)random() << 1;
	master_put_oid(master, &oid, pick(2));
}

static void ask(struct round *round)
{
	static const uint8_t types[] = { AGENTX_GET, AGENTX_GETNEXT, AGENTX_GETBULK, AGENTX_TESTSET, AGENTX_COMMITSET,
					 AGENTX_UNDOSET, AGENTX_CLEANUPSET };
	struct master *master = round->master;
	uint8_t type = types[pick(pick(3) ? 3 : sizeof(types))];

	master->big_endian = pick(2);
	master_pdu(master, type, pick(20) ? 0 : 8, pick(10) ? ID : 5, pick(100), (uint32_t)random());
	if (type == AGENTX_GETBULK) {
		master_put16(master, (uint16_t)pick(3));
		master_put16(master, (uint16_t)pick(pick(10) ? 30 : 65536));
	}
	for (unsigned int i = pick(12); i > 0; i--)
		put_random_oid(master);
	if (pick(10) == 0)
		master->out[pick((unsigned int)master->len)] ^= (uint8_t)(1 << pick(8));
	if (pick(20) == 0)
		master_send_bytes(master, master->out, pick((unsigned int)master->len));	/* a part */
	else
		master_send(master);
}

static void end(struct round *round)
{
	struct master *master = round->master;

	if (pick(2)) {
		close(master->fd);
		master->fd = -1;
	} else {
		master_pdu(master, AGENTX_CLOSE, 0, ID, 0, 1);
		master_put32(master, pick(7));
		master_send(master);
	}
	master_turn(master);
}

static void (*const acts[])(struct round *round) = {
	accept_all, accept_all, accept_all, reply, reply, reply_late, reply_twice, hang, send_garbage, ask, ask, ask, end,
};

static void torment(struct round *round)
{
	receive(round);
	for (unsigned int i = pick(STEPS); i > 0 && round->master->session.state != SESSION_ENDED && round->master->fd >= 0; i--) {
		acts[pick(sizeof(acts) / sizeof(acts[0]))](round);
		receive(round);
	}
	if (pick(2))
		session_close(&round->master->session);
}

/* ---- what must hold all the same ---- */

static bool decent(struct master *master)
{
	struct received received;

	session_close(&master->session);
	master->big_endian = true;
	master_begin(master);
	for (size_t i = 0; i < ntables + 2; i++) {
		if (!master_receive(master, &received))
			return false;
		master_reply(master, &received, ID, 0);
	}
	return master->session.state == SESSION_READY;
}

int main(int argc, char *argv[])
{
	unsigned long rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : fire() ? LONG : SHORT;
	unsigned int seed = argc > 2 ? (unsigned int)strtoul(argv[2], NULL, 10) : 1;
	static struct round round;
	struct master *master = malloc(sizeof(*master));

	if (!master)
		return 1;
	srandom(seed);
	master_init(master);
	for (unsigned long i = 0; i < rounds; i++) {
		master_begin(master);
		round.master = master;
		torment(&round);
		if (!decent(master)) {
			printf("fire-hostile: after round %lu of seed %u a decent master is not served\n", i, seed);
			printf("fire-hostile: 0 passed, 1 failed\n");
			return 1;
		}
	}
	master_exit(master);
	free(master);
	printf("%lu hostile masters\nfire-hostile: 1 passed, 0 failed\n", rounds);
	return 0;
}
