/* SPDX-License-Identifier: MIT */
/*
 * agent.h - the SNMP thread: everything that has to do with snmpd happens in it
 */
#ifndef KVMSTAT_AGENTX_AGENT_H
#define KVMSTAT_AGENTX_AGENT_H

#include "settings.h"
#include "view/reader.h"

struct agent;

/* Start the thread. views must stay until agent_stop(). 0 or -errno. */
int agent_start(struct agent **agent, const struct settings *settings, struct views *views);

/*
 * From now on by these settings, with these views; the session stays unless they name another socket or root. When this
 * returns nothing of other views is used any more.
 */
void agent_configure(struct agent *agent, const struct settings *settings, struct views *views);

/* Take leave of snmpd and end the thread; NULL is allowed. */
void agent_stop(struct agent *agent);

/* How it stands with snmpd, in a few words. */
enum { AGENT_TEXT = 128 };
void agent_describe(const struct agent *agent, char text[AGENT_TEXT]);

/* Grows about once a second as long as the thread is alive. */
unsigned int agent_heartbeat(const struct agent *agent);

#endif
