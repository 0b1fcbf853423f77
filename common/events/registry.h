/* SPDX-License-Identifier: MIT */
/*
 * registry.h - the registry: every event that is known (events.tsv, compiled in) or was met on this host
 */
#ifndef KVMSTAT_EVENT_H
#define KVMSTAT_EVENT_H

#include "kvmstat.h"

struct registry;

/* What the kernel reports of an event that is not in events.tsv. */
struct event_hint {
	enum kvmstat_class class;
	enum kvmstat_unit unit;
	enum kvmstat_scope scope;
	bool guessed;	/* from little more than the name: a hint that is not guessed replaces it */
};

/* NULL without memory. */
struct registry *registry_new(void);
void registry_free(struct registry *registry);

/*
 * Find the architecture ("s390", "x86", "arm64", ... as in events.tsv) of these event names.
 * Returns the one that knows most of them, old names included; fallback if none knows any.
 * registry_intern() needs it, since an old name means different events on different architectures.
 */
const char *registry_arch(const char *const *names, size_t count, const char *fallback);

/*
 * The event of this kernel name on this architecture; an old name returns the current event.
 * An unknown name is added, with hint and a number computed from the name.
 * Pointers are valid until registry_free().
 * Returns NULL with errno:
 * EINVAL: not a valid event name (empty, over 127 bytes, characters outside [A-Za-z0-9_])
 * ENOMEM: out of memory
 * ENOSPC: there are REGISTRY_MAX_UNKNOWN unknown events already; this one is left out
 */
enum { REGISTRY_MAX_UNKNOWN = 4096 };
const struct kvmstat_event *registry_intern(struct registry *registry, const char *arch, const char *name,
					    const struct event_hint *hint);

/* Number of names left out, counted up to REGISTRY_MAX_UNKNOWN. */
uint32_t registry_left_out(const struct registry *registry);

/* The event with this current name, known or met; NULL if there is none. */
const struct kvmstat_event *registry_find(const struct registry *registry, const char *name);

/*
 * The current name of the event that had this name on some architecture, or NULL if it is not an
 * old name.
 */
const char *event_today(const char *old);

/* The same old name in static memory, or NULL if it is not an old name. */
const char *event_old_name(const char *name);

/* See kvmstat_remember_event(). */
int registry_remember(struct registry *registry, const char *name, uint32_t number);

/* See kvmstat_event_unknown(): current and old names of all architectures, and those met here. */
bool registry_unknown(const struct registry *registry, const char *word, char *suggestion, size_t size);

#endif
