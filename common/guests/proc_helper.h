/* SPDX-License-Identifier: MIT */
/*
 * proc_helper.h - read a process' command line without waiting for it longer than one can
 *
 * A command line is memory of the process. Who reads it waits for the lock of that memory, which can be held for ever: by
 * a reader of a page that lies on a file system that does not answer, while a thread of the process waits to map
 * something. The wait ends with SIGKILL alone, and before Linux 5.3 not even so. So a process of our own reads it: a
 * thread can neither be killed nor be left behind at the end.
 *
 * One helper serves all newcomers of a pass and ends with it; without newcomers there is none. One that does not
 * answer in time is killed, and left alone until it has died.
 */
#ifndef KVMSTAT_PROC_HELPER_H
#define KVMSTAT_PROC_HELPER_H

#include "host/sysroot.h"

enum {
	PROC_PATIENCE_MS = 500,	/* how late all answers of one pass may come */
	PROC_MAX_HUNG = 8,	/* helpers that are given up in one pass, or cannot die */
};

struct proc_helper {
	pid_t pid;		/* of the helper, 0: there is none */
	int sock;		/* to it */
	struct proc_answer *answer;	/* memory that both share */
	uint64_t pass_patience_ns;	/* of each pass */
	uint64_t patience_ns;	/* what is left of it in this one */
	struct {
		pid_t pid;	/* of the helper */
		pid_t asked;	/* whose command line it waits for */
	} hung[PROC_MAX_HUNG];
	uint32_t nhung;
};

void proc_helper_init(struct proc_helper *helper);

/* A pass begins: there is all patience again. */
void proc_helper_begin(struct proc_helper *helper);

/* The pass, or everything, is over. Helpers that hang are left behind: nothing waits for them. */
void proc_helper_end(struct proc_helper *helper);

/*
 * /proc/PID/cmdline: its length, and *cmdline, valid until the next call; or -errno. -ETIMEDOUT: the process did not let
 * it be read in time, now or when it was asked before. -EBUSY: it was not asked, since as many helpers hang as may.
 */
ssize_t proc_helper_cmdline(struct proc_helper *helper, const struct sysroot *root, pid_t pid, const char **cmdline);

#endif
