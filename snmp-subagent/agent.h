/* SPDX-License-Identifier: MIT */
/*
 * agent.h - the SNMP thread: everything that has to do with Net-SNMP and snmpd happens in it
 */
#ifndef KVMSTAT_AGENTX_AGENT_H
#define KVMSTAT_AGENTX_AGENT_H

#include "reader.h"
#include "settings.h"

struct agent;

/* Start the thread. settings and views must stay until agent_stop(). 0 or -errno. */
int agent_start(struct agent **agent, const struct settings *settings, struct views *views);

/* Take leave of snmpd and end the thread; NULL is allowed. */
void agent_stop(struct agent *agent);

bool agent_connected(const struct agent *agent);

/* Nothing can be served, and never will; the reason has been logged. */
bool agent_failed(const struct agent *agent);

/* Grows about once a second as long as the thread is alive. */
unsigned int agent_heartbeat(const struct agent *agent);

#endif
