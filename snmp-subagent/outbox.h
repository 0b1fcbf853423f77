/* SPDX-License-Identifier: MIT */
/*
 * outbox.h - notifications that snmpd has not taken yet, from the sampling thread to the SNMP thread
 *
 * An alarm that begins and ends while snmpd is away is not sent at all; the end of one whose begin was sent always is.
 * So an alarm has at most three notifications in here, and there are never more than alarms need.
 */
#ifndef KVMSTAT_AGENTX_OUTBOX_H
#define KVMSTAT_AGENTX_OUTBOX_H

#include "view/alarmlist.h"

/* Below root.0, of guests; those of the host follow them in the same order. */
enum notification_kind {
	NOTIFICATION_ABNORMAL = 1,
	NOTIFICATION_NORMAL = 2,
	NOTIFICATION_OF_HOST = 2,	/* added to them */
};

/* Sent so often at most: snmpd may have ended because of it. */
enum { NOTIFICATION_TRIES = 3 };

struct notification {
	unsigned int kind;		/* its number below root.0 */
	struct view_alarm alarm;
	/* private to outbox.c */
	unsigned int tries;
	struct notification *next;
	char names[];
};

struct outbox;

struct outbox *outbox_new(void);
void outbox_free(struct outbox *outbox);

/*
 * Add the begin of an alarm, or its end if it is cleared; the alarm is copied. 0; 1: neither its begin nor its end is
 * sent, since its begin was still in here; or -ENOMEM.
 */
int outbox_add(struct outbox *outbox, const struct view_alarm *alarm);

/* The SNMP thread: the next notification, which is now on its way; NULL: there is none. Valid until one of these: */
const struct notification *outbox_take(struct outbox *outbox);
void outbox_sent(struct outbox *outbox);
void outbox_give_back(struct outbox *outbox);	/* to be sent again; without a notification on its way it does nothing */

#endif
