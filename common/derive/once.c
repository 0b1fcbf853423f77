// SPDX-License-Identifier: MIT
/*
 * once.c - what two samples show without history
 */
#include <math.h>

#include "derive/alarm.h"
#include "derive/cause.h"
#include "derive/quiet.h"
#include "kvmstat.h"

enum { WAIT_PERCENT = 20 };

static double seconds_of(double ns)
{
	return isnan(ns) ? 0 : ns * 1e-9;
}

/* The rule is that of a host that is watched, as if this had lasted. */
static bool host_is_short(const struct demand *demand)
{
	struct shortage shortage = { .record = 0 };
	struct shortage_rules rules = { WAIT_PERCENT / 100.0, true };
	struct pace pace;

	pace_set(&pace, parameters.shortage);
	shortage_update(&shortage, demand, &rules, &pace, false);
	return shortage_update(&shortage, demand, &rules, &pace, false);
}

static struct kvmstat_alarm alarm_of(enum kvmstat_cause_number cause, const struct kvmstat_sample *sample, double cpu,
				     double wait)
{
	return (struct kvmstat_alarm){
		.guest = "", .key = "", .cause = kvmstat_cause(cause), .event = kvmstat_judged(KVMSTAT_NUMBER_WAIT),
		.rate = wait * 1e9, .usual = NAN, .since_ns = sample->realtime_ns, .cpus = sample->cpus,
		.wait = demand_share(cpu, wait),
	};
}

/* Which guest takes most; without history nothing shows which takes more than before. */
static void judge_host(const struct kvmstat_sample *sample, const struct kvmstat_rates *rates,
		       const struct demand *demand, struct kvmstat_alarm *alarm)
{
	struct taker taker = { "", 0 };

	*alarm = alarm_of(KVMSTAT_CAUSE_CPU_STARVED, sample, demand->cpu, demand->wait);
	for (uint32_t i = 0; i < sample->nrows; i++) {
		double cpus = seconds_of(kvmstat_rate_cpu(rates, i));

		if (sample->rows[i].guest->id && cpus > taker.cpus)
			taker = (struct taker){ sample->rows[i].guest->name, cpus };
	}
	alarm_describe(alarm, demand->cpu, 0, taker.cpus > 0 ? &taker : NULL);
}

static bool judge_guest(const struct kvmstat_sample *sample, const struct kvmstat_rates *rates, uint32_t row,
			struct kvmstat_alarm *alarm)
{
	const struct kvmstat_row *r = &sample->rows[row];
	struct symptoms symptoms = {
		.cpu = seconds_of(kvmstat_rate_cpu(rates, row)), .wait = seconds_of(kvmstat_rate_wait(rates, row)),
		.vcpus = r->vcpu_count, .cpus = sample->cpus,
	};
	enum kvmstat_cause_number cause = cause_of(&symptoms);

	if (!r->guest->id || cause == KVMSTAT_CAUSE_NONE)
		return false;
	*alarm = alarm_of(cause, sample, symptoms.cpu, symptoms.wait);
	alarm->guest = r->guest->name;
	alarm->key = r->guest->key[0] ? r->guest->key : r->guest->incarnation;
	alarm->vcpus = r->vcpu_count;
	alarm_describe(alarm, symptoms.cpu, 0, NULL);
	return true;
}

size_t kvmstat_judge_once(const struct kvmstat_sample *sample, const struct kvmstat_rates *rates,
			  struct kvmstat_alarm *alarms, size_t max)
{
	struct demand demand = { 0 };
	size_t n = 0;

	for (uint32_t i = 0; i < sample->nrows; i++)
		if (sample->rows[i].guest->id)
			demand_add(&demand, kvmstat_rate_cpu(rates, i), kvmstat_rate_wait(rates, i));
	if (n < max && host_is_short(&demand))
		judge_host(sample, rates, &demand, &alarms[n++]);
	for (uint32_t i = 0; i < sample->nrows && n < max; i++)
		n += judge_guest(sample, rates, i, &alarms[n]);
	return n;
}
