/* SPDX-License-Identifier: MIT */
/*
 * registry.h - the registry: every event that is known (events.tsv, compiled in) or was met on this host
 */
#ifndef KVMSTAT_EVENT_H
#define KVMSTAT_EVENT_H

#include "kvmstat.h"

struct registry;

/* What the kernel says of an event that is not in events.tsv. */
struct event_hint {
	enum kvmstat_class class;
	enum kvmstat_unit unit;
	enum kvmstat_scope scope;
};

/* NULL without memory. */
struct registry *registry_new(void);
void registry_free(struct registry *registry);

/*
 * The architecture ("s390", "x86", "arm64", ... as in events.tsv) whose events these names are: the one
 * that knows most of them, old names included; fallback if none knows any. Old names mean different
 * things on different architectures, so registry_intern() needs it.
 */
const char *registry_arch(const char *const *names, size_t count, const char *fallback);

/*
 * The event of this kernel name on this architecture: old names give the event of today. An unknown name is
 * added with what hint says and a number made from the name. Pointers stay valid until registry_free().
 * NULL with errno EINVAL if name cannot be an event's (empty, over 127 bytes, characters outside
 * [A-Za-z0-9_]), ENOMEM without memory, ENOSPC if there are more than REGISTRY_MAX_UNKNOWN of them: then it is left out.
 */
enum { REGISTRY_MAX_UNKNOWN = 4096 };
const struct kvmstat_event *registry_intern(struct registry *registry, const char *arch, const char *name,
					    const struct event_hint *hint);

/* How many names were left out; those above REGISTRY_MAX_UNKNOWN are not counted. */
uint32_t registry_left_out(const struct registry *registry);

/* By today's name, known or met; NULL if there is none. */
const struct kvmstat_event *registry_find(const struct registry *registry, const char *name);

/* What an event that had this name on some architecture is called today, or NULL if it is no old name. */
const char *event_today(const char *old);

/* The same old name, in memory that stays; NULL if it is none. */
const char *event_old_name(const char *name);

/* See kvmstat_remember_event(). */
int registry_remember(struct registry *registry, const char *name, uint32_t number);

/* See kvmstat_event_unknown(): today's and old names of all architectures, and those met here. */
bool registry_unknown(const struct registry *registry, const char *word, char *suggestion, size_t size);

#endif
