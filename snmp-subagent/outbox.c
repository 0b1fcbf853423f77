/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "outbox.h"

struct outbox {
	pthread_mutex_t lock;
	struct notification *first;
	struct notification **end;	/* where the next one goes */
	bool sending;			/* the first one is on its way */
};

struct outbox *outbox_new(void)
{
	struct outbox *outbox = calloc(1, sizeof(*outbox));

	if (!outbox)
		return NULL;
	pthread_mutex_init(&outbox->lock, NULL);
	outbox->end = &outbox->first;
	return outbox;
}

/* Take one out of the list; at is where it hangs. */
static void drop(struct outbox *outbox, struct notification **at)
{
	struct notification *notification = *at;

	*at = notification->next;
	if (!*at)
		outbox->end = at;
	free(notification);
}

void outbox_free(struct outbox *outbox)
{
	if (!outbox)
		return;
	while (outbox->first)
		drop(outbox, &outbox->first);
	pthread_mutex_destroy(&outbox->lock);
	free(outbox);
}

static struct notification *make(const struct view_alarm *alarm)
{
	size_t name = strlen(alarm->name) + 1, key = strlen(alarm->key) + 1;
	struct notification *new = calloc(1, sizeof(*new) + name + key);

	if (!new)
		return NULL;
	new->kind = alarm->cleared_ns ? NOTIFICATION_NORMAL : NOTIFICATION_ABNORMAL;
	if (!*alarm->key)
		new->kind += NOTIFICATION_OF_HOST;
	new->alarm = *alarm;
	new->alarm.name = memcpy(new->names, alarm->name, name);
	new->alarm.key = memcpy(new->names + name, alarm->key, key);
	return new;
}

/* The begin of this alarm, if nobody can have seen it; NULL if there is none. */
static struct notification **unseen_begin(struct outbox *outbox, const struct view_alarm *alarm)
{
	for (struct notification **at = &outbox->first; *at; at = &(*at)->next)
		if ((*at)->alarm.number == alarm->number && !(*at)->alarm.cleared_ns && !(*at)->tries)
			return at;
	return NULL;
}

int outbox_add(struct outbox *outbox, const struct view_alarm *alarm)
{
	struct notification **begin, *new = make(alarm);

	if (!new)
		return -ENOMEM;
	pthread_mutex_lock(&outbox->lock);
	begin = alarm->cleared_ns ? unseen_begin(outbox, alarm) : NULL;
	if (begin) {
		drop(outbox, begin);
		free(new);
	} else {
		*outbox->end = new;
		outbox->end = &new->next;
	}
	pthread_mutex_unlock(&outbox->lock);
	return begin ? 1 : 0;
}

const struct notification *outbox_take(struct outbox *outbox)
{
	struct notification *notification;

	pthread_mutex_lock(&outbox->lock);
	notification = outbox->first;
	if (notification)
		notification->tries++;
	outbox->sending = notification != NULL;
	pthread_mutex_unlock(&outbox->lock);
	return notification;
}

static void finish(struct outbox *outbox, unsigned int tries)
{
	pthread_mutex_lock(&outbox->lock);
	if (outbox->sending && outbox->first->tries >= tries)
		drop(outbox, &outbox->first);
	outbox->sending = false;
	pthread_mutex_unlock(&outbox->lock);
}

void outbox_sent(struct outbox *outbox)
{
	finish(outbox, 0);
}

void outbox_give_back(struct outbox *outbox)
{
	finish(outbox, NOTIFICATION_TRIES);
}
