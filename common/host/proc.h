/* SPDX-License-Identifier: MIT */
/* proc.h - a VMM's process and its threads in /proc */
#ifndef KVMSTAT_PROC_H
#define KVMSTAT_PROC_H

#include "host/sysroot.h"

/* The process (thread group) of a thread, or -errno (-ESRCH or -ENOENT: it is gone). */
pid_t proc_tgid(const struct sysroot *root, pid_t tid);

/* When a process started, CLOCK_BOOTTIME in ns. Robust to any comm. 0 or -errno. */
int proc_start(const struct sysroot *root, pid_t pid, uint64_t *ns);

/* What a link of /proc/PID/fd to a VM shows, and that to a vCPU, whose number follows. */
#define KVM_VM_LINK "anon_inode:kvm-vm"
#define KVM_VCPU_LINK "anon_inode:kvm-vcpu:"

/* What a process holds open of KVM. */
struct proc_kvm {
	int *vms;		/* fds that are anon_inode:kvm-vm, ascending */
	uint32_t nvms;
	uint32_t vcpus;		/* distinct vCPU ids, 0 if nvms > 1 (they cannot be assigned to a VM) */
};

/* 0 or -errno; -EACCES: /proc/PID/fd may not be read. proc_kvm_free() on success. */
int proc_kvm(const struct sysroot *root, pid_t pid, struct proc_kvm *kvm);
void proc_kvm_free(struct proc_kvm *kvm);

/* The thread of a vCPU. */
struct vcpu_thread {
	pid_t tid;
	uint32_t id;		/* of the vCPU */
};

/*
 * Find the vCPU threads of a process by their names ("CPU 0/KVM", "fc_vcpu 0", "vcpu0",
 * "crosvm_vcpu0", ...), in ascending order of tid.
 * Returns their number (0: the names are unknown), or -errno.
 * If it is positive, the caller frees *threads.
 */
int proc_vcpu_threads(const struct sysroot *root, pid_t pid, struct vcpu_thread **threads);

/* CPU time and time spent waiting for a CPU, in ns, from /proc/PID/task/TID/schedstat. 0 or -errno. */
int proc_schedstat(const struct sysroot *root, pid_t pid, pid_t tid, uint64_t *cpu_ns, uint64_t *wait_ns);

#endif
