// SPDX-License-Identifier: MIT
/*
 * learnt.c - what was learnt, guest by guest, to be shown, recorded and carried to another guest
 */
#include <errno.h>
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
