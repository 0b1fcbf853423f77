/* SPDX-License-Identifier: MIT */
#include "trial.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void trial_open(struct trial *trial, double interval, uint32_t cpus, const char *const *events)
{
	struct event_hint hint = { .class = KVMSTAT_CUMULATIVE, .unit = KVMSTAT_COUNT, .scope = KVMSTAT_VCPU };

	memset(trial, 0, sizeof(*trial));
	trial->interval = interval;
	trial->cpus = cpus;
	trial->seed = 1;
	trial->registry = registry_new();
	trial->rates = kvmstat_rates_new();
	trial->diagnosis = kvmstat_diagnosis_new(&trial->config);
	assert_true(trial->registry && trial->rates && trial->diagnosis);
	for (; events[trial->nevents]; trial->nevents++) {
		const struct kvmstat_event *event = registry_intern(trial->registry, "s390", events[trial->nevents], &hint);

		assert_non_null(event);
		trial->column[trial->nevents] =
			(struct kvmstat_column){ .event = event, .first_cell = trial->nevents, .cells = 1, .reason = "" };
		assert_true(!trial->nevents || event->number > trial->column[trial->nevents - 1].event->number);
	}
}

void trial_close(struct trial *trial)
{
	kvmstat_diagnosis_free(trial->diagnosis);
	kvmstat_rates_free(trial->rates);
	registry_free(trial->registry);
}

void trial_begin(struct trial *trial, struct trial_guest *guest)
{
	uint64_t began = trial->samples ? (uint64_t)((trial->now + 1e6) * 1e9) : 0;

	guest->guest = (struct kvmstat_guest){ .id = ++trial->last_id, .name = guest->name, .uuid = "", .key = guest->key,
					       .incarnation = "i", .vmm = "qemu", .began_ns = began,
					       .created_ns = began };
	guest->there = true;
	memset(guest->counter, 0, sizeof(guest->counter));
	guest->cpu_ns = guest->wait_ns = 0;
}

struct trial_guest *trial_guest(struct trial *trial, const char *name, uint32_t vcpus)
{
	struct trial_guest *guest = &trial->guest[trial->nguests++];

	snprintf(guest->name, sizeof(guest->name), "%s", name);
	snprintf(guest->key, sizeof(guest->key), "name:%s", name);
	guest->vcpus = vcpus;
	trial_begin(trial, guest);
	return guest;
}

/* Near 1, always the same row of numbers. */
static double trial_noise(struct trial *trial)
{
	trial->seed = trial->seed * 1103515245u + 12345u;
	return 0.8 + 0.4 * (trial->seed >> 16 & 0x3ff) / 1023;
}

static void trial_count(struct trial *trial, struct trial_guest *guest, double seconds)
{
	for (uint32_t i = 0; i < trial->nevents; i++)
		guest->counter[i] += (uint64_t)(guest->rate[i] * seconds * trial_noise(trial) + 0.5);
	guest->cpu_ns += (uint64_t)(guest->cpu * seconds * 1e9);
	guest->wait_ns += (uint64_t)(guest->wait * seconds * 1e9);
}

static int compare_id(const void *a, const void *b)
{
	const struct trial_guest *x = *(struct trial_guest *const *)a, *y = *(struct trial_guest *const *)b;

	return (x->guest.id > y->guest.id) - (x->guest.id < y->guest.id);
}

static void trial_split(struct trial *trial, unsigned int which, struct kvmstat_row *row)
{
	row->vcpus = trial->vcpu[which];
	row->nvcpus = TRIAL_VCPUS;
	for (uint32_t i = 0; i < TRIAL_VCPUS; i++) {
		double share = i == TRIAL_VCPUS - 1 ? trial->share : (1 - trial->share) / (TRIAL_VCPUS - 1);

		for (uint32_t e = 0; e < trial->nevents; e++)
			trial->vcpu_value[which][i][e] = (uint64_t)((double)row->value[e] * share);
		trial->vcpu[which][i] = (struct kvmstat_vcpu){ .id = i, .value = trial->vcpu_value[which][i], .from = row->from };
	}
}

static void trial_fill(struct trial *trial, unsigned int which)
{
	struct kvmstat_sample *sample = &trial->sample[which];
	struct trial_guest *there[TRIAL_GUESTS];
	uint32_t n = 0;

	for (uint32_t i = 0; i < trial->nguests; i++)
		if (trial->guest[i].there)
			there[n++] = &trial->guest[i];
	qsort(there, n, sizeof(there[0]), compare_id);
	for (uint32_t i = 0; i < n; i++) {
		trial->who[which][i] = there[i]->guest;
		memcpy(trial->value[which][i], there[i]->counter, sizeof(there[i]->counter));
		for (uint32_t e = 0; e < trial->nevents; e++)
			trial->from[which][i][e] = there[i]->absent[e] ? KVMSTAT_ABSENT : KVMSTAT_BPF;
		trial->row[which][i] = (struct kvmstat_row){
			.guest = &trial->who[which][i], .value = trial->value[which][i], .from = trial->from[which][i],
			.vcpus = trial->vcpu[which], .vcpu_count = there[i]->vcpus, .has_cpu = true, .cpu_ns = there[i]->cpu_ns, .wait_ns = there[i]->wait_ns,
		};
		if (there[i] == trial->split)
			trial_split(trial, which, &trial->row[which][i]);
	}
	*sample = (struct kvmstat_sample){
		.number = trial->samples, .time_ns = (uint64_t)((trial->now + 1e6) * 1e9),
		.realtime_ns = LONG_AGO + (uint64_t)(trial->now * 1e9), .event_generation = 1, .nguests = n, .nrows = n,
		.ncolumns = trial->nevents, .ncells = trial->nevents, .cpus = trial->cpus, .rows = trial->row[which],
		.columns = trial->column, .vcpus = trial->vcpu[which], .nvcpus = trial->split ? TRIAL_VCPUS : 0,
	};
	sample->sources[KVMSTAT_BPF].state = KVMSTAT_ACTIVE;
}

static void trial_note(struct trial *trial, const struct kvmstat_change *change)
{
	struct trial_change *note = &trial->change[trial->nchanges++ % TRIAL_CHANGES];
	const struct kvmstat_alarm *alarm = change->alarm;

	*note = (struct trial_change){ .kind = change->kind, .at = trial->now, .count = change->count };
	if (!alarm)
		return;
	note->number = alarm->number;
	snprintf(note->guest, sizeof(note->guest), "%s", alarm->guest);
	note->cause = alarm->cause->name;
	note->event = alarm->event ? alarm->event->name : "";
	note->ending = alarm->ending;
	snprintf(note->text, sizeof(note->text), "%s", alarm->text);
	trial->raised += change->kind == KVMSTAT_RAISED;
	trial->cleared += change->kind == KVMSTAT_CLEARED;
}

void trial_step(struct trial *trial, double seconds)
{
	unsigned int which = trial->samples & 1;
	const struct kvmstat_change *changes;
	size_t n;

	trial->now += seconds;
	for (uint32_t i = 0; i < trial->nguests; i++)
		if (trial->guest[i].there)
			trial_count(trial, &trial->guest[i], seconds);
	trial_fill(trial, which);
	assert_int_equal(kvmstat_rates_update(trial->rates, trial->samples ? trial->rates : NULL,
					      trial->samples ? &trial->sample[!which] : NULL, &trial->sample[which]), 0);
	assert_int_equal(kvmstat_diagnose(trial->diagnosis, &trial->sample[which], trial->rates, &changes, &n), 0);
	for (size_t i = 0; i < n; i++)
		trial_note(trial, &changes[i]);
	trial->samples++;
}

void trial_run(struct trial *trial, double seconds)
{
	for (double end = trial->now + seconds; trial->now + trial->interval / 2 < end;)
		trial_step(trial, trial->interval);
}

void trial_restart(struct trial *trial)
{
	char *text, error[256];
	size_t size;

	assert_int_equal(kvmstat_diagnosis_write(trial->diagnosis, &text, &size), 0);
	kvmstat_diagnosis_free(trial->diagnosis);
	trial->diagnosis = kvmstat_diagnosis_new(&trial->config);
	assert_int_equal(kvmstat_diagnosis_read(trial->diagnosis, text, size, error, sizeof(error)), 0);
	free(text);
	trial->samples = 0;
}
