// SPDX-License-Identifier: MIT
#include "derive/alarm.h"

#include <stdlib.h>
#include <string.h>

#include "derive/level.h"

#define NS_PER_S 1e9

void alarms_free(struct alarms *alarms)
{
	for (size_t i = 0; i < alarms->count; i++)
		free(alarms->all[i]);
	free(alarms->all);
	free(alarms->public);
	memset(alarms, 0, sizeof(*alarms));
}

static bool make_room(struct alarms *alarms)
{
	size_t room = alarms->room ? 2 * alarms->room : 16;
	const struct kvmstat_alarm **public;
	struct alarm **all;

	if (alarms->count < alarms->room)
		return true;
	all = reallocarray(alarms->all, room, sizeof(*all));
	if (!all)
		return false;
	alarms->all = all;
	public = reallocarray(alarms->public, room, sizeof(*public));
	if (!public)
		return false;
	alarms->public = public;
	alarms->room = room;
	return true;
}

struct alarm *alarm_raise(struct alarms *alarms, const struct kvmstat_alarm *what, const struct moment *now)
{
	size_t guest = strlen(what->guest) + 1, key = strlen(what->key) + 1;
	struct alarm *alarm;

	if (!make_room(alarms))
		return NULL;
	alarm = calloc(1, sizeof(*alarm) + guest + key);
	if (!alarm)
		return NULL;
	alarm->public = *what;
	alarm->public.guest = memcpy(alarm->names, what->guest, guest);
	alarm->public.key = memcpy(alarm->names + guest, what->key, key);
	if (!what->number) {
		alarm->public.first_event = what->event;
		alarm->public.number = ++alarms->last_number;
		alarm->public.since_ns = now->realtime_ns;
		alarm->raise_due = true;
		alarms->due++;
	} else if (what->number > alarms->last_number) {
		alarms->last_number = what->number;
	}
	alarm->began_ns = now->time_ns;
	alarms->all[alarms->count] = alarm;
	alarms->public[alarms->count++] = &alarm->public;
	return alarm;
}

void alarm_update(struct alarms *alarms, struct alarm *alarm, const struct kvmstat_alarm *what)
{
	if (alarm->updated)
		return;
	alarm->public.cause = what->cause;
	alarm->public.event = what->event;
	alarm->public.rate = what->rate;
	alarm->public.usual = what->usual;
	alarm->public.wait = what->wait;
	alarm->public.busiest = what->busiest;
	alarm->public.busiest_vcpu = what->busiest_vcpu;
	alarm->updated = true;
	alarm->update_due = true;
	alarms->due++;
}

void alarm_clear(struct alarms *alarms, struct alarm *alarm, enum kvmstat_ending ending, const struct moment *now)
{
	alarm->public.ending = ending;
	alarm->public.cleared_ns = now->realtime_ns;
	alarm->ended_ns = now->time_ns;
	alarm->clear_due = true;
	alarms->due++;
	alarms->past++;
	alarm_describe_end(&alarm->public);
}

void alarm_join(struct alarm *alarm, const struct kvmstat_judged *event)
{
	for (uint32_t i = 0; i < alarm->public.nevents; i++)
		if (alarm->public.events[i] == event)
			return;
	if (alarm->public.nevents < KVMSTAT_ALARM_EVENTS)
		alarm->public.events[alarm->public.nevents++] = event;
}

/* ---- reports ------------------------------------------------------------ */

static void report(struct alarms *alarms, enum kvmstat_change_kind kind, const struct kvmstat_alarm *alarm,
		   uint32_t count)
{
	alarms->changes[alarms->nchanges++] = (struct kvmstat_change){ kind, alarm, count };
	alarms->reported++;
}

/* A new minute, which begins with how many the last one has held back. */
static void begin_minute(struct alarms *alarms, const struct moment *now)
{
	alarms->minute_ns = now->time_ns;
	alarms->reported = 0;
	if (alarms->suppressed)
		report(alarms, KVMSTAT_SUPPRESSED, NULL, alarms->suppressed);
	alarms->suppressed = 0;
}

/* The end of what was reported is reported, if not now then later. */
static void report_clear(struct alarms *alarms, struct alarm *alarm)
{
	if (!alarm->clear_due)
		return;
	if (alarm->public.known && alarms->reported >= ALARM_REPORTS)
		return;
	alarm->clear_due = alarm->update_due = alarm->raise_due = false;
	if (alarm->public.known)
		report(alarms, KVMSTAT_CLEARED, &alarm->public, 0);
}

/* What is held back of the rest is counted, and stays in the table. */
static void report_news(struct alarms *alarms, struct alarm *alarm)
{
	bool is_new = alarm->raise_due;

	if (alarm->clear_due || (!alarm->raise_due && !(alarm->update_due && alarm->public.known)))
		return;
	alarm->raise_due = alarm->update_due = false;
	if (alarms->reported >= ALARM_REPORTS) {
		alarms->suppressed++;
		return;
	}
	alarm->public.known = true;
	report(alarms, is_new ? KVMSTAT_RAISED : KVMSTAT_UPDATED, &alarm->public, 0);
}

static size_t count_due(const struct alarms *alarms)
{
	size_t due = 0;

	for (size_t i = 0; i < alarms->count; i++)
		due += alarms->all[i]->raise_due || alarms->all[i]->update_due || alarms->all[i]->clear_due;
	return due;
}

static void drop_old(struct alarms *alarms, const struct moment *now)
{
	uint64_t kept_ns = (uint64_t)(parameters.kept * NS_PER_S);
	size_t kept = 0;

	for (size_t i = 0; i < alarms->count; i++) {
		struct alarm *alarm = alarms->all[i];
		bool over = alarm->public.cleared_ns && !alarm->clear_due;

		if (over && (now->time_ns - alarm->ended_ns > kept_ns || alarms->past > ALARM_PAST_MAX)) {
			free(alarm);
			alarms->past--;
			continue;
		}
		alarms->all[kept] = alarm;
		alarms->public[kept++] = &alarm->public;
	}
	alarms->count = kept;
}

void alarms_report(struct alarms *alarms, const struct moment *now)
{
	alarms->nchanges = 0;
	if (alarms->past)
		drop_old(alarms, now);
	if ((double)(now->time_ns - alarms->minute_ns) >= parameters.minute_of_reports * NS_PER_S)
		begin_minute(alarms, now);
	if (!alarms->due)
		return;
	for (size_t i = 0; i < alarms->count; i++)
		report_clear(alarms, alarms->all[i]);
	for (size_t i = 0; i < alarms->count; i++)
		report_news(alarms, alarms->all[i]);
	alarms->due = count_due(alarms);
}

const char *kvmstat_ending_name(enum kvmstat_ending ending)
{
	static const char *const names[KVMSTAT_NENDINGS] = {
		[KVMSTAT_ACTIVE_STILL] = "active",
		[KVMSTAT_NORMAL_AGAIN] = "normal again",
		[KVMSTAT_GUEST_ENDED] = "guest ended",
		[KVMSTAT_GUEST_RESTARTED] = "guest restarted",
		[KVMSTAT_NEW_NORMAL] = "new normal, the rate stayed",
		[KVMSTAT_NOT_OBSERVED] = "no longer observed",
		[KVMSTAT_REPLACED] = "another alarm took its place",
	};

	return (size_t)ending < KVMSTAT_NENDINGS ? names[ending] : "unknown";
}
