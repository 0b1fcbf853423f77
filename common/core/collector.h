/* SPDX-License-Identifier: MIT */
/*
 * collector.h - the object that owns guests, sources and samples; private to the core
 */
#ifndef KVMSTAT_COLLECTOR_H
#define KVMSTAT_COLLECTOR_H

#include "core/config.h"
#include "core/sample.h"
#include "core/source.h"
#include "core/top.h"
#include "events/registry.h"
#include "guests/guest.h"
#include "host/sysroot.h"
#include "host/uevents.h"
#include "util/clock.h"

/* What is known of the host, looked at again now and then. */
struct host {
	uint32_t cpus;
	enum kvmstat_lockdown lockdown;
	bool has_kvm;
	uint64_t read_at_ns;	/* CLOCK_BOOTTIME */
};

struct kvmstat {
	struct kvmstat_config *config;
	struct sysroot root;
	struct registry *registry;
	struct guests guests;
	struct sample_pool pool;
	struct top top;
	struct column_set *columns;	/* of the coming pass */
	bool stale;			/* columns must be made anew: sources came or went */
	uint64_t column_generation;
	struct source sources[KVMSTAT_NSOURCES];	/* by enum kvmstat_source; [0] is not used */
	struct kvmstat_problem_status problems[KVMSTAT_NPROBLEMS];
	bool raised[KVMSTAT_NPROBLEMS];	/* in the current pass */
	struct host host;
	struct uevents uevents;
	bool debugfs_refuses;		/* EPERM was met although no lockdown is known of */
	uint64_t pass;			/* grows with each try; what guests are marked with */
	uint64_t samples;
	uint64_t recheck_pass;		/* when bpf may be suspected again of seeing nothing */
};

/* host.c */
void host_refresh(struct kvmstat *kvmstat, uint64_t now_ns);
enum kvmstat_lockdown host_lockdown(const struct sysroot *root);

/* columns.c: the columns that the open sources' offers and the filter make. 0 or -ENOMEM. */
int columns_make(struct kvmstat *kvmstat);

/* problem.c: what is raised in a pass is active; what is not is over. hits is added to its count. */
void problem_raise(struct kvmstat *kvmstat, enum kvmstat_problem problem, uint64_t hits, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
void problems_begin(struct kvmstat *kvmstat);
void problems_find(struct kvmstat *kvmstat);	/* those of sources and names, at the end of a pass */
void problems_end(struct kvmstat *kvmstat);

#endif
