/* SPDX-License-Identifier: MIT */
/* libvirt.h - shared by the files of the libvirt source */
#ifndef KVMSTAT_LIBVIRT_H
#define KVMSTAT_LIBVIRT_H

#include "core/pass.h"
#include "core/source.h"
#include "sources/libvirt/thread.h"

/* An event by libvirt's name, and its value of one guest. */
struct libvirt_event {
	char *name;
	enum kvmstat_scope scope;
	const struct kvmstat_event *event;	/* NULL: it cannot be collected */
	uint32_t offer;
	uint32_t seen;				/* vCPUs that have it */
	uint32_t last;				/* of them */
	uint64_t value;				/* sum or maximum over them */
	bool complete;				/* every vCPU has it */
};

/* libvirt's data of a vCPU other than events. */
struct libvirt_vcpu {
	uint32_t number;			/* libvirt's */
	uint32_t id;				/* KVM's */
	bool offline, has_cpu, has_wait;
	uint64_t cpu_ns, wait_ns;
};

struct libvirt_state {
	struct libvirt_client *client;
	bool is_system;			/* the host's daemon, which writes the pids of its guests to files */
	const char *arch;		/* architecture of these names; NULL: unknown yet */
	struct libvirt_event *events;	/* ascending scope and name */
	size_t nevents;
	struct libvirt_vcpu *vcpus;	/* of one guest, ascending number */
	uint32_t nvcpus, vcpu_room;
};

/* Why a guest lacks some or all values. */
enum libvirt_fault {
	LIBVIRT_FINE,
	LIBVIRT_UNKNOWN,	/* libvirt has no such guest */
	LIBVIRT_SILENT,		/* its VMM does not answer */
	LIBVIRT_WITHOUT,	/* it has no statistics */
	LIBVIRT_PARTLY,		/* not of every vCPU */
	LIBVIRT_MALFORMED,
	LIBVIRT_ENDED,
	LIBVIRT_NFAULTS
};

/*
 * Fill the cells of one guest from the domain with its UUID, and offer new events.
 * Returns an enum libvirt_fault, or -ENOMEM.
 */
int libvirt_read_guest(struct source *source, struct pass *pass, struct guest *guest,
		       const struct libvirt_domain *domain);

/* The event of a key; NULL: new. */
struct libvirt_event *libvirt_event(const struct libvirt_state *state, const struct libvirt_key *key);

/* Is this guest the domain, which has the same UUID? */
bool libvirt_is_guest(const struct libvirt_state *state, const struct pass *pass, const struct guest *guest,
		      const char *name);
bool libvirt_is_there(const struct sysroot *root, const struct guest *guest);

/* Set the times of the vCPUs, unless another source has. */
void libvirt_fill_times(const struct libvirt_state *state, struct guest *guest);

/* Fill the rows of the vCPUs in state->vcpus. 0 or -ENOMEM. */
int libvirt_fill_vcpus(struct source *source, struct pass *pass, struct guest *guest,
		       const struct libvirt_param *params, uint32_t nparams);

#endif
