// SPDX-License-Identifier: MIT
#include "derive/level.h"

#include <math.h>
#include <string.h>

enum { DAY = 86400, WEEK = 7 * DAY };

const struct parameters parameters = {
	.step = 10,
	.minute = 60,
	.clear = 180,
	.margin_work = { 1.0, 1.7, 0.6 },
	.margin_pressure = { 0.6, 1.2, 0.4 },
	.margin_first_day = 2.5,
	.margin_first_week = 1.0,
	.unjudged = 3600,
	.first_day = DAY,
	.first_week = WEEK,
	.daily = 3 * DAY,
	.fade = 2 * WEEK,
	.calm = 0.5,
	.grace = 600,
	.adopt = DAY,
	.adopted_age = 2 * DAY,
	.alone = 200,
	.plain = 7,
	.patience = 10,
	.spin = 300,
	.spin_cpu = 0.95,
	.spin_halts = 0.5,
	.silent = 30,
	.silent_share = 0.08,
	.awake_share = 0.25,
	.silent_least = 4,
	.shortage = 60,
	.shortage_worse = 1.25,
	.shortage_over = 0.10,
	.shortage_guest = 0.15,
	.restored = 180,
	.kept = DAY,
	.unseen = 30 * DAY,
	.unobserved = 600,
	.minute_of_reports = 60,
	.reports = 30,
};

/* At least two; what is counted so fits into a byte, since a step has ten seconds or more. */
static uint8_t steps(double span, double step)
{
	double n = round(span / step);

	return n < 2 ? 2 : n > 250 ? 250 : (uint8_t)n;
}

void pace_set(struct pace *pace, double step)
{
	pace->step = step;
	pace->minute = steps(parameters.minute, step);
	pace->clear = steps(parameters.clear, step);
	pace->silent = steps(parameters.silent, step);
	pace->small = (uint8_t)((CELL_NEED + pace->minute - 1) / pace->minute);
}

double level_rate(uint16_t level, bool time)
{
	return (exp2(level / 1024.0) - 1) * (time ? 1e6 : 1);
}

static uint16_t lower(uint16_t a, uint16_t b)
{
	return a < b ? a : b;
}

static void raise_to(uint16_t *record, int level)
{
	*record = (uint16_t)(level > *record ? level : *record);
}

/* What an alarm teaches: a third of what it showed. */
static void learn_from_alarm(struct cell *cell, const struct limits *limits)
{
	int peak = lower(cell->peak, limits->ceiling);

	if (!limits->pressure && peak > cell->minute)
		cell->minute = (uint16_t)(cell->minute + (peak - cell->minute) / 3);
	raise_to(&cell->two, cell->minute);
}

/* What was reached in a minute; as long as no minute was without gaps, in two steps. */
static int record_of(const struct cell *cell)
{
	return cell->minute ? cell->minute : cell->two;
}

static void calm_down(struct cell *cell, uint16_t level, const struct limits *limits, const struct pace *pace)
{
	int calm_below = record_of(cell) + limits->margin - LEVEL_OF_LOG2(parameters.calm);

	if (level < calm_below || level <= limits->floor)
		cell->calm++;
	else
		cell->calm = cell->calm > 3 ? cell->calm - 3 : 0;
	if (cell->calm < pace->clear)
		return;
	learn_from_alarm(cell, limits);
	cell_forget(cell);
}

/* Of all but a few cells nothing is loud, and one branch that is always taken says so. */
static void gather(struct cell *cell, uint16_t level, const struct limits *limits, const struct pace *pace)
{
	bool above = (level > limits->floor) & (level > record_of(cell) + limits->margin);
	int evidence = cell->evidence;

	if (!(above | (evidence != 0)))
		return;
	if (above && level > cell->two + limits->margin)
		evidence += CELL_BIG > pace->small ? CELL_BIG : pace->small;
	else if (above)
		evidence += pace->small;
	else
		evidence = evidence > pace->small ? evidence - pace->small : 0;
	if (evidence >= CELL_NEED) {
		evidence = CELL_ABNORMAL;
		cell->calm = 0;
		cell->peak = 0;
	}
	cell->evidence = (uint8_t)evidence;
}

static void end_minute(struct cell *cell)
{
	if (cell->evidence == 0)
		raise_to(&cell->minute, cell->block);
	else if (cell_is_abnormal(cell))
		raise_to(&cell->peak, cell->block);
	cell->block = UINT16_MAX;
}

void cell_update(struct cell *cell, uint16_t level, const struct limits *limits, const struct pace *pace, bool ends)
{
	if (level == LEVEL_MISSING) {
		cell->prev = 0;
		cell->block = 0;
	} else {
		if (cell_is_abnormal(cell))
			calm_down(cell, level, limits, pace);
		else if (limits->judged)
			gather(cell, level, limits, pace);
		if (cell->evidence == 0)
			raise_to(&cell->two, lower(level, cell->prev));
		cell->prev = level;
		cell->block = lower(cell->block, level);
	}
	if (ends)
		end_minute(cell);
}

double cell_excess(const struct cell *cell, uint16_t level, const struct limits *limits)
{
	return (level - record_of(cell) - limits->margin) / 1024.0;
}

void cell_fade(struct cell *cell, unsigned int units)
{
	cell->two = cell->two > units ? (uint16_t)(cell->two - units) : 0;
	cell->minute = cell->minute > units ? (uint16_t)(cell->minute - units) : 0;
}

void cell_adopt(struct cell *cell, const struct limits *limits)
{
	uint16_t peak = lower(cell->peak, limits->ceiling);

	if (cell_is_abnormal(cell)) {
		raise_to(&cell->minute, peak);
		raise_to(&cell->two, peak);
	}
	cell_forget(cell);
}

void cell_forget(struct cell *cell)
{
	cell->evidence = 0;
	cell->calm = 0;
	cell->peak = 0;
}
