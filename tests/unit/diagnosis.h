/* SPDX-License-Identifier: MIT */
/*
 * diagnosis.h - guests that count what a test says, sample by sample, and the diagnosis of it
 */
#ifndef KVMSTAT_TESTS_DIAGNOSIS_H
#define KVMSTAT_TESTS_DIAGNOSIS_H

#include <string.h>

#include "events/registry.h"
#include "kvmstat.h"

#define S UINT64_C(1000000000)
#define MINUTE 60
#define HOUR 3600
#define DAY 86400
#define LONG_AGO (UINT64_C(1700006400) * S)	/* midnight */

enum { LAB_GUESTS = 64, LAB_EVENTS = 8, LAB_CHANGES = 256, LAB_VCPUS = 4 };

struct lab_guest {
	struct kvmstat_guest guest;
	char name[32];
	char key[40];
	uint32_t vcpus;
	bool there;
	bool absent[LAB_EVENTS]; /* the value is missing from now on */
	uint64_t counter[LAB_EVENTS];
	double rate[LAB_EVENTS];
	double cpu;		/* CPUs */
	double wait;
	uint64_t cpu_ns;
	uint64_t wait_ns;
};

struct lab_change {
	enum kvmstat_change_kind kind;
	uint64_t number;
	char guest[32];
	const char *cause;
	const char *event;
	enum kvmstat_ending ending;
	double at;		/* seconds since the beginning */
	uint32_t count;
	char text[256];
};

struct lab {
	struct kvmstat_diagnosis *diagnosis;
	struct kvmstat_diagnosis_config config;
	struct kvmstat_rates *rates;
	struct registry *registry;
	struct kvmstat_sample sample[2];
	struct kvmstat_row row[2][LAB_GUESTS];
	struct kvmstat_guest who[2][LAB_GUESTS];
	const struct lab_guest *split; /* whose vCPUs are reported, or NULL */
	double share;		/* of all its events: what the last of them makes */
	struct kvmstat_vcpu vcpu[2][LAB_VCPUS];
	uint64_t vcpu_value[2][LAB_VCPUS][LAB_EVENTS];
	uint64_t value[2][LAB_GUESTS][LAB_EVENTS];
	uint8_t from[2][LAB_GUESTS][LAB_EVENTS];
	struct kvmstat_column column[LAB_EVENTS];
	uint32_t nevents;
	struct lab_guest guest[LAB_GUESTS];
	uint32_t nguests;
	uint32_t cpus;
	uint64_t last_id;
	uint64_t samples;
	double now;		/* seconds */
	double interval;
	unsigned int seed;
	struct lab_change change[LAB_CHANGES];
	size_t nchanges;
	size_t raised;
	size_t cleared;
};

/* Events in order of their number. */
static inline void lab_open(struct lab *lab, double interval, uint32_t cpus, const char *const *events)
{
	struct event_hint hint = { .class = KVMSTAT_CUMULATIVE, .unit = KVMSTAT_COUNT, .scope = KVMSTAT_VCPU };

	memset(lab, 0, sizeof(*lab));
	lab->interval = interval;
	lab->cpus = cpus;
	lab->seed = 1;
	lab->registry = registry_new();
	lab->rates = kvmstat_rates_new();
	lab->diagnosis = kvmstat_diagnosis_new(&lab->config);
	assert_true(lab->registry && lab->rates && lab->diagnosis);
	for (; events[lab->nevents]; lab->nevents++) {
		const struct kvmstat_event *event = registry_intern(lab->registry, "s390", events[lab->nevents], &hint);

		assert_non_null(event);
		lab->column[lab->nevents] =
			(struct kvmstat_column){ .event = event, .first_cell = lab->nevents, .cells = 1, .reason = "" };
		assert_true(!lab->nevents || event->number > lab->column[lab->nevents - 1].event->number);
	}
}

static inline void lab_close(struct lab *lab)
{
	kvmstat_diagnosis_free(lab->diagnosis);
	kvmstat_rates_free(lab->rates);
	registry_free(lab->registry);
}

/* It begins now (or did long ago, if this is the first sample). */
static inline void lab_begin(struct lab *lab, struct lab_guest *guest)
{
	uint64_t began = lab->samples ? (uint64_t)((lab->now + 1e6) * 1e9) : 0;

	guest->guest = (struct kvmstat_guest){ .id = ++lab->last_id, .name = guest->name, .uuid = "", .key = guest->key,
					       .incarnation = "i", .vmm = "qemu", .began_ns = began,
					       .created_ns = began };
	guest->there = true;
	memset(guest->counter, 0, sizeof(guest->counter));
	guest->cpu_ns = guest->wait_ns = 0;
}

static inline struct lab_guest *lab_guest(struct lab *lab, const char *name, uint32_t vcpus)
{
	struct lab_guest *guest = &lab->guest[lab->nguests++];

	snprintf(guest->name, sizeof(guest->name), "%s", name);
	snprintf(guest->key, sizeof(guest->key), "name:%s", name);
	guest->vcpus = vcpus;
	lab_begin(lab, guest);
	return guest;
}

/* Near 1, always the same row of numbers. */
static inline double lab_noise(struct lab *lab)
{
	lab->seed = lab->seed * 1103515245u + 12345u;
	return 0.8 + 0.4 * (lab->seed >> 16 & 0x3ff) / 1023;
}

static inline void lab_count(struct lab *lab, struct lab_guest *guest, double seconds)
{
	for (uint32_t i = 0; i < lab->nevents; i++)
		guest->counter[i] += (uint64_t)(guest->rate[i] * seconds * lab_noise(lab) + 0.5);
	guest->cpu_ns += (uint64_t)(guest->cpu * seconds * 1e9);
	guest->wait_ns += (uint64_t)(guest->wait * seconds * 1e9);
}

static inline int compare_id(const void *a, const void *b)
{
	const struct lab_guest *x = *(struct lab_guest *const *)a, *y = *(struct lab_guest *const *)b;

	return (x->guest.id > y->guest.id) - (x->guest.id < y->guest.id);
}

static inline void lab_split(struct lab *lab, unsigned int which, struct kvmstat_row *row)
{
	row->vcpus = lab->vcpu[which];
	row->nvcpus = LAB_VCPUS;
	for (uint32_t i = 0; i < LAB_VCPUS; i++) {
		double share = i == LAB_VCPUS - 1 ? lab->share : (1 - lab->share) / (LAB_VCPUS - 1);

		for (uint32_t e = 0; e < lab->nevents; e++)
			lab->vcpu_value[which][i][e] = (uint64_t)((double)row->value[e] * share);
		lab->vcpu[which][i] = (struct kvmstat_vcpu){ .id = i, .value = lab->vcpu_value[which][i], .from = row->from };
	}
}

static inline void lab_fill(struct lab *lab, unsigned int which)
{
	struct kvmstat_sample *sample = &lab->sample[which];
	struct lab_guest *there[LAB_GUESTS];
	uint32_t n = 0;

	for (uint32_t i = 0; i < lab->nguests; i++)
		if (lab->guest[i].there)
			there[n++] = &lab->guest[i];
	qsort(there, n, sizeof(there[0]), compare_id);
	for (uint32_t i = 0; i < n; i++) {
		lab->who[which][i] = there[i]->guest;
		memcpy(lab->value[which][i], there[i]->counter, sizeof(there[i]->counter));
		for (uint32_t e = 0; e < lab->nevents; e++)
			lab->from[which][i][e] = there[i]->absent[e] ? KVMSTAT_ABSENT : KVMSTAT_BPF;
		lab->row[which][i] = (struct kvmstat_row){
			.guest = &lab->who[which][i], .value = lab->value[which][i], .from = lab->from[which][i],
			.vcpus = lab->vcpu[which], .vcpu_count = there[i]->vcpus, .has_cpu = true, .cpu_ns = there[i]->cpu_ns, .wait_ns = there[i]->wait_ns,
		};
		if (there[i] == lab->split)
			lab_split(lab, which, &lab->row[which][i]);
	}
	*sample = (struct kvmstat_sample){
		.number = lab->samples, .time_ns = (uint64_t)((lab->now + 1e6) * 1e9),
		.realtime_ns = LONG_AGO + (uint64_t)(lab->now * 1e9), .event_generation = 1, .nguests = n, .nrows = n,
		.ncolumns = lab->nevents, .ncells = lab->nevents, .cpus = lab->cpus, .rows = lab->row[which],
		.columns = lab->column, .vcpus = lab->vcpu[which], .nvcpus = lab->split ? LAB_VCPUS : 0,
	};
	sample->sources[KVMSTAT_BPF].state = KVMSTAT_ACTIVE;
}

static inline void lab_note(struct lab *lab, const struct kvmstat_change *change)
{
	struct lab_change *note = &lab->change[lab->nchanges++ % LAB_CHANGES];
	const struct kvmstat_alarm *alarm = change->alarm;

	*note = (struct lab_change){ .kind = change->kind, .at = lab->now, .count = change->count };
	if (!alarm)
		return;
	note->number = alarm->number;
	snprintf(note->guest, sizeof(note->guest), "%s", alarm->guest);
	note->cause = alarm->cause->name;
	note->event = alarm->event ? alarm->event->name : "";
	note->ending = alarm->ending;
	snprintf(note->text, sizeof(note->text), "%s", alarm->text);
	lab->raised += change->kind == KVMSTAT_RAISED;
	lab->cleared += change->kind == KVMSTAT_CLEARED;
}

/* One sample, after so many seconds. */
static inline void lab_step(struct lab *lab, double seconds)
{
	unsigned int which = lab->samples & 1;
	const struct kvmstat_change *changes;
	size_t n;

	lab->now += seconds;
	for (uint32_t i = 0; i < lab->nguests; i++)
		if (lab->guest[i].there)
			lab_count(lab, &lab->guest[i], seconds);
	lab_fill(lab, which);
	assert_int_equal(kvmstat_rates_update(lab->rates, lab->samples ? lab->rates : NULL,
					      lab->samples ? &lab->sample[!which] : NULL, &lab->sample[which]), 0);
	assert_int_equal(kvmstat_diagnose(lab->diagnosis, &lab->sample[which], lab->rates, &changes, &n), 0);
	for (size_t i = 0; i < n; i++)
		lab_note(lab, &changes[i]);
	lab->samples++;
}

static inline void lab_run(struct lab *lab, double seconds)
{
	for (double end = lab->now + seconds; lab->now + lab->interval / 2 < end;)
		lab_step(lab, lab->interval);
}

/* The front end is restarted: what was learnt goes over as text. */
static inline void lab_restart(struct lab *lab)
{
	char *text, error[256];
	size_t size;

	assert_int_equal(kvmstat_diagnosis_write(lab->diagnosis, &text, &size), 0);
	kvmstat_diagnosis_free(lab->diagnosis);
	lab->diagnosis = kvmstat_diagnosis_new(&lab->config);
	assert_int_equal(kvmstat_diagnosis_read(lab->diagnosis, text, size, error, sizeof(error)), 0);
	free(text);
	lab->samples = 0;
}

#endif
