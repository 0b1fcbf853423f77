/* SPDX-License-Identifier: MIT */
/*
 * handler.h - GET, GETNEXT and GETBULK on the tables of tables.h
 */
#ifndef KVMSTAT_AGENTX_HANDLER_H
#define KVMSTAT_AGENTX_HANDLER_H

#include <net-snmp/net-snmp-config.h>
#include <net-snmp/net-snmp-includes.h>

#include <net-snmp/agent/net-snmp-agent-includes.h>

#include "tables.h"

/* What hangs on a registration (my_reg_void). */
struct served {
	const struct table *table;
	struct reader *reader;
};

/* The OID that a table is registered at, below this root. Its length. */
size_t handler_oid(const struct table *table, const oid *root, size_t root_len, oid out[MAX_OID_LEN]);

/* Register every table. served: [ntables], must stay. 0 or -EIO; what went wrong has been logged. */
int handler_register(struct served *served, struct reader *reader, const oid *root, size_t root_len);

Netsnmp_Node_Handler handler_request;

#endif
