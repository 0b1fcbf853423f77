/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "agent.h"
#include "log.h"
#include "obstacle.h"
#include "session.h"
#include "transport.h"

enum { TURN_MS = 1000, MS_PER_S = 1000 };

/* The settings that are needed here. */
struct link {
	char socket[TRANSPORT_PATH_MAX + 1];
	unsigned int ping_interval, interval;
	struct oid root;
};

/* Request of the other thread, in one word that both can access atomically. */
enum standing { STANDING_AWAY, STANDING_REFUSED, STANDING_READY };

struct agent {
	struct link link;
	struct tree tree;
	struct reader reader;
	struct session session;
	pthread_t thread;
	int wake;			/* eventfd */
	/* handed over by the other thread */
	pthread_mutex_t lock;
	pthread_cond_t taken;
	struct link wanted;
	struct views *views;
	bool changed, stop;
	/* written by the SNMP thread, read by the other */
	unsigned int heartbeat;
	uint32_t standing;		/* enum standing, tables that are refused, AgentX's error: 8, 8 and 16 bits */
	/* of the SNMP thread */
	struct complaint lost, refused;
	uint16_t refusal;		/* that was reported */
	int obstacle;			/* that was reported */
	enum session_state seen;	/* of the session, at the last check */
	uint64_t next_ms;		/* try to connect */
};

unsigned int agent_heartbeat(const struct agent *agent)
{
	return __atomic_load_n(&agent->heartbeat, __ATOMIC_RELAXED);
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * MS_PER_S + (uint64_t)ts.tv_nsec / 1000000;
}

/* ---- messages ---------------------------------------------------------- */

struct refusal {
	uint16_t error;
	const char *name, *advice;
};

static const struct refusal *refusal_of(uint16_t error)
{
	static const struct refusal refusals[] = {
		{ AGENTX_OPEN_FAILED, "openFailed", "snmpd accepts no subagent; see its log" },
		{ AGENTX_UNSUPPORTED_CONTEXT, "unsupportedContext",
		  "snmpd has no default context; see its log and configuration" },
		{ AGENTX_DUPLICATE, "duplicateRegistration",
		  "another subagent serves this subtree; stop it, or give it another OidRoot" },
		{ AGENTX_PARSE_ERROR, "parseError", "check that an AgentX master listens there" },
		{ AGENTX_REQUEST_DENIED, "requestDenied", "snmpd is not allowed to accept it; see "
							  "its log and configuration" },
		{ AGENTX_PROCESSING_ERROR, "processingError", "snmpd could not process it; see its "
							      "log and its memory" },
		{ 0, "an error", "see snmpd's log" },
	};
	const struct refusal *refusal = refusals;

	while (refusal->error && refusal->error != error)
		refusal++;
	return refusal;
}

static void report_missing(struct agent *agent, int rc)
{
	char text[OBSTACLE_SIZE];

	obstacle_describe(agent->link.socket, rc, text);
	if (agent->obstacle != rc)
		agent->lost.active = false;
	agent->obstacle = rc;
	complain(&agent->lost, "no snmpd at %s: %s; trying again every %u s", agent->link.socket, text,
		 agent->link.ping_interval);
}

static void report_lost(struct agent *agent)
{
	static const char *const causes[] = {
		[SESSION_LOST] = "it exited or hangs; see its log",
		[SESSION_SILENT] = "it does not answer; check whether it hangs",
		[SESSION_GARBAGE] = "it sent data that is not AgentX; check what listens there",
		[SESSION_CLOSED] = "it ended the session; see its log for why",
	};

	complain(&agent->lost, "lost the connection to snmpd at %s: %s; trying again every %u s", agent->link.socket,
		 causes[agent->session.end], agent->link.ping_interval);
}

/* Log it once, and again if the cause changes. */
static void report_refused(struct agent *agent, const char *what)
{
	const struct refusal *refusal = refusal_of(agent->session.refusal);

	if (agent->refusal != agent->session.refusal)
		agent->refused.active = false;
	agent->refusal = agent->session.refusal;
	complain(&agent->refused, "snmpd at %s refuses %s: %s (%u): %s; trying again every %u s", agent->link.socket, what,
		 refusal->name, agent->refusal, refusal->advice, agent->link.ping_interval);
}

static void report_end(struct agent *agent)
{
	if (agent->session.end == SESSION_REFUSED)
		report_refused(agent, "the session");
	else if (agent->session.end == SESSION_SILENT && agent->seen == SESSION_OPENING)
		report_missing(agent, 0);
	else
		report_lost(agent);
}

static void report_tables(struct agent *agent)
{
	char what[32];

	snprintf(what, sizeof(what), "%zu of %zu tables", ntables - agent->session.nregistered, ntables);
	agent->lost.active = false;
	report_refused(agent, what);
}

static void report_ready(struct agent *agent)
{
	agent->lost.active = false;
	complaint_over(&agent->refused, "over: snmpd accepts every table");
	message(LOG_NOTICE, "connected to snmpd at %s", agent->link.socket);
}

static void set_standing(struct agent *agent)
{
	const struct session *session = &agent->session;
	uint32_t word = STANDING_AWAY;

	if (session->state == SESSION_READY)
		word = STANDING_READY;
	else if (session_refused(session) || (session->state == SESSION_ENDED && session->end == SESSION_REFUSED))
		word = STANDING_REFUSED | (uint32_t)(ntables - session->nregistered) << 8 |
		       (uint32_t)session->refusal << 16;
	else if (session->state == SESSION_REGISTERING || session->state == SESSION_OPENING)
		return;		/* for a moment only */
	__atomic_store_n(&agent->standing, word, __ATOMIC_RELAXED);
}

void agent_describe(const struct agent *agent, char text[AGENT_TEXT])
{
	uint32_t word = __atomic_load_n(&agent->standing, __ATOMIC_RELAXED);

	if ((word & 0xff) == STANDING_READY)
		snprintf(text, AGENT_TEXT, "connected to snmpd");
	else if ((word & 0xff) == STANDING_REFUSED)
		snprintf(text, AGENT_TEXT, "snmpd refuses %u of %zu tables: %s", word >> 8 & 0xff, ntables,
			 refusal_of((uint16_t)(word >> 16))->name);
	else
		snprintf(text, AGENT_TEXT, "not connected to snmpd");
}

/* ---- the thread --------------------------------------------------------- */

static void try_to_connect(struct agent *agent, uint64_t now)
{
	int fd = transport_connect(agent->link.socket);

	agent->next_ms = now + agent->link.ping_interval * MS_PER_S;
	if (fd < 0) {
		report_missing(agent, fd);
		return;
	}
	session_begin(&agent->session, fd, agent->link.ping_interval * MS_PER_S, now);
	agent->seen = SESSION_OPENING;
}

/* Report changes of the session since the last call. */
static void look_at_session(struct agent *agent, uint64_t now)
{
	enum session_state state = agent->session.state;

	if (state == SESSION_ENDED && agent->seen != SESSION_ENDED) {
		report_end(agent);
		agent->next_ms = now + agent->link.ping_interval * MS_PER_S;
	} else if (state == SESSION_READY && agent->seen != SESSION_READY) {
		report_ready(agent);
	} else if (session_refused(&agent->session)) {
		report_tables(agent);
	}
	agent->seen = state;
	set_standing(agent);
}

/* Another socket or root needs a new session, at once. */
static void take_link(struct agent *agent)
{
	struct link *link = &agent->link, *wanted = &agent->wanted;
	bool other = strcmp(link->socket, wanted->socket) != 0 || oid_compare(&link->root, &wanted->root) != 0;

	if (other) {
		session_close(&agent->session);
		agent->seen = SESSION_ENDED;
		agent->lost.active = agent->refused.active = false;
		agent->next_ms = 0;
		handler_tree(&agent->tree, &wanted->root);
	}
	*link = *wanted;
	agent->session.ping_ms = link->ping_interval * MS_PER_S;
	reader_set_interval(&agent->reader, link->interval);
	reader_set_views(&agent->reader, agent->views);
}

/* False: the thread must stop. */
static bool take_orders(struct agent *agent)
{
	eventfd_t count;
	bool stop;

	eventfd_read(agent->wake, &count);
	pthread_mutex_lock(&agent->lock);
	if (agent->changed)
		take_link(agent);
	agent->changed = false;
	pthread_cond_signal(&agent->taken);
	stop = agent->stop;
	pthread_mutex_unlock(&agent->lock);
	return !stop;
}

static int wait_ms(const struct agent *agent, uint64_t now)
{
	bool ended = agent->session.state == SESSION_ENDED;
	uint64_t due = ended ? agent->next_ms : session_due(&agent->session);

	return due <= now ? 0 : due - now < TURN_MS ? (int)(due - now) : TURN_MS;
}

/* Wait for work, at most a second, and do it. False: the thread must stop. */
static bool turn(struct agent *agent)
{
	struct pollfd fds[] = {
		{ .fd = agent->wake, .events = POLLIN },
		{ .fd = agent->session.fd, .events = session_events(&agent->session) },
	};
	struct timespec boot;
	uint64_t now;

	if (poll(fds, 2, wait_ms(agent, now_ms())) < 0)
		fds[0].revents = fds[1].revents = 0;
	if (fds[0].revents && !take_orders(agent))
		return false;
	now = now_ms();
	session_turn(&agent->session, fds[1].revents, now);
	look_at_session(agent, now);
	if (agent->session.state == SESSION_ENDED && now >= agent->next_ms)
		try_to_connect(agent, now);
	clock_gettime(CLOCK_BOOTTIME, &boot);
	reader_expire(&agent->reader, (uint64_t)boot.tv_sec * UINT64_C(1000000000) + (uint64_t)boot.tv_nsec);
	__atomic_add_fetch(&agent->heartbeat, 1, __ATOMIC_RELAXED);
	return true;
}

static void *run(void *arg)
{
	struct agent *agent = arg;

	while (turn(agent))
		;
	return NULL;
}

/* ---- start and stop ----------------------------------------------------- */

static void make_link(struct link *link, const struct settings *settings)
{
	snprintf(link->socket, sizeof(link->socket), "%s", settings->socket);
	link->ping_interval = settings->ping_interval;
	link->interval = settings->interval;
	link->root = settings->root;
}

static void free_agent(struct agent *agent)
{
	if (agent->wake >= 0)
		close(agent->wake);
	session_exit(&agent->session);
	reader_exit(&agent->reader);
	pthread_cond_destroy(&agent->taken);
	pthread_mutex_destroy(&agent->lock);
	free(agent);
}

int agent_start(struct agent **agent, const struct settings *settings, struct views *views, struct outbox *outbox)
{
	struct agent *new = calloc(1, sizeof(*new));
	int rc;

	if (!new)
		return -ENOMEM;
	make_link(&new->link, settings);
	handler_tree(&new->tree, &new->link.root);
	reader_init(&new->reader, views, settings->interval);
	session_init(&new->session, &new->tree, &new->reader, outbox);
	pthread_mutex_init(&new->lock, NULL);
	pthread_cond_init(&new->taken, NULL);
	new->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	rc = new->wake < 0 ? -errno : -pthread_create(&new->thread, NULL, run, new);
	if (rc < 0) {
		free_agent(new);
		return rc;
	}
	*agent = new;
	return 0;
}

void agent_wake(struct agent *agent)
{
	eventfd_write(agent->wake, 1);
}

/* The thread never blocks, so this does not take long. */
void agent_configure(struct agent *agent, const struct settings *settings, struct views *views)
{
	pthread_mutex_lock(&agent->lock);
	make_link(&agent->wanted, settings);
	agent->views = views;
	agent->changed = true;
	eventfd_write(agent->wake, 1);
	while (agent->changed)
		pthread_cond_wait(&agent->taken, &agent->lock);
	pthread_mutex_unlock(&agent->lock);
}

void agent_stop(struct agent *agent)
{
	if (!agent)
		return;
	pthread_mutex_lock(&agent->lock);
	agent->stop = true;
	pthread_mutex_unlock(&agent->lock);
	eventfd_write(agent->wake, 1);
	pthread_join(agent->thread, NULL);
	free_agent(agent);
}
