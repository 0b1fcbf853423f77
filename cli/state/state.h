/* SPDX-License-Identifier: MIT */
/*
 * state.h - what a front end keeps: which guests are abnormal, and what is usual. It is only read here.
 */
#ifndef KVMSTAT_STATE_H
#define KVMSTAT_STATE_H

#include <limits.h>

#include "cli.h"

/* A front end writes each 15 minutes, and when an alarm begins or ends. */
enum { STATE_MAX_AGE = 20 * 60 };

enum state_found {
	STATE_READ,
	STATE_NONE,		/* no front end has written anything */
	STATE_BAD,		/* it cannot be read, or makes no sense */
};

struct state {
	struct kvmstat_diagnosis *diagnosis; /* NULL unless it was read */
	char path[PATH_MAX];
	char reason[PATH_MAX + 512]; /* why it was not read, and what to do; "" if it was */
};

/*
 * The directory of --state-dir, else that of the front end that wrote last. A captured host has none.
 * 0; -ENOENT: there is none
 */
int state_dir(const struct options *options, char dir[PATH_MAX]);

/* What the front end of that directory keeps. */
enum state_found state_read(struct state *state, const struct options *options);

/* Any file of that form below a directory. */
enum state_found state_read_file(struct state *state, const char *dir, const char *name);
void state_free(struct state *state);

/* Seconds since it was written; negative: it is of the future. */
double state_age(const struct state *state);

/* "40 s", "12 min", "3 h", "4 days" */
#define STATE_TIME_SIZE 32
void state_span(double seconds, char text[STATE_TIME_SIZE]);

/* In UTC, as in RFC 3339, and in local time. */
void state_utc(uint64_t realtime_ns, char text[STATE_TIME_SIZE]);
void state_local(uint64_t realtime_ns, char text[STATE_TIME_SIZE]);

/* Does a word of the command line select this guest? By its name, UUID, name:NAME or uuid:UUID. */
bool state_matches(const char *key, const char *name, const char *word);

/* ---- marks in reports of samples ---------------------------------------- */

/* Does a front end keep anything of this host, not of a recording, that can be read now? Reports then have a column of it until their end. */
bool marks_exist(const struct options *options);

/* What is kept of the guests of a sample. NULL: it cannot be read, is too old, or there is none. */
struct kvmstat_diagnosis *marks_of(const struct watch *watch, const struct options *options);

/* The alarm of this number, or NULL: it is not kept any more. */
const struct kvmstat_alarm *alarm_of_number(const struct kvmstat_diagnosis *marks, uint64_t number);

/* The cause of a guest's active alarm, or NULL. */
const char *mark_of(const struct kvmstat_diagnosis *marks, uint64_t guest_id);

#endif
