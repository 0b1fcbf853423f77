// SPDX-License-Identifier: MIT
/*
 * marks.c - which guests of a sample have an alarm, and what is usual of them
 */
#include <math.h>

#include "state/state.h"

/* What was written long ago says nothing of now. */
static struct kvmstat_diagnosis *read_fresh(const struct options *options)
{
	struct state state;

	if (state_read(&state, options) != STATE_READ)
		return NULL;
	if (fabs(state_age(&state)) > STATE_MAX_AGE)
		state_free(&state);
	return state.diagnosis;
}

bool marks_exist(const struct options *options)
{
	struct kvmstat_diagnosis *marks = options->from ? NULL : read_fresh(options);
	bool exist = marks != NULL;

	kvmstat_diagnosis_free(marks);
	return exist;
}

struct kvmstat_diagnosis *marks_of(const struct watch *watch, const struct options *options)
{
	struct kvmstat_diagnosis *marks = read_fresh(options);
	const struct kvmstat_change *changes;
	size_t n;

	/* A first sample is not judged: it only shows whose row is whose. */
	if (!marks || !kvmstat_diagnose(marks, watch->now, watch->rates, &changes, &n))
		return marks;
	kvmstat_diagnosis_free(marks);
	return NULL;
}

const struct kvmstat_alarm *alarm_of_number(const struct kvmstat_diagnosis *marks, uint64_t number)
{
	const struct kvmstat_alarm *const *alarms;
	size_t count;

	alarms = kvmstat_diagnosis_alarms(marks, &count);
	for (size_t i = 0; i < count; i++)
		if (alarms[i]->number == number)
			return alarms[i];
	return NULL;
}

const char *mark_of(const struct kvmstat_diagnosis *marks, uint64_t guest_id)
{
	uint64_t number = marks ? kvmstat_diagnosis_alarm_of(marks, guest_id) : 0;
	const struct kvmstat_alarm *alarm = number ? alarm_of_number(marks, number) : NULL;

	return alarm ? alarm->cause->name : NULL;
}
