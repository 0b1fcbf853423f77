/* SPDX-License-Identifier: MIT */
/*
 * reader.h - which view the SNMP thread answers from: always the newest, but one and the same for all
 * requests of a transaction, so that a GETBULK, which arrives as many requests, sees one sample
 */
#ifndef KVMSTAT_AGENTX_READER_H
#define KVMSTAT_AGENTX_READER_H

#include "view/rowview.h"

enum { READER_PINS = 16 };

struct pin {
	long transaction;
	uint64_t since_ns;
	struct view *view;		/* NULL: not used */
};

/* Used by the SNMP thread only. */
struct reader {
	struct views *views;
	struct view *newest;		/* NULL before the first sample */
	struct pin pins[READER_PINS];
	unsigned int next_pin;
	uint32_t interval_s;
	uint64_t stale_ns;		/* a view older than this is not shown any more */
	uint64_t uptime, uptime_ns;	/* sysUpTime as snmpd told it last, and the CLOCK_BOOTTIME of that */
	int64_t uptime_base;		/* CLOCK_BOOTTIME in 1/100 s when sysUpTime was 0 */
	bool has_uptime_base;
};

void reader_init(struct reader *reader, struct views *views, uint32_t interval_s);

void reader_set_interval(struct reader *reader, uint32_t interval_s);

/* If they are others, nothing of those before is kept, and the newest of these is shown. */
void reader_set_views(struct reader *reader, struct views *views);

/* Forget the transactions and the uptime of an snmpd that is gone. */
void reader_reset(struct reader *reader);

/* Give every view back. */
void reader_exit(struct reader *reader);

/*
 * The view for a transaction (0: none, the newest), NULL before the first sample. Valid until
 * reader_expire().
 */
const struct view *reader_view(struct reader *reader, long transaction, uint64_t now_ns);

/* Give views back that no request will ask for any more. */
void reader_expire(struct reader *reader, uint64_t now_ns);

/* snmpd's sysUpTime is this now. */
void reader_set_uptime(struct reader *reader, uint32_t uptime, uint64_t now_ns);
uint64_t reader_uptime(const struct reader *reader, uint64_t now_ns);

/*
 * A CLOCK_BOOTTIME as TimeStamp, sysUpTime (1/100 s) at that time; 0 if that is before sysUpTime began.
 * uptime is sysUpTime now. What one time gives stays the same as long as sysUpTime runs on.
 */
uint32_t reader_timestamp(struct reader *reader, uint64_t time_ns, uint64_t now_ns, uint64_t uptime);

#endif
