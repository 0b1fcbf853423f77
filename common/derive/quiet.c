// SPDX-License-Identifier: MIT
#include "derive/quiet.h"

#include <math.h>

enum { WAITING_GUESTS = 3 };

/* A share is kept as the level of so many a second. */
#define SHARE_SCALE 1000.0

static uint16_t quietest(const struct quiet *quiet)
{
	uint16_t least = 0;

	for (unsigned int i = 0; i < 24; i++)
		if (quiet->hour[i] && (!least || quiet->hour[i] < least))
			least = quiet->hour[i];
	return least;
}

/* Quick down, slow up. */
static void learn(uint16_t *usual, uint16_t level)
{
	int step = level - (*usual ? *usual : level);

	step = step < 0 ? step / 4 : step / 256;
	*usual = (uint16_t)((*usual ? *usual : level) + step);
	if (!*usual)
		*usual = 1;
}

static bool is_below(double rate, double least, double share)
{
	return least >= parameters.silent_least && rate < share * least;
}

/* Does it do as little as a silent guest, or does a silent one do more? */
static bool is_odd(const struct quiet *quiet, uint16_t level, unsigned int hour, bool young)
{
	double least, rate;

	/* Most guests are not in most steps, and their own hour shows it, if it is known. */
	if (!quiet->silent && quiet->hour[hour] && level >= quiet->hour[hour])
		return false;
	least = level_rate(quietest(quiet), false);
	rate = level_rate(level, false);
	if (quiet->silent)
		return !is_below(rate, least, parameters.awake_share);
	return is_below(rate, least, young ? parameters.silent_share / 4 : parameters.silent_share);
}

bool quiet_update(struct quiet *quiet, uint16_t level, unsigned int hour, bool young, const struct pace *pace)
{
	bool odd;

	if (level == LEVEL_MISSING) {
		quiet->steps = 0;
		return quiet->silent;
	}
	odd = is_odd(quiet, level, hour, young);
	quiet->steps = odd ? quiet->steps + 1 : 0;
	if (quiet->steps >= (quiet->silent ? 2 : pace->silent)) {
		quiet->silent = !quiet->silent;
		quiet->steps = 0;
	}
	if (!quiet->silent && !odd)
		learn(&quiet->hour[hour], level);
	return quiet->silent;
}

void quiet_forget(struct quiet *quiet)
{
	quiet->silent = false;
	quiet->steps = 0;
}

/* ---- the host ----------------------------------------------------------- */

double demand_share(double cpu, double wait)
{
	return wait > 0 ? wait / (cpu + wait) : 0;
}

void demand_add(struct demand *demand, double cpu_ns, double wait_ns)
{
	if (isnan(cpu_ns) || isnan(wait_ns))
		return;
	demand->cpu += cpu_ns * 1e-9;
	demand->wait += wait_ns * 1e-9;
	if (demand_share(cpu_ns, wait_ns) > parameters.shortage_guest)
		demand->waiting++;
}

bool shortage_holds_back(const struct demand *demand)
{
	return demand_share(demand->cpu, demand->wait) > parameters.shortage_over && demand->waiting >= WAITING_GUESTS;
}

static bool is_short(const struct shortage *shortage, const struct demand *demand, double share,
		     const struct shortage_rules *rules)
{
	double known = level_rate(shortage->record, false) / SHARE_SCALE;

	return share >= rules->share && demand->wait >= 1 && demand->waiting >= WAITING_GUESTS &&
	       (rules->known || share > parameters.shortage_worse * known);
}

/* A minute is over: the record, or what an alarm teaches, as of a sign of work. */
static void end_minute(struct shortage *shortage)
{
	uint16_t *highest = shortage->active ? &shortage->peak : &shortage->record;

	if (shortage->block > *highest && (shortage->active || shortage->held == 0))
		*highest = shortage->block;
	shortage->block = UINT16_MAX;
}

static void end_shortage(struct shortage *shortage)
{
	if (shortage->peak > shortage->record)
		shortage->record = (uint16_t)(shortage->record + (shortage->peak - shortage->record) / 3);
	shortage->active = false;
	shortage->held = 0;
	shortage->calm = 0;
	shortage->peak = 0;
}

bool shortage_update(struct shortage *shortage, const struct demand *demand, const struct shortage_rules *rules,
		     const struct pace *pace, bool ends)
{
	double share = demand_share(demand->cpu, demand->wait);
	uint16_t level = level_of(share * SHARE_SCALE, false);

	if (shortage->active) {
		shortage->calm = share < parameters.shortage_over ? shortage->calm + pace->step : 0;
		if (shortage->calm >= parameters.clear)
			end_shortage(shortage);
	} else if (is_short(shortage, demand, share, rules)) {
		shortage->held += pace->step;
		shortage->active = shortage->held >= parameters.shortage && shortage->held >= 2 * pace->step;
	} else {
		shortage->held = shortage->held > pace->step ? shortage->held - pace->step : 0;
	}
	if (level < shortage->block)
		shortage->block = level;
	if (ends)
		end_minute(shortage);
	return shortage->active;
}

void shortage_fade(struct shortage *shortage, unsigned int units)
{
	shortage->record = shortage->record > units ? (uint16_t)(shortage->record - units) : 0;
}
