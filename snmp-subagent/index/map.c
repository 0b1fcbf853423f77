/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "index/map.h"
#include "index/store.h"

enum { NONE = UINT32_MAX }; /* end of a chain; a row without an entry */

struct indexmap {
	struct indexstore store;
	bool assigned;			/* live is known of every guest */
	bool complete;			/* everything of the last sample is published */
	struct index_content content;
	uint32_t *by_key, *by_incarnation; /* heads of chains of positions in content.guests */
	uint32_t buckets;		/* a power of two */
	uint64_t guest_generation, event_generation, generation;
	uint32_t nrows, rows_size, ncolumns, columns_size;
	uint32_t *position;		/* [nrows] in content.guests, or NONE */
	uint32_t *guest;		/* [nrows] */
	bool *event;			/* [ncolumns] */
	struct complaint full, taken;
};

int indexmap_new(struct indexmap **map, const char *dir)
{
	struct indexmap *new = calloc(1, sizeof(*new));

	if (!new || indexstore_init(&new->store, dir) < 0) {
		free(new);
		return -ENOMEM;
	}
	*map = new;
	return 0;
}

void indexmap_free(struct indexmap *map)
{
	if (!map)
		return;
	index_content_free(&map->content);
	indexstore_exit(&map->store);
	free(map->by_key);
	free(map->by_incarnation);
	free(map->position);
	free(map->guest);
	free(map->event);
	free(map);
}

/* ---- guests ------------------------------------------------------------- */

static uint32_t bucket(const struct indexmap *map, const char *text)
{
	return index_hash(text, strlen(text)) & (map->buckets - 1);
}

/* Empty chains. 0 or -ENOMEM. */
static int clear_chains(struct indexmap *map)
{
	uint32_t buckets = 64;

	while (buckets < map->content.nguests * 2)
		buckets *= 2;
	if (buckets != map->buckets) {
		free(map->by_key);
		free(map->by_incarnation);
		map->by_key = calloc(buckets, sizeof(*map->by_key));
		map->by_incarnation = calloc(buckets, sizeof(*map->by_incarnation));
		map->buckets = map->by_key && map->by_incarnation ? buckets : 0;
		if (!map->buckets)
			return -ENOMEM;
	}
	memset(map->by_key, 0xff, buckets * sizeof(*map->by_key));
	memset(map->by_incarnation, 0xff, buckets * sizeof(*map->by_incarnation));
	return 0;
}

/* Guests of one key are neighbours in its chain, but for those of another that share the bucket. */
static void mark_twins(struct indexmap *map, struct index_guest *guest)
{
	uint32_t i = map->by_key[bucket(map, guest->key)];

	while (i != NONE && strcmp(map->content.guests[i].key, guest->key) != 0)
		i = map->content.guests[i].next_key;
	guest->twin = i != NONE;
	if (guest->twin)
		map->content.guests[i].twin = true;
}

/* Chains of all guests by key and by incarnation, in ascending order of index; none is live. 0 or -ENOMEM. */
static int build_chains(struct indexmap *map)
{
	struct index_content *content = &map->content;

	if (clear_chains(map) < 0)
		return -ENOMEM;
	for (uint32_t i = (uint32_t)content->nguests; i-- > 0;) {
		struct index_guest *guest = &content->guests[i];
		uint32_t *key = &map->by_key[bucket(map, guest->key)];
		uint32_t *incarnation = &map->by_incarnation[bucket(map, guest->incarnation)];

		guest->live = false;
		mark_twins(map, guest);
		guest->next_key = *key;
		*key = i;
		guest->next_incarnation = *incarnation;
		*incarnation = i;
	}
	return 0;
}

static uint32_t find_incarnation(struct indexmap *map, const char *incarnation)
{
	uint32_t i = map->by_incarnation[bucket(map, incarnation)];

	while (i != NONE && (map->content.guests[i].live ||
			     strcmp(map->content.guests[i].incarnation, incarnation) != 0))
		i = map->content.guests[i].next_incarnation;
	return i;
}

/* A guest that is not live is looked for, so live ones leave the chain: many guests of one key stay cheap. */
static uint32_t find_key(struct indexmap *map, const char *key)
{
	uint32_t *link = &map->by_key[bucket(map, key)];

	while (*link != NONE) {
		struct index_guest *guest = &map->content.guests[*link];

		if (guest->live)
			*link = guest->next_key;
		else if (strcmp(guest->key, key) == 0)
			return *link;
		else
			link = &guest->next_key;
	}
	return NONE;
}

/* The guest of this key is back, as a new incarnation. 0 or -ENOMEM. */
static int set_incarnation(struct indexmap *map, struct index_guest *guest, const char *incarnation)
{
	char *copy = strdup(incarnation);

	if (!copy)
		return -ENOMEM;
	free(guest->incarnation);
	guest->incarnation = copy;
	guest->exact = false;
	map->store.dirty = true;
	return 0;
}

/*
 * Give a guest a new index. The first one after a start skips a gap, since the file may not be the
 * newest. 0 or -ENOMEM.
 */
static int give_index(struct indexmap *map, const struct kvmstat_guest *guest)
{
	struct index_content *content = &map->content;

	if (content->highest < INDEX_MAX - map->store.gap)
		content->highest += map->store.gap;
	map->store.gap = 0;
	map->store.dirty = true;
	return index_add_guest(content, content->highest + 1, guest->key, guest->incarnation);
}

/* The position of a guest that was not known by its incarnation, NONE if indices ran out, in *position. */
static int place_guest(struct indexmap *map, const struct kvmstat_guest *guest, uint32_t *position)
{
	struct index_content *content = &map->content;
	uint32_t found;
	int rc;

	*position = NONE;
	/* The guest is not identified yet. */
	if (!*guest->key)
		return 0;
	found = find_key(map, guest->key);
	if (found != NONE) {
		rc = set_incarnation(map, &content->guests[found], guest->incarnation);
	} else if (content->highest >= INDEX_MAX) {
		complain(&map->full,
			 "guest %s is not served: all %u guest indices are assigned; move %s/%s "
			 "away, then guests get other indices",
			 guest->name, INDEX_MAX, map->store.dir ? map->store.dir : "", INDEX_FILE);
		return 0;
	} else {
		found = (uint32_t)content->nguests;
		rc = give_index(map, guest);
	}
	if (rc < 0)
		return rc;
	content->guests[found].live = true;
	*position = found;
	return 0;
}

/*
 * First the guests that are known by their incarnation, so that a newcomer with the same key cannot
 * take the index of a running guest.
 */
static int assign_guests(struct indexmap *map, const struct kvmstat_sample *sample)
{
	int rc;

	if (map->assigned)
		index_forget_guests(&map->content, sample->time_ns);
	rc = build_chains(map);
	if (rc < 0)
		return rc;
	for (uint32_t row = 0; row < sample->nrows; row++) {
		uint32_t i = find_incarnation(map, sample->rows[row].guest->incarnation);

		map->position[row] = i;
		if (i != NONE)
			map->content.guests[i].live = true;
	}
	for (uint32_t row = 0; row < sample->nrows; row++) {
		if (map->position[row] != NONE)
			continue;
		rc = place_guest(map, sample->rows[row].guest, &map->position[row]);
		if (rc < 0)
			return rc;
	}
	map->assigned = true;
	return 0;
}

/* ---- events ------------------------------------------------------------- */

static struct index_event *find_event(struct indexmap *map, uint32_t number)
{
	for (size_t i = 0; i < map->content.nevents; i++)
		if (map->content.events[i].number == number)
			return &map->content.events[i];
	return NULL;
}

static bool has_fixed_number(const struct kvmstat_event *event)
{
	return event->number <= KVMSTAT_NUMBER_FIXED_MAX;
}

/* The event's own entry, NULL if there is none or its number is another one's. */
static struct index_event *own_event(struct indexmap *map, const struct kvmstat_event *event)
{
	struct index_event *found = find_event(map, event->number);

	return found && strcmp(found->name, event->name) == 0 ? found : NULL;
}

/* So that no event of this sample is forgotten. */
static void mark_events(struct indexmap *map, const struct kvmstat_sample *sample)
{
	for (size_t i = 0; i < map->content.nevents; i++)
		map->content.events[i].live = false;
	for (uint32_t column = 0; column < sample->ncolumns; column++) {
		const struct kvmstat_event *event = sample->columns[column].event;
		struct index_event *own = has_fixed_number(event) ? NULL : own_event(map, event);

		if (own)
			own->live = true;
	}
}

static int add_event(struct indexmap *map, const struct kvmstat_event *event)
{
	const struct index_event *found = find_event(map, event->number);

	if (found) {
		complain(&map->taken,
			 "event %s is not served: its number %u is assigned to event %s in %s/%s; "
			 "leave out one of them with the option ExcludeEvent, or move the file away, "
			 "then guests get other indices",
			 event->name, event->number, found->name, map->store.dir ? map->store.dir : "", INDEX_FILE);
		return 0;
	}
	index_forget_event(&map->content);
	if (index_add_event(&map->content, event->number, event->name) < 0)
		return -ENOMEM;
	map->content.events[map->content.nevents - 1].live = true;
	map->store.dirty = true;
	return 0;
}

static int assign_events(struct indexmap *map, const struct kvmstat_sample *sample)
{
	int rc = 0;

	mark_events(map, sample);
	for (uint32_t column = 0; column < sample->ncolumns && !rc; column++) {
		const struct kvmstat_event *event = sample->columns[column].event;

		if (!has_fixed_number(event) && !own_event(map, event))
			rc = add_event(map, event);
	}
	return rc;
}

void indexmap_remember_events(struct indexmap *map, struct kvmstat *kvmstat)
{
	const struct index_event *refused = NULL;
	size_t count = 0;
	int error = 0;

	map->complete = false;	/* generations of another collector are not comparable */
	if (indexstore_look(&map->store, &map->content) < 0)
		return;
	for (size_t i = 0; i < map->content.nevents; i++) {
		const struct index_event *event = &map->content.events[i];
		int rc = kvmstat_remember_event(kvmstat, event->name, event->number);

		if (rc == 0)
			continue;
		refused = event;
		error = -rc;
		count++;
	}
	if (refused)
		message(LOG_WARNING,
			"%zu events of %s/%s cannot keep their numbers (last: %s, %u): %s; they get "
			"others",
			count, map->store.dir, INDEX_FILE, refused->name, refused->number, strerror(error));
}

/* ---- what is published -------------------------------------------------- */

static int make_room(struct indexmap *map, const struct kvmstat_sample *sample)
{
	uint32_t *position, *guest;
	bool *event;

	if (sample->nrows > map->rows_size) {
		position = reallocarray(map->position, sample->nrows, sizeof(*position));
		map->position = position ? position : map->position;
		guest = reallocarray(map->guest, sample->nrows, sizeof(*guest));
		map->guest = guest ? guest : map->guest;
		if (!position || !guest)
			return -ENOMEM;
		map->rows_size = sample->nrows;
	}
	if (sample->ncolumns > map->columns_size) {
		event = reallocarray(map->event, sample->ncolumns, sizeof(*event));
		if (!event)
			return -ENOMEM;
		map->event = event;
		map->columns_size = sample->ncolumns;
	}
	return 0;
}

/*
 * A guest whose index is in the file is published even if its new incarnation cannot be saved; of two with one key it
 * takes the incarnation to know which is which after a restart.
 */
static bool is_certain(const struct index_guest *guest)
{
	return guest->saved && (guest->exact || !guest->twin);
}

static void publish(struct indexmap *map, const struct kvmstat_sample *sample)
{
	map->complete = map->store.current && !map->store.dirty;
	for (uint32_t row = 0; row < sample->nrows; row++) {
		uint32_t i = map->store.loaded ? map->position[row] : NONE;
		const struct index_guest *guest = i == NONE ? NULL : &map->content.guests[i];

		map->guest[row] = guest && is_certain(guest) ? guest->index : 0;
		map->complete &= map->guest[row] != 0;
	}
	for (uint32_t column = 0; column < sample->ncolumns; column++) {
		const struct kvmstat_event *event = sample->columns[column].event;
		const struct index_event *own =
			map->store.loaded && !has_fixed_number(event) ? own_event(map, event) : NULL;

		map->event[column] = has_fixed_number(event) || (own && own->saved);
		map->complete &= map->event[column];
	}
	map->nrows = sample->nrows;
	map->ncolumns = sample->ncolumns;
	map->guest_generation = sample->guest_generation;
	map->event_generation = sample->event_generation;
	map->generation++;
}

static bool unchanged(const struct indexmap *map, const struct kvmstat_sample *sample)
{
	return map->complete && map->generation && map->guest_generation == sample->guest_generation &&
	       map->event_generation == sample->event_generation && map->nrows == sample->nrows &&
	       map->ncolumns == sample->ncolumns;
}

static int assign(struct indexmap *map, const struct kvmstat_sample *sample)
{
	int rc = make_room(map, sample);

	if (!rc && map->store.loaded) {
		rc = assign_guests(map, sample);
		if (!rc)
			rc = assign_events(map, sample);
		if (!rc)
			indexstore_save(&map->store, &map->content);
	}
	if (rc < 0)
		return rc;
	publish(map, sample);
	if (map->complete)
		indexstore_recovered(&map->store);
	return 0;
}

int indexmap_assign(struct indexmap *map, const struct kvmstat_sample *sample, struct assignment *assignment)
{
	int rc = indexstore_look(&map->store, &map->content);

	if (rc > 0)
		map->complete = false;
	if (rc >= 0 && !unchanged(map, sample))
		rc = assign(map, sample);
	if (rc < 0)
		return rc;
	assignment->guest = map->guest;
	assignment->event = map->event;
	assignment->generation = map->generation;
	return 0;
}
