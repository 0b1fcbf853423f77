// SPDX-License-Identifier: MIT
/*
 * learnt.c - what was learnt, guest by guest, to be shown, recorded and carried to another guest
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "derive/watch.h"

uint64_t kvmstat_diagnosis_time(const struct kvmstat_diagnosis *diagnosis)
{
	return diagnosis->now.realtime_ns;
}

const char *kvmstat_diagnosis_release(const struct kvmstat_diagnosis *diagnosis)
{
	return diagnosis->release;
}

bool kvmstat_diagnosis_guest(const struct kvmstat_diagnosis *diagnosis, size_t i, struct kvmstat_learnt *guest)
{
	const struct watched *watched;

	if (i >= diagnosis->nguests)
		return false;
	watched = diagnosis->guests[i];
	*guest = (struct kvmstat_learnt){ .key = watched->key, .name = watched->name, .vcpus = watched->vcpus,
					  .first_s = watched->first_s, .last_s = watched->last_s,
					  .seconds = watched->age };
	return true;
}

bool kvmstat_diagnosis_level(const struct kvmstat_diagnosis *diagnosis, size_t guest, size_t i,
			     struct kvmstat_level *level)
{
	const struct watched *watched = diagnosis->guests[guest];

	for (uint32_t slot = 0; slot < watched->room; slot++) {
		const struct kvmstat_judged *judged = diagnosis->slots[slot].judged;
		bool time = judged->number >= KVMSTAT_NUMBER_CPU;

		if ((!watched->cells[slot].two && !watched->cells[slot].minute) || i--)
			continue;
		*level = (struct kvmstat_level){ judged, level_rate(watched->cells[slot].two, time),
						 level_rate(watched->cells[slot].minute, time) };
		return true;
	}
	return false;
}

/* Whether it is there or not. */
static struct watched *find(const struct kvmstat_diagnosis *diagnosis, const char *key)
{
	for (size_t i = 0; i < diagnosis->nguests; i++)
		if (!strcmp(diagnosis->guests[i]->key, key))
			return diagnosis->guests[i];
	return NULL;
}

int kvmstat_diagnosis_add(struct kvmstat_diagnosis *diagnosis, const struct kvmstat_learnt *guest)
{
	struct watched *watched;

	if (find(diagnosis, guest->key))
		return -EEXIST;
	watched = watch_add(diagnosis, guest->key, guest->name);
	if (!watched)
		return -ENOMEM;
	watched->vcpus = guest->vcpus;
	watched->first_s = guest->first_s;
	watched->last_s = guest->last_s;
	watched->age = watched->faded = guest->seconds;
	if (diagnosis->now.realtime_ns < guest->last_s * 1000000000u)
		diagnosis->now.realtime_ns = guest->last_s * 1000000000u;
	return 0;
}

int kvmstat_diagnosis_teach(struct kvmstat_diagnosis *diagnosis, const char *key, const struct kvmstat_level *level)
{
	struct watched *watched = find(diagnosis, key);
	bool time = level->judged->number >= KVMSTAT_NUMBER_CPU;
	int slot;

	if (!watched)
		return -ENOENT;
	slot = watch_slot(diagnosis, level->judged->number);
	if (slot < 0)
		return slot;
	if (watch_make_room(diagnosis, watched) < 0)
		return -ENOMEM;
	watched->cells[slot].two = level_of(level->two, time);
	watched->cells[slot].minute = level_of(level->minute, time);
	return 0;
}

int kvmstat_diagnosis_rename(struct kvmstat_diagnosis *diagnosis, const char *key, const char *new_key)
{
	struct watched *watched = find(diagnosis, key);
	char *copy;

	if (!watched)
		return -ENOENT;
	if (find(diagnosis, new_key))
		return -EEXIST;
	if (watched->subject.alarm)
		return -EBUSY;
	copy = strdup(new_key);
	if (!copy)
		return -ENOMEM;
	free(watched->key);
	watched->key = copy;
	watched->hash = watch_hash(copy);
	return 0;
}

/* ---- what front ends ask, row by row ------------------------------------- */

const struct kvmstat_alarm *const *kvmstat_diagnosis_alarms(const struct kvmstat_diagnosis *diagnosis, size_t *count)
{
	*count = diagnosis->alarms.count;
	return diagnosis->alarms.public;
}

static const struct watched *with_id(const struct kvmstat_diagnosis *diagnosis, uint64_t id)
{
	for (size_t i = 0; id && i < diagnosis->nrows; i++)
		if (diagnosis->rows[i] && diagnosis->rows[i]->id == id)
			return diagnosis->rows[i];
	return NULL;
}

static const struct watched *of_row(const struct kvmstat_diagnosis *diagnosis, uint32_t row)
{
	return row < diagnosis->nrows ? diagnosis->rows[row] : NULL;
}

static uint64_t alarm_of(const struct watched *guest)
{
	return guest && guest->subject.alarm ? guest->subject.alarm->public.number : 0;
}

static double learnt(const struct watched *guest)
{
	return guest ? guest->age / 86400 : NAN;
}

static double usual(const struct kvmstat_diagnosis *diagnosis, const struct watched *guest, uint32_t number)
{
	int slot = guest ? watch_slot_of(diagnosis, number) : -ENOENT;

	return slot < 0 ? NAN : watched_usual(diagnosis, guest, (uint32_t)slot);
}

uint64_t kvmstat_diagnosis_alarm_of(const struct kvmstat_diagnosis *diagnosis, uint64_t guest_id)
{
	return alarm_of(with_id(diagnosis, guest_id));
}

double kvmstat_diagnosis_learnt(const struct kvmstat_diagnosis *diagnosis, uint64_t guest_id)
{
	return learnt(with_id(diagnosis, guest_id));
}

double kvmstat_diagnosis_usual(const struct kvmstat_diagnosis *diagnosis, uint64_t guest_id, uint32_t number)
{
	return usual(diagnosis, with_id(diagnosis, guest_id), number);
}

uint64_t kvmstat_diagnosis_row_alarm(const struct kvmstat_diagnosis *diagnosis, uint32_t row)
{
	return alarm_of(of_row(diagnosis, row));
}

double kvmstat_diagnosis_row_learnt(const struct kvmstat_diagnosis *diagnosis, uint32_t row)
{
	return learnt(of_row(diagnosis, row));
}

double kvmstat_diagnosis_row_usual(const struct kvmstat_diagnosis *diagnosis, uint32_t row, uint32_t number)
{
	return usual(diagnosis, of_row(diagnosis, row), number);
}
