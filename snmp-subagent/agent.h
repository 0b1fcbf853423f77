/* SPDX-License-Identifier: MIT */
/* agent.h - the SNMP thread, which does all communication with snmpd */
#ifndef KVMSTAT_AGENTX_AGENT_H
#define KVMSTAT_AGENTX_AGENT_H

#include "outbox.h"
#include "settings.h"
#include "view/reader.h"

struct agent;

/* Start the thread. views and outbox must stay until agent_stop(). 0 or -errno. */
int agent_start(struct agent **agent, const struct settings *settings, struct views *views, struct outbox *outbox);

/* Something was added to the outbox: send it at once. */
void agent_wake(struct agent *agent);

/*
 * Switch to these settings and views. Keeps the session unless socket or root changes.
 * When it returns, the earlier views are no longer used.
 */
void agent_configure(struct agent *agent, const struct settings *settings, struct views *views);

/* Close the session and end the thread; NULL is allowed. */
void agent_stop(struct agent *agent);

/* Describe the connection to snmpd in a few words. */
enum { AGENT_TEXT = 128 };
void agent_describe(const struct agent *agent, char text[AGENT_TEXT]);

/* Grows about once a second as long as the thread is alive. */
unsigned int agent_heartbeat(const struct agent *agent);

#endif
