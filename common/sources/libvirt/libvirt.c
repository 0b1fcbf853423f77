/* SPDX-License-Identifier: MIT */
/*
 * libvirt.c - the source for guests whose VMM keeps no statistics fds: libvirt's daemon asks them
 *
 * Used only if the option Source lists it: libvirt asks QEMU, and QEMU before 8.1 interrupts vCPUs
 * to answer. Like statsfd it learns events from the guests, does not find guests, and fills the
 * cells of guests that others found.
 */
#include "sources/libvirt/libvirt.h"

#if WITH_LIBVIRT

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/refusal.h"

/* Guests without all of their values, by the reason. */
struct tally {
	uint32_t good;
	struct fault faults[LIBVIRT_NFAULTS];
};

static void libvirt_close(struct source *source)
{
	struct libvirt_state *state = source->state;

	libvirt_client_free(state->client);
	for (size_t i = 0; i < state->nevents; i++)
		free(state->events[i].name);
	free(state->events);
	free(state->vcpus);
	free(state);
	source->state = NULL;
}

static int libvirt_open(struct context *context, struct source *source)
{
	struct libvirt_state *state;
	int rc;

	if (!context->root.live) {
		source_status(source, KVMSTAT_MISSING, "it asks only running guests; Root is another "
						       "host");
		return -ENOENT;
	}
	if (!source_sees_processes(context, source))
		return -ENOENT;
	state = calloc(1, sizeof(*state));
	if (!state)
		return -ENOMEM;
	rc = libvirt_client_new(&state->client, context->config->libvirt_uri);
	if (rc < 0) {
		free(state);
		return rc;
	}
	state->is_system = strstr(context->config->libvirt_uri, ":///system") != NULL;
	source->state = state;
	source_status(source, KVMSTAT_ACTIVE, "%s", "");
	return 0;
}

/* ---- pass ---- */

static const char *reason(enum libvirt_fault fault)
{
	static const char *const reasons[LIBVIRT_NFAULTS] = {
		[LIBVIRT_UNKNOWN] = "libvirt does not know the guest",
		[LIBVIRT_SILENT] = "its VMM does not answer libvirt: it hangs or is busy",
		[LIBVIRT_WITHOUT] = "libvirt returns no statistics (requires libvirt 8.9 and QEMU 7.1)",
		[LIBVIRT_PARTLY] = "libvirt does not list all of its vCPUs",
		[LIBVIRT_MALFORMED] = "libvirt's answer is invalid; please report the libvirt version",
	};

	return reasons[fault];
}

static void report_loss(const struct source *source, const struct pass *pass)
{
	if (pass->seen && source->noffers && !source_is_covered(source))
		problem_raise(pass->context, KVMSTAT_UNREADABLE, 1, "no statistics from libvirt: %s", source->status.text);
}

static void report_refusal(struct source *source, const struct pass *pass, const char *error)
{
	struct rights rights;

	rights_read(&rights, &pass->context->root);
	source_status(source, KVMSTAT_DENIED, "%s refuses access (%s): %s", pass->context->config->libvirt_uri, error,
		      rights.is_root ? "a security module or libvirt's own access control (access_drivers) forbids it to root" :
				       "run as root, or as a member of the group libvirt");
}

static void report_silence(struct source *source, const struct pass *pass, int rc, const char *error)
{
	const char *uri = pass->context->config->libvirt_uri;

	if (rc == -ETIMEDOUT)
		source_status(source, KVMSTAT_MISSING,
			      "%s did not answer in time: its daemon or a guest hangs; this sample "
			      "has no values from it", uri);
	else if (rc == -EBUSY)
		source_status(source, KVMSTAT_MISSING,
			      "%s does not answer: all calls are pending; will retry when one "
			      "returns", uri);
	else if (rc == -EACCES || rc == -EPERM)
		report_refusal(source, pass, error);
	else
		source_status(source, KVMSTAT_MISSING, "cannot connect to %s (%s); check that its "
						       "daemon runs (libvirtd, virtqemud)", uri,
			      error);
	report_loss(source, pass);
}

static void report_problems(const struct source *source, const struct pass *pass, const struct tally *tally,
			    enum libvirt_fault fault, uint32_t bad)
{
	if (tally->faults[LIBVIRT_MALFORMED].count)
		problem_raise(pass->context, KVMSTAT_MALFORMED, tally->faults[LIBVIRT_MALFORMED].count,
			      "libvirt's statistics of %u guests are invalid (last: %s); their "
			      "values are left out",
			      tally->faults[LIBVIRT_MALFORMED].count, tally->faults[LIBVIRT_MALFORMED].last->public.name);
	if (fault != LIBVIRT_MALFORMED && source->noffers && !source_is_covered(source))
		problem_raise(pass->context, KVMSTAT_UNREADABLE, bad - tally->faults[LIBVIRT_MALFORMED].count,
			      "cannot read all statistics of %u guests from libvirt (last: %s): %s",
			      bad - tally->faults[LIBVIRT_MALFORMED].count, tally->faults[fault].last->public.name, reason(fault));
}

static void report_state(struct source *source, const struct pass *pass, const struct tally *tally)
{
	/* The most serious fault first. */
	static const enum libvirt_fault order[] = { LIBVIRT_SILENT, LIBVIRT_PARTLY, LIBVIRT_WITHOUT, LIBVIRT_UNKNOWN,
						    LIBVIRT_MALFORMED };
	enum libvirt_fault fault = LIBVIRT_FINE;
	uint32_t bad = 0;

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		if (fault == LIBVIRT_FINE && tally->faults[order[i]].count)
			fault = order[i];
		bad += tally->faults[order[i]].count;
	}
	if (!bad) {
		source_status(source, KVMSTAT_ACTIVE, "%s", "");
		return;
	}
	report_problems(source, pass, tally, fault, bad);
	source_status(source, tally->good || tally->faults[LIBVIRT_PARTLY].count ? KVMSTAT_PARTIAL : KVMSTAT_MISSING,
		      "cannot read all statistics of %u of %u guests (one of them: %s): %s", bad, bad + tally->good,
		      tally->faults[fault].last->public.name, reason(fault));
}

static int compare_uuid(const void *uuid, const void *domain)
{
	return strcmp(uuid, ((const struct libvirt_domain *)domain)->uuid);
}

/* Find a domain by its UUID, which is unique within a daemon; or NULL. */
static const struct libvirt_domain *find_domain(const struct libvirt_answer *answer, const char *uuid)
{
	if (!*uuid || !answer->ndomains)
		return NULL;
	return bsearch(uuid, answer->domains, answer->ndomains, sizeof(*answer->domains), compare_uuid);
}

/* 0 or -ENOMEM. */
static int read_guests(struct source *source, struct pass *pass, const struct libvirt_answer *answer, struct tally *tally)
{
	const struct guests *guests = &pass->context->guests;

	for (uint32_t i = 0; i < guests->count; i++) {
		struct guest *guest = guests->list[i];
		const struct libvirt_domain *domain;
		int rc = LIBVIRT_UNKNOWN;

		if (guest->pass != pass->number || !guest->wanted)
			continue;
		domain = find_domain(answer, guest->public.uuid);
		if (domain)
			rc = libvirt_read_guest(source, pass, guest, domain);
		if (rc < 0)
			return rc;
		if (rc == LIBVIRT_FINE)
			tally->good++;
		else
			fault_add(&tally->faults[rc], guest, rc);
	}
	return 0;
}

/* Number of guests and vCPUs that libvirt has to ask: the time for its answer grows with it. */
static uint32_t count_guests_and_vcpus(const struct pass *pass)
{
	const struct guests *guests = &pass->context->guests;
	uint32_t sum = 0;

	for (uint32_t i = 0; i < guests->count; i++)
		if (guests->list[i]->pass == pass->number)
			sum += 1 + guests->list[i]->vcpus;
	return sum;
}

static int libvirt_pass(struct source *source, struct pass *pass)
{
	struct libvirt_state *state = source->state;
	const struct libvirt_answer *answer;
	size_t offered = source->noffers;
	struct tally tally = { 0 };
	char error[160] = "";
	int rc;

	if (!pass->seen) {
		source_status(source, KVMSTAT_ACTIVE, "%s", "");
		return 0;
	}
	rc = libvirt_client_prepare(state->client);
	if (rc < 0 && rc != -EBUSY) {
		refusal_report(&source->status, &pass->context->root, CALL_THREAD, rc);
		report_loss(source, pass);
		return 0;
	}
	rc = libvirt_client_ask(state->client, count_guests_and_vcpus(pass), &answer, error, sizeof(error));
	if (rc < 0) {
		report_silence(source, pass, rc, error);
		return 0;
	}
	rc = read_guests(source, pass, answer, &tally);
	if (rc < 0)
		return rc;
	if (source->noffers > offered)
		return 1;
	report_state(source, pass, &tally);
	return 0;
}

#else

#include <errno.h>

static int libvirt_open(struct context *context, struct source *source)
{
	(void)context;
	source_status(source, KVMSTAT_MISSING, "kvmstat was built without it (WITH_LIBVIRT=0): build it with libvirt's headers");
	return -ENOENT;
}

#define libvirt_close NULL
#define libvirt_pass NULL

#endif

const struct source_ops libvirt_source = {
	.id = KVMSTAT_LIBVIRT,
	.guest_by_guest = true,
	.opt_in = "used only if the option Source lists it: libvirt asks QEMU, which may interrupt "
		  "vCPUs for the answer",
	.open = libvirt_open,
	.close = libvirt_close,
	.pass = libvirt_pass,
};
