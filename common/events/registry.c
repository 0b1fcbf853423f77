/* SPDX-License-Identifier: MIT */
#include "events/registry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "events/event_table.h"
#include "util/hash.h"
#include "util/text.h"

enum {
	BUCKETS = 1024,
	NAME_MAX_LEN = 127,
};

#define NUMBER_MAX 0x7fffffffu

/* An event that is not in events.tsv: met on this host, or only remembered from an earlier run. */
struct unknown {
	struct kvmstat_event event;
	bool met;
	bool guessed;
	struct unknown *next_by_name;
	struct unknown *next_by_number;
	char name[];
};

struct registry {
	struct kvmstat_event *known; /* in the order of event_table */
	struct unknown *by_name[BUCKETS];
	struct unknown *by_number[BUCKETS];
	uint64_t *left_out;	/* hashed names of events above the limit */
	uint32_t nleft_out;
	uint32_t nmet;
	uint32_t nremembered;
};

/* ---- what is known: events.tsv ------------------------------------------ */

static int compare_event(const void *key, const void *item)
{
	return strcmp(key, ((const struct known_event *)item)->name);
}

/* Index in event_table, or -1. */
static int known_find(const char *name)
{
	const struct known_event *found;

	found = bsearch(name, event_table, event_table_count, sizeof(event_table[0]), compare_event);
	return found ? (int)(found - event_table) : -1;
}

static int compare_alias(const void *key, const void *item)
{
	return strcmp(key, ((const struct known_alias *)item)->name);
}

/* Index in event_table of the event with this old name on one of these architectures, or -1. */
static int alias_find(const char *name, unsigned int archs)
{
	const struct known_alias *found;

	found = bsearch(name, alias_table, alias_table_count, sizeof(alias_table[0]), compare_alias);
	return found && (found->archs & archs) ? found->event : -1;
}

const char *event_today(const char *old)
{
	int i = alias_find(old, ~0u);

	return i >= 0 ? event_table[i].name : NULL;
}

const char *event_old_name(const char *name)
{
	const struct known_alias *found;

	found = bsearch(name, alias_table, alias_table_count, sizeof(alias_table[0]), compare_alias);
	return found ? found->name : NULL;
}

/* Bit 1 << architecture; 0 if the name is unknown. */
static unsigned int arch_bit(const char *arch)
{
	for (size_t i = 0; arch && i < arch_table_count; i++)
		if (!strcmp(arch_table[i], arch))
			return 1u << i;
	return 0;
}

/* The architectures that have an event of this name, now or in the past. */
static unsigned int archs_with(const char *name)
{
	unsigned int archs = 0;
	int i = known_find(name);

	if (i >= 0)
		archs = event_table[i].archs;
	for (size_t arch = 0; arch < arch_table_count; arch++)
		if (alias_find(name, 1u << arch) >= 0)
			archs |= 1u << arch;
	return archs;
}

const char *registry_arch(const char *const *names, size_t count, const char *fallback)
{
	size_t votes[16] = {0}, most = 0;
	const char *arch = fallback;

	for (size_t i = 0; i < count; i++) {
		unsigned int archs = archs_with(names[i]);

		for (size_t a = 0; a < arch_table_count; a++)
			votes[a] += archs >> a & 1;
	}
	for (size_t a = 0; a < arch_table_count; a++) {
		bool expected = fallback && !strcmp(arch_table[a], fallback);

		if (votes[a] > most || (votes[a] && votes[a] == most && expected)) {
			most = votes[a];
			arch = arch_table[a];
		}
	}
	return arch;
}

/* ---- the registry ------------------------------------------------------- */

static void know(struct registry *registry, size_t i)
{
	const struct known_event *entry = &event_table[i];
	struct kvmstat_event *event = &registry->known[i];

	event->name = entry->name;
	event->text = entry->text;
	event->parent = entry->parent >= 0 ? &registry->known[entry->parent] : NULL;
	event->number = entry->number;
	event->class = entry->class;
	event->unit = entry->unit;
	event->scope = entry->scope;
	event->category = entry->category;
	event->adds_to = entry->adds_to;
	event->known = true;
	event->dead = entry->dead;
}

struct registry *registry_new(void)
{
	struct registry *registry = calloc(1, sizeof(*registry));

	if (!registry)
		return NULL;
	registry->known = calloc(event_table_count, sizeof(*registry->known));
	if (!registry->known) {
		free(registry);
		return NULL;
	}
	for (size_t i = 0; i < event_table_count; i++)
		know(registry, i);
	return registry;
}

void registry_free(struct registry *registry)
{
	if (!registry)
		return;
	for (size_t i = 0; i < BUCKETS; i++) {
		while (registry->by_name[i]) {
			struct unknown *unknown = registry->by_name[i];

			registry->by_name[i] = unknown->next_by_name;
			free(unknown);
		}
	}
	free(registry->left_out);
	free(registry->known);
	free(registry);
}

static bool name_is_valid(const char *name)
{
	size_t len = strnlen(name, NAME_MAX_LEN + 1);

	if (len == 0 || len > NAME_MAX_LEN)
		return false;
	for (; *name; name++)
		if (!(*name >= 'a' && *name <= 'z') && !(*name >= 'A' && *name <= 'Z') &&
		    !(*name >= '0' && *name <= '9') && *name != '_')
			return false;
	return true;
}

static uint64_t hash_name(const char *name)
{
	return hash_bytes(HASH_BASIS, name, strlen(name));
}

static struct unknown *unknown_by_name(const struct registry *registry, const char *name)
{
	struct unknown *unknown = registry->by_name[hash_name(name) % BUCKETS];

	while (unknown && strcmp(unknown->name, name))
		unknown = unknown->next_by_name;
	return unknown;
}

static struct unknown *unknown_by_number(const struct registry *registry, uint32_t number)
{
	struct unknown *unknown = registry->by_number[number % BUCKETS];

	while (unknown && unknown->event.number != number)
		unknown = unknown->next_by_number;
	return unknown;
}

static uint32_t free_number(const struct registry *registry, const char *name)
{
	const uint32_t first = KVMSTAT_NUMBER_FIXED_MAX + 1;
	uint32_t number = first + hash_name(name) % (NUMBER_MAX + 1u - first);

	while (unknown_by_number(registry, number))
		number = number < NUMBER_MAX ? number + 1 : first;
	return number;
}

static struct unknown *unknown_add(struct registry *registry, const char *name, uint32_t number)
{
	size_t len = strlen(name);
	struct unknown *unknown = calloc(1, sizeof(*unknown) + len + 1);
	struct unknown **by_name, **by_number;

	if (!unknown) {
		errno = ENOMEM;
		return NULL;
	}
	memcpy(unknown->name, name, len);
	unknown->event.name = unknown->name;
	unknown->event.text = "";
	unknown->event.number = number;
	unknown->event.category = KVMSTAT_OTHER;
	by_name = &registry->by_name[hash_name(name) % BUCKETS];
	by_number = &registry->by_number[number % BUCKETS];
	unknown->next_by_name = *by_name;
	unknown->next_by_number = *by_number;
	*by_name = unknown;
	*by_number = unknown;
	return unknown;
}

/* Each source and each guest has the same names: count a name once. */
static void leave_out(struct registry *registry, const char *name)
{
	uint64_t hash = hash_name(name);

	if (!registry->left_out)
		registry->left_out = calloc(REGISTRY_MAX_UNKNOWN, sizeof(*registry->left_out));
	if (!registry->left_out || registry->nleft_out == REGISTRY_MAX_UNKNOWN)
		return;
	for (uint32_t i = 0; i < registry->nleft_out; i++)
		if (registry->left_out[i] == hash)
			return;
	registry->left_out[registry->nleft_out++] = hash;
}

uint32_t registry_left_out(const struct registry *registry)
{
	return registry->nleft_out;
}

static void take_hint(struct unknown *unknown, const struct event_hint *hint)
{
	unknown->event.class = hint->class;
	unknown->event.unit = hint->unit;
	unknown->event.scope = hint->scope;
	unknown->guessed = hint->guessed;
}

static const struct kvmstat_event *meet(struct registry *registry, const char *name,
					const struct event_hint *hint)
{
	struct unknown *unknown = unknown_by_name(registry, name);

	if (unknown && unknown->met) {
		if (unknown->guessed && !hint->guessed)
			take_hint(unknown, hint);
		return &unknown->event;
	}
	if (registry->nmet >= REGISTRY_MAX_UNKNOWN) {
		leave_out(registry, name);
		errno = ENOSPC;
		return NULL;
	}
	if (!unknown)
		unknown = unknown_add(registry, name, free_number(registry, name));
	if (!unknown)
		return NULL;
	take_hint(unknown, hint);
	unknown->met = true;
	registry->nmet++;
	return &unknown->event;
}

const struct kvmstat_event *registry_intern(struct registry *registry, const char *arch, const char *name,
					    const struct event_hint *hint)
{
	unsigned int bit = arch_bit(arch);
	int i;

	if (!name_is_valid(name)) {
		errno = EINVAL;
		return NULL;
	}
	i = alias_find(name, bit);
	if (i < 0)
		i = known_find(name);
	if (i < 0)
		return meet(registry, name, hint);
	/* Another event of this architecture includes it (s390: exit_userspace counts signal_exits). */
	if (event_table[i].adds_not_on & bit)
		registry->known[i].adds_to = 0;
	return &registry->known[i];
}

const struct kvmstat_event *registry_find(const struct registry *registry, const char *name)
{
	const struct unknown *unknown;
	int i = known_find(name);

	if (i >= 0)
		return &registry->known[i];
	unknown = unknown_by_name(registry, name);
	return unknown && unknown->met ? &unknown->event : NULL;
}

int registry_remember(struct registry *registry, const char *name, uint32_t number)
{
	if (!name_is_valid(name) || number <= KVMSTAT_NUMBER_FIXED_MAX || number > NUMBER_MAX)
		return -EINVAL;
	if (known_find(name) >= 0 || unknown_by_name(registry, name) || unknown_by_number(registry, number))
		return -EEXIST;
	if (registry->nremembered >= REGISTRY_MAX_UNKNOWN)
		return -ENOSPC;
	if (!unknown_add(registry, name, number))
		return -ENOMEM;
	registry->nremembered++;
	return 0;
}

/* ---- did you mean ------------------------------------------------------- */

static const char *nearest_name(const struct registry *registry, const char *word)
{
	struct nearest nearest;

	nearest_init(&nearest, word);
	for (size_t i = 0; i < event_table_count; i++)
		nearest_try(&nearest, event_table[i].name);
	for (size_t i = 0; i < alias_table_count; i++)
		nearest_try(&nearest, alias_table[i].name);
	for (size_t i = 0; i < BUCKETS; i++)
		for (const struct unknown *u = registry->by_name[i]; u; u = u->next_by_name)
			nearest_try(&nearest, u->name);
	return nearest.name;
}

bool registry_unknown(const struct registry *registry, const char *word, char *suggestion, size_t size)
{
	const char *near;

	if (size)
		suggestion[0] = '\0';
	if (word[0] == '/' || known_find(word) >= 0 || alias_find(word, ~0u) >= 0 ||
	    unknown_by_name(registry, word))
		return false;
	near = nearest_name(registry, word);
	if (strlen(near) < size)
		memcpy(suggestion, near, strlen(near) + 1);
	return true;
}
