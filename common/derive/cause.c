// SPDX-License-Identifier: MIT
#include "derive/cause.h"

#include <string.h>

#include "derive/level.h"
#include "derive/quiet.h"

/* Excess that makes up for a place in the order of the causes, log2. */
#define ORDER_WORTH 2.0
/* Requests within a factor of 2.8 of the interrupts explain them. */
#define REQUESTS_NEAR 1.5
/* What is as loud as something else within a factor of 1.4. */
#define YIELDS_NEAR 0.5

const struct kvmstat_cause *kvmstat_cause(unsigned int number)
{
	return number > 0 && number < KVMSTAT_NCAUSES ? &cause_table[number] : NULL;
}

const struct kvmstat_cause *kvmstat_cause_named(const char *name)
{
	for (unsigned int i = 1; i < KVMSTAT_NCAUSES; i++)
		if (!strcmp(cause_table[i].name, name))
			return &cause_table[i];
	return NULL;
}

const char *kvmstat_severity_name(enum kvmstat_severity severity)
{
	static const char *const names[] = {
		[KVMSTAT_CLEAR] = "clear", [KVMSTAT_INDETERMINATE] = "indeterminate", [KVMSTAT_CRITICAL] = "critical",
		[KVMSTAT_MAJOR] = "major", [KVMSTAT_MINOR] = "minor", [KVMSTAT_WARNING] = "warning",
	};

	return (size_t)severity < sizeof(names) / sizeof(names[0]) && names[severity] ? names[severity] : "unknown";
}

static double share(const struct symptoms *s)
{
	return demand_share(s->cpu, s->wait);
}

static double loudest(const struct symptoms *s)
{
	double most = 0;

	for (unsigned int i = 1; i < KVMSTAT_NCAUSES; i++)
		if (s->excess[i] > most)
			most = s->excess[i];
	return most;
}

/* No other event is as loud, and they are more than what comes with more CPU time. */
static bool yields_lead(const struct symptoms *s)
{
	double yields = s->excess[KVMSTAT_CAUSE_LOCK];

	return s->event[KVMSTAT_CAUSE_LOCK] && yields >= loudest(s) - YIELDS_NEAR &&
	       (!s->event[KVMSTAT_CAUSE_SPIN] || yields >= s->excess[KVMSTAT_CAUSE_SPIN] + YIELDS_NEAR);
}

static bool is_overcommitted(const struct symptoms *s)
{
	if (!s->cpus || s->vcpus <= s->cpus)
		return false;
	return yields_lead(s) || (s->abnormal && share(s) > 0.10) || (!s->history && share(s) >= 0.20 && s->wait >= 0.2);
}

static bool is_starved(const struct symptoms *s)
{
	bool waits = share(s) >= 0.20 && s->wait >= 0.2;

	return s->abnormal && (waits || (s->event[KVMSTAT_CAUSE_LOCK] && share(s) > 0.05));
}

static bool is_contended(const struct symptoms *s)
{
	return yields_lead(s);
}

/* An event of its own speaks for it, and loudly enough to stand before those after it. */
static bool speaks(const struct symptoms *s, enum kvmstat_cause_number cause)
{
	return s->event[cause] && s->excess[cause] >= loudest(s) - ORDER_WORTH;
}

static bool is_io(const struct symptoms *s)
{
	return speaks(s, KVMSTAT_CAUSE_IO) &&
	       s->excess[KVMSTAT_CAUSE_IO] > s->excess[KVMSTAT_CAUSE_INTERRUPT] - REQUESTS_NEAR;
}

static bool is_spin(const struct symptoms *s)
{
	return s->event[KVMSTAT_CAUSE_SPIN] && s->abnormal == 1;
}

static bool is_stalled(const struct symptoms *s)
{
	return s->silent && s->cpu < 0.5;
}

static bool is_looping(const struct symptoms *s)
{
	return s->silent;
}

/* Waiting alone, for less than makes a guest starve, is no alarm. */
static bool is_anything(const struct symptoms *s)
{
	return s->abnormal > (s->event[KVMSTAT_CAUSE_CPU_STARVED] ? 1 : 0);
}

/* In this order; where there is no rule, an event that speaks for the cause decides. */
static const struct rule {
	enum kvmstat_cause_number cause;
	bool (*fits)(const struct symptoms *symptoms);
} rules[] = {
	{ KVMSTAT_CAUSE_STALLED, is_stalled },
	{ KVMSTAT_CAUSE_LOOPING, is_looping },
	{ KVMSTAT_CAUSE_OVERCOMMIT, is_overcommitted },
	{ KVMSTAT_CAUSE_CPU_STARVED, is_starved },
	{ KVMSTAT_CAUSE_LOCK, is_contended },
	{ KVMSTAT_CAUSE_LPAR_SHORT, NULL },
	{ KVMSTAT_CAUSE_MIGRATION, NULL },
	{ KVMSTAT_CAUSE_MEMORY, NULL },
	{ KVMSTAT_CAUSE_IO, is_io },
	{ KVMSTAT_CAUSE_INTERRUPT, NULL },
	{ KVMSTAT_CAUSE_TIMER, NULL },
	{ KVMSTAT_CAUSE_IPI, NULL },
	{ KVMSTAT_CAUSE_USERSPACE, NULL },
	{ KVMSTAT_CAUSE_NESTED, NULL },
	{ KVMSTAT_CAUSE_SPIN, is_spin },
	{ KVMSTAT_CAUSE_UNKNOWN, is_anything },
};

enum kvmstat_cause_number cause_of(const struct symptoms *symptoms)
{
	/* Of most guests in most steps: no event speaks for anything. */
	if (!symptoms->silent && !symptoms->abnormal)
		return is_overcommitted(symptoms) ? KVMSTAT_CAUSE_OVERCOMMIT : KVMSTAT_CAUSE_NONE;
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (rules[i].fits ? rules[i].fits(symptoms) : speaks(symptoms, rules[i].cause))
			return rules[i].cause;
	return KVMSTAT_CAUSE_NONE;
}

static bool is_moved_by_work(enum kvmstat_cause_number cause)
{
	return cause == KVMSTAT_CAUSE_LOCK || cause >= KVMSTAT_CAUSE_IO;
}

/* What is little above the limit is a burst of work more often than a fault: it must last longer. */
static double patience(double excess)
{
	double times = parameters.plain / excess;

	return times < 1 ? 1 : times > parameters.patience ? parameters.patience : times;
}

double cause_hold(enum kvmstat_cause_number cause, const struct symptoms *symptoms)
{
	double hold = cause_table[cause].hold_s;

	/* What is said without history, or by a single event that workloads move, waits for more. */
	if (cause == KVMSTAT_CAUSE_OVERCOMMIT)
		return symptoms->history || symptoms->abnormal ? hold : cause_table[KVMSTAT_CAUSE_CPU_STARVED].hold_s;
	if (cause > KVMSTAT_CAUSE_CPU_STARVED && symptoms->abnormal + symptoms->followers < 2 &&
	    hold < parameters.alone)
		hold = parameters.alone;
	return is_moved_by_work(cause) ? hold * patience(loudest(symptoms)) : hold;
}

/* Which events speak for a cause that has none of its own. */
static enum kvmstat_cause_number spoken_by(enum kvmstat_cause_number cause, const struct symptoms *s)
{
	if (cause == KVMSTAT_CAUSE_OVERCOMMIT || cause == KVMSTAT_CAUSE_CPU_STARVED) {
		if (s->event[KVMSTAT_CAUSE_LOCK])
			return KVMSTAT_CAUSE_LOCK;
		return KVMSTAT_CAUSE_CPU_STARVED;
	}
	return cause;
}

const struct kvmstat_judged *cause_event(enum kvmstat_cause_number cause, const struct symptoms *symptoms)
{
	const struct kvmstat_judged *event = symptoms->event[spoken_by(cause, symptoms)];
	double most = 0;

	if (cause == KVMSTAT_CAUSE_STALLED || cause == KVMSTAT_CAUSE_LOOPING)
		return NULL;
	for (unsigned int i = 1; !event && i < KVMSTAT_NCAUSES; i++) {
		if (symptoms->event[i] && symptoms->excess[i] >= most) {
			most = symptoms->excess[i];
			event = symptoms->event[i];
		}
	}
	return event ? event : kvmstat_judged(KVMSTAT_NUMBER_WAIT);
}
