/* SPDX-License-Identifier: MIT */
/*
 * level.h - what an event of a guest reaches when nothing is wrong, and whether it is above that now
 *
 * A level is logarithmic: 1024 x log2(1 + rate), of times log2(1 + rate/10^6). Of each judged event of a guest two
 * records are kept, the highest level that was held for two steps and the highest that was held for a minute. Both
 * fade by half in two weeks. What is above them by a margin collects evidence.
 *
 * A step is a sample, or as many as make ten seconds.
 */
#ifndef KVMSTAT_LEVEL_H
#define KVMSTAT_LEVEL_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define LEVEL_MISSING UINT16_MAX /* no value; never to be taken for 0 */
#define LEVEL_MAX (UINT16_MAX - 1)
#define LEVEL_OF_LOG2(x) ((int)((x) * 1024))

/* Everything that could be tuned. Spans in seconds, margins and the like in log2. */
struct parameters {
	double step;		/* shortest step */
	double minute;		/* how long a record is held */
	double clear;		/* how long an event must be calm to be normal again */
	double margin_work[3];	/* [enum kvmstat_sensitivity] above the record: abnormal */
	double margin_pressure[3];
	double margin_first_day; /* more of it; of pressure only, work is not judged then */
	double margin_first_week;
	double unjudged;	/* a new guest has no record to speak of */
	double first_day;
	double first_week;
	double daily;		/* the records of hours of the day are judged by */
	double fade;		/* log2 down by 1 */
	double calm;		/* that far below the limit: calm */
	double grace;
	double adopt;		/* abnormal for so long: normal from now on */
	double adopted_age;
	double alone;		/* hold of an alarm with one abnormal event */
	double plain;		/* excess in log2 from which a sign of work needs no more than its hold */
	double patience;	/* at most so many times its hold */
	double spin;		/* how long a vCPU computes without a halt before it counts */
	double spin_cpu;	/* share of its time that it computes */
	double spin_halts;	/* a second; fewer are none */
	double silent;
	double silent_share;	/* of the quietest hour */
	double awake_share;
	double silent_least;	/* activity a second of that hour */
	double shortage;	/* hold of the host's shortage of CPU */
	double shortage_worse;	/* than the record, a factor */
	double shortage_over;	/* share of waiting */
	double shortage_guest;	/* share from which a guest counts among the three */
	double restored;	/* an alarm of before a restart shows again within this time, or is over */
	double kept;		/* a past alarm */
	double unseen;		/* a guest is forgotten */
	double unobserved;	/* an alarm without values ends */
	double minute_of_reports;
	unsigned int reports;	/* at most, in that time */
};

extern const struct parameters parameters;

/* What the length of a step makes of the parameters. */
struct pace {
	double step;
	uint8_t minute;		/* steps, at least two */
	uint8_t clear;
	uint8_t silent;
	uint8_t small;		/* evidence of a step above the record of a minute, and how much an innocent one takes away */
};

void pace_set(struct pace *pace, double step);

struct cell {
	uint16_t two;		/* records */
	uint16_t minute;
	uint16_t prev;		/* the step before, 0 if it is missing */
	uint16_t block;		/* lowest of the minute so far, 0 if one is missing */
	uint16_t peak;		/* highest minute while abnormal */
	uint8_t evidence;
	uint8_t calm;		/* steps */
};

enum { CELL_NEED = 60, CELL_BIG = 30, CELL_ABNORMAL = 255 };

/* How to judge a cell. */
struct limits {
	int margin;		/* above the record */
	int floor;		/* a level; nothing below it is abnormal */
	uint16_t ceiling;	/* no alarm teaches more than this */
	bool judged;		/* or only learnt from */
	bool pressure;		/* alarms teach nothing */
};

/*
 * log2 of a number from 1 on, exact for powers of two and nowhere off by a 135th of a unit of level: log2f() would take a
 * third of the time of a step.
 */
static inline float fast_log2(float number)
{
	const float c[] = { 0.4426541f, -0.2765695f, 0.1841008f, -0.0972018f, 0.0256913f };
	uint32_t bits;
	float x;

	memcpy(&bits, &number, sizeof(bits));
	x = (float)(bits & 0x7fffff) / (1 << 23);
	return (float)(int)((bits >> 23) - 127) +
	       x + x * (1 - x) * (c[0] + x * (c[1] + x * (c[2] + x * (c[3] + x * c[4]))));
}

/* The level of a rate a second; LEVEL_MISSING of NaN. */
static inline uint16_t level_of(double rate, bool time)
{
	float level;

	/* Most events of a guest do not happen in most steps. */
	if (rate == 0)
		return 0;
	if (isnan(rate))
		return LEVEL_MISSING;
	level = 1024.0f * fast_log2(1.0f + (float)(time ? rate * 1e-6 : rate));
	return level >= LEVEL_MAX ? LEVEL_MAX : (uint16_t)(level + 0.5f);
}

double level_rate(uint16_t level, bool time);

/* One step; level is LEVEL_MISSING if there is no value. ends: it is the last of a minute. */
void cell_update(struct cell *cell, uint16_t level, const struct limits *limits, const struct pace *pace, bool ends);

/*
 * The same, if the cell is at rest: there is no evidence, and the level is not above its record of a minute, so that neither
 * can change. Most cells are. False: it is not, or has no value, and nothing was done.
 */
static inline bool cell_rests(struct cell *cell, uint16_t level, bool ends)
{
	uint16_t low = level < cell->prev ? level : cell->prev;

	if (cell->evidence != 0 || level > cell->minute)
		return false;
	if (low > cell->two)
		cell->two = low;
	cell->prev = level;
	if (ends)
		cell->block = UINT16_MAX;
	else if (level < cell->block)
		cell->block = level;
	return true;
}

static inline bool cell_is_abnormal(const struct cell *cell)
{
	return cell->evidence == CELL_ABNORMAL;
}

/* How far a level is above what the cell makes abnormal, in log2. */
double cell_excess(const struct cell *cell, uint16_t level, const struct limits *limits);

/* Both records lose so much. */
void cell_fade(struct cell *cell, unsigned int units);

/* What it is now is normal from now on. */
void cell_adopt(struct cell *cell, const struct limits *limits);

/* Nothing is under suspicion any more; what was learnt stays. */
void cell_forget(struct cell *cell);

#endif
