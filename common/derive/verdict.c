// SPDX-License-Identifier: MIT
#include "derive/verdict.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "derive/cause.h"

static double seconds_since(const struct kvmstat_diagnosis *diagnosis, uint64_t time_ns)
{
	return (double)(diagnosis->now.time_ns - time_ns) / NS_PER_S;
}

static bool is_follower(const struct slot *slot)
{
	return slot->judged->judge == KVMSTAT_FOLLOW;
}

/* ---- symptoms ----------------------------------------------------------- */

/* An abnormal event: its excess counts for the cause that it speaks for. */
static void add_symptom(struct symptoms *symptoms, const struct kvmstat_judged *judged, double excess)
{
	/* It is abnormal, however low it is just now. */
	excess = fmax(excess, 0.01);
	if (judged->judge == KVMSTAT_FOLLOW) {
		symptoms->followers++;
		return;
	}
	symptoms->abnormal++;
	if (excess > symptoms->excess[judged->signs]) {
		symptoms->excess[judged->signs] = excess;
		symptoms->event[judged->signs] = judged;
	}
}

/* The event of a sum that happens most. */
static const struct kvmstat_judged *most_of(const struct kvmstat_diagnosis *diagnosis, unsigned int sum)
{
	const struct kvmstat_judged *most = NULL;
	double rate = -1;

	for (uint32_t i = 0; i < diagnosis->nslots; i++) {
		const struct slot *slot = &diagnosis->slots[i];

		if (slot->sum == sum && diagnosis->rate[i] > rate) {
			rate = diagnosis->rate[i];
			most = slot->judged;
		}
	}
	return most;
}

/* What is not above the guest's record, but above that of the hour. Returns whether anything is. */
static bool examine_daily(const struct kvmstat_diagnosis *diagnosis, struct watched *guest, struct symptoms *symptoms)
{
	bool any = false;

	for (unsigned int i = 0; i < DAILY_SUMS; i++) {
		const struct kvmstat_judged *most;

		if (!guest->daily[i].abnormal)
			continue;
		most = most_of(diagnosis, i);
		if (!most)
			continue;
		any = true;
		guest->subject.held = fmax(guest->subject.held, 2 * daily_rules[i].span);
		if (!symptoms->event[daily_rules[i].signs])
			add_symptom(symptoms, most, daily_excess(&guest->daily[i], diagnosis->sum[i], diagnosis->hour,
						     &daily_rules[i]));
		if (guest->subject.alarm)
			alarm_join(guest->subject.alarm, most);
	}
	return any;
}

/* vCPUs that compute all the time have been held for longer than any cause asks for. */
static bool examine_spin(struct watched *guest, struct symptoms *symptoms)
{
	if (!guest->spin.abnormal)
		return false;
	guest->subject.held = fmax(guest->subject.held, parameters.spin);
	if (!symptoms->event[KVMSTAT_CAUSE_SPIN])
		add_symptom(symptoms, kvmstat_judged(KVMSTAT_NUMBER_CPU), parameters.plain);
	return true;
}

/* Events, one by one. Returns whether any is at least suspected. */
static bool examine_cells(const struct kvmstat_diagnosis *diagnosis, struct watched *guest, const struct manner *manner,
			  struct symptoms *symptoms)
{
	bool suspected = false;

	for (uint32_t i = 0; guest->suspected && i < diagnosis->nslots; i++) {
		const struct kvmstat_judged *judged = diagnosis->slots[i].judged;
		const struct cell *cell = &guest->cells[i];
		struct limits limits;
		double excess;

		if (!cell->evidence)
			continue;
		suspected |= !is_follower(&diagnosis->slots[i]);
		if (!cell_is_abnormal(cell))
			continue;
		limits = watched_limits(diagnosis, guest, manner, i);
		excess = diagnosis->level[i] == LEVEL_MISSING ? 0 : cell_excess(cell, diagnosis->level[i], &limits);
		add_symptom(symptoms, judged, excess);
		if (guest->subject.alarm)
			alarm_join(guest->subject.alarm, judged);
	}
	return suspected;
}

/* Returns whether anything is at least suspected. */
static bool examine(const struct kvmstat_diagnosis *diagnosis, struct watched *guest, const struct manner *manner,
		    struct symptoms *symptoms)
{
	uint32_t cpu = diagnosis->cpu_slot;
	bool suspected = examine_cells(diagnosis, guest, manner, symptoms);

	guest->cpu_excess = (float)(diagnosis->level[cpu] - guest->cells[cpu].minute) / 1024;
	suspected |= examine_daily(diagnosis, guest, symptoms);
	suspected |= examine_spin(guest, symptoms);
	return suspected;
}

/* ---- alarms ------------------------------------------------------------- */

static bool is_silence(enum kvmstat_cause_number cause)
{
	return cause == KVMSTAT_CAUSE_STALLED || cause == KVMSTAT_CAUSE_LOOPING;
}

static void clear(struct kvmstat_diagnosis *diagnosis, struct subject *subject, enum kvmstat_ending ending)
{
	alarm_clear(&diagnosis->alarms, subject->alarm, ending, &diagnosis->now);
	subject->alarm = NULL;
	subject->held = 0;
	subject->calm = 0;
}

/* Which vCPU makes most of the event, if there are several and they are reported. */
static void find_busiest(const struct kvmstat_diagnosis *diagnosis, const struct watched *guest, uint32_t cell,
			 struct kvmstat_alarm *alarm)
{
	const struct kvmstat_row *row = &diagnosis->sample->rows[guest->row];
	double most = 0, all = 0;

	if (cell == SLOT_ABSENT || row->nvcpus < 2)
		return;
	for (uint32_t i = 0; i < row->nvcpus; i++) {
		uint32_t vcpu = (uint32_t)(row->vcpus - diagnosis->sample->vcpus) + i;
		double rate = kvmstat_rate_of_vcpu(diagnosis->rates, vcpu, cell);

		if (!(rate > 0))
			continue;
		all += rate;
		if (rate <= most)
			continue;
		most = rate;
		alarm->busiest_vcpu = row->vcpus[i].id;
	}
	alarm->busiest = all > 0 ? most / all : 0;
}

/* What an alarm says of a guest. */
static struct kvmstat_alarm describe(const struct kvmstat_diagnosis *diagnosis, const struct watched *guest,
				     enum kvmstat_cause_number cause, const struct symptoms *symptoms)
{
	struct kvmstat_alarm alarm = {
		.guest = guest->name, .key = guest->key, .cause = kvmstat_cause(cause),
		.event = cause_event(cause, symptoms), .rate = NAN, .usual = NAN,
		.vcpus = guest->vcpus, .cpus = symptoms->cpus,
		.wait = demand_share(symptoms->cpu, symptoms->wait),
		.spinning = guest->spin.count, .spinning_vcpu = guest->spin.first,
	};
	int slot = alarm.event ? watch_slot_of(diagnosis, alarm.event->number) : -ENOENT;

	if (slot >= 0) {
		alarm.rate = diagnosis->rate[slot];
		alarm.usual = watched_usual(diagnosis, guest, (uint32_t)slot);
		find_busiest(diagnosis, guest, diagnosis->slots[slot].cell, &alarm);
	}
	return alarm;
}

static void raise_alarm(struct kvmstat_diagnosis *diagnosis, struct watched *guest, enum kvmstat_cause_number cause,
			const struct symptoms *symptoms)
{
	struct kvmstat_alarm what = describe(diagnosis, guest, cause, symptoms);

	alarm_describe(&what, symptoms->cpu, guest->age / 86400, NULL);
	guest->subject.alarm = alarm_raise(&diagnosis->alarms, &what, &diagnosis->now);
	guest->subject.held = 0;
	if (!guest->subject.alarm) {
		diagnosis->short_of_memory = true;
		return;
	}
	for (uint32_t i = 0; i < diagnosis->nslots; i++)
		if (cell_is_abnormal(&guest->cells[i]))
			alarm_join(guest->subject.alarm, diagnosis->slots[i].judged);
	if (what.event)
		alarm_join(guest->subject.alarm, what.event);
}

/* As the numbers of severities are: critical before major before warning. */
static bool is_worse(enum kvmstat_cause_number cause, enum kvmstat_cause_number than)
{
	return kvmstat_cause(cause)->severity < kvmstat_cause(than)->severity;
}

/* Causes that a better one may replace. */
static bool is_vague(enum kvmstat_cause_number cause)
{
	return cause == KVMSTAT_CAUSE_UNKNOWN || cause == KVMSTAT_CAUSE_SPIN || cause == KVMSTAT_CAUSE_LOCK;
}

/* Some causes are never reported, and the shortage of a host is not that of its guests. */
static bool may_report(const struct kvmstat_diagnosis *diagnosis, enum kvmstat_cause_number cause)
{
	return cause != KVMSTAT_CAUSE_NONE && !(diagnosis->config.excluded & 1u << cause) &&
	       !(cause == KVMSTAT_CAUSE_CPU_STARVED && diagnosis->held_back);
}

/* What hides a worse cause ends; one that was vague gets its better cause. */
static void replace_alarm(struct kvmstat_diagnosis *diagnosis, struct watched *guest, enum kvmstat_cause_number cause,
			 const struct symptoms *symptoms)
{
	struct kvmstat_alarm what = describe(diagnosis, guest, cause, symptoms);
	struct alarm *alarm = guest->subject.alarm;

	if (is_worse(cause, alarm->public.cause->number)) {
		clear(diagnosis, &guest->subject, KVMSTAT_REPLACED);
		raise_alarm(diagnosis, guest, cause, symptoms);
		return;
	}
	alarm_update(&diagnosis->alarms, alarm, &what);
	alarm_describe(&alarm->public, symptoms->cpu, guest->age / 86400, NULL);
}

/* What has been so for a day is normal. */
static void adopt(struct kvmstat_diagnosis *diagnosis, struct watched *guest, const struct manner *manner)
{
	for (uint32_t i = 0; i < diagnosis->nslots; i++) {
		struct limits limits = watched_limits(diagnosis, guest, manner, i);

		cell_adopt(&guest->cells[i], &limits);
	}
	for (unsigned int i = 0; i < DAILY_SUMS; i++)
		daily_adopt(&guest->daily[i], diagnosis->hour);
	spin_adopt(&guest->spin);
	if (guest->age > parameters.adopted_age)
		guest->age = parameters.adopted_age;
	clear(diagnosis, &guest->subject, KVMSTAT_NEW_NORMAL);
}

/*
 * No cause is left. While an event is still abnormal its cause may be missing for a step only: waiting that is just
 * below the share that counts. Events were calm for long enough before they are normal; without history there are none.
 */
static bool is_over(const struct kvmstat_diagnosis *diagnosis, struct subject *subject,
		    enum kvmstat_cause_number cause, const struct symptoms *symptoms)
{
	if (is_silence(subject->alarm->public.cause->number))
		return !is_silence(cause);
	subject->calm = cause == KVMSTAT_CAUSE_NONE && !symptoms->abnormal ? subject->calm + diagnosis->pace.step : 0;
	return subject->calm > 0 && (symptoms->history || subject->calm >= parameters.clear);
}

/* The guest has an alarm. */
static void go_on(struct kvmstat_diagnosis *diagnosis, struct watched *guest, const struct manner *manner,
		  enum kvmstat_cause_number cause, const struct symptoms *symptoms)
{
	struct alarm *alarm = guest->subject.alarm;
	enum kvmstat_cause_number told = alarm->public.cause->number;

	if (alarm->restored_until && cause == KVMSTAT_CAUSE_NONE) {
		if (diagnosis->now.time_ns > alarm->restored_until)
			clear(diagnosis, &guest->subject, KVMSTAT_NORMAL_AGAIN);
		return;
	}
	alarm->restored_until = 0;
	if (is_over(diagnosis, &guest->subject, cause, symptoms)) {
		clear(diagnosis, &guest->subject, KVMSTAT_NORMAL_AGAIN);
	} else if (!is_silence(cause) && seconds_since(diagnosis, alarm->began_ns) >= parameters.adopt) {
		adopt(diagnosis, guest, manner);
	} else if (may_report(diagnosis, cause) && (is_worse(cause, told) || (is_vague(told) && !is_vague(cause)))) {
		guest->subject.held += diagnosis->pace.step;
		if (guest->subject.held >= cause_hold(cause, symptoms))
			replace_alarm(diagnosis, guest, cause, symptoms);
	}
}

/* The guest has none. */
static void consider(struct kvmstat_diagnosis *diagnosis, struct watched *guest, bool suspected,
		     enum kvmstat_cause_number cause, const struct symptoms *symptoms)
{
	double step = diagnosis->pace.step, *held = &guest->subject.held;

	if (!suspected && cause == KVMSTAT_CAUSE_NONE) {
		*held = *held > step ? *held - step : 0;
		return;
	}
	*held += step;
	if (may_report(diagnosis, cause) && *held >= cause_hold(cause, symptoms))
		raise_alarm(diagnosis, guest, cause, symptoms);
}

void verdict_of_guest(struct kvmstat_diagnosis *diagnosis, struct watched *guest, const struct manner *manner,
		      uint32_t cpus)
{
	struct symptoms symptoms = {
		.silent = guest->quiet.silent, .history = guest->good || guest->age >= parameters.unjudged,
		.cpu = isnan(guest->cpu) ? 0 : guest->cpu, .wait = isnan(guest->wait) ? 0 : guest->wait,
		.vcpus = guest->vcpus, .cpus = cpus,
	};
	bool suspected = examine(diagnosis, guest, manner, &symptoms);
	enum kvmstat_cause_number cause = cause_of(&symptoms);

	if (guest->subject.alarm)
		go_on(diagnosis, guest, manner, cause, &symptoms);
	else
		consider(diagnosis, guest, suspected, cause, &symptoms);
}

/* ---- the host ----------------------------------------------------------- */

/* The guest whose CPU time is furthest above what it ever was. */
static const struct watched *who_takes(const struct kvmstat_diagnosis *diagnosis)
{
	const struct watched *most = NULL;

	for (size_t i = 0; i < diagnosis->nrows; i++) {
		const struct watched *guest = diagnosis->rows[i];

		if (guest && !isnan(guest->cpu) && guest->cpu >= 0.5 && (!most || guest->cpu_excess > most->cpu_excess))
			most = guest;
	}
	return most;
}

static void raise_host(struct kvmstat_diagnosis *diagnosis, uint32_t cpus)
{
	const struct watched *who = who_takes(diagnosis);
	struct taker taker = { who ? who->name : "", who ? who->cpu : 0 };
	struct kvmstat_alarm what = {
		.guest = "", .key = "", .cause = kvmstat_cause(KVMSTAT_CAUSE_CPU_STARVED),
		.event = kvmstat_judged(KVMSTAT_NUMBER_WAIT), .rate = diagnosis->demand.wait * 1e9, .usual = NAN,
		.cpus = cpus, .wait = demand_share(diagnosis->demand.cpu, diagnosis->demand.wait),
	};

	if (diagnosis->config.excluded & (1u << KVMSTAT_CAUSE_CPU_STARVED))
		return;
	alarm_describe(&what, diagnosis->demand.cpu, 0, who ? &taker : NULL);
	diagnosis->host.alarm = alarm_raise(&diagnosis->alarms, &what, &diagnosis->now);
	if (!diagnosis->host.alarm)
		diagnosis->short_of_memory = true;
	else
		alarm_join(diagnosis->host.alarm, what.event);
}

void verdict_of_host(struct kvmstat_diagnosis *diagnosis, uint32_t cpus)
{
	struct alarm *alarm = diagnosis->host.alarm;

	if (!alarm && diagnosis->shortage.active) {
		raise_host(diagnosis, cpus);
	} else if (alarm && diagnosis->shortage.active) {
		alarm->restored_until = 0;
	} else if (alarm && diagnosis->now.time_ns > alarm->restored_until) {
		clear(diagnosis, &diagnosis->host, KVMSTAT_NORMAL_AGAIN);
	}
}

/* ---- guests of which there is nothing ----------------------------------- */

static bool has_source(const struct kvmstat_sample *sample)
{
	for (unsigned int i = KVMSTAT_ABSENT + 1; i < KVMSTAT_NSOURCES; i++)
		if (i != KVMSTAT_PROC && (sample->sources[i].state == KVMSTAT_ACTIVE ||
					  sample->sources[i].state == KVMSTAT_PARTIAL))
			return true;
	return false;
}

void verdict_of_absent(struct kvmstat_diagnosis *diagnosis, const struct kvmstat_sample *sample)
{
	bool readable = has_source(sample);

	for (size_t i = 0; i < diagnosis->nguests; i++) {
		struct watched *guest = diagnosis->guests[i];
		double absent;

		if (!guest->subject.alarm)
			continue;
		absent = seconds_since(diagnosis, guest->seen_ns);
		if (watch_spares(diagnosis, guest))
			clear(diagnosis, &guest->subject, KVMSTAT_NOT_OBSERVED);
		else if (!guest->id && readable && absent >= 2 * diagnosis->interval &&
		    diagnosis->now.time_ns > guest->subject.alarm->restored_until)
			clear(diagnosis, &guest->subject, KVMSTAT_GUEST_ENDED);
		else if (absent >= parameters.unobserved)
			clear(diagnosis, &guest->subject, KVMSTAT_NOT_OBSERVED);
	}
}
