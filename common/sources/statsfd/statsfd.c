/* SPDX-License-Identifier: MIT */
/*
 * statsfd.c - the source for kernels without BPF: the fds of binary statistics that the VMM keeps
 *
 * It learns events from the guests, and offers them when it first reads a guest. It does not find
 * guests, but fills the cells of guests that others found.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "guests/guest_dir.h"
#include "host/refusal.h"
#include "sources/statsfd/statsfd.h"

/* How the guests of a pass were read. */
struct tally {
	uint32_t good;
	struct fault denied, malformed, without;
};

static void statsfd_close(struct source *source)
{
	struct statsfd_state *state = source->state;

	for (size_t i = 0; i < state->nnames; i++)
		free(state->names[i]);
	free(state->names);
	free(state->sums);
	free(state);
	source->state = NULL;
}

/* Before the first pass there are no guests to try: the pass finds out. */
static int probe(const struct context *context, enum refusal_call *call)
{
	const struct guests *guests = &context->guests;
	int rc = statsfd_may_borrow(getpid(), call);

	for (uint32_t i = 0; rc == 0 && i < guests->count; i++) {
		pid_t pid = guests->list[i]->seen_as.tgid;

		if (!pid || !guests->list[i]->wanted)
			continue;
		rc = statsfd_may_borrow(pid, call);
		if (rc == 0)
			return 0;
		/* The guest has ended. */
		if (rc == -ESRCH)
			rc = 0;
	}
	return rc;
}

/* Linux 6.5 and later; the version number does not show whether an older kernel has the fix. */
static bool keeps_vm_alive(const char *release)
{
	int major = 0, minor = 0;

	return sscanf(release, "%d.%d", &major, &minor) == 2 && (major > 6 || (major == 6 && minor >= 5));
}

static int statsfd_open(struct context *context, struct source *source)
{
	struct statsfd_state *state;
	enum refusal_call call;
	struct utsname host;
	int rc;

	if (!context->root.live) {
		source_status(source, KVMSTAT_MISSING, "it reads only running guests; Root is "
						       "another host");
		return -ENOENT;
	}
	if (!source_sees_processes(context, source))
		return -ENOENT;
	rc = probe(context, &call);
	if (rc < 0)
		return refusal_report(&source->status, &context->root, call, rc);
	state = calloc(1, sizeof(*state));
	if (!state)
		return -ENOMEM;
	/* The source is not opened twice in one pass. */
	state->epoch = context->pass + 1;
	state->fd_limit = guests_fd_limit();
	state->needs_guard = uname(&host) < 0 || !keeps_vm_alive(host.release);
	source->state = state;
	source_status(source, KVMSTAT_ACTIVE, "%s", "");
	return 0;
}

static int statsfd_bind(struct context *context, struct source *source)
{
	struct statsfd_state *state = source->state;
	uint64_t *sums = calloc(context->columns->ncells + 1u, sizeof(*sums));

	if (!sums)
		return -ENOMEM;
	free(state->sums);
	state->sums = sums;
	state->binding++;
	return 0;
}

/* ---- pass ---- */

static void note(struct tally *tally, const struct guest *guest, int rc)
{
	if (rc == 0)
		tally->good++;
	else if (rc == -EPERM || rc == -EACCES)
		fault_add(&tally->denied, guest, rc);
	else if (rc == -EBADMSG)
		fault_add(&tally->malformed, guest, rc);
	/* -ESRCH: it has ended. */
	else if (rc != -ESRCH)
		fault_add(&tally->without, guest, rc);
}

/* The call that failed on a guest. */
static enum refusal_call call_of(int rc)
{
	return rc == -EPERM ? CALL_PIDFD_GETFD : CALL_GUEST_FDS;
}

/* status is a buffer for texts that are not constant. */
static const char *reason(int rc, const struct sysroot *root, struct kvmstat_source_status *status)
{
	switch (rc) {
	case -ENODATA:
		return "its VMM does not keep a statistics fd of each vCPU (QEMU does since 8.1)";
	case -ENOTUNIQ:
		return "its process has several VMs, so that statistics cannot be assigned to a VM";
	case -ESTALE:
		return "its fds change while they are read";
	case -EBADMSG:
		return "their headers are invalid; please report the kernel version";
	default:
		refusal_report(status, root, call_of(rc), rc);
		return status->text;
	}
}

static void report_problems(const struct source *source, struct context *context, const struct tally *tally)
{
	const struct fault *fault = tally->without.count ? &tally->without : &tally->denied;
	struct kvmstat_source_status status;

	if (tally->malformed.count)
		problem_raise(context, KVMSTAT_MALFORMED, tally->malformed.count,
			      "statistics fds of %u guests are invalid (last: %s); their values are "
			      "left out",
			      tally->malformed.count, tally->malformed.last->public.name);
	if (fault->count && source->noffers && !source_is_covered(source))
		problem_raise(context, KVMSTAT_UNREADABLE, tally->denied.count + tally->without.count,
			      "cannot read statistics fds of %u guests (last: %s): %s",
			      tally->denied.count + tally->without.count, fault->last->public.name,
			      reason(fault->error, &context->root, &status));
}

/* Does no source provide events of the VM? QEMU keeps no file of them. */
static bool lacks_vm_events(const struct source *source, const struct column_set *columns)
{
	for (uint32_t i = 0; i < columns->ncolumns; i++)
		if (columns->columns[i].event->scope == KVMSTAT_VM)
			return false;
	for (size_t i = 0; i < source->noffers; i++)
		if (source->offers[i].event->scope == KVMSTAT_VM)
			return false;
	return source->noffers > 0;
}

/* 0, or -errno: no guest's fds may be borrowed. */
static int report_state(struct source *source, const struct pass *pass, const struct tally *tally)
{
	const struct fault *fault = tally->malformed.count ? &tally->malformed : &tally->without;
	uint32_t bad = tally->denied.count + tally->malformed.count + tally->without.count;
	const struct sysroot *root = &pass->context->root;
	struct kvmstat_source_status status;

	if (tally->denied.count && !tally->good && !fault->count)
		return refusal_report(&source->status, root, call_of(tally->denied.error), tally->denied.error);
	report_problems(source, pass->context, tally);
	if (!fault->count)
		fault = &tally->denied;
	/* Where only /proc finds guests, those of other users are invisible as well. */
	if (!pass->seen && refusal_lacks(CALL_GUEST_FDS, root))
		refusal_report(&source->status, root, CALL_GUEST_FDS, -EACCES);
	else if (!bad)
		source_status(source, KVMSTAT_ACTIVE, "%s", lacks_vm_events(source, pass->context->columns) ?
			      "vCPU events only; for VM events enable debugfs or libvirt (option "
			      "Source)" : "");
	else
		source_status(source, tally->good ? KVMSTAT_PARTIAL : KVMSTAT_MISSING,
			      "cannot read %u of %u guests (one of them: %s): %s", bad, bad + tally->good,
			      fault->last->public.name, reason(fault->error, root, &status));
	return 0;
}

static int statsfd_pass(struct source *source, struct pass *pass)
{
	const struct guests *guests = &pass->context->guests;
	size_t offered = source->noffers;
	struct tally tally = { 0 };

	for (uint32_t i = 0; i < guests->count; i++) {
		struct guest *guest = guests->list[i];
		int rc;

		if (guest->pass != pass->number || !guest->wanted)
			continue;
		rc = statsfd_read_guest(source, pass, guest);
		if (rc == -ENOMEM)
			return rc;
		note(&tally, guest, rc);
	}
	return source->noffers > offered ? 1 : report_state(source, pass, &tally);
}

const struct source_ops statsfd_source = {
	.id = KVMSTAT_STATSFD,
	.guest_by_guest = true,
	.open = statsfd_open,
	.close = statsfd_close,
	.bind = statsfd_bind,
	.pass = statsfd_pass,
};
