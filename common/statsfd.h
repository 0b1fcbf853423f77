/* SPDX-License-Identifier: MIT */
/*
 * statsfd.h - the two halves of the statsfd source: which guests, and reading one
 */
#ifndef KVMSTAT_STATSFD_H
#define KVMSTAT_STATSFD_H

#include "collector.h"
#include "dir.h"
#include "statsfd_fds.h"

struct statsfd_state {
	uint64_t epoch;		/* another one each time that the source is opened */
	char **names;		/* of offers that the kernel calls otherwise than events.tsv */
	size_t nnames;
	bool needs_guard;	/* a statistics fd keeps no VM alive on this kernel */
	uint64_t *sums;		/* [cells] over the vCPUs of one guest */
	_Alignas(8) char entries[DIR_BUFFER];
	uint64_t data[STATS_DATA_MAX / sizeof(uint64_t)];
};

/*
 * Fill the cells of one guest; its events that were not met yet are offered. 0; -ESRCH: the guest has ended;
 * -ENODATA, -ENOTUNIQ: see stats_fds_look(); -ESTALE: its fds changed meanwhile; -EBADMSG: what is in them makes no
 * sense; -ENOMEM; or another -errno (-EPERM, -EACCES: not allowed).
 */
int statsfd_read_guest(struct source *source, struct pass *pass, struct guest *guest);

/* May fds of this process be borrowed? 0, -EPERM, -ENOSYS, -ESRCH, or another -errno. */
int statsfd_may_borrow(pid_t pid);

#endif
