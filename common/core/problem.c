/* SPDX-License-Identifier: MIT */
#include "core/collector.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "host/refusal.h"

void problem_raise(struct kvmstat *kvmstat, enum kvmstat_problem problem, uint64_t hits, const char *format, ...)
{
	struct kvmstat_problem_status *status = &kvmstat->problems[problem];
	va_list args;

	kvmstat->raised[problem] = true;
	status->active = true;
	status->count += hits;
	va_start(args, format);
	vsnprintf(status->text, sizeof(status->text), format, args);
	va_end(args);
}

void problems_begin(struct kvmstat *kvmstat)
{
	memset(kvmstat->raised, 0, sizeof(kvmstat->raised));
}

void problems_end(struct kvmstat *kvmstat)
{
	for (int i = 0; i < KVMSTAT_NPROBLEMS; i++)
		kvmstat->problems[i].active = kvmstat->raised[i];
}

/* ---- what is wrong with a whole pass ---- */

/* A source that learns from the guests has no events as long as there is none that it may read. */
static bool waits_for_guests(const struct source *source)
{
	return source->is_open && source->status.state != KVMSTAT_DENIED && source->status.state != KVMSTAT_MISSING;
}

static bool has_no_source(const struct kvmstat *kvmstat)
{
	return !kvmstat->columns->ncolumns && !kvmstat->sources[KVMSTAT_BPF].is_open &&
	       !kvmstat->sources[KVMSTAT_DEBUGFS].is_open &&
	       (kvmstat->guests.count || (!waits_for_guests(&kvmstat->sources[KVMSTAT_STATSFD]) &&
					  !waits_for_guests(&kvmstat->sources[KVMSTAT_LIBVIRT])));
}

static void tell_sources(struct kvmstat *kvmstat)
{
	const struct kvmstat_source_status *bpf = &kvmstat->sources[KVMSTAT_BPF].status;
	const struct kvmstat_source_status *debugfs = &kvmstat->sources[KVMSTAT_DEBUGFS].status;
	const struct kvmstat_source_status *statsfd = &kvmstat->sources[KVMSTAT_STATSFD].status;
	const struct source *libvirt = &kvmstat->sources[KVMSTAT_LIBVIRT];
	uint32_t absent = 0;

	for (uint32_t i = 0; i < kvmstat->columns->ncolumns; i++)
		absent += kvmstat->columns->columns[i].source == KVMSTAT_ABSENT;
	if (!kvmstat->host.has_kvm && !kvmstat->guests.count)
		problem_raise(kvmstat, KVMSTAT_NO_KVM, 1,
			      "this host has no KVM: neither /dev/kvm nor its module nor its debugfs directory is there; load it (modprobe kvm) where guests are to run");
	else if (has_no_source(kvmstat))
		problem_raise(kvmstat, KVMSTAT_NO_SOURCE, 1, "no event can be read here. bpf: %s. debugfs: %s. statsfd: %s%s%s",
			      bpf->text, debugfs->text, statsfd->text, libvirt->is_open ? ". libvirt: " : "",
			      libvirt->is_open ? libvirt->status.text : "");
	else if (kvmstat->config->exit_reasons && !kvmstat->sources[KVMSTAT_TRACEPOINT].is_open)
		problem_raise(kvmstat, KVMSTAT_REFUSED, 1, "exits by reason cannot be counted: %s",
			      kvmstat->sources[KVMSTAT_TRACEPOINT].status.text);
	else if (absent)
		problem_raise(kvmstat, KVMSTAT_REFUSED, 1, "%u of %u events cannot be read: %s", absent,
			      kvmstat->columns->ncolumns, kvmstat->columns->reason);
}

/* One that hangs stands for all: others may only wait for it. */
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

static void report_shortage(struct kvmstat *kvmstat, int error)
{
	struct kvmstat_source_status why;

	refusal_report(&why, &kvmstat->root, CALL_GUEST_PROC, error);
	problem_raise(kvmstat, KVMSTAT_UNNAMED, kvmstat->guests.unknown, "no names yet for %u of %u guests: %s",
		      kvmstat->guests.unknown, kvmstat->guests.count, why.text);
}

/* No name yet, and the reason is none that lasts. */
static void tell_unknown(struct kvmstat *kvmstat)
{
	const struct guests *guests = &kvmstat->guests;
	const struct guest *guest = find_unknown(guests);

	if (guest->unknown == -ETIMEDOUT)
		problem_raise(kvmstat, KVMSTAT_UNNAMED, guests->unknown,
			      "no names yet for %u of %u guests: process %d, which is shown as %s, does not let its command line be read (ps waits for it as well); end it, or abort the file system that it waits for",
			      guests->unknown, guests->count, (int)guest->public.pid, guest->public.name);
	else if (guest->unknown == -EBUSY)
		problem_raise(kvmstat, KVMSTAT_UNNAMED, guests->unknown,
			      "no names yet for %u of %u guests: as many processes as may wait for others' command lines",
			      guests->unknown, guests->count);
	else
		report_shortage(kvmstat, guest->unknown);
}

/* Are other processes hidden from this one? Process 1 stands for them. */
static bool hides_processes(const struct sysroot *root)
{
	char text[16];

	return root->live && sysroot_read(root, text, sizeof(text), "proc/1/stat") <= 0;
}

static void tell_names(struct kvmstat *kvmstat)
{
	struct kvmstat_source_status why;

	if (kvmstat->guests.unknown) {
		tell_unknown(kvmstat);
	} else if (kvmstat->guests.unnamed && kvmstat->guests.foreign) {
		problem_raise(kvmstat, KVMSTAT_UNNAMED, kvmstat->guests.unnamed,
			      "no names for %u of %u guests, because this process runs in a pid namespace of its own: run it in the host's (a container: --pid=host)",
			      kvmstat->guests.unnamed, kvmstat->guests.count);
	} else if (kvmstat->guests.unnamed && hides_processes(&kvmstat->root)) {
		refusal_report(&why, &kvmstat->root, CALL_GUEST_PROC, -EACCES);
		problem_raise(kvmstat, KVMSTAT_UNNAMED, kvmstat->guests.unnamed,
			      "no names for %u of %u guests, because hidepid hides their processes: %s",
			      kvmstat->guests.unnamed, kvmstat->guests.count, why.text);
	} else if (kvmstat->guests.unnamed) {
		problem_raise(kvmstat, KVMSTAT_UNNAMED, kvmstat->guests.unnamed,
			      "no names for %u of %u guests, because /proc has no process that holds their VM",
			      kvmstat->guests.unnamed, kvmstat->guests.count);
	}
}

/* A host with that many is no host that anybody knows: a module, or a file that stands in for one, makes them up. */
static void report_left_out(struct kvmstat *kvmstat)
{
	uint32_t left_out = registry_left_out(kvmstat->registry);

	if (left_out)
		problem_raise(kvmstat, KVMSTAT_TOO_MANY, 1,
			      "%u%s events are left out: this kernel has more than %d events that kvmstat does not know, and no more are taken; those it knows are not concerned. Please report it with the kernel's version",
			      left_out, left_out == REGISTRY_MAX_UNKNOWN ? " or more" : "", REGISTRY_MAX_UNKNOWN);
}

void problems_find(struct kvmstat *kvmstat)
{
	tell_sources(kvmstat);
	tell_names(kvmstat);
	report_left_out(kvmstat);
}
