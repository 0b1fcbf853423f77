/* SPDX-License-Identifier: MIT */
/*
 * fds.h - which fds of a VMM are those of its VM, its vCPUs, and their statistics
 */
#ifndef KVMSTAT_STATSFD_FDS_H
#define KVMSTAT_STATSFD_FDS_H

#include "guests/guest.h"
#include "host/sysroot.h"
#include "sources/statsfd/format.h"

/* The fds of the VM (vcpu -1) or of one vCPU in the VMM's process; -1: it has none. */
struct stats_file {
	int vcpu;
	int guard;		/* the VM or vCPU itself, which keeps its statistics alive */
	int stats;
};

/* Where an event's numbers are in a block. */
struct stats_term {
	uint32_t number;	/* index of the first number in the block */
	uint32_t cells;
	uint32_t offer;		/* index of source->offers */
	uint32_t cell;		/* of that offer, NO_CELL if there is none */
	bool is_peak;
};

/* The layout of the statistics of the VM, or of every vCPU. */
struct stats_block {
	bool known;
	bool read;		/* in this pass */
	struct stats_header header;
	uint32_t size;		/* bytes of numbers that are read */
	struct stats_term *terms;
	uint32_t nterms;
};

/* What the source statsfd keeps of a guest: fd numbers of its VMM, but no borrowed fds. */
struct stats_fds {
	int pidfd;		/* of the VMM, -1 if it is not open; it pins neither VM nor memory */
	uint64_t digest;	/* of all fds of the process, 0 if unknown */
	uint64_t quiet_since;	/* pass->quiet_since at the last look */
	int links;		/* of the guest's directory at the last look, if a new vCPU changes them; else 0 */
	uint64_t looked;	/* the pass of the last full look */
	int error;		/* result of the last full look: 0 or -errno */
	struct stats_file *files;
	uint32_t nfiles, room;
	uint32_t vcpus;
	uint64_t epoch;		/* of the offers that terms are of */
	uint64_t binding;	/* and of their cells */
	struct stats_block blocks[KVMSTAT_NSCOPES];
};

/*
 * Find the fds of the process again, if any may have changed. entries: DIR_BUFFER bytes of work
 * space.
 * 0: each vCPU has a statistics fd
 * -ENODATA: not each vCPU has one
 * -ENOTUNIQ: there are several VMs, and vCPUs cannot be assigned to one
 * -EACCES, -ENOENT and others
 */
int stats_fds_look(struct stats_fds *fds, const struct sysroot *root, pid_t pid, uint64_t pass, char *entries);

/* Forget the layout of the blocks. */
void stats_fds_forget_blocks(struct stats_fds *fds);

/* The data of this guest, made at the first call and freed with the guest; NULL without memory. */
struct stats_fds *stats_fds_of(struct guest *guest);

#endif
