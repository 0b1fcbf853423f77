/* SPDX-License-Identifier: MIT */
/*
 * refusal.h - why the kernel refuses a call that a source needs
 *
 * Each errno of each of these calls has one of four meanings: this kernel does not support it; this
 * process may not do it; descriptors, memory or threads have run out; or the cause is unknown.
 */
#ifndef KVMSTAT_REFUSAL_H
#define KVMSTAT_REFUSAL_H

#include <stdbool.h>
#include <stdint.h>

#include "host/sysroot.h"
#include "kvmstat.h"

/* The calls by which sources find out whether they can work. */
enum refusal_call {
	CALL_BTF,		/* openat() of /sys/kernel/btf */
	CALL_BPF_ITERATOR,	/* bpf(), for the iterator */
	CALL_BPF_COUNTER,	/* bpf(), for the programs at tracepoints */
	CALL_PERF,		/* perf_event_open() */
	CALL_TRACEFS,		/* openat() of tracefs */
	CALL_DEBUGFS,		/* openat() of debugfs */
	CALL_PIDFD_OPEN,
	CALL_PIDFD_GETFD,
	CALL_GUEST_FDS,		/* openat() and readlinkat() of /proc/PID/fd */
	CALL_GUEST_PROC,	/* openat() of the other files of /proc/PID */
	CALL_THREAD,		/* to start one */
	CALL_COUNT
};

/* What this process may do, and what may prevent it. */
struct rights {
	uint64_t effective;		/* capabilities */
	bool knows_cap_bpf;		/* the kernel has CAP_BPF and CAP_PERFMON */
	bool is_root;			/* effective user id 0 */
	bool in_user_namespace;		/* not in the host's user namespace: capabilities do not count */
	bool is_filtered;		/* by seccomp */
	char module[96];		/* the security module that confines it, as words for a message; "" */
	enum kvmstat_lockdown lockdown;
	int perf_paranoid;		/* kernel.perf_event_paranoid */
	int ptrace_scope;		/* kernel.yama.ptrace_scope; 0: there is no Yama */
	bool interprets_bpf;		/* net.core.bpf_jit_enable is 0 */
	int linux_version;		/* 608 is Linux 6.8 */
	uint64_t max_files, max_locked, max_memory, max_threads, max_tasks;	/* UINT64_MAX: no limit */
};

/* Read those of this process; lockdown, sysctls and security module are read below root. */
void rights_read(struct rights *rights, const struct sysroot *root);

/* Set state and text from error, the -errno that a call returned. */
void refusal_explain(struct kvmstat_source_status *status, enum refusal_call call, int error, const struct rights *rights);

/* The same with this process's rights. Returns error. */
int refusal_report(struct kvmstat_source_status *status, const struct sysroot *root, enum refusal_call call, int error);

/* Does this process lack capabilities that the call needs? */
bool refusal_lacks(enum refusal_call call, const struct sysroot *root);

/* Might the same call succeed a moment later? */
bool refusal_passes(int error);

#endif
