/* SPDX-License-Identifier: MIT */
#include "core/collector.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "host/refusal.h"

void problem_raise(struct context *context, enum kvmstat_problem problem, uint64_t hits, const char *format, ...)
{
	struct kvmstat_problem_status *status = &context->problems[problem];
	va_list args;

	context->raised[problem] = true;
	status->active = true;
	status->count += hits;
	va_start(args, format);
	vsnprintf(status->text, sizeof(status->text), format, args);
	va_end(args);
}

void problems_begin(struct kvmstat *kvmstat)
{
	memset(kvmstat->context.raised, 0, sizeof(kvmstat->context.raised));
}

void problems_end(struct kvmstat *kvmstat)
{
	for (int i = 0; i < KVMSTAT_NPROBLEMS; i++)
		kvmstat->context.problems[i].active = kvmstat->context.raised[i];
}

/* ---- what is wrong with a whole pass ---- */

/* Does this source provide events, or will it once there is a guest to learn them from? */
static bool gives_events(const struct source *source, bool guests)
{
	enum kvmstat_source_state state = source->status.state;

	if (!source_may_be_chosen(source->ops) || !source->is_open)
		return false;
	return !source->ops->guest_by_guest || (!guests && state != KVMSTAT_DENIED && state != KVMSTAT_MISSING);
}

static bool has_no_source(const struct kvmstat *kvmstat)
{
	if (kvmstat->context.columns->ncolumns)
		return false;
	for (int i = KVMSTAT_ABSENT + 1; i < KVMSTAT_NSOURCES; i++)
		if (gives_events(&kvmstat->sources[i], kvmstat->context.guests.count > 0))
			return false;
	return true;
}

/* Report the status of each source that could provide events. */
static void report_no_source(struct kvmstat *kvmstat)
{
	char text[sizeof(kvmstat->context.problems[0].text)] = "";
	size_t len = 0;

	for (const struct source_ops *const *ops = source_list; *ops && len < sizeof(text); ops++) {
		const struct source *source = &kvmstat->sources[(*ops)->id];

		if (source_may_be_chosen(*ops) && (!(*ops)->opt_in || source->is_open))
			len += (size_t)snprintf(text + len, sizeof(text) - len, ". %s: %s", kvmstat_source_name((*ops)->id), source->status.text);
	}
	problem_raise(&kvmstat->context, KVMSTAT_NO_SOURCE, 1, "cannot read any event%s", text);
}

static void report_sources(struct kvmstat *kvmstat)
{
	struct context *context = &kvmstat->context;
	const struct column_set *columns = context->columns;
	uint32_t absent = 0;

	for (uint32_t i = 0; i < columns->ncolumns; i++)
		absent += columns->columns[i].source == KVMSTAT_ABSENT;
	if (!context->host.has_kvm && !context->guests.count)
		problem_raise(context, KVMSTAT_NO_KVM, 1,
			      "this host has no KVM: there is no /dev/kvm, no module kvm and no "
			      "debugfs directory; load it (modprobe kvm) to run guests here");
	else if (has_no_source(kvmstat))
		report_no_source(kvmstat);
	else if (context->config->exit_reasons && !kvmstat->sources[KVMSTAT_TRACEPOINT].is_open)
		problem_raise(context, KVMSTAT_REFUSED, 1, "cannot count exits by reason: %s",
			      kvmstat->sources[KVMSTAT_TRACEPOINT].status.text);
	else if (absent)
		problem_raise(context, KVMSTAT_REFUSED, 1, "cannot read %u of %u events: %s", absent, columns->ncolumns,
			      columns->reason);
}

/* A process that hangs is reported first: the others may only wait for it. */
static const struct guest *find_unknown(const struct guests *guests)
{
	const struct guest *found = NULL;

	for (uint32_t i = 0; i < guests->count; i++) {
		const struct guest *guest = guests->list[i];

		if (guest->unknown && (!found || (guest->unknown == -ETIMEDOUT && found->unknown != -ETIMEDOUT)))
			found = guest;
	}
	return found;
}

static void report_shortage(struct context *context, int error)
{
	struct kvmstat_source_status why;

	refusal_report(&why, &context->root, CALL_GUEST_PROC, error);
	problem_raise(context, KVMSTAT_UNNAMED, context->guests.unknown, "no names yet for %u of %u guests: %s",
		      context->guests.unknown, context->guests.count, why.text);
}

/* No name yet, for a reason that may pass. */
static void report_unknown(struct context *context)
{
	const struct guests *guests = &context->guests;
	const struct guest *guest = find_unknown(guests);

	if (guest->unknown == -ETIMEDOUT)
		problem_raise(context, KVMSTAT_UNNAMED, guests->unknown,
			      "no names yet for %u of %u guests: reading the command line of process "
			      "%d, shown as %s, does not return (ps hangs on it too); end the "
			      "process, or abort the file system that it waits for",
			      guests->unknown, guests->count, (int)guest->public.pid, guest->public.name);
	else if (guest->unknown == -EBUSY)
		problem_raise(context, KVMSTAT_UNNAMED, guests->unknown,
			      "no names yet for %u of %u guests: the limit of processes that wait "
			      "for command lines is reached; they are read when one of these returns",
			      guests->unknown, guests->count);
	else
		report_shortage(context, guest->unknown);
}

/* Are other processes hidden from this one? Process 1 is the example. */
static bool hides_processes(const struct sysroot *root)
{
	char text[16];

	return root->live && sysroot_read(root, text, sizeof(text), "proc/1/stat") <= 0;
}

static void report_names(struct context *context)
{
	struct kvmstat_source_status why;

	if (context->guests.unknown) {
		report_unknown(context);
	} else if (context->guests.unnamed && context->guests.other_pid_namespace) {
		problem_raise(context, KVMSTAT_UNNAMED, context->guests.unnamed,
			      "no names for %u of %u guests: this process runs in its own pid "
			      "namespace; run it in the host's (a container: --pid=host)",
			      context->guests.unnamed, context->guests.count);
	} else if (context->guests.unnamed && hides_processes(&context->root)) {
		refusal_report(&why, &context->root, CALL_GUEST_PROC, -EACCES);
		problem_raise(context, KVMSTAT_UNNAMED, context->guests.unnamed,
			      "no names for %u of %u guests: hidepid hides their processes; %s",
			      context->guests.unnamed, context->guests.count, why.text);
	} else if (context->guests.unnamed) {
		problem_raise(context, KVMSTAT_UNNAMED, context->guests.unnamed,
			      "no names for %u of %u guests: no process in /proc holds their VM",
			      context->guests.unnamed, context->guests.count);
	}
}

/* No known kernel has this many: a module, or a generated tree, makes them up. */
static void report_left_out(struct context *context)
{
	uint32_t left_out = registry_left_out(context->registry);

	if (left_out)
		problem_raise(context, KVMSTAT_TOO_MANY, 1,
			      "%u%s events are left out: this kernel has more than %d events that "
			      "kvmstat does not know, which is the limit; known events are not "
			      "affected; please report this with the kernel version",
			      left_out, left_out == REGISTRY_MAX_UNKNOWN ? " or more" : "", REGISTRY_MAX_UNKNOWN);
}

void problems_find(struct kvmstat *kvmstat)
{
	report_sources(kvmstat);
	report_names(&kvmstat->context);
	report_left_out(&kvmstat->context);
}
