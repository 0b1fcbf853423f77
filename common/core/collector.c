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
	MAX_TRIES = 4,		/* of one pass, when a source fails or changes during it */
	MAX_RETRY = 6,		/* passes between two tries to open a source */
	RECHECK = 64,		/* passes until bpf may be suspected again of seeing nothing */
};

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

/*
 * Close every source that must be probed again. A source with its own counters stays open: closing
 * it would reset them.
 */
static void close_sources(struct kvmstat *kvmstat)
{
	for (int i = KVMSTAT_ABSENT + 1; i < KVMSTAT_NSOURCES; i++)
		if (!kvmstat->sources[i].ops->own_events)
			close_source(&kvmstat->sources[i]);
}

/* A source failed: wait longer before each retry, unless the error may be over soon. */
static void postpone(struct kvmstat *kvmstat, struct source *source, int error)
{
	close_source(source);
	if (refusal_passes(error))
		return;
	source->retry_after = source->retry_after ? source->retry_after * 2 : 1;
	if (source->retry_after > MAX_RETRY)
		source->retry_after = MAX_RETRY;
	source->retry_pass = kvmstat->context.pass + source->retry_after;
}

/* Open every configured source that is not open. 0 or -ENOMEM. */
static int open_sources(struct kvmstat *kvmstat)
{
	for (int i = 0; kvmstat->context.config->sources[i] != KVMSTAT_ABSENT; i++) {
		struct source *source = &kvmstat->sources[kvmstat->context.config->sources[i]];
		int rc;

		if (source->is_open || kvmstat->context.pass < source->retry_pass)
			continue;
		source->status.text[0] = '\0';
		rc = source->ops->open(&kvmstat->context, source);
		/*
		 * If the kernel has no memory for a source, its status reports that, and the other
		 * sources go on.
		 */
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

/* The source that finds the guests: the first open one, in the configured order, that can. */
static struct source *finder(struct kvmstat *kvmstat)
{
	for (int i = 0; kvmstat->context.config->sources[i] != KVMSTAT_ABSENT; i++) {
		struct source *source = &kvmstat->sources[kvmstat->context.config->sources[i]];

		if (source->is_open && source->ops->find)
			return source;
	}
	return NULL;
}

/*
 * Has this source anything to do?
 * *complete: a better source offers every event; set here for the next source.
 * What a source learns from the guests is unknown until it has run once.
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

/* Sources came or went: make new columns, and give each source the cells of its events. */
static int rebind(struct kvmstat *kvmstat)
{
	int rc = columns_make(kvmstat);
	bool complete = false;

	for (int i = 0; rc == 0 && kvmstat->context.config->sources[i] != KVMSTAT_ABSENT; i++) {
		struct source *source = &kvmstat->sources[kvmstat->context.config->sources[i]];

		source->serves = is_needed(kvmstat, source, &complete);
		if (source->is_open && source->ops->bind)
			rc = source->ops->bind(&kvmstat->context, source);
	}
	return rc;
}

/* ---- one pass ---- */

/*
 * Handle what a source returned.
 * 0: go on
 * 1: something changed, try the pass again
 * -ENOMEM
 */
static int handle_result(struct kvmstat *kvmstat, struct source *source, int rc)
{
	if (rc >= 0 || rc == -ENOMEM)
		return rc;
	if (rc == -EAGAIN)
		close_sources(kvmstat);
	else
		postpone(kvmstat, source, 0);	/* this pass goes on without it */
	return 1;
}

/* Find the guests, then run the sources that serve. Returns what handle_result() does. */
static int run_sources(struct kvmstat *kvmstat, struct pass *pass)
{
	struct source *first = finder(kvmstat);
	int rc = 0;

	pass->finds_guests = true;
	if (first)
		rc = handle_result(kvmstat, first, first->ops->find(first, pass));
	for (int i = 0; rc == 0 && kvmstat->context.config->sources[i] != KVMSTAT_ABSENT; i++) {
		struct source *source = &kvmstat->sources[kvmstat->context.config->sources[i]];

		if (!source->is_open || !source->serves || !source->ops->pass)
			continue;
		pass->finds_guests = source == first;
		rc = handle_result(kvmstat, source, source->ops->pass(source, pass));
	}
	return rc;
}

/*
 * The source that finds the guests saw none, but another one sees some: the kernel's structures may
 * have changed.
 */
static bool is_suspect(struct kvmstat *kvmstat, const struct pass *pass)
{
	const struct source *found_none = finder(kvmstat);

	if (pass->seen || kvmstat->context.pass < kvmstat->recheck_pass)
		return false;
	for (int i = KVMSTAT_ABSENT + 1; i < KVMSTAT_NSOURCES; i++) {
		const struct source *source = &kvmstat->sources[i];

		if (source == found_none || !source->is_open || !source->ops->sees_guests ||
		    !source->ops->sees_guests(source, &kvmstat->context.root))
			continue;
		kvmstat->recheck_pass = kvmstat->context.pass + RECHECK;
		return true;
	}
	return false;
}

/*
 * 0: the sample is filled
 * 1: try again
 * -ENOMEM
 */
static int try_pass(struct kvmstat *kvmstat, struct pass *pass)
{
	int rc = open_sources(kvmstat);

	if (rc == 0 && kvmstat->stale) {
		/* Another source may find other guests. */
		uevents_doubt(&kvmstat->context.uevents);
		rc = rebind(kvmstat);
	}
	if (rc < 0)
		return rc;
	pass->number = ++kvmstat->context.pass;
	pass->seen = 0;
	pass->sample = sample_begin(&kvmstat->pool, kvmstat->context.columns, kvmstat->context.guests.count);
	if (!pass->sample)
		return -ENOMEM;
	/* A captured host has no uevents. */
	if (kvmstat->context.root.live)
		pass->quiet_since = uevents_ask(&kvmstat->context.uevents, &kvmstat->context.root, clock_ns(CLOCK_BOOTTIME));
	rc = run_sources(kvmstat, pass);
	if (rc == 0 && is_suspect(kvmstat, pass)) {
		close_sources(kvmstat);
		rc = 1;
	}
	kvmstat->stale = rc > 0;
	return rc;
}

/* ---- publish ---- */

/*
 * Status shown to the user. A redundant source is reported as unused, even if it could not be
 * opened.
 */
static void copy_status(const struct kvmstat *kvmstat, struct kvmstat_source_status statuses[KVMSTAT_NSOURCES])
{
	bool complete = false;

	for (int i = 0; i < KVMSTAT_NSOURCES; i++)
		statuses[i] = kvmstat->sources[i].status;
	for (int i = 0; kvmstat->context.config->sources[i] != KVMSTAT_ABSENT; i++) {
		const struct source *source = &kvmstat->sources[kvmstat->context.config->sources[i]];
		struct kvmstat_source_status *status = &statuses[source->ops->id];

		if (source->is_open ? !source->serves : complete && !source->ops->own_events) {
			status->state = KVMSTAT_UNUSED;
			snprintf(status->text, sizeof(status->text), "not needed: better sources "
								     "provide every event");
		}
		/*
		 * The open sources may lack histograms or single vCPUs, which a source that cannot
		 * be opened might provide.
		 */
		complete |= source->ops->id == KVMSTAT_BPF && source->is_open;
	}
}

static void publish(struct kvmstat *kvmstat, struct pass *pass, uint64_t begun_ns, uint64_t realtime_ns)
{
	struct kvmstat_sample *sample = &pass->sample->public;

	guests_sweep(&kvmstat->context.guests, pass->number);
	problems_find(kvmstat);
	problems_end(kvmstat);
	sample->number = ++kvmstat->samples;
	sample->time_ns = begun_ns;
	sample->realtime_ns = realtime_ns;
	sample->cpus = kvmstat->context.host.cpus;
	sample->lockdown = kvmstat->context.host.lockdown;
	copy_status(kvmstat, sample->sources);
	memcpy(sample->problems, kvmstat->context.problems, sizeof(sample->problems));
	sample->duration_ns = clock_ns(CLOCK_BOOTTIME) - begun_ns;
	sample_publish(pass->sample, &kvmstat->context.guests, pass->number, kvmstat->context.config->vcpus, kvmstat->top.others);
	top_keep(&kvmstat->top, &kvmstat->context.guests, pass->sample, pass->number);
	guests_ask_again(&kvmstat->context.guests, &kvmstat->context.root, kvmstat->context.config->guests, pass->number);
}

/* Lockdown decides what may be read, and it can be raised while the host runs. */
static void look_at_host(struct kvmstat *kvmstat, uint64_t now_ns)
{
	enum kvmstat_lockdown before = kvmstat->context.host.lockdown;

	host_refresh(&kvmstat->context.host, &kvmstat->context.root, now_ns);
	if (kvmstat->context.host.lockdown == before)
		return;
	close_sources(kvmstat);
	kvmstat->stale = true;
}

int kvmstat_collect(struct kvmstat *kvmstat, struct kvmstat_sample **sample)
{
	uint64_t begun_ns = clock_ns(CLOCK_BOOTTIME), realtime_ns = clock_ns(CLOCK_REALTIME);
	struct pass pass = { .context = &kvmstat->context };
	int rc = 1;

	look_at_host(kvmstat, begun_ns);
	problems_begin(kvmstat);
	proc_helper_begin(&kvmstat->context.guests.helper);
	for (int tries = 0; rc > 0 && tries < MAX_TRIES; tries++)
		rc = try_pass(kvmstat, &pass);
	if (rc >= 0)
		rc = top_select(&kvmstat->top, &kvmstat->context.guests, pass.sample, pass.number);
	if (rc >= 0) {
		publish(kvmstat, &pass, begun_ns, realtime_ns);
		*sample = &pass.sample->public;
	}
	proc_helper_end(&kvmstat->context.guests.helper);
	return rc < 0 ? rc : 0;
}

/* ---- life ---- */

static void init_sources(struct kvmstat *kvmstat)
{
	for (const struct source_ops *const *ops = source_list; *ops; ops++) {
		struct source *source = &kvmstat->sources[(*ops)->id];

		source->ops = *ops;
		source_status(source, KVMSTAT_UNUSED, "%s",
			      (*ops)->opt_in ? (*ops)->opt_in : "not listed in the option Source; "
								"Source auto uses every source");
	}
}

/* Always last: no other source has its events. */
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
	kvmstat->context.root.fd = -1;
	kvmstat->stale = true;
	init_sources(kvmstat);
	kvmstat->context.config = config_copy(config);
	kvmstat->top.limit = config->top;
	kvmstat->context.registry = registry_new();
	if (kvmstat->context.config && kvmstat->context.config->exit_reasons)
		add_tracepoint(kvmstat->context.config);
	if (kvmstat->context.config && kvmstat->context.registry)
		rc = filter_translate(kvmstat->context.config->events, event_today);
	if (rc == 0) {
		rc = sysroot_init(&kvmstat->context.root, kvmstat->context.config->root);
		if (rc == 0)
			rc = guests_init(&kvmstat->context.guests, &kvmstat->context.root);
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
	column_set_put(kvmstat->context.columns);
	guests_exit(&kvmstat->context.guests);
	uevents_exit(&kvmstat->context.uevents);
	sysroot_exit(&kvmstat->context.root);
	registry_free(kvmstat->context.registry);
	kvmstat_config_free(kvmstat->context.config);
	free(kvmstat);
}

int kvmstat_remember_event(struct kvmstat *kvmstat, const char *name, uint32_t number)
{
	return registry_remember(kvmstat->context.registry, name, number);
}

bool kvmstat_event_unknown(const struct kvmstat *kvmstat, const char *word, char *suggestion, size_t size)
{
	return registry_unknown(kvmstat->context.registry, word, suggestion, size);
}

ssize_t kvmstat_read_cmdline(struct kvmstat *kvmstat, const struct kvmstat_guest *guest, char **cmdline)
{
	struct proc_helper *helper = &kvmstat->context.guests.helper;
	const char *text;
	ssize_t len;

	proc_helper_begin(helper);
	len = proc_helper_cmdline(helper, &kvmstat->context.root, guest->pid, &text);
	if (len >= 0) {
		*cmdline = malloc((size_t)len + 1);
		if (*cmdline)
			memcpy(*cmdline, text, (size_t)len + 1);
		else
			len = -ENOMEM;
	}
	proc_helper_end(helper);
	return len;
}
