/* SPDX-License-Identifier: MIT */
/*
 * notify.h - the notifications of KVMSTAT-MIB, made of rows of kvmAlarmTable
 */
#ifndef KVMSTAT_AGENTX_NOTIFY_H
#define KVMSTAT_AGENTX_NOTIFY_H

#include "agentx.h"
#include "outbox.h"

/* Columns of kvmAlarmTable, in the order in which every notification has them. */
extern const uint8_t notified_columns[];
extern const size_t nnotified_columns;

/* Write the variables of a Notify: snmpTrapOID.0, then one for each column. snmpd adds sysUpTime.0. */
void notify_put(struct agentx_out *out, const struct oid *root, const struct notification *notification);

#endif
