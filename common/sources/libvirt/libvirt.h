/* SPDX-License-Identifier: MIT */
/*
 * libvirt.h - the two halves of the libvirt source: which guests, and what libvirt says of one
 */
#ifndef KVMSTAT_LIBVIRT_H
#define KVMSTAT_LIBVIRT_H

#include "core/pass.h"
#include "core/source.h"
#include "sources/libvirt/thread.h"

/* An event by the name that libvirt gives it, and what one guest has of it. */
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

/* What libvirt says of a vCPU besides the events. */
struct libvirt_vcpu {
	uint32_t number;			/* libvirt's */
	uint32_t id;				/* KVM's */
	bool offline, has_cpu, has_wait;
	uint64_t cpu_ns, wait_ns;
};

struct libvirt_state {
	struct libvirt_client *client;
	bool is_system;			/* the host's daemon, which writes down the pids of its guests */
	const char *arch;		/* whose names these are; NULL: not known yet */
	struct libvirt_event *events;	/* ascending scope and name */
	size_t nevents;
	struct libvirt_vcpu *vcpus;	/* of one guest, ascending number */
	uint32_t nvcpus, vcpu_room;
};

/* Why a guest has no values, or not all of them. */
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
 * Fill the cells of one guest from what libvirt says of the domain of its UUID; its events that were not met yet are
 * offered. An enum libvirt_fault, or -ENOMEM.
 */
int libvirt_read_guest(struct source *source, struct pass *pass, struct guest *guest,
		       const struct libvirt_domain *domain);

/* The event of a key, or NULL: it was not met yet. */
struct libvirt_event *libvirt_event(const struct libvirt_state *state, const struct libvirt_key *key);

/* Is the guest, of the same UUID, the one that libvirt gives this name? */
bool libvirt_is_guest(const struct libvirt_state *state, const struct pass *pass, const struct guest *guest,
		      const char *name);
bool libvirt_is_there(const struct sysroot *root, const struct guest *guest);

/* Times of the vCPUs, where nobody else has them. */
void libvirt_fill_times(const struct libvirt_state *state, struct guest *guest);

/* Rows of the vCPUs, all of which are in state->vcpus. 0 or -ENOMEM. */
int libvirt_fill_vcpus(struct source *source, struct pass *pass, struct guest *guest,
		       const struct libvirt_param *params, uint32_t nparams);

#endif
