/* SPDX-License-Identifier: MIT */
/*
 * trace.h - samples made of a text: what counters did, sample by sample
 *
 *	kvmstat-trace 1
 *	H  HOST ARCH CPUS
 *	E  INDEX NAME				an event; cpu_ns and wait_ns are the row's
 *	S  TIME [restart]			a sample begins; restart: the collector was restarted before it
 *	G  GUEST NAME KEY VCPUS INCARNATION	a guest is (again) there, its counters at 0
 *	X  GUEST				it is gone
 *	C  GUEST INDEX COUNTER			a counter that moved
 *	V  GUEST VCPU INDEX COUNTER		a counter of one vCPU that moved; vCPUs are 0, 1, ...
 *
 * One record a line, fields separated by one tab. Other records are skipped.
 */
#ifndef KVMSTAT_TRACE_H
#define KVMSTAT_TRACE_H

#include <stdio.h>

#include "kvmstat.h"

struct trace;

/* NULL if the first line is not that of a trace, or without memory. */
struct trace *trace_open(FILE *file);
void trace_close(struct trace *trace);

/*
 * The next sample: 1, 0 at the end, or -1: the text makes no sense (trace_line() is where). The sample kept (or NULL)
 * stays as it is; another one is used again. *restarted: the collector was restarted before it.
 */
int trace_next(struct trace *trace, const struct kvmstat_sample *kept, const struct kvmstat_sample **sample,
	       bool *restarted);

const char *trace_host(const struct trace *trace);
unsigned long trace_line(const struct trace *trace);

#endif
