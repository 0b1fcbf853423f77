/* SPDX-License-Identifier: MIT */
/* read.c - fill the cells of one guest from its libvirt domain */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sources/libvirt/libvirt.h"
#include "util/array.h"

/* One guest while it is read. */
struct reading {
	struct source *source;
	struct pass *pass;
	struct guest *guest;
	const struct libvirt_param *params;
	uint32_t nparams;
	bool has_events;
	bool has_count;
	uint32_t count;		/* of vCPUs, from libvirt */
};

/* ---- events ---- */

static int compare(const struct libvirt_event *event, enum kvmstat_scope scope, const char *name)
{
	return event->scope != scope ? (event->scope < scope ? -1 : 1) : strcmp(event->name, name);
}

/* Position of the event, or where to insert it. */
static size_t place_of(const struct libvirt_state *state, enum kvmstat_scope scope, const char *name)
{
	size_t low = 0, high = state->nevents;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare(&state->events[middle], scope, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct libvirt_event *libvirt_event(const struct libvirt_state *state, const struct libvirt_key *key)
{
	size_t place = place_of(state, key->scope, key->name);

	return place < state->nevents && compare(&state->events[place], key->scope, key->name) == 0 ?
		       &state->events[place] : NULL;
}

/* All guests of a host have the same names: those of the first one show the architecture. */
static int learn_arch(struct reading *reading)
{
	struct libvirt_state *state = reading->source->state;
	struct libvirt_key *keys = calloc(reading->nparams + 1u, sizeof(*keys));
	const char **names = calloc(reading->nparams + 1u, sizeof(*names));
	size_t count = 0;

	if (keys && names) {
		for (uint32_t i = 0; i < reading->nparams; i++)
			if (libvirt_parse(&reading->params[i], &keys[count]) == 0 && keys[count].kind == LIBVIRT_EVENT) {
				names[count] = keys[count].name;
				count++;
			}
		state->arch = registry_arch(names, count, "");
	}
	free(names);
	free(keys);
	return state->arch ? 0 : -ENOMEM;
}

/* Add the event of this key, and offer it if it can be collected. 0 or -ENOMEM. */
static int learn_event(struct reading *reading, const struct libvirt_key *key, const struct libvirt_param *param,
		       struct libvirt_event *event)
{
	struct libvirt_state *state = reading->source->state;
	struct event_hint hint = { .class = key->class, .unit = libvirt_unit(param, key->name), .scope = key->scope };
	const struct kvmstat_event *known;

	if (!state->arch && learn_arch(reading) < 0)
		return -ENOMEM;
	known = registry_intern(reading->pass->context->registry, state->arch, key->name, &hint);
	if (!known && errno == ENOMEM)
		return -ENOMEM;
	/* Old and new name of one event would make two offers. */
	if (!known || known->scope != key->scope || source_find_offer(reading->source, known) >= 0)
		return 0;
	event->offer = (uint32_t)reading->source->noffers;
	event->event = known;
	return source_offer(reading->source, known, event->name, 1, false);
}

static int add_event(struct reading *reading, const struct libvirt_key *key, const struct libvirt_param *param)
{
	struct libvirt_state *state = reading->source->state;
	size_t place = place_of(state, key->scope, key->name);
	struct libvirt_event event = { .name = strdup(key->name), .scope = key->scope };
	int rc = event.name ? array_resize(&state->events, state->nevents + 1) : -ENOMEM;

	if (rc == 0)
		rc = learn_event(reading, key, param, &event);
	if (rc < 0) {
		free(event.name);
		return rc;
	}
	memmove(&state->events[place + 1], &state->events[place], (state->nevents++ - place) * sizeof(event));
	state->events[place] = event;
	return 0;
}

static int take_event(struct reading *reading, const struct libvirt_key *key, const struct libvirt_param *param)
{
	struct libvirt_state *state = reading->source->state;
	struct libvirt_event *event = libvirt_event(state, key);
	int rc;

	if (!event) {
		rc = add_event(reading, key, param);
		if (rc < 0)
			return rc;
		event = libvirt_event(state, key);
	}
	/* Ascending order: no vCPU is counted twice. */
	if (event->seen && key->vcpu <= event->last)
		return LIBVIRT_MALFORMED;
	event->last = key->vcpu;
	if (!event->seen++)
		event->value = param->number;
	else if (event->event && event->event->class == KVMSTAT_PEAK)
		event->value = param->number > event->value ? param->number : event->value;
	else
		event->value += param->number;
	return LIBVIRT_FINE;
}

/* ---- vCPUs ---- */

static int add_vcpu(struct libvirt_state *state, uint32_t number, bool offline)
{
	if (state->nvcpus && number <= state->vcpus[state->nvcpus - 1].number)
		return LIBVIRT_MALFORMED;
	if (array_reserve(&state->vcpus, &state->vcpu_room, state->nvcpus + 1) < 0)
		return -ENOMEM;
	state->vcpus[state->nvcpus++] = (struct libvirt_vcpu){ .number = number, .offline = offline };
	return LIBVIRT_FINE;
}

/* libvirt lists a vCPU's state first, so the entry exists by now. */
static void take_time(struct libvirt_state *state, const struct libvirt_key *key, uint64_t ns)
{
	struct libvirt_vcpu *vcpu = state->nvcpus ? &state->vcpus[state->nvcpus - 1] : NULL;

	if (!vcpu || vcpu->number != key->vcpu)
		return;
	if (key->kind == LIBVIRT_TIME) {
		vcpu->has_cpu = true;
		vcpu->cpu_ns = ns;
	} else {
		vcpu->has_wait = true;
		vcpu->wait_ns = ns;
	}
}

/* ---- a guest ---- */

static int take(struct reading *reading, const struct libvirt_param *param)
{
	struct libvirt_state *state = reading->source->state;
	struct libvirt_key key;

	if (libvirt_parse(param, &key) < 0)
		return LIBVIRT_MALFORMED;
	switch (key.kind) {
	case LIBVIRT_EVENT:
		reading->has_events = true;
		return take_event(reading, &key, param);
	case LIBVIRT_STATE:
		return add_vcpu(state, key.vcpu, param->number == 0);
	case LIBVIRT_VCPUS:
		reading->has_count = true;
		reading->count = (uint32_t)param->number;
		break;
	case LIBVIRT_TIME:
	case LIBVIRT_DELAY:
		take_time(state, &key, param->number);
		break;
	case LIBVIRT_OTHER:
		break;
	}
	return LIBVIRT_FINE;
}

static int take_all(struct reading *reading)
{
	struct libvirt_state *state = reading->source->state;
	int rc = LIBVIRT_FINE;

	state->nvcpus = 0;
	for (size_t i = 0; i < state->nevents; i++)
		state->events[i].seen = 0;
	for (uint32_t i = 0; rc == LIBVIRT_FINE && i < reading->nparams; i++)
		rc = take(reading, &reading->params[i]);
	return rc;
}

/*
 * A VM never loses a vCPU: one that QEMU has unplugged keeps its counters, which libvirt no longer
 * shows.
 */
static bool has_all_vcpus(const struct reading *reading)
{
	const struct libvirt_state *state = reading->source->state;

	return state->nvcpus && reading->has_count && reading->count == state->nvcpus &&
	       state->nvcpus >= reading->guest->vcpus;
}

/*
 * Write the sums of events that every vCPU has; a partial sum is not shown. Returns LIBVIRT_FINE or
 * LIBVIRT_PARTLY.
 */
static int fill_events(struct reading *reading, bool all_vcpus)
{
	struct libvirt_state *state = reading->source->state;
	uint64_t *values = pass_values(reading->pass, reading->guest);
	uint8_t *from = pass_from(reading->pass, reading->guest);
	int result = all_vcpus ? LIBVIRT_FINE : LIBVIRT_PARTLY;

	for (size_t i = 0; i < state->nevents; i++) {
		struct libvirt_event *event = &state->events[i];
		uint32_t cell = event->event ? reading->source->offers[event->offer].cell : NO_CELL;

		event->complete = event->seen && (event->scope == KVMSTAT_VM || (all_vcpus && event->seen == state->nvcpus));
		if (event->seen && !event->complete)
			result = LIBVIRT_PARTLY;
		if (event->complete && cell != NO_CELL && pass_may_fill(reading->pass, KVMSTAT_LIBVIRT, from[cell])) {
			values[cell] = event->value;
			from[cell] = KVMSTAT_LIBVIRT;
		}
	}
	return result;
}

static int fill(struct reading *reading)
{
	bool all_vcpus = has_all_vcpus(reading);
	int result = fill_events(reading, all_vcpus), rc = 0;

	if (!all_vcpus)
		return result;
	libvirt_fill_times(reading->source->state, reading->guest);
	if (pass_reports_vcpus(reading->pass))
		rc = libvirt_fill_vcpus(reading->source, reading->pass, reading->guest, reading->params, reading->nparams);
	reading->guest->vcpus = ((struct libvirt_state *)reading->source->state)->nvcpus;
	return rc < 0 ? rc : result;
}

int libvirt_read_guest(struct source *source, struct pass *pass, struct guest *guest,
		       const struct libvirt_domain *domain)
{
	struct reading reading = { source, pass, guest, domain->params, domain->nparams, false, false, 0 };
	int rc;

	if (!libvirt_is_guest(source->state, pass, guest, domain->name))
		return LIBVIRT_UNKNOWN;
	rc = take_all(&reading);
	if (rc != LIBVIRT_FINE)
		return rc;
	if (!libvirt_is_there(&pass->context->root, guest))
		return LIBVIRT_ENDED;
	/*
	 * libvirt skipped it because it was busy. That it is free now does not mean that it lacks
	 * statistics.
	 */
	if (!reading.has_events)
		return domain->busy || guest->kept[KVMSTAT_LIBVIRT].data ? LIBVIRT_SILENT : LIBVIRT_WITHOUT;
	/* It has events, or had them in an earlier pass. */
	guest->kept[KVMSTAT_LIBVIRT].data = source->state;
	return fill(&reading);
}
