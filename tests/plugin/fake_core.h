/* SPDX-License-Identifier: MIT */
/*
 * fake_core.h - a core whose samples a test writes by hand; linked into the plugin instead of the real one
 */
#ifndef FAKE_CORE_H
#define FAKE_CORE_H

#include "kvmstat.h"

#define FAKE_BEGIN_NS UINT64_C(1700000000000000000)
#define FAKE_UP_NS (30 * 86400 * UINT64_C(1000000000))

enum { FAKE_GUESTS = 1024, FAKE_EVENTS = 64, FAKE_CELLS = 96, FAKE_VCPUS = 8 };

/* Absent but for what a test says. */
struct fake_vcpu {
	uint32_t id;
	bool has_cpu;
	uint64_t cpu_ns;
	uint64_t wait_ns;
	uint64_t value[FAKE_CELLS];
	uint8_t from[FAKE_CELLS];
};

struct fake_guest {
	struct kvmstat_guest guest;
	uint64_t value[FAKE_CELLS];
	uint8_t from[FAKE_CELLS];
	bool has_cpu;
	uint64_t cpu_ns;
	uint64_t wait_ns;
	uint32_t vcpu_count;
	struct fake_vcpu *vcpus; /* [nvcpus], in order of id */
	uint32_t nvcpus;
};

/* What the next pass will find. */
struct fake_core {
	struct fake_guest guests[FAKE_GUESTS];
	uint32_t nguests;
	struct kvmstat_event events[FAKE_EVENTS];
	uint32_t buckets[FAKE_EVENTS];
	uint32_t nevents;
	struct kvmstat_problem_status problems[KVMSTAT_NPROBLEMS];
	uint64_t guest_generation;
	uint64_t event_generation;
	uint64_t realtime_ns;
	uint32_t cpus;
	int open_error;
	int collect_error;
	/* What happened. */
	char config[4096]; /* "KEY=VALUE\n" that the plugin handed over */
	int configs;	   /* there are now */
	int cores;
	int samples;
};

extern struct fake_core fake;

/* Two guests with five events, as every test begins. */
void fake_reset(void);
struct fake_guest *fake_add_guest(uint64_t id, const char *name, const char *uuid);
void fake_remove_guest(uint32_t row);
/* Of row, with the next free id or a higher one. Lives until fake_reset(). */
struct fake_vcpu *fake_add_vcpu(uint32_t row, uint32_t id);
void fake_remove_vcpu(uint32_t row, uint32_t index);
/* One event of it. */
void fake_vcpu_value(struct fake_vcpu *vcpu, uint32_t cell, uint64_t value);
void fake_add_event(const char *name, uint32_t number, enum kvmstat_class class, uint32_t buckets);

#endif
