/* SPDX-License-Identifier: MIT */
/*
 * alarmlist.h - the alarms as kvmAlarmTable shows them: a copy of those of the core, which change while a view is read
 */
#ifndef KVMSTAT_AGENTX_ALARMLIST_H
#define KVMSTAT_AGENTX_ALARMLIST_H

#include "kvmstat.h"

struct view_alarm {
	uint32_t number;
	uint32_t guest;			/* its index; 0: that of the host, or not known */
	const char *name, *key;		/* bytes; "" of the host */
	const struct kvmstat_cause *cause;
	const struct kvmstat_judged *event; /* NULL: it is about no event */
	double rate, usual;		/* of the event; NaN: not known */
	uint64_t since_ns, cleared_ns;	/* CLOCK_REALTIME; cleared_ns is 0 while it is active */
	uint32_t nevents;
	char text[256];
};

struct alarmlist {
	bool judged;			/* the option Diagnose; everything below is 0 without it */
	bool notify;			/* the option DiagnoseNotify */
	uint32_t active, raised, suppressed;
	uint64_t changed_ns;		/* CLOCK_BOOTTIME of the sample that changed an alarm last; 0: there was none */
	uint32_t count;
	struct view_alarm *all;		/* [count] in ascending order of number */
	/* private to alarmlist.c */
	uint32_t size;
	char *names;
	size_t names_size;
};

/* Copy these alarms, which are in order of number. guest: the index of each. 0; or -ENOMEM: there is none then. */
int alarmlist_copy(struct alarmlist *list, const struct kvmstat_alarm *const *alarms, const uint32_t *guest, size_t count);
void alarmlist_exit(struct alarmlist *list);

/* The alarm of this number, or NULL. */
const struct view_alarm *alarmlist_find(const struct alarmlist *list, uint64_t number);

#endif
