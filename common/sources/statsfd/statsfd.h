/* SPDX-License-Identifier: MIT */
/*
 * statsfd.h - the two halves of the statsfd source: which guests, and reading one
 */
#ifndef KVMSTAT_STATSFD_H
#define KVMSTAT_STATSFD_H

#include "core/pass.h"
#include "core/source.h"
#include "host/dir.h"
#include "sources/statsfd/borrow.h"
#include "sources/statsfd/fds.h"

/* Bytes in front of the numbers that are read with them; more cost more than a second system call. */
enum { STATS_FRONT_MAX = 4096 };

struct statsfd_state {
	uint64_t epoch;		/* another one each time that the source is opened */
	uint64_t binding;	/* another one each time that the offers get other cells */
	char **names;		/* of offers that the kernel calls otherwise than events.tsv */
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
	bool undisturbed;	/* where its fds are was not asked, since no VM has begun or ended */
	bool retry;		/* they could not be read, and may be elsewhere */
	pid_t creator;		/* of the vCPU whose statistics were verified last */
	const uint64_t *numbers;	/* of the file that was read last */
};

/*
 * Fill the cells of one guest; its events that were not met yet are offered. 0; -ESRCH: the guest has ended;
 * -ENODATA, -ENOTUNIQ: see stats_fds_look(); -ESTALE: its fds changed meanwhile; -EBADMSG: what is in them makes no
 * sense; -ENOMEM; or another -errno (-EPERM, -EACCES: not allowed).
 */
int statsfd_read_guest(struct source *source, struct pass *pass, struct guest *guest);

/* What the block of this scope has, by its file, whose header is checked: terms, and offers if it is new. 0 or -errno. */
int statsfd_learn(struct reading *reading, enum kvmstat_scope scope, int fd, const struct stats_header *header);

/* All of it, or -EBADMSG. */
int statsfd_read_all(int fd, void *to, size_t size, uint32_t offset);

#endif
