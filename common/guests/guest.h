/* SPDX-License-Identifier: MIT */
/*
 * guest.h - the guests that a collector knows: found, marked in each pass, swept when they are gone
 */
#ifndef KVMSTAT_GUEST_H
#define KVMSTAT_GUEST_H

#include "guests/proc_helper.h"
#include "host/proc.h"
#include "host/sysroot.h"
#include "kvmstat.h"
#include "util/filter.h"

enum { GUEST_DIR_SIZE = 32, GUEST_BASE_SIZE = 16 };

/* One guest as a source sees it. Two sightings are the same incarnation if dir and ino are the same. */
struct sighting {
	char dir[GUEST_DIR_SIZE];	/* debugfs directory "TID-FD", or "TGID-FD" if it has none */
	char base[GUEST_BASE_SIZE];	/* directory that this is in: "kvm", "kvm-arm64"; "" if it has none */
	uint64_t ino;			/* of the directory, 0 if it has none */
	uint64_t ctime_ns;		/* its ctime, CLOCK_REALTIME; 0 if it has none */
	uint64_t start_ns;		/* of the process, if the source knows it; else 0 */
	uint64_t kvm;			/* address of the VM, if the source knows it; else 0 */
	uint64_t memory;		/* bytes of guest memory, 0 if unknown */
	pid_t tgid;			/* of a process that has the VM open; 0 if unknown */
	int fd;				/* of the VM there */
};

/* One vCPU of a guest, kept between passes. */
struct vcpu {
	uint32_t id;
	pid_t tid;			/* of its thread, 0 if unknown */
	uint64_t pass;			/* the last one that saw it */
	uint64_t counted;		/* the last one in which bpf counted it */
	uint32_t slot;			/* its storage in that pass's sample, if vCPUs are reported */
	bool shown;			/* in the last sample */
	bool has_cpu;
	bool offline;			/* the VMM reports that it is off */
	uint64_t cpu_ns;
	uint64_t wait_ns;
};

struct guest {
	struct kvmstat_guest public;	/* what samples show; constant once the guest is known */
	struct sighting seen_as;
	uint32_t refs;			/* the table and samples that show it; changed by the collector's thread only */
	bool wanted;			/* passes the configuration's filter */
	bool unnamed;			/* /proc does not identify it */
	int unknown;			/* -errno: why /proc could not tell it yet; 0: it has */
	uint8_t asked;			/* number of failed attempts, */
	uint64_t ask_pass;		/* and when the next time is */
	uint64_t pass;			/* the last one that saw it */
	uint32_t slot;			/* its storage in that pass's sample, if it is wanted */

	/* What that pass found in addition to the events. */
	uint32_t vcpus;
	bool has_cpu;
	uint64_t cpu_ns;
	uint64_t wait_ns;

	/* For top.c: whether it has its own row, and its state in the pass before. */
	bool hidden, was_hidden;
	uint64_t hidden_until;
	uint64_t kept_pass;
	uint32_t kept_slot;
	bool kept_has_cpu;
	uint64_t kept_cpu_ns, kept_wait_ns;

	/* For sources: kept between passes. */
	int dirfd;			/* debugfs directory, -1 if it is not open; does not pin the VM */
	struct vcpu_thread *threads;	/* of vCPUs, if a source must read their times from /proc */
	uint32_t nthreads;
	uint8_t looks_left;		/* remaining looks for vCPUs and threads */
	struct vcpu *vcpu;		/* those that a source saw one by one, ascending id */
	uint32_t nvcpu, vcpu_room;
	uint64_t counted;		/* the last pass in which bpf counted it */
	uint32_t vcpus_counted;		/* in that pass */
	struct kept {
		void *data;
		void (*release)(void *data);	/* called when the guest is freed; NULL: not needed */
	} kept[KVMSTAT_NSOURCES];	/* each source's own */
};

struct guest_index {
	struct guest **slots;
	size_t size;			/* a power of 2, at least twice the guests */
};

struct guests {
	struct guest **list;		/* ascending public.id */
	uint32_t count;
	uint32_t allocated;
	uint64_t generation;		/* grows when guests come or go */
	uint64_t last_id;
	uint32_t unnamed;		/* those whose /proc could not be read */
	uint32_t unknown;		/* those whose /proc could not be read yet */
	struct proc_helper helper;
	bool other_pid_namespace;	/* /proc shows another pid namespace than the initial one, which the kernel uses */
	char boot_id[40];
	struct guest_index by_dir, by_process, by_tgid, by_kvm;
};

int guests_init(struct guests *guests, const struct sysroot *root);
void guests_exit(struct guests *guests);

/*
 * The guest of this sighting.
 * *newcomer: it is new; its /proc was read.
 * Returns NULL without memory, or if the sighting has no process and none can be found.
 */
struct guest *guests_see(struct guests *guests, const struct sysroot *root, const struct filter *filter,
			 const struct sighting *sighting, bool *newcomer);

/* Is a guest of this dir and ino known? */
bool guests_known(const struct guests *guests, const struct sighting *sighting);

/*
 * The guest that this pass has seen as the VM at the sighting's address.
 * Else the guest that had the address in an earlier pass and is still the sighting's incarnation.
 * Else NULL.
 */
struct guest *guests_by_kvm(const struct guests *guests, const struct sighting *sighting, uint64_t pass);

/*
 * Look for vCPUs and their threads in /proc, only in the first passes that see the guest.
 * For sources that do not read kernel memory.
 */
void guest_look(struct guest *guest, const struct sysroot *root);

/* The vCPU of this id, added if the guest does not have it yet; NULL without memory. */
struct vcpu *guest_vcpu(struct guest *guest, uint32_t id);

/* Remove the guests that this pass has not seen. */
void guests_sweep(struct guests *guests, uint64_t pass);

/*
 * After a pass, try again to identify unknown guests.
 * An identified guest replaces the unknown one and gets a new id: what is published of a guest
 * never changes.
 */
void guests_ask_again(struct guests *guests, const struct sysroot *root, const struct filter *filter, uint64_t pass);

void guest_get(struct guest *guest);
void guest_put(struct guest *guest);

/* Set began_ns and began_realtime_ns from created_ns and start_ns, with the current clocks. */
void guest_set_began(struct kvmstat_guest *guest);

#endif
