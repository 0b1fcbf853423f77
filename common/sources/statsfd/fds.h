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
	int guard;		/* the VM or vCPU itself, which keeps what the other one reads alive */
	int stats;
};

/* Where an event's numbers are in a block. */
struct stats_term {
	uint32_t number;	/* which one of the block, counted in numbers */
	uint32_t cells;
	uint32_t offer;		/* index of source->offers */
	uint32_t cell;		/* that offer's, NO_CELL if it has none */
	bool is_peak;
};

/* What is in the statistics of the VM, or of each vCPU alike. */
struct stats_block {
	bool known;
	bool read;		/* in this pass */
	struct stats_header header;
	uint32_t size;		/* bytes of numbers that are read */
	struct stats_term *terms;
	uint32_t nterms;
};

/* What the source statsfd keeps of a guest: numbers of its VMM's fds, but none of them. */
struct stats_fds {
	int pidfd;		/* of the VMM, -1 if it is not open; it pins neither VM nor memory */
	uint64_t digest;	/* of all fds of the process, 0 if they were not looked at */
	uint64_t quiet_since;	/* pass->quiet_since when they were looked at */
	int links;		/* of the guest's directory then, if they tell of a new vCPU; else 0 */
	uint64_t looked;	/* the last pass in which each was looked at */
	int error;		/* what was found when they were looked at: 0 or -errno */
	struct stats_file *files;
	uint32_t nfiles, room;
	uint32_t vcpus;
	uint64_t epoch;		/* of the offers that terms are of */
	uint64_t binding;	/* and of their cells */
	struct stats_block blocks[KVMSTAT_NSCOPES];
};

/*
 * Look where the fds of the process are, if any may have changed since. entries is DIR_BUFFER bytes to work in.
 * 0: each vCPU has its statistics. -ENODATA: they have not, -ENOTUNIQ: there are several VMs, so that nobody can
 * tell whose a vCPU is; -EACCES, -ENOENT and others.
 */
int stats_fds_look(struct stats_fds *fds, const struct sysroot *root, pid_t pid, uint64_t pass, char *entries);

/* What is known of the blocks, and why, is forgotten. */
void stats_fds_forget_blocks(struct stats_fds *fds);

/* What is kept of this guest, made when it is asked for first and freed with the guest; NULL without memory. */
struct stats_fds *stats_fds_of(struct guest *guest);

#endif
