/* SPDX-License-Identifier: MIT */
/*
 * notification.h - alarms as notifications of collectd's
 */
#ifndef KVMSTAT_NOTIFICATION_H
#define KVMSTAT_NOTIFICATION_H

#include "diagnosis.h"

/* Of a change that has an alarm. 0, or -1 if nobody listens to notifications. */
int notification_send(const struct kvmstat_change *change, const struct address *address, uint64_t realtime_ns);

#endif
