/* SPDX-License-Identifier: MIT */
/*
 * proc_helper.h - read a process's command line with a limited wait
 *
 * A command line is memory of the process. Its reader waits for the lock of that memory, which can
 * be held for ever: by a reader of a page on a file system that does not answer, while a thread of
 * the process waits to map something. Only SIGKILL ends that wait, and before Linux 5.3 nothing
 * does. So a process of our own reads it: a thread could neither be killed nor left at the end.
 *
 * One helper serves all newcomers of a pass and ends with the pass; without newcomers there is no
 * helper. A helper that does not answer in time is killed, and not waited for until it has died.
 */
#ifndef KVMSTAT_PROC_HELPER_H
#define KVMSTAT_PROC_HELPER_H

#include "host/sysroot.h"

enum {
	PROC_PATIENCE_MS = 500,	/* total delay of all answers in one pass */
	PROC_MAX_HUNG = 8,	/* limit of helpers that are given up in one pass, or that cannot die */
};

struct proc_helper {
	pid_t pid;		/* of the helper, 0: there is none */
	int sock;		/* to it */
	struct proc_answer *answer;	/* memory that both share */
	uint64_t pass_patience_ns;	/* of each pass */
	uint64_t patience_ns;	/* what is left of it in this pass */
	struct {
		pid_t pid;	/* of the helper */
		pid_t asked;	/* whose command line it waits for */
	} hung[PROC_MAX_HUNG];
	uint32_t nhung;
};

void proc_helper_init(struct proc_helper *helper);

/* A pass begins: reset the time that may be waited. */
void proc_helper_begin(struct proc_helper *helper);

/* End of a pass, or of the collector. Does not wait for helpers that hang. */
void proc_helper_end(struct proc_helper *helper);

/*
 * Read /proc/PID/cmdline into *cmdline, valid until the next call.
 * Returns the length, or -errno:
 * -ETIMEDOUT: the read did not return in time, now or in an earlier call
 * -EBUSY: not tried, since the limit of helpers that hang is reached
 */
ssize_t proc_helper_cmdline(struct proc_helper *helper, const struct sysroot *root, pid_t pid, const char **cmdline);

#endif
