/* SPDX-License-Identifier: MIT */
/* statsfd.h - shared by the files of the statsfd source */
#ifndef KVMSTAT_STATSFD_H
#define KVMSTAT_STATSFD_H

#include "core/pass.h"
#include "core/source.h"
#include "host/dir.h"
#include "sources/statsfd/borrow.h"
#include "sources/statsfd/fds.h"

/*
 * Limit of bytes before the numbers that are read with them; more would cost more than a second
 * system call.
 */
enum { STATS_FRONT_MAX = 4096 };

struct statsfd_state {
	uint64_t epoch;		/* changes each time that the source is opened */
	uint64_t binding;	/* changes each time that the offers get other cells */
	char **names;		/* kernel names of offers that differ from events.tsv */
	size_t nnames;
	bool needs_guard;	/* a statistics fd keeps no VM alive on this kernel */
	uint64_t *sums;		/* [cells] over the vCPUs of one guest */
	int fd_limit;		/* descriptors of guests from here on are closed after the pass */
	_Alignas(8) char entries[DIR_BUFFER];
	uint64_t data[(STATS_FRONT_MAX + STATS_DATA_MAX) / sizeof(uint64_t)];
};

/* One guest while it is read. */
struct reading {
	struct source *source;
	struct context *context;
	struct pass *pass;
	struct guest *guest;
	struct stats_fds *fds;	/* what is kept of the guest */
	struct loan loan;
	bool undisturbed;	/* its fds were not looked for, since no VM has begun or ended */
	bool retry;		/* the fds could not be read, and may have moved */
	pid_t creator;		/* of the vCPU whose statistics were verified last */
	const uint64_t *numbers;	/* of the file that was read last */
};

/*
 * Fill the cells of one guest, and offer new events.
 * 0: done
 * -ESRCH: the guest has ended
 * -ENODATA, -ENOTUNIQ: see stats_fds_look()
 * -ESTALE: its fds have changed
 * -EBADMSG: invalid data
 * -ENOMEM, or another -errno (-EPERM, -EACCES: not allowed)
 */
int statsfd_read_guest(struct source *source, struct pass *pass, struct guest *guest);

/*
 * Read the layout of the block of this scope from its file, whose header is checked: fill terms,
 * and offer new events.
 * 0 or -errno
 */
int statsfd_learn(struct reading *reading, enum kvmstat_scope scope, int fd, const struct stats_header *header);

/* Read all of it, or -EBADMSG. */
int statsfd_read_all(int fd, void *to, size_t size, uint32_t offset);

#endif
