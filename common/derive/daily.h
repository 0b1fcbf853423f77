/* SPDX-License-Identifier: MIT */
/*
 * daily.h - what a guest holds for minutes at this time of the day
 *
 * A level's record (level.h) is that of the guest's busiest hour, so it hides what goes wrong in a quiet one. Of a
 * few sums of a guest the record is therefore kept for each three hours of the day as well, of what is held longer.
 */
#ifndef KVMSTAT_DAILY_H
#define KVMSTAT_DAILY_H

#include "derive/level.h"
#include "kvmstat.h"

enum { DAILY_BLOCKS = 8 };

struct daily {
	uint16_t record[DAILY_BLOCKS]; /* highest level held for two spans */
	uint16_t low;		/* lowest of the span that is under way, and of the one before; 0 if a value is missing */
	uint16_t before;
	uint16_t peak;		/* highest held while abnormal */
	uint8_t span;		/* steps of it that are over */
	uint8_t calm;		/* steps */
	bool abnormal;
};

struct daily_rules {
	uint8_t signs;		/* the cause whose events are summed up, see kvmstat_judged */
	double span;		/* seconds */
	int margin;		/* level above the record */
	double linear;		/* rate above it; the higher of both limits counts */
	bool time;		/* the level is one of a time */
	int floor;		/* level that is loud */
};

enum { DAILY_IO, DAILY_INTERRUPT, DAILY_TIMER, DAILY_CPU, DAILY_SUMS };

/* The sums. */
extern const struct daily_rules daily_rules[DAILY_SUMS];

extern const char *const daily_names[DAILY_SUMS];

/* Which of them an event is part of, or DAILY_SUMS. */
unsigned int daily_sum(const struct kvmstat_judged *judged);

/* One step; hour 0 to 23. Returns whether it is abnormal. */
bool daily_update(struct daily *daily, uint16_t level, unsigned int hour, const struct daily_rules *rules,
		  bool judged, const struct pace *pace);

/* How far a level is above the limit, log2. */
double daily_excess(const struct daily *daily, uint16_t level, unsigned int hour, const struct daily_rules *rules);

void daily_fade(struct daily *daily, unsigned int units);
void daily_adopt(struct daily *daily, unsigned int hour);
void daily_forget(struct daily *daily);

#endif
