// SPDX-License-Identifier: MIT
#include "derive/daily.h"

const char *const daily_names[DAILY_SUMS] = { [DAILY_IO] = "io", [DAILY_INTERRUPT] = "interrupt",
						[DAILY_TIMER] = "timer", [DAILY_CPU] = "cpu" };

const struct daily_rules daily_rules[DAILY_SUMS] = {
	[DAILY_IO] = { .signs = KVMSTAT_CAUSE_IO, .span = 120, .margin = LEVEL_OF_LOG2(1.2), .floor = LEVEL_OF_LOG2(6.3) },
	[DAILY_INTERRUPT] = { .signs = KVMSTAT_CAUSE_INTERRUPT, .span = 120, .margin = LEVEL_OF_LOG2(1.2),
			      .floor = LEVEL_OF_LOG2(6.9) },
	[DAILY_TIMER] = { .signs = KVMSTAT_CAUSE_TIMER, .span = 120, .margin = LEVEL_OF_LOG2(1.2),
			  .floor = LEVEL_OF_LOG2(6.3) },
	[DAILY_CPU] = { .signs = KVMSTAT_CAUSE_SPIN, .span = 300, .margin = LEVEL_OF_LOG2(0.2), .linear = 0.55e9, .time = true },
};

unsigned int daily_sum(const struct kvmstat_judged *judged)
{
	unsigned int sum = 0;

	while (sum < DAILY_SUMS && (judged->judge == KVMSTAT_FOLLOW || daily_rules[sum].signs != judged->signs))
		sum++;
	return sum;
}

static unsigned int block_of(unsigned int hour)
{
	return hour * DAILY_BLOCKS / 24 % DAILY_BLOCKS;
}

/* Work that is due at some hour comes earlier or later: the blocks before and after count as well. */
static uint16_t record_of(const struct daily *daily, unsigned int hour)
{
	unsigned int block = block_of(hour);
	uint16_t most = 0;

	for (unsigned int i = DAILY_BLOCKS - 1; i <= DAILY_BLOCKS + 1; i++)
		if (daily->record[(block + i) % DAILY_BLOCKS] > most)
			most = daily->record[(block + i) % DAILY_BLOCKS];
	return most;
}

static int limit_of(const struct daily *daily, unsigned int hour, const struct daily_rules *rules)
{
	uint16_t record = record_of(daily, hour);
	int limit = record + rules->margin, linear = 0;

	if (rules->linear > 0)
		linear = level_of(level_rate(record, rules->time) + rules->linear, rules->time);
	if (linear > limit)
		limit = linear;
	return limit > rules->floor ? limit : rules->floor;
}

double daily_excess(const struct daily *daily, uint16_t level, unsigned int hour, const struct daily_rules *rules)
{
	return (level - limit_of(daily, hour, rules)) / 1024.0;
}

static uint16_t lower(uint16_t a, uint16_t b)
{
	return a < b ? a : b;
}

static void end_span(struct daily *daily, unsigned int hour, const struct daily_rules *rules, bool judged)
{
	uint16_t held = lower(daily->low, daily->before), *record = &daily->record[block_of(hour)];

	if (daily->abnormal) {
		if (held > daily->peak)
			daily->peak = held;
	} else if (judged && record_of(daily, hour) && held > limit_of(daily, hour, rules)) {
		daily->abnormal = true;
		daily->peak = held;
		daily->calm = 0;
	} else if (held > *record) {
		*record = held;
	}
	daily->before = daily->low;
	daily->low = UINT16_MAX;
	daily->span = 0;
}

/* What an alarm teaches: what it showed, and half of it for other hours, so that a change is reported once. */
static void learn_from_alarm(struct daily *daily, unsigned int hour)
{
	for (unsigned int i = 0; i < DAILY_BLOCKS; i++) {
		int level = daily->peak - (i == block_of(hour) ? 0 : LEVEL_OF_LOG2(1));

		if (level > daily->record[i])
			daily->record[i] = (uint16_t)level;
	}
}

static void calm_down(struct daily *daily, uint16_t level, unsigned int hour, const struct daily_rules *rules,
		      const struct pace *pace)
{
	if (level <= limit_of(daily, hour, rules))
		daily->calm++;
	else
		daily->calm = daily->calm > 3 ? daily->calm - 3 : 0;
	if (daily->calm < pace->clear)
		return;
	learn_from_alarm(daily, hour);
	daily_forget(daily);
}

bool daily_update(struct daily *daily, uint16_t level, unsigned int hour, const struct daily_rules *rules,
		  bool judged, const struct pace *pace)
{
	if (level == LEVEL_MISSING) {
		daily->low = 0;
	} else {
		daily->low = lower(daily->low, level);
		if (daily->abnormal)
			calm_down(daily, level, hour, rules, pace);
	}
	if (++daily->span * pace->step >= rules->span)
		end_span(daily, hour, rules, judged);
	return daily->abnormal;
}

void daily_fade(struct daily *daily, unsigned int units)
{
	for (unsigned int i = 0; i < DAILY_BLOCKS; i++)
		daily->record[i] = daily->record[i] > units ? (uint16_t)(daily->record[i] - units) : 0;
}

void daily_adopt(struct daily *daily, unsigned int hour)
{
	if (daily->abnormal)
		learn_from_alarm(daily, hour);
	daily_forget(daily);
}

void daily_forget(struct daily *daily)
{
	daily->abnormal = false;
	daily->calm = 0;
	daily->peak = 0;
	daily->low = daily->before = 0;
	daily->span = 0;
}
