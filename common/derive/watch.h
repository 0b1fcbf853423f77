/* SPDX-License-Identifier: MIT */
/*
 * watch.h - what a diagnosis knows of each guest, over its incarnations
 */
#ifndef KVMSTAT_WATCH_H
#define KVMSTAT_WATCH_H

#include "derive/alarm.h"
#include "derive/daily.h"
#include "derive/level.h"
#include "derive/quiet.h"
#include "derive/spin.h"
#include "kvmstat.h"
#include "util/filter.h"

#define NS_PER_S 1e9

/* Whatever has an alarm: a guest, or the host. */
struct subject {
	struct alarm *alarm;
	double held;		/* seconds for which something was abnormal that is not reported yet */
	double calm;		/* seconds without a cause while it has an alarm */
};

struct watched {
	char *key;
	char *name;
	uint64_t hash;		/* of the key */
	uint64_t id;		/* of the guest of this key that is there now; 0: there is none */
	uint64_t grace_until;	/* CLOCK_BOOTTIME */
	uint64_t seen_ns;	/* CLOCK_BOOTTIME of the last sample with values */
	uint64_t first_s;	/* CLOCK_REALTIME in seconds: first and last seen */
	uint64_t last_s;
	double age;		/* seconds that were learnt from */
	double faded;		/* age at the last fading */
	uint32_t row;		/* in the sample, while it is judged */
	uint32_t vcpus;
	uint8_t source;
	struct subject subject;
	struct quiet quiet;
	struct daily daily[DAILY_SUMS];
	struct spin spin;
	bool suspected;		/* a cell has evidence */
	float cpu;		/* CPUs in the last step */
	float wait;
	float cpu_excess;	/* above what it ever was, log2 */
	struct cell *cells;	/* [slots], as many as it has room for */
	uint16_t *good;		/* [slots] of a recorded good case: levels, 0 if it has none; or NULL */
	float *sums;		/* [slots + activity] of a step of several samples; NULL if no step has */
	float summed;		/* seconds in them */
	uint32_t room;
};

/* A judged event. Its place in watched->cells. */
struct slot {
	const struct kvmstat_judged *judged;
	uint32_t cell;		/* in a row of the sample, or SLOT_ABSENT */
	int floor;		/* level of a guest with one vCPU */
	bool pressure;
	bool time;		/* ns a second */
	uint8_t sum;		/* that it is part of, DAILY_SUMS: of none */
};

#define SLOT_ABSENT UINT32_MAX

struct kvmstat_diagnosis {
	struct kvmstat_diagnosis_config config;
	char *release;
	struct watched **guests;
	size_t nguests;
	size_t guests_room;
	struct watched **rows;	/* [nrows] of the sample; NULL: not watched */
	uint64_t *row_ids;	/* [nrows] of the guests in them, watched or not */
	size_t nrows;
	size_t rows_room;
	struct slot *slots;
	uint32_t nslots;
	uint32_t slots_room;
	uint32_t cpu_slot;	/* those of times */
	uint32_t wait_slot;
	uint32_t *alive;	/* cells of a row that show that a guest does something */
	uint32_t nalive;
	uint32_t halts;		/* the cell that counts halts of a vCPU, or SLOT_ABSENT */
	uint32_t alive_room;
	double *rate;		/* [slots] of the guest at hand, in this step */
	uint16_t *level;
	uint16_t sum[DAILY_SUMS]; /* levels */
	uint64_t event_generation;
	bool mapped;
	struct subject host;
	struct shortage shortage;
	struct demand demand;
	bool held_back;		/* the host is short of CPU: guests' own waiting is not reported */
	bool short_of_memory;	/* an alarm could not be raised */
	struct alarms alarms;
	struct pace pace;
	const struct kvmstat_sample *sample; /* these two: while it is judged */
	const struct kvmstat_rates *rates;
	struct moment now;
	unsigned int hour;	/* of the day, UTC */
	uint64_t last_ns;	/* time of the sample before */
	double since_step;	/* seconds */
	double interval;	/* seconds between samples, smoothed */
	uint32_t step;		/* of the minute */
	double fade_due;	/* seconds that the host's record has not faded */
};

/* The slot of an event's number; -ENOENT if there is none. */
int watch_slot_of(const struct kvmstat_diagnosis *diagnosis, uint32_t number);

/* The same; it is added if the event is judged. -ENOENT if not, -ENOMEM. */
int watch_slot(struct kvmstat_diagnosis *diagnosis, uint32_t number);

/* Room for all slots. 0 or -ENOMEM. */
int watch_make_room(const struct kvmstat_diagnosis *diagnosis, struct watched *guest);

/* Where the judged events are in a sample. 0 or -ENOMEM. */
int watch_map(struct kvmstat_diagnosis *diagnosis, const struct kvmstat_sample *sample);

/* Whose row is whose. Guests that are gone get id 0, which is all that is done of them. 0 or -ENOMEM. */
int watch_match(struct kvmstat_diagnosis *diagnosis, const struct kvmstat_sample *sample);

/* Does the configuration exclude a guest? One that is restored with an alarm may be. */
bool watch_spares(const struct kvmstat_diagnosis *diagnosis, const struct watched *guest);

/* A guest that is not there yet. NULL without memory. */
struct watched *watch_add(struct kvmstat_diagnosis *diagnosis, const char *key, const char *name);

/* Of a key, for struct watched. */
uint64_t watch_hash(const char *key);

/* The guest of this key that has no row, or NULL. */
struct watched *watch_find(const struct kvmstat_diagnosis *diagnosis, const char *key);

/* Guests that were not seen for a month go. */
void watch_expire(struct kvmstat_diagnosis *diagnosis);

void watched_free(struct watched *guest);

/* All evidence, but nothing that was learnt. */
void watched_forget(const struct kvmstat_diagnosis *diagnosis, struct watched *guest);

/* How the slots of a guest are to be judged in this step. */
struct manner {
	struct limits work;
	struct limits pressure;
	int grows;		/* level that floors are higher, by the number of vCPUs */
};

struct manner watched_manner(const struct kvmstat_diagnosis *diagnosis, const struct watched *guest);

/* The highest rate that a minute of a slot's event has reached; NaN before one has passed. */
double watched_usual(const struct kvmstat_diagnosis *diagnosis, const struct watched *guest, uint32_t slot);

/* Of CPU time: one CPU that spins is to be seen in a guest of any size. */
enum { CPU_FLOOR_GROWS = 1024 };

/* Called for each cell of a step, so it must cost nothing. */
static inline struct limits watched_limits(const struct kvmstat_diagnosis *diagnosis, const struct watched *guest,
					   const struct manner *manner, uint32_t slot)
{
	const struct slot *s = &diagnosis->slots[slot];
	struct limits limits = s->pressure ? manner->pressure : manner->work;

	limits.floor = s->floor + manner->grows;
	if (s->sum == DAILY_CPU && manner->grows > CPU_FLOOR_GROWS)
		limits.floor = s->floor + CPU_FLOOR_GROWS;
	/* Twice the good case. */
	if (guest->good && guest->good[slot] < LEVEL_MAX - 1024)
		limits.ceiling = (uint16_t)(guest->good[slot] + 1024);
	return limits;
}

#endif
