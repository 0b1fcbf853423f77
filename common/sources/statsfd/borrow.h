/* SPDX-License-Identifier: MIT */
/*
 * borrow.h - fds of a VMM, duplicated for a moment
 *
 * What is borrowed keeps a VM alive that has ended, so it is given back within the pass. Kernels before 6.5 (5.15.124,
 * 6.1.45) do not count a statistics fd as a reference, so that reading it after the VM's end would be a use after free:
 * there the vCPU's own fd, which always was one, guards it and is given back last.
 */
#ifndef KVMSTAT_STATSFD_BORROW_H
#define KVMSTAT_STATSFD_BORROW_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "host/refusal.h"
#include "host/sysroot.h"

/* At a time: several together are cheaper to close. */
enum { LOAN_MAX = 16 };

struct loan {
	int pidfd;		/* of the VMM; pins nothing of it */
	bool guarded;		/* one by one, each with its guard */
	int fds[LOAN_MAX];	/* lent, in the order in which they were */
	uint32_t count;
};

/* May fds of this process be borrowed? 0, or what *call returned: -ESRCH (it has ended), or another -errno. */
int statsfd_may_borrow(pid_t pid, enum refusal_call *call);

/* loan->pidfd is the process' (-1: it is opened). 0 or -errno. loan_return() when count is LOAN_MAX, and at the end. */
int loan_begin(struct loan *loan, pid_t pid);
void loan_return(struct loan *loan);

/*
 * A duplicate of what should be statistics. Who has the number by now is proved by the id string; before that is read,
 * it must be sure that reading does no harm. The VMM's devices, whose registers might be read, are open for writing
 * too, as is all that would lose what is read from it; statistics never are. -ESTALE: it is something else, or nothing.
 */
int loan_stats(struct loan *loan, int number);

/* A duplicate of the VM (vcpu -1) or vCPU itself, if that is what it still is; else -ESTALE. */
int loan_guard(struct loan *loan, const struct sysroot *root, int number, int vcpu);

#endif
