/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "index/content.h"

/* Sources may fail, and guests be hidden, for a while. */
static const uint64_t NAMELESS_NS = UINT64_C(600) * 1000000000;

static void free_guest(struct index_guest *guest)
{
	free(guest->key);
	free(guest->incarnation);
}

void index_content_free(struct index_content *content)
{
	for (size_t i = 0; i < content->nguests; i++)
		free_guest(&content->guests[i]);
	for (size_t i = 0; i < content->nevents; i++)
		free(content->events[i].name);
	free(content->guests);
	free(content->events);
	memset(content, 0, sizeof(*content));
}

/* Room for one more in an array. 0 or -ENOMEM. */
static int grow(void *array, size_t *size, size_t used, size_t item)
{
	size_t more = *size ? *size * 2 : 64;
	void *bigger;

	if (used < *size)
		return 0;
	bigger = reallocarray(*(void **)array, more, item);
	if (!bigger)
		return -ENOMEM;
	*(void **)array = bigger;
	*size = more;
	return 0;
}

static int append_guest(struct index_content *content, const struct index_guest *guest)
{
	if (grow(&content->guests, &content->guests_size, content->nguests, sizeof(*guest)) < 0)
		return -ENOMEM;
	content->guests[content->nguests++] = *guest;
	if (guest->index > content->highest)
		content->highest = guest->index;
	return 0;
}

static int append_event(struct index_content *content, const struct index_event *event)
{
	if (grow(&content->events, &content->events_size, content->nevents, sizeof(*event)) < 0)
		return -ENOMEM;
	content->events[content->nevents++] = *event;
	return 0;
}

int index_add_guest(struct index_content *content, uint32_t index, const char *key, const char *incarnation)
{
	struct index_guest guest = { .index = index, .key = strdup(key), .incarnation = strdup(incarnation) };

	if (!guest.key || !guest.incarnation || append_guest(content, &guest) < 0) {
		free_guest(&guest);
		return -ENOMEM;
	}
	return 0;
}

int index_add_event(struct index_content *content, uint32_t number, const char *name)
{
	struct index_event event = { .number = number, .name = strdup(name) };

	if (!event.name || append_event(content, &event) < 0) {
		free(event.name);
		return -ENOMEM;
	}
	return 0;
}

static int by_index(const void *a, const void *b)
{
	const struct index_guest *left = a, *right = b;

	return (left->index > right->index) - (left->index < right->index);
}

bool index_sort(struct index_content *content)
{
	struct index_guest *guests = content->guests;
	size_t kept = 0;
	bool dropped;

	if (!content->nguests)
		return false;
	qsort(guests, content->nguests, sizeof(*guests), by_index);
	for (size_t i = 0; i < content->nguests; i++) {
		if (kept && guests[kept - 1].index == guests[i].index)
			free_guest(&guests[i]);
		else
			guests[kept++] = guests[i];
	}
	dropped = kept != content->nguests;
	content->nguests = kept;
	return dropped;
}

/* ---- merging ------------------------------------------------------------ */

static void drop_unsaved(struct index_content *content)
{
	size_t guests = 0, events = 0;

	for (size_t i = 0; i < content->nguests; i++) {
		if (content->guests[i].saved)
			content->guests[guests++] = content->guests[i];
		else
			free_guest(&content->guests[i]);
	}
	for (size_t i = 0; i < content->nevents; i++) {
		if (content->events[i].saved)
			content->events[events++] = content->events[i];
		else
			free(content->events[i].name);
	}
	content->nguests = guests;
	content->nevents = events;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The keys of all guests, sorted; NULL without memory. */
static const char **sorted_keys(const struct index_content *content)
{
	const char **keys = calloc(content->nguests + 1, sizeof(*keys));

	for (size_t i = 0; keys && i < content->nguests; i++)
		keys[i] = content->guests[i].key;
	if (keys)
		qsort(keys, content->nguests, sizeof(*keys), by_text);
	return keys;
}

static int merge_guests(struct index_content *content, struct index_content *other)
{
	const char **keys = sorted_keys(content);
	size_t known = content->nguests;
	int rc = keys ? 0 : -ENOMEM;

	for (size_t i = 0; !rc && i < other->nguests; i++) {
		struct index_guest *guest = &other->guests[i];

		if (known && (bsearch(guest, content->guests, known, sizeof(*guest), by_index) ||
			      bsearch(&guest->key, keys, known, sizeof(*keys), by_text)))
			continue;
		rc = append_guest(content, guest);
		if (!rc)
			guest->key = guest->incarnation = NULL;
	}
	free(keys);
	index_sort(content);
	return rc;
}

static bool knows_event(const struct index_content *content, const struct index_event *event)
{
	for (size_t i = 0; i < content->nevents; i++)
		if (content->events[i].number == event->number ||
		    strcmp(content->events[i].name, event->name) == 0)
			return true;
	return false;
}

int index_merge(struct index_content *content, struct index_content *other)
{
	int rc;

	drop_unsaved(content);
	if (other->highest > content->highest)
		content->highest = other->highest;
	rc = merge_guests(content, other);
	for (size_t i = 0; !rc && i < other->nevents && content->nevents < INDEX_EVENTS_MAX; i++) {
		if (knows_event(content, &other->events[i]))
			continue;
		rc = append_event(content, &other->events[i]);
		if (!rc)
			other->events[i].name = NULL;
	}
	index_content_free(other);
	return rc;
}

/* ---- forgetting --------------------------------------------------------- */

static bool is_nameless(const struct index_guest *guest)
{
	return strncmp(guest->key, "dir:", 4) == 0;
}

/* Maximum size of a guest's line in the file: each byte as %XX. */
static size_t line_size(const struct index_guest *guest)
{
	return 3 * (strlen(guest->key) + strlen(guest->incarnation)) + 32;
}

/* Until the number is at the limit. */
static void forget_excess(struct index_content *content, bool nameless)
{
	size_t excess = content->nguests > INDEX_GUESTS_MAX ? content->nguests - INDEX_GUESTS_MAX : 0;
	size_t size = 0, kept = 0;

	for (size_t i = 0; i < content->nguests; i++)
		size += line_size(&content->guests[i]);
	for (size_t i = 0; i < content->nguests; i++) {
		struct index_guest *guest = &content->guests[i];

		if ((excess || size > INDEX_SIZE_MAX) && !guest->live && (!nameless || is_nameless(guest))) {
			excess -= excess > 0;
			size -= line_size(guest);
			free_guest(guest);
		} else {
			content->guests[kept++] = *guest;
		}
	}
	content->nguests = kept;
}

void index_forget_guests(struct index_content *content, uint64_t now_ns)
{
	size_t kept = 0;

	for (size_t i = 0; i < content->nguests; i++) {
		struct index_guest *guest = &content->guests[i];

		if (guest->live || !guest->seen_ns)
			guest->seen_ns = now_ns;
		if (is_nameless(guest) && now_ns - guest->seen_ns >= NAMELESS_NS)
			free_guest(guest);
		else
			content->guests[kept++] = *guest;
	}
	content->nguests = kept;
	forget_excess(content, true);
	forget_excess(content, false);
}

void index_forget_event(struct index_content *content)
{
	size_t excess = content->nevents >= INDEX_EVENTS_MAX ? content->nevents + 1 - INDEX_EVENTS_MAX : 0;
	size_t kept = 0;

	for (size_t i = 0; i < content->nevents; i++) {
		if (excess && !content->events[i].live) {
			free(content->events[i].name);
			excess--;
		} else {
			content->events[kept++] = content->events[i];
		}
	}
	content->nevents = kept;
}
