/* SPDX-License-Identifier: MIT */
/*
 * fake_core.c - the functions of kvmstat.h that the plugin calls, on what a test wrote into struct fake_core
 */
#include "fake_core.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct kvmstat {
	int unused;
};

struct kvmstat_config {
	int unused;
};

struct fake_sample {
	struct kvmstat_sample sample;
	int references;
	struct kvmstat_row rows[FAKE_GUESTS];
	struct kvmstat_column columns[FAKE_EVENTS];
	struct kvmstat_event events[FAKE_EVENTS];
	struct kvmstat_vcpu *vcpus;
	struct fake_vcpu *fake_vcpus; /* what they point to */
	struct fake_guest guests[];
};

const char *kvmstat_version(void)
{
	return "0-test";
}

const char *kvmstat_source_name(enum kvmstat_source source)
{
	return source == KVMSTAT_BPF ? "bpf" : "other";
}

const char *kvmstat_problem_name(enum kvmstat_problem problem)
{
	static const char *const names[] = {"no-kvm",	  "no-source", "refused",
					    "unreadable", "malformed", "unnamed", "too-many"};

	return names[problem];
}

struct kvmstat_config *kvmstat_config_new(void)
{
	fake.configs++;
	return calloc(1, sizeof(struct kvmstat_config));
}

void kvmstat_config_free(struct kvmstat_config *config)
{
	fake.configs -= config != NULL;
	free(config);
}

static const struct kvmstat_option options[] = {
	{.name = "Guest", .kind = KVMSTAT_OPTION_EACH},
	{.name = "ExcludeGuest", .kind = KVMSTAT_OPTION_EACH},
	{.name = "Event", .kind = KVMSTAT_OPTION_EACH, .names_events = true},
	{.name = "ExcludeEvent", .kind = KVMSTAT_OPTION_EACH, .names_events = true},
	{.name = "IgnoreSelected"}, {.name = "ReportHistograms"}, {.name = "TopGuests"}, {.name = "ReportVcpus"},
	{.name = "Source", .kind = KVMSTAT_OPTION_WORDS}, {.name = "Root"},
};

const struct kvmstat_option *kvmstat_config_option(size_t i)
{
	return i < sizeof(options) / sizeof(options[0]) ? &options[i] : NULL;
}

const struct kvmstat_option *kvmstat_config_find_option(const char *name)
{
	const struct kvmstat_option *option = NULL;

	for (size_t i = 0; (option = kvmstat_config_option(i)) && strcasecmp(option->name, name); i++)
		;
	return option;
}

int kvmstat_config_set(struct kvmstat_config *config, const char *key, const char *value, char *error,
		       size_t size)
{
	size_t len = strlen(fake.config);

	(void)config;
	if (!kvmstat_config_find_option(key))
		return -ENOENT;
	if (!strcmp(value, "/[/") || !strcmp(value, "perhaps")) {
		snprintf(error, size, "core says no to %s", value);
		return -EINVAL;
	}
	snprintf(fake.config + len, sizeof(fake.config) - len, "%s=%s\n", key, value);
	return 0;
}

bool kvmstat_event_unknown(const struct kvmstat *kvmstat, const char *word, char *suggestion, size_t size)
{
	(void)kvmstat;
	snprintf(suggestion, size, "exits");
	return word[0] != '/' && !strstr(word, "exit");
}

int kvmstat_open(struct kvmstat **kvmstat, const struct kvmstat_config *config)
{
	(void)config;
	if (fake.open_error)
		return fake.open_error;
	fake.cores++;
	*kvmstat = calloc(1, sizeof(**kvmstat));
	return *kvmstat ? 0 : -ENOMEM;
}

void kvmstat_close(struct kvmstat *kvmstat)
{
	fake.cores -= kvmstat != NULL;
	free(kvmstat);
}

static void fill_columns(struct fake_sample *s)
{
	uint32_t cell = 0;

	memcpy(s->events, fake.events, sizeof(s->events));
	for (uint32_t i = 0; i < fake.nevents; i++) {
		s->columns[i] =
			(struct kvmstat_column){&s->events[i], cell, fake.buckets[i], KVMSTAT_BPF, "", s->events[i].name};
		cell += fake.buckets[i];
	}
	s->sample.columns = s->columns;
	s->sample.ncolumns = fake.nevents;
	s->sample.ncells = cell;
}

static uint32_t count_vcpus(void)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < fake.nguests; i++)
		count += fake.guests[i].nvcpus;
	return count;
}

static void fill_vcpus(struct fake_sample *s)
{
	uint32_t next = 0;

	for (uint32_t i = 0; i < fake.nguests; i++) {
		s->rows[i].vcpus = s->vcpus + next;
		s->rows[i].nvcpus = fake.guests[i].nvcpus;
		for (uint32_t k = 0; k < fake.guests[i].nvcpus; k++, next++) {
			struct fake_vcpu *vcpu = &s->fake_vcpus[next];

			*vcpu = fake.guests[i].vcpus[k];
			s->vcpus[next] = (struct kvmstat_vcpu){.id = vcpu->id,
							       .has_cpu = vcpu->has_cpu,
							       .cpu_ns = vcpu->cpu_ns,
							       .wait_ns = vcpu->wait_ns,
							       .value = vcpu->value,
							       .from = vcpu->from};
		}
	}
	s->sample.nvcpus = next;
	s->sample.vcpus = s->vcpus;
}

int kvmstat_collect(struct kvmstat *kvmstat, struct kvmstat_sample **sample)
{
	struct fake_sample *s;

	(void)kvmstat;
	if (fake.collect_error)
		return fake.collect_error;
	s = calloc(1, sizeof(*s) + fake.nguests * sizeof(s->guests[0]));
	memcpy(s->guests, fake.guests, fake.nguests * sizeof(s->guests[0]));
	s->vcpus = calloc(count_vcpus() + 1, sizeof(*s->vcpus));
	s->fake_vcpus = calloc(count_vcpus() + 1, sizeof(*s->fake_vcpus));
	for (uint32_t i = 0; i < fake.nguests; i++)
		s->rows[i] = (struct kvmstat_row){.guest = &s->guests[i].guest,
						  .value = s->guests[i].value,
						  .from = s->guests[i].from,
						  .vcpu_count = s->guests[i].vcpu_count,
						  .has_cpu = s->guests[i].has_cpu,
						  .cpu_ns = s->guests[i].cpu_ns,
						  .wait_ns = s->guests[i].wait_ns};
	fill_vcpus(s);
	fill_columns(s);
	s->references = 1;
	s->sample.rows = s->rows;
	s->sample.nrows = fake.nguests;
	s->sample.realtime_ns = fake.realtime_ns;
	/* A host that was up for a month when the test began. */
	s->sample.time_ns = fake.realtime_ns - FAKE_BEGIN_NS + FAKE_UP_NS;
	s->sample.cpus = fake.cpus;
	s->sample.duration_ns = 1500000;
	s->sample.guest_generation = fake.guest_generation;
	s->sample.event_generation = fake.event_generation;
	s->sample.sources[KVMSTAT_BPF].state = KVMSTAT_ACTIVE;
	memcpy(s->sample.problems, fake.problems, sizeof(fake.problems));
	fake.samples++;
	*sample = &s->sample;
	return 0;
}

void kvmstat_sample_put(struct kvmstat_sample *sample)
{
	struct fake_sample *s = (struct fake_sample *)sample;

	if (!sample || --s->references)
		return;
	fake.samples--;
	free(s->vcpus);
	free(s->fake_vcpus);
	free(s);
}

const struct kvmstat_column *kvmstat_sample_column(const struct kvmstat_sample *sample, uint32_t number)
{
	for (uint32_t i = 0; i < sample->ncolumns; i++)
		if (sample->columns[i].event->number == number)
			return &sample->columns[i];
	return NULL;
}
