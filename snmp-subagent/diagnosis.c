/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "diagnosis.h"
#include "log.h"
#include "view/learnt.h"

/* An alarm of the core that is followed. */
struct followed {
	uint64_t number;
	uint32_t guest;			/* index; 0: of the host, or the guest was not served yet */
	bool told;			/* its begin was handed over, of this cause and event: its end has the same */
	const struct kvmstat_cause *cause;
	const struct kvmstat_judged *event;
	double rate, usual;
};

struct diagnosis {
	struct kvmstat_diagnosis *core;
	struct kvmstat_keeper keeper;
	struct outbox *outbox;
	bool notify;
	bool began;			/* a sample was judged */
	bool changed;			/* alarms are others than after the sample before */
	uint32_t active, raised, suppressed;
	uint64_t changed_ns;
	struct followed *all;		/* [count], in order of number, as the core has them */
	uint32_t *guest;		/* [count] the same indices, for the view */
	size_t count, size;
	const struct kvmstat_change *changes;
	size_t nchanges;
	struct complaint not_judged, not_saved;
};

/* ---- begin and end ------------------------------------------------------ */

static struct diagnosis *new_diagnosis(const struct settings *settings, struct outbox *outbox)
{
	struct diagnosis *new = calloc(1, sizeof(*new));
	struct kvmstat_diagnosis_config config = settings->diagnosis.config;
	struct utsname host;

	if (!new)
		return NULL;
	config.release = uname(&host) ? "" : host.release;
	new->core = kvmstat_diagnosis_new(&config);
	new->keeper.program = "kvmstat-agentx";
	new->keeper.dir = settings->state_dir ? strdup(settings->state_dir) : NULL;
	new->outbox = outbox;
	new->notify = settings->diagnosis.notify;
	if (!new->core || (settings->state_dir && !new->keeper.dir)) {
		diagnosis_free(new);
		return NULL;
	}
	return new;
}

int diagnosis_begin(struct diagnosis **diagnosis, const struct settings *settings, struct outbox *outbox)
{
	char text[1024];

	*diagnosis = NULL;
	if (!settings->diagnosis.diagnose)
		return 0;
	*diagnosis = new_diagnosis(settings, outbox);
	if (!*diagnosis)
		return -ENOMEM;
	if (kvmstat_keeper_load(&(*diagnosis)->keeper, (*diagnosis)->core, text, sizeof(text)))
		message(LOG_WARNING, "%s", text);
	return 0;
}

static int take_over(struct diagnosis *diagnosis, const struct diagnosis *other)
{
	char *text, error[256];
	size_t size;
	int rc = kvmstat_diagnosis_write(other->core, &text, &size);

	if (rc < 0)
		return rc;
	rc = kvmstat_diagnosis_read(diagnosis->core, text, size, error, sizeof(error));
	free(text);
	diagnosis->raised = other->raised;
	diagnosis->suppressed = other->suppressed;
	diagnosis->changed_ns = other->changed_ns;
	return rc;
}

int diagnosis_continue(struct diagnosis **diagnosis, struct diagnosis *other, const struct settings *settings,
		       struct outbox *outbox)
{
	int rc;

	*diagnosis = NULL;
	diagnosis_end(other);
	if (!other || !settings->diagnosis.diagnose)
		return diagnosis_begin(diagnosis, settings, outbox);
	*diagnosis = new_diagnosis(settings, outbox);
	rc = *diagnosis ? take_over(*diagnosis, other) : -ENOMEM;
	if (rc < 0) {
		diagnosis_free(*diagnosis);
		*diagnosis = NULL;
	}
	return rc;
}

static void save(struct diagnosis *diagnosis, const struct kvmstat_sample *sample)
{
	char text[1024];

	if (kvmstat_keeper_save(&diagnosis->keeper, diagnosis->core, sample, text, sizeof(text)))
		complain(&diagnosis->not_saved, "%s", text);
	else
		complaint_over(&diagnosis->not_saved, "what is usual is saved again");
}

void diagnosis_end(struct diagnosis *diagnosis)
{
	if (diagnosis)
		save(diagnosis, NULL);
}

void diagnosis_free(struct diagnosis *diagnosis)
{
	if (!diagnosis)
		return;
	kvmstat_diagnosis_free(diagnosis->core);
	free(diagnosis->keeper.dir);
	free(diagnosis->all);
	free(diagnosis->guest);
	free(diagnosis);
}

/* ---- following the core's alarms ---------------------------------------- */

static int make_room(struct diagnosis *diagnosis, size_t count)
{
	struct followed *all;
	uint32_t *guest;

	if (count <= diagnosis->size)
		return 0;
	all = reallocarray(diagnosis->all, 2 * count, sizeof(*all));
	if (!all)
		return -ENOMEM;
	diagnosis->all = all;
	guest = reallocarray(diagnosis->guest, 2 * count, sizeof(*guest));
	if (!guest)
		return -ENOMEM;
	diagnosis->guest = guest;
	diagnosis->size = 2 * count;
	return 0;
}

/* Those that the core has dropped go. Both are in order of number. */
static void drop_old(struct diagnosis *diagnosis, const struct kvmstat_alarm *const *alarms, size_t count)
{
	size_t kept = 0, at = 0;

	for (size_t i = 0; i < diagnosis->count; i++) {
		while (at < count && alarms[at]->number < diagnosis->all[i].number)
			at++;
		if (at < count && alarms[at]->number == diagnosis->all[i].number)
			diagnosis->all[kept++] = diagnosis->all[i];
	}
	diagnosis->count = kept;
}

static void tell_of(struct followed *followed, const struct kvmstat_alarm *alarm)
{
	followed->told = true;
	followed->cause = alarm->cause;
	followed->event = alarm->event;
	followed->rate = alarm->rate;
	followed->usual = alarm->usual;
}

/* A new one has a higher number than all before. The begin of one from before a restart was sent by that run. */
static void follow(struct diagnosis *diagnosis, const struct kvmstat_alarm *alarm)
{
	struct followed *followed = &diagnosis->all[diagnosis->count++];

	*followed = (struct followed){ .number = alarm->number };
	if (!diagnosis->began && alarm->known)
		tell_of(followed, alarm);
	if (diagnosis->began)
		diagnosis->raised++;
	diagnosis->changed |= diagnosis->began;
}

/* A guest keeps its index, so it is looked for only until it is found. */
static void find_guest(struct followed *followed, const struct kvmstat_alarm *alarm, const struct view *view)
{
	for (uint32_t i = 0; !followed->guest && *alarm->key && i < view->nguests; i++)
		if (!strcmp(view->guests[i].data->guest->key, alarm->key))
			followed->guest = view->guests[i].index;
}

static int follow_all(struct diagnosis *diagnosis, const struct kvmstat_alarm *const *alarms, size_t count,
		      const struct view *view)
{
	uint32_t active = 0;

	drop_old(diagnosis, alarms, count);
	if (make_room(diagnosis, count) < 0)
		return -ENOMEM;
	for (size_t i = diagnosis->count; i < count; i++)
		follow(diagnosis, alarms[i]);
	for (size_t i = 0; i < count; i++) {
		find_guest(&diagnosis->all[i], alarms[i], view);
		diagnosis->guest[i] = diagnosis->all[i].guest;
		active += !alarms[i]->cleared_ns;
	}
	diagnosis->changed |= active != diagnosis->active;
	diagnosis->active = active;
	return 0;
}

static struct followed *find_followed(const struct diagnosis *diagnosis, uint64_t number)
{
	for (size_t i = 0; i < diagnosis->count; i++)
		if (diagnosis->all[i].number == number)
			return &diagnosis->all[i];
	return NULL;
}

/* ---- a sample ----------------------------------------------------------- */

static void show(const struct diagnosis *diagnosis, struct view *view)
{
	view->alarms.judged = true;
	view->alarms.notify = diagnosis->notify;
	view->alarms.active = diagnosis->active;
	view->alarms.raised = diagnosis->raised;
	view->alarms.suppressed = diagnosis->suppressed;
	view->alarms.changed_ns = diagnosis->changed_ns;
}

static int judge(struct diagnosis *diagnosis, struct view *view)
{
	const struct kvmstat_alarm *const *alarms;
	size_t count;
	int rc = kvmstat_diagnose(diagnosis->core, view->sample, view->rates, &diagnosis->changes, &diagnosis->nchanges);
	int late = 0;

	for (size_t i = 0; i < diagnosis->nchanges; i++) {
		diagnosis->changed |= diagnosis->changes[i].kind != KVMSTAT_SUPPRESSED;
		diagnosis->suppressed += diagnosis->changes[i].count;
	}
	alarms = kvmstat_diagnosis_alarms(diagnosis->core, &count);
	late = follow_all(diagnosis, alarms, count, view);
	if (!late)
		late = alarmlist_copy(&view->alarms, alarms, diagnosis->guest, count);
	diagnosis->began = true;
	if (!rc)
		rc = learnt_fill(view, diagnosis->core);
	return rc ? rc : late;
}

void diagnosis_judge(struct diagnosis *diagnosis, struct view *view)
{
	int rc;

	if (!diagnosis)
		return;
	diagnosis->changed = false;
	diagnosis->nchanges = 0;
	rc = judge(diagnosis, view);
	if (rc < 0)
		complain(&diagnosis->not_judged, "not every guest is judged: %s", strerror(-rc));
	else
		complaint_over(&diagnosis->not_judged, "every guest is judged again");
	if (diagnosis->changed)
		diagnosis->changed_ns = view->sample->time_ns;
	show(diagnosis, view);
}

/* ---- reports ------------------------------------------------------------ */

static void hand_over(struct diagnosis *diagnosis, const struct view_alarm *alarm)
{
	int rc = outbox_add(diagnosis->outbox, alarm);

	if (rc < 0)
		message(LOG_ERR, "cannot send a notification: %s: %s", strerror(-rc), alarm->text);
	if (rc)
		diagnosis->suppressed++;
}

/* Managers pair begin and end by guest and cause: the end has those of the begin, whatever was found out since. */
static void hand_over_end(struct diagnosis *diagnosis, struct followed *followed, const struct view_alarm *alarm)
{
	struct view_alarm end = *alarm;

	end.cause = followed->cause;
	end.event = followed->event;
	end.rate = followed->rate;
	end.usual = followed->usual;
	followed->told = false;
	hand_over(diagnosis, &end);
}

/* The end of what was told first, then the begin of what is known now. */
static void hand_over_update(struct diagnosis *diagnosis, struct followed *followed, const struct view_alarm *alarm,
			     uint64_t realtime_ns)
{
	struct view_alarm end = *alarm;

	if (followed->told) {
		end.cleared_ns = realtime_ns;
		snprintf(end.text, sizeof(end.text), "%.100s: another cause was found: %s (%s)", *end.name ? end.name : "host",
			 alarm->cause->name, followed->cause->name);
		hand_over_end(diagnosis, followed, &end);
	}
	hand_over(diagnosis, alarm);
}

/* Without a notification an alarm is in the log. */
static void report(struct diagnosis *diagnosis, const struct kvmstat_change *change, const struct view *view)
{
	struct followed *followed = find_followed(diagnosis, change->alarm->number);
	const struct view_alarm *alarm = alarmlist_find(&view->alarms, change->alarm->number);

	if (!diagnosis->notify || !followed || !alarm) {
		message(LOG_NOTICE, "%s", change->alarm->text);
		return;
	}
	message(LOG_DEBUG, "%s", change->alarm->text);
	if (change->kind == KVMSTAT_CLEARED) {
		if (followed->told)
			hand_over_end(diagnosis, followed, alarm);
		return;
	}
	if (change->kind == KVMSTAT_UPDATED)
		hand_over_update(diagnosis, followed, alarm, view->sample->realtime_ns);
	else
		hand_over(diagnosis, alarm);
	tell_of(followed, change->alarm);
}

void diagnosis_report(struct diagnosis *diagnosis, const struct view *view)
{
	if (!diagnosis)
		return;
	for (size_t i = 0; i < diagnosis->nchanges; i++) {
		const struct kvmstat_change *change = &diagnosis->changes[i];

		if (change->kind == KVMSTAT_SUPPRESSED)
			message(LOG_WARNING, "%u more alarms were raised within a minute than are reported; kvmAlarmTable has all",
				change->count);
		else
			report(diagnosis, change, view);
	}
	if (kvmstat_keeper_due(&diagnosis->keeper, view->sample, diagnosis->changed))
		save(diagnosis, view->sample);
}
