/* SPDX-License-Identifier: MIT */
/*
 * trial.h - guests that count what a test says, sample by sample, and the diagnosis of it
 */
#ifndef KVMSTAT_TEST_TRIAL_H
#define KVMSTAT_TEST_TRIAL_H

#include "events/registry.h"
#include "kvmstat.h"

#define S UINT64_C(1000000000)
#define MINUTE 60
#define HOUR 3600
#define DAY 86400
#define LONG_AGO (UINT64_C(1700006400) * S)	/* midnight */

enum { TRIAL_GUESTS = 64, TRIAL_EVENTS = 8, TRIAL_CHANGES = 256, TRIAL_VCPUS = 4 };

struct trial_guest {
	struct kvmstat_guest guest;
	char name[32];
	char key[40];
	uint32_t vcpus;
	bool there;
	bool absent[TRIAL_EVENTS]; /* the value is missing from now on */
	uint64_t counter[TRIAL_EVENTS];
	double rate[TRIAL_EVENTS];
	double cpu;		/* CPUs */
	double wait;
	uint64_t cpu_ns;
	uint64_t wait_ns;
};

struct trial_change {
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

struct trial {
	struct kvmstat_diagnosis *diagnosis;
	struct kvmstat_diagnosis_config config;
	struct kvmstat_rates *rates;
	struct registry *registry;
	struct kvmstat_sample sample[2];
	struct kvmstat_row row[2][TRIAL_GUESTS];
	struct kvmstat_guest who[2][TRIAL_GUESTS];
	const struct trial_guest *split; /* whose vCPUs are reported, or NULL */
	double share;		/* of all its events: what the last of them makes */
	struct kvmstat_vcpu vcpu[2][TRIAL_VCPUS];
	uint64_t vcpu_value[2][TRIAL_VCPUS][TRIAL_EVENTS];
	uint64_t value[2][TRIAL_GUESTS][TRIAL_EVENTS];
	uint8_t from[2][TRIAL_GUESTS][TRIAL_EVENTS];
	struct kvmstat_column column[TRIAL_EVENTS];
	uint32_t nevents;
	struct trial_guest guest[TRIAL_GUESTS];
	uint32_t nguests;
	uint32_t cpus;
	uint64_t last_id;
	uint64_t samples;
	double now;		/* seconds */
	double interval;
	unsigned int seed;
	struct trial_change change[TRIAL_CHANGES];
	size_t nchanges;
	size_t raised;
	size_t cleared;
};

/* Events in order of their number. */
void trial_open(struct trial *trial, double interval, uint32_t cpus, const char *const *events);

void trial_close(struct trial *trial);

/* It begins now (or did long ago, if this is the first sample). */
void trial_begin(struct trial *trial, struct trial_guest *guest);

struct trial_guest *trial_guest(struct trial *trial, const char *name, uint32_t vcpus);

/* One sample, after so many seconds. */
void trial_step(struct trial *trial, double seconds);

void trial_run(struct trial *trial, double seconds);

/* The front end is restarted: what was learnt goes over as text. */
void trial_restart(struct trial *trial);

#endif
