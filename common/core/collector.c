/* SPDX-License-Identifier: MIT */
#include "core/collector.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/refusal.h"
#include "util/array.h"

enum {
	MAX_TRIES = 4,		/* of one pass, when a source fails or changes in the middle of it */
	MAX_RETRY = 6,		/* passes between two tries to open a source */
	RECHECK = 64,		/* passes between two suspicions that bpf sees nothing */
};

/* ---- for sources ---- */

void source_status(struct source *source, enum kvmstat_state state, const char *format, ...)
{
	va_list args;

	source->status.state = state;
	va_start(args, format);
	vsnprintf(source->status.text, sizeof(source->status.text), format, args);
	va_end(args);
}

bool source_sees_processes(const struct kvmstat *kvmstat, struct source *source)
{
	if (kvmstat->guests.foreign)
		source_status(source, KVMSTAT_MISSING,
			      "this process runs in a pid namespace of its own: run it in the host's (a container: --pid=host)");
	return !kvmstat->guests.foreign;
}

int source_offer(struct source *source, const struct kvmstat_event *event, const char *name, uint32_t cells,
		 bool refused)
{
	if (array_resize(&source->offers, source->noffers + 1) < 0)
		return -ENOMEM;
	source->offers[source->noffers++] = (struct offer){ event, name, cells, refused, NO_CELL, false };
	return 0;
}

static int mark(struct pass *pass, struct guest *guest)
{
	if (guest->wanted && sample_claim(pass->sample, &guest->slot) < 0)
		return -ENOMEM;
	guest->pass = pass->number;
	guest->has_cpu = false;
	pass->seen++;
	return 0;
}

struct guest *pass_see(struct pass *pass, const struct sighting *sighting, bool *first)
{
	struct kvmstat *kvmstat = pass->kvmstat;
	struct guest *guest = NULL;
	bool newcomer;

	if (sighting->kvm)
		guest = guests_by_kvm(&kvmstat->guests, sighting, pass->number);
	if (!guest)
		guest = guests_see(&kvmstat->guests, &kvmstat->root, kvmstat->config->guests, sighting, &newcomer);
	if (!guest)
		return NULL;
	*first = guest->pass != pass->number;
	return *first && mark(pass, guest) < 0 ? NULL : guest;
}

int pass_see_known(struct pass *pass)
{
	const struct guests *guests = &pass->kvmstat->guests;
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < guests->count; i++)
		rc = mark(pass, guests->list[i]);
	return rc;
}

void pass_drop(struct pass *pass, struct guest *guest)
{
	guest->pass = pass->number - 1;
}

/* Without cells there are no matrices either, and nothing may be added to NULL. */
static uint64_t *values_at(const struct pass *pass, uint32_t slot)
{
	size_t start = (size_t)slot * pass->sample->set->ncells;

	return start ? pass->sample->values + start : pass->sample->values;
}

static uint8_t *from_at(const struct pass *pass, uint32_t slot)
{
	size_t start = (size_t)slot * pass->sample->set->ncells;

	return start ? pass->sample->from + start : pass->sample->from;
}

uint64_t *pass_values(const struct pass *pass, const struct guest *guest)
{
	return values_at(pass, guest->slot);
}

uint8_t *pass_from(const struct pass *pass, const struct guest *guest)
{
	return from_at(pass, guest->slot);
}

bool pass_may_fill(const struct pass *pass, enum kvmstat_source source, uint8_t filled)
{
	const uint8_t *order = pass->kvmstat->config->sources;

	if (filled == KVMSTAT_ABSENT)
		return true;
	while (*order != KVMSTAT_ABSENT && *order != filled && *order != source)
		order++;
	return *order == source;
}

bool pass_reports_vcpus(const struct pass *pass)
{
	return pass->kvmstat->config->vcpus;
}

struct vcpu *pass_see_vcpu(struct pass *pass, struct guest *guest, uint32_t id)
{
	struct vcpu *vcpu = guest_vcpu(guest, id);

	if (!vcpu || vcpu->pass == pass->number)
		return vcpu;
	if (pass_reports_vcpus(pass) && sample_claim_vcpu(pass->sample, &vcpu->slot) < 0)
		return NULL;
	vcpu->pass = pass->number;
	vcpu->has_cpu = vcpu->offline = false;
	return vcpu;
}

uint64_t *pass_vcpu_values(const struct pass *pass, const struct vcpu *vcpu)
{
	return values_at(pass, vcpu->slot);
}

uint8_t *pass_vcpu_from(const struct pass *pass, const struct vcpu *vcpu)
{
	return from_at(pass, vcpu->slot);
}

/* ---- sources: open, close, choose ---- */

static void close_source(struct source *source)
{
	if (source->is_open)
		source->ops->close(source);
	source->is_open = false;
	source->serves = false;
	free(source->offers);
	source->offers = NULL;
	source->noffers = 0;
}

/* All whose way to the kernel may have changed. One that counts by itself would have to begin at 0 again. */
static void close_sources(struct kvmstat *kvmstat)
{
	for (int i = KVMSTAT_ABSENT + 1; i < KVMSTAT_NSOURCES; i++)
		if (!kvmstat->sources[i].ops->own_events)
			close_source(&kvmstat->sources[i]);
}

/* It failed: wait longer each time before it is tried again, but after an error that may be over soon. */
static void postpone(struct kvmstat *kvmstat, struct source *source, int error)
{
	close_source(source);
	if (refusal_passes(error))
		return;
	source->retry_after = source->retry_after ? source->retry_after * 2 : 1;
	if (source->retry_after > MAX_RETRY)
		source->retry_after = MAX_RETRY;
	source->retry_pass = kvmstat->pass + source->retry_after;
}

/* Open what is wanted and not open. 0 or -ENOMEM. */
static int open_sources(struct kvmstat *kvmstat)
{
	for (int i = 0; kvmstat->config->sources[i] != KVMSTAT_ABSENT; i++) {
		struct source *source = &kvmstat->sources[kvmstat->config->sources[i]];
		int rc;

		if (source->is_open || kvmstat->pass < source->retry_pass)
			continue;
		source->status.text[0] = '\0';
		rc = source->ops->open(kvmstat, source);
		/* Where the kernel has no memory for a source, that is what the source's status says, and others go on. */
		if (rc == -ENOMEM && !source->status.text[0]) {
			close_source(source);
			return rc;
		}
		if (rc < 0) {
			postpone(kvmstat, source, rc);
			continue;
		}
		source->is_open = true;
		source->retry_after = 0;
		kvmstat->stale = true;
	}
	return 0;
}

/* The first open source in the configuration's order that can finds the guests. */
static struct source *finder(struct kvmstat *kvmstat)
{
	for (int i = 0; kvmstat->config->sources[i] != KVMSTAT_ABSENT; i++) {
		struct source *source = &kvmstat->sources[kvmstat->config->sources[i]];

		if (source->is_open && source->ops->find)
			return source;
	}
	return NULL;
}

/*
 * Is there anything for it to do? complete: a better source offers every event; this is told of the next one. What
 * a source offers that learns from the guests is not known before it has been run.
 */
static bool is_needed(struct kvmstat *kvmstat, const struct source *source, bool *complete)
{
	bool needed = source == finder(kvmstat), refused = false;

	if (!source->is_open)
		return false;
	for (size_t i = 0; i < source->noffers; i++) {
		needed |= source->offers[i].cell != NO_CELL;
		refused |= source->offers[i].refused;
	}
	if (source->ops->own_events)
		return true;
	if (source->ops->guest_by_guest)
		return needed || (!source->noffers && !*complete);
	*complete |= source->noffers && !refused;
	return needed;
}

/* Sources came or went: make the columns anew, and tell each source where its values go. */
static int rebind(struct kvmstat *kvmstat)
{
	int rc = columns_make(kvmstat);
	bool complete = false;

	for (int i = 0; rc == 0 && kvmstat->config->sources[i] != KVMSTAT_ABSENT; i++) {
		struct source *source = &kvmstat->sources[kvmstat->config->sources[i]];

		source->serves = is_needed(kvmstat, source, &complete);
		if (source->is_open && source->ops->bind)
			rc = source->ops->bind(kvmstat, source);
	}
	return rc;
}

/* ---- one pass ---- */

/* What a source returned: 0; 1: something changed, try again; -ENOMEM. */
static int settle(struct kvmstat *kvmstat, struct source *source, int rc)
{
	if (rc >= 0 || rc == -ENOMEM)
		return rc;
	if (rc == -EAGAIN)
		close_sources(kvmstat);
	else
		postpone(kvmstat, source, 0);	/* this pass goes on without it */
	return 1;
}

/* Find the guests, then run the sources that serve. 0; 1: something changed, try again; -ENOMEM. */
static int run_sources(struct kvmstat *kvmstat, struct pass *pass)
{
	struct source *first = finder(kvmstat);
	int rc = 0;

	pass->finds_guests = true;
	if (first)
		rc = settle(kvmstat, first, first->ops->find(first, pass));
	for (int i = 0; rc == 0 && kvmstat->config->sources[i] != KVMSTAT_ABSENT; i++) {
		struct source *source = &kvmstat->sources[kvmstat->config->sources[i]];

		if (!source->is_open || !source->serves || !source->ops->pass)
			continue;
		pass->finds_guests = source == first;
		rc = settle(kvmstat, source, source->ops->pass(source, pass));
	}
	return rc;
}

/* bpf saw nothing while debugfs lists guests: the kernel's structures may have changed under it. */
static bool is_suspect(struct kvmstat *kvmstat, const struct pass *pass)
{
	const struct source *debugfs = &kvmstat->sources[KVMSTAT_DEBUGFS];

	if (pass->seen || !kvmstat->sources[KVMSTAT_BPF].serves || !debugfs->is_open ||
	    kvmstat->pass < kvmstat->recheck_pass || !debugfs_has_guests(debugfs, &kvmstat->root))
		return false;
	kvmstat->recheck_pass = kvmstat->pass + RECHECK;
	return true;
}

/* 0 with the sample filled; 1: try again; -ENOMEM. */
static int try_pass(struct kvmstat *kvmstat, struct pass *pass)
{
	int rc = open_sources(kvmstat);

	if (rc == 0 && kvmstat->stale) {
		/* Another source may find other guests. */
		uevents_doubt(&kvmstat->uevents);
		rc = rebind(kvmstat);
	}
	if (rc < 0)
		return rc;
	pass->number = ++kvmstat->pass;
	pass->seen = 0;
	pass->sample = sample_begin(&kvmstat->pool, kvmstat->columns, kvmstat->guests.count);
	if (!pass->sample)
		return -ENOMEM;
	/* A tree that stands in for a host announces nothing. */
	if (kvmstat->root.live)
		pass->quiet_since = uevents_ask(&kvmstat->uevents, &kvmstat->root, clock_ns(CLOCK_BOOTTIME));
	rc = run_sources(kvmstat, pass);
	if (rc == 0 && is_suspect(kvmstat, pass)) {
		close_sources(kvmstat);
		rc = 1;
	}
	kvmstat->stale = rc > 0;
	return rc;
}

/* ---- publish ---- */

/* What is told of a source: one that nothing is needed of is not the user's worry, even if it could not be opened. */
static void copy_status(const struct kvmstat *kvmstat, struct kvmstat_source_status statuses[KVMSTAT_NSOURCES])
{
	bool complete = false;

	for (int i = 0; i < KVMSTAT_NSOURCES; i++)
		statuses[i] = kvmstat->sources[i].status;
	for (int i = 0; kvmstat->config->sources[i] != KVMSTAT_ABSENT; i++) {
		const struct source *source = &kvmstat->sources[kvmstat->config->sources[i]];
		struct kvmstat_source_status *status = &statuses[source->ops->id];

		if (source->is_open ? !source->serves : complete && !source->ops->own_events) {
			status->state = KVMSTAT_UNUSED;
			snprintf(status->text, sizeof(status->text), "not needed: better sources serve everything");
		}
		/* The others may lack histograms or single vCPUs, which a source that cannot be opened might have. */
		complete |= source->ops->id == KVMSTAT_BPF && source->is_open;
	}
}

static void publish(struct kvmstat *kvmstat, struct pass *pass, uint64_t begun_ns, uint64_t realtime_ns)
{
	struct kvmstat_sample *sample = &pass->sample->public;

	guests_sweep(&kvmstat->guests, pass->number);
	problems_find(kvmstat);
	problems_end(kvmstat);
	sample->number = ++kvmstat->samples;
	sample->time_ns = begun_ns;
	sample->realtime_ns = realtime_ns;
	sample->cpus = kvmstat->host.cpus;
	sample->lockdown = kvmstat->host.lockdown;
	copy_status(kvmstat, sample->sources);
	memcpy(sample->problems, kvmstat->problems, sizeof(sample->problems));
	sample->duration_ns = clock_ns(CLOCK_BOOTTIME) - begun_ns;
	sample_publish(pass->sample, &kvmstat->guests, pass->number, kvmstat->config->vcpus, kvmstat->top.others);
	top_keep(&kvmstat->top, &kvmstat->guests, pass->sample, pass->number);
	guests_ask_again(&kvmstat->guests, &kvmstat->root, kvmstat->config->guests, pass->number);
}

/* What may be read depends on the lockdown, which can be raised while the host runs. */
static void look_at_host(struct kvmstat *kvmstat, uint64_t now_ns)
{
	enum kvmstat_lockdown before = kvmstat->host.lockdown;

	host_refresh(kvmstat, now_ns);
	if (kvmstat->host.lockdown == before)
		return;
	close_sources(kvmstat);
	kvmstat->stale = true;
}

int kvmstat_collect(struct kvmstat *kvmstat, struct kvmstat_sample **sample)
{
	uint64_t begun_ns = clock_ns(CLOCK_BOOTTIME), realtime_ns = clock_ns(CLOCK_REALTIME);
	struct pass pass = { .kvmstat = kvmstat };
	int rc = 1;

	look_at_host(kvmstat, begun_ns);
	problems_begin(kvmstat);
	proc_helper_begin(&kvmstat->guests.helper);
	for (int tries = 0; rc > 0 && tries < MAX_TRIES; tries++)
		rc = try_pass(kvmstat, &pass);
	if (rc >= 0)
		rc = top_select(&kvmstat->top, &kvmstat->guests, pass.sample, pass.number);
	if (rc >= 0) {
		publish(kvmstat, &pass, begun_ns, realtime_ns);
		*sample = &pass.sample->public;
	}
	proc_helper_end(&kvmstat->guests.helper);
	return rc < 0 ? rc : 0;
}

/* ---- life ---- */

static void init_sources(struct kvmstat *kvmstat)
{
	static const struct source_ops *const ops[KVMSTAT_NSOURCES] = {
		[KVMSTAT_BPF] = &bpf_source,
		[KVMSTAT_DEBUGFS] = &debugfs_source,
		[KVMSTAT_PROC] = &proc_source,
		[KVMSTAT_STATSFD] = &statsfd_source,
		[KVMSTAT_TRACEPOINT] = &tracepoint_source,
		[KVMSTAT_LIBVIRT] = &libvirt_source,
	};

	for (int i = KVMSTAT_ABSENT + 1; i < KVMSTAT_NSOURCES; i++) {
		kvmstat->sources[i].ops = ops[i];
		source_status(&kvmstat->sources[i], KVMSTAT_UNUSED, "%s",
			      ops[i]->opt_in ? ops[i]->opt_in :
			      "the option Source leaves it out; Source auto takes every one");
	}
}

/* Last, whatever the order: its events are no other source's. */
static void add_tracepoint(struct kvmstat_config *config)
{
	uint8_t *end = memchr(config->sources, KVMSTAT_ABSENT, sizeof(config->sources));

	end[0] = KVMSTAT_TRACEPOINT;
	end[1] = KVMSTAT_ABSENT;
}

int kvmstat_open(struct kvmstat **result, const struct kvmstat_config *config)
{
	struct kvmstat *kvmstat = calloc(1, sizeof(*kvmstat));
	int rc = -ENOMEM;

	if (!kvmstat)
		return rc;
	kvmstat->root.fd = -1;
	kvmstat->stale = true;
	init_sources(kvmstat);
	kvmstat->config = config_copy(config);
	kvmstat->top.limit = config->top;
	kvmstat->registry = registry_new();
	if (kvmstat->config && kvmstat->config->exit_reasons)
		add_tracepoint(kvmstat->config);
	if (kvmstat->config && kvmstat->registry)
		rc = filter_translate(kvmstat->config->events, event_today);
	if (rc == 0) {
		rc = sysroot_init(&kvmstat->root, kvmstat->config->root);
		if (rc == 0)
			rc = guests_init(&kvmstat->guests, &kvmstat->root);
	}
	if (rc < 0) {
		kvmstat_close(kvmstat);
		return rc;
	}
	*result = kvmstat;
	return 0;
}

void kvmstat_close(struct kvmstat *kvmstat)
{
	if (!kvmstat)
		return;
	top_exit(&kvmstat->top);
	sample_pool_exit(&kvmstat->pool);
	for (int i = KVMSTAT_ABSENT + 1; i < KVMSTAT_NSOURCES; i++)
		close_source(&kvmstat->sources[i]);
	column_set_put(kvmstat->columns);
	guests_exit(&kvmstat->guests);
	uevents_exit(&kvmstat->uevents);
	sysroot_exit(&kvmstat->root);
	registry_free(kvmstat->registry);
	kvmstat_config_free(kvmstat->config);
	free(kvmstat);
}

int kvmstat_remember_event(struct kvmstat *kvmstat, const char *name, uint32_t number)
{
	return registry_remember(kvmstat->registry, name, number);
}

bool kvmstat_event_unknown(const struct kvmstat *kvmstat, const char *word, char *suggestion, size_t size)
{
	return registry_unknown(kvmstat->registry, word, suggestion, size);
}
