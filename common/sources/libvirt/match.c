/* SPDX-License-Identifier: MIT */
/* match.c - match a libvirt domain to a guest of this pass, and fill the rows of its vCPUs */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "guests/guest_dir.h"
#include "host/proc.h"
#include "sources/libvirt/libvirt.h"
#include "util/clock.h"

/* The pid of a guest of the host's daemon; 0: unknown. */
static pid_t noted_pid(const struct sysroot *root, const char *name)
{
	char text[16];
	long pid;

	if (!*name || strchr(name, '/') ||
	    sysroot_read(root, text, sizeof(text), "run/libvirt/qemu/%s.pid", name) <= 0)
		return 0;
	pid = strtol(text, NULL, 10);
	return pid > 0 ? (pid_t)pid : 0;
}

static bool has_twin(const struct pass *pass, const struct guest *guest)
{
	const struct guests *guests = &pass->context->guests;

	for (uint32_t i = 0; i < guests->count; i++) {
		const struct guest *other = guests->list[i];

		if (other != guest && other->pass == pass->number &&
		    strcmp(other->public.uuid, guest->public.uuid) == 0)
			return true;
	}
	return false;
}

/*
 * The UUID is the same. But a guest of the system's daemon and one of a user's may share it, and a
 * guest keeps it when it is restarted: so compare the pid, read after libvirt has answered. If the
 * pid is unknown, the UUID must be unique and the name the same.
 */
bool libvirt_is_guest(const struct libvirt_state *state, const struct pass *pass, const struct guest *guest,
		      const char *name)
{
	pid_t pid = state->is_system ? noted_pid(&pass->context->root, name) : 0;

	if (pid > 0)
		return pid == guest->seen_as.tgid;
	return strcmp(guest->public.name, name) == 0 && !has_twin(pass, guest);
}

/* The process that was found before libvirt was asked still exists, and so does its VM. */
bool libvirt_is_there(const struct sysroot *root, const struct guest *guest)
{
	uint64_t start_ns;

	if (!guest_has_directory(guest, root))
		return false;
	return !guest->seen_as.start_ns || (proc_start(root, guest->seen_as.tgid, &start_ns) == 0 &&
					    whole_ticks(start_ns) == guest->seen_as.start_ns);
}

/* ---- its vCPUs ---- */

void libvirt_fill_times(const struct libvirt_state *state, struct guest *guest)
{
	uint64_t cpu_ns = 0, wait_ns = 0;

	for (uint32_t i = 0; i < state->nvcpus; i++) {
		if (!state->vcpus[i].has_cpu || !state->vcpus[i].has_wait)
			return;
		cpu_ns += state->vcpus[i].cpu_ns;
		wait_ns += state->vcpus[i].wait_ns;
	}
	/* The source that found the guest has better data. */
	if (guest->has_cpu)
		return;
	guest->has_cpu = true;
	guest->cpu_ns = cpu_ns;
	guest->wait_ns = wait_ns;
}

/*
 * Map libvirt's numbers of vCPUs to KVM's ids. Both have the same order, but ids may have gaps: use
 * the ids that another source saw in this pass.
 * Returns false if these are not the same vCPUs.
 */
static bool find_ids(struct libvirt_state *state, const struct pass *pass, const struct guest *guest)
{
	uint32_t seen = 0;

	for (uint32_t i = 0; i < state->nvcpus; i++)
		state->vcpus[i].id = state->vcpus[i].number;
	for (uint32_t i = 0; i < guest->nvcpu; i++) {
		if (guest->vcpu[i].pass != pass->number)
			continue;
		if (seen < state->nvcpus)
			state->vcpus[seen].id = guest->vcpu[i].id;
		seen++;
	}
	return !seen || seen == state->nvcpus;
}

static int see_vcpu(struct pass *pass, struct guest *guest, const struct libvirt_vcpu *said)
{
	struct vcpu *vcpu = pass_see_vcpu(pass, guest, said->id);

	if (!vcpu)
		return -ENOMEM;
	vcpu->offline = said->offline;
	if (!vcpu->has_cpu && said->has_cpu && said->has_wait) {
		vcpu->has_cpu = true;
		vcpu->cpu_ns = said->cpu_ns;
		vcpu->wait_ns = said->wait_ns;
	}
	return 0;
}

static int by_number(const void *a, const void *b)
{
	const struct libvirt_vcpu *x = a, *y = b;

	return x->number < y->number ? -1 : x->number > y->number;
}

/* Write one value to the row of its vCPU. */
static void fill_cell(struct source *source, struct pass *pass, struct guest *guest, const struct libvirt_key *key,
		      uint64_t number)
{
	const struct libvirt_state *state = source->state;
	const struct libvirt_event *event = libvirt_event(state, key);
	const struct libvirt_vcpu *said = bsearch(&(struct libvirt_vcpu){ .number = key->vcpu }, state->vcpus, state->nvcpus,
						  sizeof(*state->vcpus), by_number);
	const struct vcpu *vcpu = said ? guest_vcpu(guest, said->id) : NULL;
	uint32_t cell;

	if (!vcpu || !event || !event->event || !event->complete)
		return;
	cell = source->offers[event->offer].cell;
	if (cell == NO_CELL || !pass_may_fill(pass, KVMSTAT_LIBVIRT, pass_vcpu_from(pass, vcpu)[cell]))
		return;
	pass_vcpu_values(pass, vcpu)[cell] = number;
	pass_vcpu_from(pass, vcpu)[cell] = KVMSTAT_LIBVIRT;
}

int libvirt_fill_vcpus(struct source *source, struct pass *pass, struct guest *guest,
		       const struct libvirt_param *params, uint32_t nparams)
{
	struct libvirt_state *state = source->state;
	int rc = 0;

	if (!find_ids(state, pass, guest))
		return 0;
	for (uint32_t i = 0; rc == 0 && i < state->nvcpus; i++)
		rc = see_vcpu(pass, guest, &state->vcpus[i]);
	for (uint32_t i = 0; rc == 0 && i < nparams; i++) {
		struct libvirt_key key;

		if (libvirt_parse(&params[i], &key) == 0 && key.kind == LIBVIRT_EVENT && key.scope == KVMSTAT_VCPU)
			fill_cell(source, pass, guest, &key, params[i].number);
	}
	return rc;
}
