/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "view/alarmlist.h"

static int make_room(struct alarmlist *list, size_t count, size_t names)
{
	if (count > list->size) {
		free(list->all);
		list->all = calloc(2 * count, sizeof(*list->all));
		list->size = list->all ? (uint32_t)(2 * count) : 0;
	}
	if (names > list->names_size) {
		free(list->names);
		list->names = malloc(2 * names);
		list->names_size = list->names ? 2 * names : 0;
	}
	return list->size >= count && list->names_size >= names ? 0 : -ENOMEM;
}

static size_t size_of_names(const struct kvmstat_alarm *alarm)
{
	return strlen(alarm->guest) + strlen(alarm->key) + 2;
}

static void copy(struct view_alarm *out, const struct kvmstat_alarm *alarm, uint32_t guest, char *names)
{
	size_t len = strlen(alarm->guest) + 1;

	*out = (struct view_alarm){
		.number = (uint32_t)alarm->number, .guest = guest, .cause = alarm->cause, .event = alarm->event,
		.rate = alarm->rate, .usual = alarm->usual, .since_ns = alarm->since_ns,
		.cleared_ns = alarm->cleared_ns, .nevents = alarm->nevents,
	};
	out->name = memcpy(names, alarm->guest, len);
	out->key = strcpy(names + len, alarm->key);
	memcpy(out->text, alarm->text, sizeof(out->text));
}

int alarmlist_copy(struct alarmlist *list, const struct kvmstat_alarm *const *alarms, const uint32_t *guest, size_t count)
{
	size_t size = 0, used = 0;

	list->count = 0;
	for (size_t i = 0; i < count; i++)
		size += size_of_names(alarms[i]);
	if (make_room(list, count, size) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		copy(&list->all[i], alarms[i], guest[i], list->names + used);
		used += size_of_names(alarms[i]);
	}
	list->count = (uint32_t)count;
	return 0;
}

void alarmlist_exit(struct alarmlist *list)
{
	free(list->all);
	free(list->names);
}

const struct view_alarm *alarmlist_find(const struct alarmlist *list, uint64_t number)
{
	uint32_t low = 0, high = list->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (list->all[middle].number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low < list->count && list->all[low].number == number ? &list->all[low] : NULL;
}
