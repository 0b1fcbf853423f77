/* SPDX-License-Identifier: MIT */
/*
 * context.h - what the collector shares with its sources
 *
 * Sources read it. They write into it only by the functions of pass.h, guest.h, host.h, uevents.h and problem_raise().
 */
#ifndef KVMSTAT_CONTEXT_H
#define KVMSTAT_CONTEXT_H

#include "core/config.h"
#include "core/sample.h"
#include "events/registry.h"
#include "guests/guest.h"
#include "host/host.h"
#include "host/sysroot.h"
#include "host/uevents.h"

struct context {
	struct kvmstat_config *config;
	struct sysroot root;
	struct registry *registry;
	struct guests guests;
	struct host host;
	struct uevents uevents;
	struct column_set *columns;	/* of the coming pass */
	struct kvmstat_problem_status problems[KVMSTAT_NPROBLEMS];
	bool raised[KVMSTAT_NPROBLEMS];	/* in the current pass */
	uint64_t pass;			/* grows with each try; guests are marked with it */
};

/* A problem is active if it is raised in a pass, else over. hits is added to its count. */
void problem_raise(struct context *context, enum kvmstat_problem problem, uint64_t hits, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

#endif
