// SPDX-License-Identifier: MIT
/*
 * diagnose.c - one sample: what each guest does in this step, what of it is abnormal, why, and what is to be reported
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "derive/cause.h"
#include "derive/verdict.h"
#include "derive/watch.h"

enum { GRACE_S = 600, WAIT_PERCENT = 20 };

struct kvmstat_diagnosis *kvmstat_diagnosis_new(const struct kvmstat_diagnosis_config *config)
{
	struct kvmstat_diagnosis *diagnosis = calloc(1, sizeof(*diagnosis));

	if (!diagnosis)
		return NULL;
	diagnosis->config = *config;
	diagnosis->release = strdup(config->release ? config->release : "");
	diagnosis->config.release = diagnosis->release;
	diagnosis->config.guests = config->guests ? filter_copy(config->guests) : NULL;
	if (!diagnosis->release || !diagnosis->config.guests != !config->guests) {
		kvmstat_diagnosis_free(diagnosis);
		return NULL;
	}
	if (!diagnosis->config.grace_s)
		diagnosis->config.grace_s = GRACE_S;
	if (!diagnosis->config.wait_percent)
		diagnosis->config.wait_percent = WAIT_PERCENT;
	return diagnosis;
}

void kvmstat_diagnosis_free(struct kvmstat_diagnosis *diagnosis)
{
	if (!diagnosis)
		return;
	for (size_t i = 0; i < diagnosis->nguests; i++)
		watched_free(diagnosis->guests[i]);
	alarms_free(&diagnosis->alarms);
	free(diagnosis->release);
	filter_free(diagnosis->config.guests);
	free(diagnosis->guests);
	free(diagnosis->rows);
	free(diagnosis->row_ids);
	free(diagnosis->slots);
	free(diagnosis->alive);
	free(diagnosis->rate);
	free(diagnosis->level);
	free(diagnosis);
}

/* ---- rates of a step ---------------------------------------------------- */

/* One sample on its way through kvmstat_diagnose(). */
struct pass {
	struct kvmstat_diagnosis *diagnosis;
	const struct kvmstat_sample *sample;
	const struct kvmstat_rates *rates;
	double seconds;		/* since the sample before */
	bool gap;		/* samples are missing before this one: the rates are those of a longer time, and true */
	bool ends;		/* the step is the last of a minute */
};

/* Rates of all slots in this sample. */
static void read_rates(const struct pass *pass, uint32_t row)
{
	struct kvmstat_diagnosis *diagnosis = pass->diagnosis;
	const double *rates = kvmstat_rates_of(pass->rates, row);
	double *rate = diagnosis->rate;

	for (uint32_t i = 0; i < diagnosis->nslots; i++)
		rate[i] = diagnosis->slots[i].cell == SLOT_ABSENT ? NAN : rates[diagnosis->slots[i].cell];
	rate[diagnosis->cpu_slot] = kvmstat_rate_cpu(pass->rates, row);
	rate[diagnosis->wait_slot] = kvmstat_rate_wait(pass->rates, row);
}

/* Of what the guest has; NaN if it has nothing, or something has no rate. */
static double alive_rate(const struct pass *pass, uint32_t row)
{
	const struct kvmstat_diagnosis *diagnosis = pass->diagnosis;
	const double *rates = kvmstat_rates_of(pass->rates, row);
	const uint8_t *from = pass->sample->rows[row].from;
	double sum = 0;
	bool any = false;

	for (uint32_t i = 0; i < diagnosis->nalive; i++) {
		uint32_t cell = diagnosis->alive[i];

		if (from[cell] == KVMSTAT_ABSENT)
			continue;
		sum += rates[cell];
		any = true;
	}
	return any ? sum : NAN;
}

/* Single vCPUs, of each sample: one halt is enough. */
static void note_vcpus(const struct pass *pass, uint32_t row, struct watched *guest)
{
	const struct kvmstat_row *r = &pass->sample->rows[row];
	uint32_t halts = pass->diagnosis->halts;

	for (uint32_t k = 0; k < r->nvcpus && halts != SLOT_ABSENT; k++) {
		uint32_t vcpu = (uint32_t)(r->vcpus - pass->sample->vcpus) + k;

		if (spin_note(&guest->spin, r->vcpus[k].id, kvmstat_rate_vcpu_cpu(pass->rates, vcpu),
			      kvmstat_rate_of_vcpu(pass->rates, vcpu, halts), pass->seconds) < 0)
			pass->diagnosis->short_of_memory = true;
	}
}

/* A sample within a step. */
static void add_up(const struct pass *pass, uint32_t row, struct watched *guest)
{
	uint32_t n = pass->diagnosis->nslots;

	note_vcpus(pass, row, guest);
	if (!guest->sums)
		guest->sums = calloc(guest->room + 1, sizeof(*guest->sums));
	if (!guest->sums) {
		pass->diagnosis->short_of_memory = true;
		return;
	}
	read_rates(pass, row);
	for (uint32_t i = 0; i < n; i++)
		guest->sums[i] += (float)(pass->diagnosis->rate[i] * pass->seconds);
	guest->sums[n] += (float)(alive_rate(pass, row) * pass->seconds);
	guest->summed += (float)pass->seconds;
}

/* The mean of the step, of which this sample is the last; NaN if a part of it is missing. */
static double mean(const struct pass *pass, const struct watched *guest, uint32_t i, double rate)
{
	return (guest->sums[i] + rate * pass->seconds) / (guest->summed + pass->seconds);
}

/* The rates of this sample become those of the step. */
static void take_means(const struct pass *pass, struct watched *guest, double *alive)
{
	uint32_t n = pass->diagnosis->nslots;

	for (uint32_t i = 0; i < n; i++)
		pass->diagnosis->rate[i] = mean(pass, guest, i, pass->diagnosis->rate[i]);
	*alive = mean(pass, guest, n, *alive);
	memset(guest->sums, 0, (n + 1) * sizeof(*guest->sums));
	guest->summed = 0;
}

/* All rates of the step, and how much the guest does. */
static double take_step(const struct pass *pass, uint32_t row, struct watched *guest)
{
	struct kvmstat_diagnosis *diagnosis = pass->diagnosis;
	double alive = alive_rate(pass, row), *rate = diagnosis->rate;

	note_vcpus(pass, row, guest);
	read_rates(pass, row);
	if (guest->summed != 0)
		take_means(pass, guest, &alive);
	for (uint32_t i = 0; i < diagnosis->nslots; i++)
		diagnosis->level[i] = level_of(rate[i], false);
	diagnosis->level[diagnosis->cpu_slot] = level_of(rate[diagnosis->cpu_slot], true);
	diagnosis->level[diagnosis->wait_slot] = level_of(rate[diagnosis->wait_slot], true);
	guest->cpu = (float)(rate[diagnosis->cpu_slot] * 1e-9);
	guest->wait = (float)(rate[diagnosis->wait_slot] * 1e-9);
	return alive;
}

/* ---- one guest ---------------------------------------------------------- */

/* The sums of events that speak for one cause; missing if one of them is. */
static void add_sums(struct kvmstat_diagnosis *diagnosis)
{
	double rate[DAILY_SUMS];

	for (unsigned int sum = 0; sum < DAILY_SUMS; sum++)
		rate[sum] = -1;
	for (uint32_t i = 0; i < diagnosis->nslots; i++) {
		const struct slot *slot = &diagnosis->slots[i];

		if (slot->sum < DAILY_SUMS && (slot->cell != SLOT_ABSENT || slot->time))
			rate[slot->sum] = (rate[slot->sum] < 0 ? 0 : rate[slot->sum]) + diagnosis->rate[i];
	}
	for (unsigned int sum = 0; sum < DAILY_SUMS; sum++)
		diagnosis->sum[sum] = level_of(rate[sum] < 0 ? NAN : rate[sum], daily_rules[sum].time);
}

static void update_daily(const struct pass *pass, struct watched *guest, bool known)
{
	struct kvmstat_diagnosis *diagnosis = pass->diagnosis;

	for (unsigned int i = 0; i < DAILY_SUMS; i++) {
		daily_update(&guest->daily[i], known ? diagnosis->sum[i] : LEVEL_MISSING,
			     diagnosis->hour, &daily_rules[i], guest->age >= parameters.daily,
			     &diagnosis->pace);
	}
}

/* Where its events come from; KVMSTAT_ABSENT: none of them could be read. */
static uint8_t source_of(const struct kvmstat_diagnosis *diagnosis, const struct kvmstat_row *row)
{
	uint8_t source = KVMSTAT_ABSENT;

	for (uint32_t i = 0; i < diagnosis->nalive && source == KVMSTAT_ABSENT; i++)
		source = row->from[diagnosis->alive[i]];
	/* The option Event may leave all of those out. */
	for (uint32_t i = 0; i < diagnosis->nslots && !diagnosis->nalive && source == KVMSTAT_ABSENT; i++)
		if (diagnosis->slots[i].cell != SLOT_ABSENT)
			source = row->from[diagnosis->slots[i].cell];
	return source;
}

/* What makes a guest another one, or its numbers others. */
static void look_at_changes(const struct pass *pass, uint32_t row, struct watched *guest)
{
	const struct kvmstat_row *r = &pass->sample->rows[row];
	uint64_t grace = (uint64_t)(pass->diagnosis->config.grace_s * NS_PER_S);
	uint64_t discontinuity = kvmstat_discontinuity(pass->rates, row);
	uint8_t source = source_of(pass->diagnosis, r);

	if (discontinuity && discontinuity + grace > guest->grace_until)
		guest->grace_until = discontinuity + grace;
	if (source != KVMSTAT_ABSENT) {
		guest->seen_ns = pass->sample->time_ns;
		if (guest->source != KVMSTAT_ABSENT && guest->source != source)
			guest->grace_until = pass->sample->time_ns + grace;
		guest->source = source;
	}
	if (r->vcpu_count && guest->vcpus && (r->vcpu_count >= 2 * guest->vcpus || guest->vcpus >= 2 * r->vcpu_count) &&
	    guest->age > parameters.first_day)
		guest->age = parameters.first_day;
	if (r->vcpu_count)
		guest->vcpus = r->vcpu_count;
	guest->last_s = pass->sample->realtime_ns / 1000000000u;
}

static void fade(const struct kvmstat_diagnosis *diagnosis, struct watched *guest)
{
	double each = parameters.fade / 1024;

	if (guest->faded > guest->age)
		guest->faded = guest->age;
	if (guest->age - guest->faded < each)
		return;
	guest->faded += each;
	for (uint32_t i = 0; i < diagnosis->nslots; i++)
		cell_fade(&guest->cells[i], 1);
	for (unsigned int i = 0; i < DAILY_SUMS; i++)
		daily_fade(&guest->daily[i], 1);
	spin_fade(&guest->spin, 1);
}

/* The cells of a guest, of which nothing may be said now. */
static void skip_cells(const struct pass *pass, struct watched *guest)
{
	for (uint32_t i = 0; i < pass->diagnosis->nslots; i++) {
		struct limits none = { .ceiling = LEVEL_MAX };

		cell_update(&guest->cells[i], LEVEL_MISSING, &none, &pass->diagnosis->pace, pass->ends);
	}
	update_daily(pass, guest, false);
	spin_forget(&guest->spin);
}

/* Returns whether anything had a value. */
static bool update_cells(const struct pass *pass, struct watched *guest, const struct manner *manner)
{
	struct kvmstat_diagnosis *diagnosis = pass->diagnosis;
	bool any = false;

	guest->suspected = false;
	for (uint32_t i = 0; i < diagnosis->nslots; i++) {
		struct cell *cell = &guest->cells[i];
		uint16_t level = diagnosis->level[i];
		struct limits limits;

		if (cell_rests(cell, level, pass->ends)) {
			any = true;
			continue;
		}
		limits = watched_limits(diagnosis, guest, manner, i);
		cell_update(cell, level, &limits, &diagnosis->pace, pass->ends);
		any |= level != LEVEL_MISSING;
		guest->suspected |= cell->evidence != 0;
	}
	return any;
}

static void judge(const struct pass *pass, uint32_t row, struct watched *guest)
{
	struct kvmstat_diagnosis *diagnosis = pass->diagnosis;
	struct manner manner;
	uint16_t alive;

	guest->row = row;
	look_at_changes(pass, row, guest);
	alive = level_of(take_step(pass, row, guest), false);
	demand_add(&diagnosis->demand, guest->cpu * 1e9, guest->wait * 1e9);
	if (pass->sample->time_ns < guest->grace_until) {
		skip_cells(pass, guest);
		return;
	}
	manner = watched_manner(diagnosis, guest);
	if (quiet_update(&guest->quiet, alive, diagnosis->hour,
			 guest->age < parameters.first_day, &diagnosis->pace)) {
		skip_cells(pass, guest);
	} else {
		add_sums(diagnosis);
		update_daily(pass, guest, true);
		spin_step(&guest->spin, manner.work.judged, &diagnosis->pace);
		if (update_cells(pass, guest, &manner))
			guest->age += diagnosis->pace.step;
		fade(diagnosis, guest);
	}
	verdict_of_guest(diagnosis, guest, &manner, pass->sample->cpus);
}

/* ---- the sample --------------------------------------------------------- */

static void fade_host(struct kvmstat_diagnosis *diagnosis, double seconds)
{
	double each = parameters.fade / 1024;

	diagnosis->fade_due += seconds;
	while (diagnosis->fade_due >= each) {
		diagnosis->fade_due -= each;
		shortage_fade(&diagnosis->shortage, 1);
	}
}

static void judge_host(const struct pass *pass)
{
	struct kvmstat_diagnosis *diagnosis = pass->diagnosis;
	struct shortage_rules rules = { diagnosis->config.wait_percent / 100.0, diagnosis->config.wait_known };

	shortage_update(&diagnosis->shortage, &diagnosis->demand, &rules, &diagnosis->pace, pass->ends);
	fade_host(diagnosis, diagnosis->pace.step);
	verdict_of_host(diagnosis, pass->sample->cpus);
}

/* Guests are judged by the host's demand in the step before: that of this one is known after the last of them. */
static void begin_demand(const struct pass *pass)
{
	struct kvmstat_diagnosis *diagnosis = pass->diagnosis;

	diagnosis->held_back = shortage_holds_back(&diagnosis->demand);
	diagnosis->demand = (struct demand){ 0 };
}

static void step(struct pass *pass)
{
	struct kvmstat_diagnosis *diagnosis = pass->diagnosis;

	/* After a gap a step is one step all the same. */
	pace_set(&diagnosis->pace, pass->gap ? fmax(diagnosis->interval, parameters.step) : diagnosis->since_step);
	diagnosis->step = (diagnosis->step + 1) % diagnosis->pace.minute;
	pass->ends = diagnosis->step == 0;
	begin_demand(pass);
	for (uint32_t i = 0; i < diagnosis->nrows; i++)
		if (diagnosis->rows[i])
			judge(pass, i, diagnosis->rows[i]);
	judge_host(pass);
	diagnosis->since_step = 0;
}

/* The time between samples: quick down, slow up, since samples may be missing but do not come early. */
static void measure_interval(struct kvmstat_diagnosis *diagnosis, double seconds)
{
	if (!diagnosis->interval || seconds < diagnosis->interval)
		diagnosis->interval = seconds;
	else
		diagnosis->interval += (fmin(seconds, 2 * diagnosis->interval) - diagnosis->interval) / 16;
}

static void take(struct pass *pass)
{
	struct kvmstat_diagnosis *diagnosis = pass->diagnosis;

	pass->gap = diagnosis->interval && pass->seconds > 1.5 * diagnosis->interval;
	measure_interval(diagnosis, pass->seconds);
	diagnosis->since_step += pass->seconds;
	/* A sample may come a little early. */
	if (diagnosis->since_step >= 0.95 * parameters.step) {
		step(pass);
		return;
	}
	for (uint32_t i = 0; i < diagnosis->nrows; i++)
		if (diagnosis->rows[i])
			add_up(pass, i, diagnosis->rows[i]);
}

/* Alarms of before a restart, whose times are known only now. */
static void begin(struct kvmstat_diagnosis *diagnosis)
{
	for (size_t i = 0; i < diagnosis->alarms.count; i++) {
		struct alarm *alarm = diagnosis->alarms.all[i];
		uint64_t age = diagnosis->now.realtime_ns - alarm->public.since_ns;
		uint64_t over = diagnosis->now.realtime_ns - alarm->public.cleared_ns;

		if (alarm->public.cleared_ns) {
			alarm->ended_ns = over < diagnosis->now.time_ns ? diagnosis->now.time_ns - over : 0;
			continue;
		}
		alarm->restored_until = diagnosis->now.time_ns + (uint64_t)(parameters.restored * NS_PER_S);
		alarm->began_ns = age < diagnosis->now.time_ns ? diagnosis->now.time_ns - age : 0;
	}
	for (size_t i = 0; i < diagnosis->nguests; i++)
		diagnosis->guests[i]->seen_ns = diagnosis->now.time_ns;
}

int kvmstat_diagnose(struct kvmstat_diagnosis *diagnosis, const struct kvmstat_sample *sample,
		     const struct kvmstat_rates *rates, const struct kvmstat_change **changes, size_t *nchanges)
{
	struct pass pass = { .diagnosis = diagnosis, .sample = sample, .rates = rates };
	int rc;

	*changes = diagnosis->alarms.changes;
	*nchanges = 0;
	diagnosis->short_of_memory = false;
	diagnosis->sample = sample;
	diagnosis->rates = rates;
	diagnosis->now = (struct moment){ sample->time_ns, sample->realtime_ns };
	diagnosis->hour = (unsigned int)(sample->realtime_ns / 1000000000u / 3600 % 24);
	if (!diagnosis->last_ns)
		begin(diagnosis);
	rc = watch_map(diagnosis, sample);
	if (!rc)
		rc = watch_match(diagnosis, sample);
	if (rc)
		return rc;
	if (diagnosis->last_ns && sample->time_ns > diagnosis->last_ns) {
		pass.seconds = (double)(sample->time_ns - diagnosis->last_ns) / NS_PER_S;
		take(&pass);
	}
	verdict_of_absent(diagnosis, sample);
	watch_expire(diagnosis);
	diagnosis->last_ns = sample->time_ns;
	alarms_report(&diagnosis->alarms, &diagnosis->now);
	*nchanges = diagnosis->alarms.nchanges;
	return diagnosis->short_of_memory ? -ENOMEM : 0;
}
