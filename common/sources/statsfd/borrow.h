/* SPDX-License-Identifier: MIT */
/*
 * borrow.h - fds of a VMM, duplicated for a moment
 *
 * A borrowed fd keeps an ended VM alive, so it is returned within the pass. Before Linux 6.5
 * (5.15.124, 6.1.45) a statistics fd is not a reference to the VM, and reading it after the VM's
 * end would be a use after free: there the fd of the vCPU itself, which always is a reference,
 * guards it and is returned last.
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
	bool guarded;		/* statistics fds are borrowed one by one, each with its guard */
	int fds[LOAN_MAX];	/* borrowed, in this order */
	uint32_t count;
};

/*
 * May fds of this process be borrowed?
 * 0, or what *call returned: -ESRCH (it has ended), or another -errno
 */
int statsfd_may_borrow(pid_t pid, enum refusal_call *call);

/*
 * loan->pidfd refers to the process (-1: it is opened). 0 or -errno.
 * Call loan_return() when count is LOAN_MAX, and at the end.
 */
int loan_begin(struct loan *loan, pid_t pid);
void loan_return(struct loan *loan);

/*
 * Duplicate a statistics fd.
 * The fd number may have been reused; the id string proves that it was not. Reading that string
 * must do no harm: files of devices, and all files that lose what is read from them, are open for
 * writing too, and statistics never are.
 * -ESTALE: it is another file, or closed
 */
int loan_stats(struct loan *loan, int number);

/* Duplicate the fd of the VM (vcpu -1) or vCPU itself; -ESTALE: it is another file, or closed. */
int loan_guard(struct loan *loan, const struct sysroot *root, int number, int vcpu);

#endif
