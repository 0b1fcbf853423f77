/* SPDX-License-Identifier: MIT */
/*
 * alarm.h - the life of an alarm: raised, updated at most once, cleared, kept a day; and what of it is reported when
 */
#ifndef KVMSTAT_ALARM_H
#define KVMSTAT_ALARM_H

#include "kvmstat.h"

enum { ALARM_REPORTS = 30, ALARM_PAST_MAX = 1000 };

struct alarm {
	struct kvmstat_alarm public;
	uint64_t began_ns;	/* CLOCK_BOOTTIME when it was raised, and when it was cleared */
	uint64_t ended_ns;
	uint64_t restored_until; /* it is of before a restart and has not shown again; 0: it has */
	bool updated;
	bool raise_due;		/* not reported yet */
	bool update_due;
	bool clear_due;
	char names[];		/* guest and key */
};

struct alarms {
	struct alarm **all;	/* in order of number */
	const struct kvmstat_alarm **public; /* the same, for readers */
	size_t count;
	size_t room;
	size_t due;		/* may be too high */
	size_t past;
	uint64_t last_number;
	uint64_t minute_ns;	/* when the minute of the reports began */
	unsigned int reported;	/* in it */
	uint32_t suppressed;
	struct kvmstat_change changes[ALARM_REPORTS + 1];
	size_t nchanges;
};

/* The times of a sample. */
struct moment {
	uint64_t time_ns;
	uint64_t realtime_ns;
};

void alarms_free(struct alarms *alarms);

/*
 * A new alarm: what is not set in *what (number, since) is set here; strings are copied. NULL without memory.
 * number 0: the next one.
 */
struct alarm *alarm_raise(struct alarms *alarms, const struct kvmstat_alarm *what, const struct moment *now);

/* A better cause: what of it changes is in *what. Once an alarm; a second time is ignored. */
void alarm_update(struct alarms *alarms, struct alarm *alarm, const struct kvmstat_alarm *what);

void alarm_clear(struct alarms *alarms, struct alarm *alarm, enum kvmstat_ending ending, const struct moment *now);

/* An event that is abnormal as well. */
void alarm_join(struct alarm *alarm, const struct kvmstat_judged *event);

/* What is to be reported now goes to alarms->changes; alarms that are too old go. */
void alarms_report(struct alarms *alarms, const struct moment *now);

/* Fill in alarm->text. taker: the guest that takes the CPUs and how many, or NULL. */
struct taker {
	const char *guest;
	double cpus;
};
void alarm_describe(struct kvmstat_alarm *alarm, double cpus_used, double days, const struct taker *taker);
void alarm_describe_end(struct kvmstat_alarm *alarm);

#endif
