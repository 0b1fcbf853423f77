/* SPDX-License-Identifier: MIT */
/* tracepoint.c - the source that counts exits by reason (option ReportExitReasons) */
#include "core/pass.h"
#include "core/source.h"

#if WITH_BPF

#include <errno.h>
#include <stdlib.h>

#include "host/refusal.h"
#include "sources/tracepoint/scan.h"

struct tracepoint_source {
	struct tracepoint_counts *counts;
	struct tracepoint_scan *scan;
};

static void close_source(struct source *source)
{
	struct tracepoint_source *state = source->state;

	tracepoint_scan_close(state->scan);
	if (state->counts)
		tracepoint_counts_free(state->counts);
	free(state);
	source->state = NULL;
}

static int begin(struct tracepoint_source *state, struct context *context, struct source *source)
{
	struct tracepoint_counts *counts = state->counts;
	int rc = tracepoint_find_all(&context->root, counts->tracepoints, &source->status);

	if (rc < 0)
		return rc;
	counts->ntracepoints = rc;
	return tracepoint_scan_open(&state->scan, counts, &context->root, context->host.cpus, &source->status);
}

static int open_source(struct context *context, struct source *source)
{
	struct tracepoint_source *state;
	int rc;

	if (!context->root.live) {
		source_status(source, KVMSTAT_MISSING, "it counts only in the running kernel; Root "
						       "is another host");
		return -ENOENT;
	}
	/* The kernel would refuse the read and log the attempt. */
	if (context->host.lockdown == KVMSTAT_LOCKDOWN_CONFIDENTIALITY)
		return refusal_report(&source->status, &context->root, CALL_TRACEFS, -EPERM);
	state = calloc(1, sizeof(*state));
	if (!state)
		return -ENOMEM;
	source->state = state;
	state->counts = tracepoint_counts_new();
	rc = state->counts ? begin(state, context, source) : -ENOMEM;
	if (rc == 0)
		rc = tracepoint_offer_totals(state->counts, context, source);
	if (rc < 0)
		close_source(source);
	else
		source_status(source, KVMSTAT_ACTIVE, "%s", "");
	return rc;
}

static void report_guests(struct source *source, const struct tracepoint_counts *counts)
{
	if (counts->contested.count)
		source_status(source, KVMSTAT_PARTIAL,
			      "not counted for %u of %u guests (one of them: %s): one thread runs "
			      "vCPUs of several guests",
			      counts->contested.count, counts->seen, counts->contested.last->public.name);
	else if (counts->unknown.count)
		source_status(source, KVMSTAT_PARTIAL,
			      "not counted for %u of %u guests (one of them: %s): its vCPU threads "
			      "are unknown; enable the source bpf, or name the threads (QEMU: -name "
			      "debug-threads=on)",
			      counts->unknown.count, counts->seen, counts->unknown.last->public.name);
	else
		source_status(source, KVMSTAT_ACTIVE, "%s", "");
}

static int pass_source(struct source *source, struct pass *pass)
{
	struct tracepoint_source *state = source->state;
	size_t offered = source->noffers;
	int rc = claims_make(&state->counts->claims, &pass->context->guests, pass->number);

	if (rc == 0)
		rc = tracepoint_scan_pass(state->scan, state->counts, source, pass);
	if (rc < 0)
		return rc;
	if (source->noffers > offered)
		return 1;
	report_guests(source, state->counts);
	tracepoint_scan_report(state->scan, source, pass->context);
	return 0;
}

#else

#include <errno.h>

static int open_source(struct context *context, struct source *source)
{
	(void)context;
	source_status(source, KVMSTAT_MISSING, "kvmstat was built without BPF (WITH_BPF=0): build it with clang and libbpf");
	return -ENOENT;
}

#define close_source NULL
#define pass_source NULL

#endif

const struct source_ops tracepoint_source = {
	.id = KVMSTAT_TRACEPOINT,
	.opt_in = "used only with the option ReportExitReasons",
	.own_events = true,
	.open = open_source,
	.close = close_source,
	.pass = pass_source,
};
