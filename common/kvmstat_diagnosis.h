/* SPDX-License-Identifier: MIT */
/*
 * kvmstat_diagnosis.h - part of kvmstat.h, which includes it: the diagnosis
 */
#ifndef KVMSTAT_DIAGNOSIS_H
#define KVMSTAT_DIAGNOSIS_H

#include "kvmstat.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Which guests are not as usual, and why. Feed it each sample with its rates; it learns what each guest's events
 * reach when nothing is wrong, and reports one alarm a guest, and one of the host, when it begins and when it ends.
 * docs/diagnosis.md and docs/causes.md are for operators. No call here looks at a clock: spans are of
 * sample->time_ns, hours of the day of sample->realtime_ns.
 */
enum kvmstat_judge {
	KVMSTAT_NOT_JUDGED,
	KVMSTAT_WORK,		/* the guest does more */
	KVMSTAT_PRESSURE,	/* it is held up */
	KVMSTAT_FOLLOW,		/* follows others: stands in an alarm's list, raises none alone */
};

/* Numbers of causes.tsv, the same for ever. */
enum kvmstat_cause_number {
	KVMSTAT_CAUSE_NONE,
	KVMSTAT_CAUSE_STALLED,
	KVMSTAT_CAUSE_LOOPING,
	KVMSTAT_CAUSE_OVERCOMMIT,
	KVMSTAT_CAUSE_CPU_STARVED,
	KVMSTAT_CAUSE_LOCK,
	KVMSTAT_CAUSE_LPAR_SHORT,
	KVMSTAT_CAUSE_MIGRATION,
	KVMSTAT_CAUSE_MEMORY,
	KVMSTAT_CAUSE_IO,
	KVMSTAT_CAUSE_INTERRUPT,
	KVMSTAT_CAUSE_TIMER,
	KVMSTAT_CAUSE_IPI,
	KVMSTAT_CAUSE_USERSPACE,
	KVMSTAT_CAUSE_NESTED,
	KVMSTAT_CAUSE_SPIN,
	KVMSTAT_CAUSE_UNKNOWN,
	KVMSTAT_NCAUSES
};

/* Numbers of ItuPerceivedSeverity (ITU-ALARM-TC-MIB). */
enum kvmstat_severity {
	KVMSTAT_CLEAR = 1,
	KVMSTAT_INDETERMINATE = 2,
	KVMSTAT_CRITICAL = 3,
	KVMSTAT_MAJOR = 4,
	KVMSTAT_MINOR = 5,
	KVMSTAT_WARNING = 6,
};

const char *kvmstat_severity_name(enum kvmstat_severity severity);	/* "major" */

/* A row of causes.tsv. Constant. */
struct kvmstat_cause {
	enum kvmstat_cause_number number;
	enum kvmstat_severity severity;
	uint32_t hold_s;	/* how long its events must be abnormal before it is reported */
	const char *name;	/* "overcommit" */
	const char *words;	/* for the operator, with {rate} and the like (scripts/causes.awk) */
	const char *next;	/* what to look at next: a command */
	const char *meaning;	/* sentences for docs/causes.md */
};

/* By its number or name; NULL if there is none. */
const struct kvmstat_cause *kvmstat_cause(unsigned int number);
const struct kvmstat_cause *kvmstat_cause_named(const char *name);

/* What is judged beside events: CPU time and waiting of a row, in ns a second. */
#define KVMSTAT_NUMBER_CPU 65534u
#define KVMSTAT_NUMBER_WAIT 65535u

/* How an event is judged. Constant. Events that are not in events.tsv are not judged. */
struct kvmstat_judged {
	uint32_t number;	/* of the event, or one of the two above */
	const char *name;	/* "cpu_ns" and "wait_ns" for these */
	const char *parent;	/* name of a more general event, or "" */
	enum kvmstat_judge judge;
	enum kvmstat_cause_number signs; /* the cause that it speaks for */
	double floor;		/* rate of a guest with one vCPU below which nobody acts */
};

/* By the event's number; NULL if it is not judged. */
const struct kvmstat_judged *kvmstat_judged(uint32_t number);

enum kvmstat_ending {
	KVMSTAT_ACTIVE_STILL,
	KVMSTAT_NORMAL_AGAIN,
	KVMSTAT_GUEST_ENDED,
	KVMSTAT_GUEST_RESTARTED,
	KVMSTAT_NEW_NORMAL,	/* it stayed for a day, and counts as usual from now on */
	KVMSTAT_NOT_OBSERVED,	/* its values are lost, or it is excluded */
	KVMSTAT_REPLACED,	/* the guest is stalled or looping: another alarm */
	KVMSTAT_NENDINGS
};

const char *kvmstat_ending_name(enum kvmstat_ending ending);		/* "normal again" */

enum { KVMSTAT_ALARM_EVENTS = 32 };

/* One alarm. Lives until a day after its end. */
struct kvmstat_alarm {
	uint64_t number;	/* never used again, also over restarts as far as the state is kept */
	const char *guest;	/* its name (bytes), "" of the host */
	const char *key;	/* its key, "" of the host */
	const struct kvmstat_cause *cause;
	const struct kvmstat_judged *event; /* that is told; NULL of silence */
	const struct kvmstat_judged *first_event; /* when it was raised: the same until its end, over updates and restarts */
	double rate;		/* of it, a second, when the alarm was raised or updated */
	double usual;		/* the highest that it was for a minute; NaN if not known */
	uint64_t since_ns;	/* CLOCK_REALTIME */
	uint64_t cleared_ns;	/* 0 while it is active */
	enum kvmstat_ending ending;
	uint32_t vcpus;
	uint32_t cpus;		/* of the host */
	double wait;		/* share of the time that it waited for a CPU, 0 to 1 */
	uint32_t spinning;	/* vCPUs that compute all the time and never halt; 0 unless vCPUs are reported */
	uint32_t spinning_vcpu;	/* id of the first of them */
	double busiest;		/* share of the event's rate that one of several vCPUs makes; 0 unless vCPUs are reported */
	uint32_t busiest_vcpu;	/* id of that one */
	bool known;		/* it was reported, so its end will be */
	uint32_t nevents;
	const struct kvmstat_judged *events[KVMSTAT_ALARM_EVENTS]; /* abnormal ones that joined */
	char text[256];		/* printable */
};

enum kvmstat_change_kind {
	KVMSTAT_RAISED,
	KVMSTAT_UPDATED,	/* a better cause; at most once an alarm */
	KVMSTAT_CLEARED,
	KVMSTAT_SUPPRESSED,	/* so many were not reported, since there were more than 30 in a minute; no alarm */
};

struct kvmstat_change {
	enum kvmstat_change_kind kind;
	const struct kvmstat_alarm *alarm;
	uint32_t count;		/* of suppressed ones */
};

enum kvmstat_sensitivity { KVMSTAT_SENSITIVITY_NORMAL, KVMSTAT_SENSITIVITY_LOW, KVMSTAT_SENSITIVITY_HIGH };

/* All zero: the defaults. */
struct kvmstat_diagnosis_config {
	enum kvmstat_sensitivity sensitivity;
	uint32_t grace_s;	/* after start, reboot and arrival nothing is judged; 0: 600 */
	uint32_t wait_percent;	/* the host is short of CPU from here on; 0: 20 */
	bool wait_known;	/* report a shortage that is no worse than known as well */
	uint32_t excluded;	/* bit 1 << cause for each that is never reported */
	struct filter *guests;	/* those that are judged; copied; NULL: all */
	const char *release;	/* of the host's kernel, for the state; copied; NULL: that of the text that is read */
};

/* What the options of the diagnosis set. A front end that begins with all zero sets diagnose to true. */
struct kvmstat_diagnosis_options {
	bool diagnose;		/* Diagnose */
	bool notify;		/* DiagnoseNotify */
	struct kvmstat_diagnosis_config config;
};

/* The i-th option; the option of this name, whatever its case; NULL: there is none. */
const struct kvmstat_option *kvmstat_diagnosis_option(size_t i);
const struct kvmstat_option *kvmstat_diagnosis_find_option(const char *name);

/*
 * Set one option. 0; -ENOENT if there is no option key (error is then left alone); -EINVAL with a message in error
 * that names the option, the value and what was expected, or -ENOMEM; options are then unchanged.
 */
int kvmstat_diagnosis_set_option(struct kvmstat_diagnosis_options *options, const char *key, const char *value,
				 char *error, size_t size);

/* Free what options have allocated. */
void kvmstat_diagnosis_free_options(struct kvmstat_diagnosis_options *options);

struct kvmstat_diagnosis;

/* NULL without memory. */
struct kvmstat_diagnosis *kvmstat_diagnosis_new(const struct kvmstat_diagnosis_config *config);
void kvmstat_diagnosis_free(struct kvmstat_diagnosis *diagnosis);

/*
 * Judge a sample, after kvmstat_rates_update(). *changes are valid until the next call. Allocates only when guests or
 * events are new, or an alarm is raised. Returns 0 or -ENOMEM: nothing was judged then, or not all.
 */
int kvmstat_diagnose(struct kvmstat_diagnosis *diagnosis, const struct kvmstat_sample *sample,
		     const struct kvmstat_rates *rates, const struct kvmstat_change **changes, size_t *nchanges);

/* Active alarms and those that ended within a day, in order of number. Valid until the next kvmstat_diagnose(). */
const struct kvmstat_alarm *const *kvmstat_diagnosis_alarms(const struct kvmstat_diagnosis *diagnosis, size_t *count);

/* The number of a row's active alarm (0: there is none) and how many days were learnt. */
uint64_t kvmstat_diagnosis_alarm_of(const struct kvmstat_diagnosis *diagnosis, uint64_t guest_id);
double kvmstat_diagnosis_learnt(const struct kvmstat_diagnosis *diagnosis, uint64_t guest_id);

/* The highest rate that a minute of this event has reached, or NaN: not judged, or not learnt for a minute. */
double kvmstat_diagnosis_usual(const struct kvmstat_diagnosis *diagnosis, uint64_t guest_id, uint32_t number);

/*
 * The same of a row of the sample that was judged last, without a search: for those who ask for all rows. The row of
 * others, and a guest without a key, has none of them: 0 and NaN.
 */
uint64_t kvmstat_diagnosis_row_alarm(const struct kvmstat_diagnosis *diagnosis, uint32_t row);
double kvmstat_diagnosis_row_learnt(const struct kvmstat_diagnosis *diagnosis, uint32_t row);
double kvmstat_diagnosis_row_usual(const struct kvmstat_diagnosis *diagnosis, uint32_t row, uint32_t number);

/*
 * What was learnt and what is active, as text to keep over a restart. *text is to be freed. 0 or -ENOMEM.
 */
int kvmstat_diagnosis_write(const struct kvmstat_diagnosis *diagnosis, char **text, size_t *size);

/*
 * Take over such a text, before the first sample. A text that is damaged in any place is refused as a whole: -EINVAL
 * with the reason in error. -ENOMEM without memory.
 */
int kvmstat_diagnosis_read(struct kvmstat_diagnosis *diagnosis, const char *text, size_t size, char *error,
			   size_t error_size);

/*
 * The same for a recorded good case: its guests are judged from their first sample on, and are not taught to go
 * above twice its figures by alarms.
 */
int kvmstat_diagnosis_read_good(struct kvmstat_diagnosis *diagnosis, const char *text, size_t size, char *error,
				size_t error_size);

/*
 * The same in the file "baseline" of a directory, which is made if it does not exist. Once it returned 0 it survives
 * a crash; else the file is as before. 0 or -errno.
 */
#define KVMSTAT_BASELINE "baseline"
int kvmstat_diagnosis_save(const struct kvmstat_diagnosis *diagnosis, const char *dir);

/*
 * Take over that file, before the first sample. 0: it was read, or there is none. 1: it is damaged, for the reason in
 * error; it is kept as "baseline.bad", and nothing was taken over. Or -errno: it is left as it is, and should not be
 * replaced; -ENXIO or -ELOOP: it is not a regular file.
 */
int kvmstat_diagnosis_load(struct kvmstat_diagnosis *diagnosis, const char *dir, char *error, size_t error_size);

/*
 * A good case that was recorded under this name: the file NAME in the directory "baselines" of a state directory.
 * kvmstat_diagnosis_load_good() takes over the one named KVMSTAT_GOOD, after kvmstat_diagnosis_load(). 0: it was read,
 * or there is none. 1: it is damaged, for the reason in error, and is left alone. Or -errno, as above.
 */
#define KVMSTAT_GOOD_DIR "baselines"
#define KVMSTAT_GOOD "good"
int kvmstat_diagnosis_load_good(struct kvmstat_diagnosis *diagnosis, const char *dir, char *error, size_t error_size);

/* ---- what was learnt, guest by guest ------------------------------------ */

/* CLOCK_REALTIME of the last sample, or of the text that was read; 0: there is neither. */
uint64_t kvmstat_diagnosis_time(const struct kvmstat_diagnosis *diagnosis);

/* The host's kernel; "" if unknown. */
const char *kvmstat_diagnosis_release(const struct kvmstat_diagnosis *diagnosis);

/* What is known of a guest; strings live as long as it does. */
struct kvmstat_learnt {
	const char *key;
	const char *name;
	uint32_t vcpus;		/* 0 if unknown */
	uint64_t first_s;	/* CLOCK_REALTIME in seconds: first and last seen */
	uint64_t last_s;
	double seconds;		/* that were learnt from */
};

/* The highest rates a second of an event that were held for two samples and for a minute. */
struct kvmstat_level {
	const struct kvmstat_judged *judged;
	double two;
	double minute;
};

/* The i-th guest, whether it is there or not; false: there are no more. */
bool kvmstat_diagnosis_guest(const struct kvmstat_diagnosis *diagnosis, size_t i, struct kvmstat_learnt *guest);

/* The i-th judged event of that guest that is above 0; false: there are no more. */
bool kvmstat_diagnosis_level(const struct kvmstat_diagnosis *diagnosis, size_t guest, size_t i,
			     struct kvmstat_level *level);

/* Add a guest that is not there yet, or a level of one that is. 0, -EEXIST, -ENOENT (no such guest), or -ENOMEM. */
int kvmstat_diagnosis_add(struct kvmstat_diagnosis *diagnosis, const struct kvmstat_learnt *guest);
int kvmstat_diagnosis_teach(struct kvmstat_diagnosis *diagnosis, const char *key, const struct kvmstat_level *level);

/*
 * What was learnt of a guest becomes what was learnt of another. 0, -ENOENT (no such guest), -EEXIST (the other is
 * there already), -EBUSY (it has an active alarm), or -ENOMEM.
 */
int kvmstat_diagnosis_rename(struct kvmstat_diagnosis *diagnosis, const char *key, const char *new_key);

/* ---- without history ---------------------------------------------------- */

/*
 * What two samples show without history: a host that is short of CPU, and guests that have more vCPUs than the host has
 * CPUs and wait. At most max alarms, without a number, whose strings live as long as the sample. Returns how many.
 */
size_t kvmstat_judge_once(const struct kvmstat_sample *sample, const struct kvmstat_rates *rates,
			  struct kvmstat_alarm *alarms, size_t max);

/* Where a front end keeps its diagnosis. Begin with all zero except program and dir. */
struct kvmstat_keeper {
	const char *program;	/* which to restart after a repair: "collectd" */
	char *dir;		/* from malloc(), the owner frees it; NULL: the diagnosis is kept nowhere */
	uint64_t saved_ns;	/* time_ns of the sample of the last save, or of the first sample; 0 before it */
};

/*
 * Take over what was kept and the good case that was recorded, before the first sample. 0; or 1 with a message in text
 * of what was not taken over. If the file cannot be read, dir is NULL afterwards, so that nothing replaces the file.
 */
int kvmstat_keeper_load(struct kvmstat_keeper *keeper, struct kvmstat_diagnosis *diagnosis, char *text, size_t size);

/* Is it time to save? Call it after each judged sample. changed: the alarms are others than at the last save. */
bool kvmstat_keeper_due(struct kvmstat_keeper *keeper, const struct kvmstat_sample *sample, bool changed);

/* sample NULL: the last time. 0, or -errno with a message in text. */
int kvmstat_keeper_save(struct kvmstat_keeper *keeper, const struct kvmstat_diagnosis *diagnosis,
			const struct kvmstat_sample *sample, char *text, size_t size);

#ifdef __cplusplus
}
#endif
#endif
