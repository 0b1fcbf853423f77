/* SPDX-License-Identifier: MIT */
/*
 * reader.h - which view the SNMP thread answers from: always the newest, but one and the same for all
 * requests of a transaction, so that a GETBULK, which arrives as many requests, sees one sample
 */
#ifndef KVMSTAT_AGENTX_READER_H
#define KVMSTAT_AGENTX_READER_H

#include "view/rowview.h"

enum {
	READER_PINS = 16,
	READER_BASES = 64,		/* times that the host slept, and what was before the first of them */
};

struct pin {
	long transaction;
	uint64_t since_ns;
	struct view *view;		/* NULL: not used */
};

/* sysUpTime does not count while the host sleeps, CLOCK_BOOTTIME does: they drift apart each time. */
struct uptime_base {
	int64_t from;			/* the first CLOCK_BOOTTIME that it is for, and */
	int64_t base;			/* that of sysUpTime 0, as if it had counted all the time; both in 1/100 s */
};

/* Used by the SNMP thread only. */
struct reader {
	struct views *views;
	struct view *newest;		/* NULL before the first sample */
	struct pin pins[READER_PINS];
	unsigned int next_pin;
	uint32_t interval_s;
	uint64_t stale_ns;		/* a view older than this is not shown any more */
	uint64_t uptime, uptime_ns;	/* the last sysUpTime of snmpd, and the CLOCK_MONOTONIC of that */
	struct uptime_base bases[READER_BASES];	/* oldest first */
	uint32_t nbases;
	uint64_t based_uptime;		/* at the last check: sysUpTime, */
	int64_t based_at;		/* and CLOCK_BOOTTIME in 1/100 s */
};

void reader_init(struct reader *reader, struct views *views, uint32_t interval_s);

void reader_set_interval(struct reader *reader, uint32_t interval_s);

/* Set the views. If they are new, release the earlier ones and show the newest of these. */
void reader_set_views(struct reader *reader, struct views *views);

/* Forget the transactions and the uptime of an snmpd that is gone. */
void reader_reset(struct reader *reader);

/* Release every view. */
void reader_exit(struct reader *reader);

/*
 * The view for a transaction (0: none, the newest), NULL before the first sample. Valid until
 * reader_expire().
 */
const struct view *reader_view(struct reader *reader, long transaction, uint64_t now_ns);

/* Release views that no request needs any more. */
void reader_expire(struct reader *reader, uint64_t now_ns);

/* snmpd's sysUpTime is this now. mono_ns: CLOCK_MONOTONIC, by which snmpd counts. */
void reader_set_uptime(struct reader *reader, uint32_t uptime, uint64_t mono_ns);
uint64_t reader_uptime(const struct reader *reader, uint64_t mono_ns);

/*
 * A CLOCK_BOOTTIME as TimeStamp, sysUpTime (1/100 s) at that time; 0 if that is before sysUpTime began. now_ns is
 * CLOCK_BOOTTIME, uptime is sysUpTime now. What one time gives stays the same as long as sysUpTime runs on, also if the host
 * sleeps meanwhile or sysUpTime begins again after 497 days.
 */
uint32_t reader_timestamp(struct reader *reader, uint64_t time_ns, uint64_t now_ns, uint64_t uptime);

#endif
