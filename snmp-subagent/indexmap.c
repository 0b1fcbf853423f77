/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "indexfile.h"
#include "indexmap.h"
#include "log.h"

enum {
	NONE = UINT32_MAX,	   /* end of a chain; a row without an entry */
	REMEMBERED_GUESTS = 20000, /* above this, guests that are gone are forgotten, lowest index first */
};

struct indexmap {
	char *dir;			/* NULL: in memory only */
	int dirfd;
	bool loaded;
	bool damaged;			/* the file is, and was not replaced yet */
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
	struct complaint trouble, full;
};

int indexmap_new(struct indexmap **map, const char *dir)
{
	struct indexmap *new = calloc(1, sizeof(*new));

	if (!new)
		return -ENOMEM;
	new->dirfd = -1;
	new->loaded = !dir;
	if (dir) {
		new->dir = strdup(dir);
		if (!new->dir) {
			free(new);
			return -ENOMEM;
		}
	}
	*map = new;
	return 0;
}

void indexmap_free(struct indexmap *map)
{
	if (!map)
		return;
	index_content_free(&map->content);
	if (map->dirfd >= 0)
		close(map->dirfd);
	free(map->by_key);
	free(map->by_incarnation);
	free(map->position);
	free(map->guest);
	free(map->event);
	free(map->dir);
	free(map);
}

/* ---- the file ----------------------------------------------------------- */

/* The state directory for this process alone. 0 or -errno. */
static int open_dir(struct indexmap *map)
{
	int rc;

	if (map->dirfd >= 0)
		return 0;
	if (mkdir(map->dir, 0755) < 0 && errno != EEXIST && errno != EROFS && errno != EACCES)
		return -errno;
	map->dirfd = open(map->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (map->dirfd < 0)
		return -errno;
	if (flock(map->dirfd, LOCK_EX | LOCK_NB) < 0) {
		rc = errno == EWOULDBLOCK ? -EBUSY : -errno;
		close(map->dirfd);
		map->dirfd = -1;
		return rc;
	}
	return 0;
}

static const char *explain(int rc)
{
	switch (-rc) {
	case EBUSY:
		return "another kvmstat-agentx uses this directory: stop it, or give each its own with the option StateDir";
	case EPROTONOSUPPORT:
		return "the file was written by a later version of kvmstat-agentx: run that one, or move the file away";
	case EACCES:
	case EPERM:
	case EROFS:
		return "the user that kvmstat-agentx runs as must be able to write this directory "
		       "(systemd: StateDirectory=kvmstat); or choose another one with the option StateDir";
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return "the file system is full: make room";
	default:
		return "check the directory, or choose another one with the option StateDir";
	}
}

static const char *reason(int rc)
{
	return rc == -EPROTONOSUPPORT ? "unknown version" : strerror(-rc);
}

static int load(struct indexmap *map)
{
	int rc = open_dir(map);

	if (!rc)
		rc = index_read(map->dirfd, &map->content);
	if (rc > 0) {
		int kept = index_keep_bad(map->dirfd);

		message(LOG_WARNING,
			"%s/%s was damaged: %zu guests could be read of it, new ones get indices above %u; %s%s",
			map->dir, INDEX_FILE, map->content.nguests, map->content.highest,
			kept < 0 ? "no copy could be kept: " : "it is kept as " INDEX_FILE_BAD,
			kept < 0 ? strerror(-kept) : "");
		map->damaged = true;
		rc = 0;
	}
	if (rc < 0) {
		if (rc != -ENOMEM)
			complain(
				&map->trouble,
				"cannot use %s/%s, where the indices of guests are kept: %s; until then guests are "
				"not served, since an index might be given twice; %s",
				map->dir, INDEX_FILE, reason(rc), explain(rc));
		return rc;
	}
	map->loaded = true;
	return 0;
}

static void mark_saved(struct indexmap *map)
{
	for (size_t i = 0; i < map->content.nguests; i++)
		map->content.guests[i].saved = true;
	for (size_t i = 0; i < map->content.nevents; i++)
		map->content.events[i].saved = true;
}

static bool all_saved(const struct index_content *content)
{
	for (size_t i = 0; i < content->nguests; i++)
		if (!content->guests[i].saved)
			return false;
	for (size_t i = 0; i < content->nevents; i++)
		if (!content->events[i].saved)
			return false;
	return true;
}

static void save(struct indexmap *map)
{
	int rc = map->dir ? index_write(map->dirfd, &map->content) : 0;

	if (rc < 0) {
		complain(
			&map->trouble,
			"cannot save %s/%s, where the indices of guests are kept: %s; until then new guests are not "
			"served; %s",
			map->dir, INDEX_FILE, reason(rc), explain(rc));
		return;
	}
	mark_saved(map);
	map->damaged = false;
}

/* ---- guests ------------------------------------------------------------- */

/* Forget guests that are gone if there are too many of them. */
static void prune(struct index_content *content)
{
	size_t excess = content->nguests > REMEMBERED_GUESTS ? content->nguests - REMEMBERED_GUESTS : 0;
	size_t kept = 0;

	for (size_t i = 0; i < content->nguests; i++) {
		struct index_guest *guest = &content->guests[i];

		if (excess && !guest->live) {
			free(guest->key);
			free(guest->incarnation);
			excess--;
		} else {
			content->guests[kept++] = *guest;
		}
	}
	content->nguests = kept;
}

static uint32_t bucket(const struct indexmap *map, const char *text)
{
	return index_hash(text, strlen(text)) & (map->buckets - 1);
}

/* Chains of all guests by key and by incarnation, in ascending order of index; none is live. 0 or -ENOMEM. */
static int build_chains(struct indexmap *map)
{
	struct index_content *content = &map->content;
	uint32_t buckets = 64;

	while (buckets < content->nguests * 2)
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
	for (uint32_t i = (uint32_t)content->nguests; i-- > 0;) {
		struct index_guest *guest = &content->guests[i];
		uint32_t *key = &map->by_key[bucket(map, guest->key)];
		uint32_t *incarnation = &map->by_incarnation[bucket(map, guest->incarnation)];

		guest->live = false;
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
static int set_incarnation(struct index_guest *guest, const char *incarnation)
{
	char *copy = strdup(incarnation);

	if (!copy)
		return -ENOMEM;
	free(guest->incarnation);
	guest->incarnation = copy;
	guest->saved = false;
	return 0;
}

/* The position of a guest that was not known by its incarnation, NONE if indices ran out, in *position. */
static int place_guest(struct indexmap *map, const struct kvmstat_guest *guest, uint32_t *position)
{
	struct index_content *content = &map->content;
	uint32_t found = find_key(map, guest->key);
	int rc;

	*position = NONE;
	if (found != NONE) {
		rc = set_incarnation(&content->guests[found], guest->incarnation);
	} else if (content->highest >= INDEX_MAX) {
		complain(&map->full,
			 "all %u guest indices have been given: guest %s is not served; move %s/%s away to "
			 "start again from 1",
			 INDEX_MAX, guest->name, map->dir ? map->dir : "", INDEX_FILE);
		return 0;
	} else {
		found = (uint32_t)content->nguests;
		rc = index_add_guest(content, content->highest + 1, guest->key, guest->incarnation);
	}
	if (rc < 0)
		return rc;
	content->guests[found].live = true;
	*position = found;
	return 0;
}

/*
 * First everyone who is known by the incarnation, so that a newcomer of the same key cannot take the index of
 * somebody who still runs.
 */
static int assign_guests(struct indexmap *map, const struct kvmstat_sample *sample)
{
	int rc;

	if (map->assigned)
		prune(&map->content);
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

static int assign_events(struct indexmap *map, const struct kvmstat_sample *sample)
{
	for (uint32_t column = 0; column < sample->ncolumns; column++) {
		const struct kvmstat_event *event = sample->columns[column].event;

		if (event->number <= KVMSTAT_NUMBER_FIXED_MAX || find_event(map, event->number))
			continue;
		if (index_add_event(&map->content, event->number, event->name) < 0)
			return -ENOMEM;
	}
	return 0;
}

void indexmap_remember_events(struct indexmap *map, struct kvmstat *kvmstat)
{
	if (!map->loaded && load(map) < 0)
		return;
	for (size_t i = 0; i < map->content.nevents; i++) {
		const struct index_event *event = &map->content.events[i];
		int rc = kvmstat_remember_event(kvmstat, event->name, event->number);

		if (rc < 0)
			message(LOG_WARNING,
				"%s/%s: event %s cannot have its number %u again: %s; it gets another one",
				map->dir, INDEX_FILE, event->name, event->number, strerror(-rc));
	}
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

static void publish(struct indexmap *map, const struct kvmstat_sample *sample)
{
	map->complete = map->loaded && !map->damaged;
	for (uint32_t row = 0; row < sample->nrows; row++) {
		uint32_t i = map->loaded ? map->position[row] : NONE;
		const struct index_guest *guest = i == NONE ? NULL : &map->content.guests[i];

		map->guest[row] = guest && guest->saved ? guest->index : 0;
		map->complete &= map->guest[row] != 0;
	}
	for (uint32_t column = 0; column < sample->ncolumns; column++) {
		uint32_t number = sample->columns[column].event->number;
		const struct index_event *event = map->loaded ? find_event(map, number) : NULL;

		map->event[column] = number <= KVMSTAT_NUMBER_FIXED_MAX || (event && event->saved);
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

int indexmap_assign(struct indexmap *map, const struct kvmstat_sample *sample, struct assignment *assignment)
{
	int rc = 0;

	if (!unchanged(map, sample)) {
		rc = make_room(map, sample);
		if (!rc && !map->loaded && load(map) == -ENOMEM)
			rc = -ENOMEM;
		if (!rc && map->loaded) {
			rc = assign_guests(map, sample);
			if (!rc)
				rc = assign_events(map, sample);
			if (!rc && (map->damaged || !all_saved(&map->content)))
				save(map);
		}
		if (rc < 0)
			return rc;
		publish(map, sample);
		if (map->complete)
			complaint_over(&map->trouble,
				       "the indices of guests are saved in %s/%s again, all guests are "
				       "served",
				       map->dir, INDEX_FILE);
	}
	assignment->guest = map->guest;
	assignment->event = map->event;
	assignment->generation = map->generation;
	return 0;
}
