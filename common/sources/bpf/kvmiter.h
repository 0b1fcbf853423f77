/* SPDX-License-Identifier: MIT */
/*
 * kvmiter.h - the records of the BPF iterator, and its configuration for the running kernel's
 * structures
 *
 * Included by kvmiter.bpf.c and by the core: only types of fixed size, every record a multiple of 8
 * bytes.
 */
#ifndef KVMSTAT_KVMITER_H
#define KVMSTAT_KVMITER_H

#include <linux/types.h>

enum {
	KVMITER_DATA_MAX = 8192,	/* bytes of statistics in one record */
	KVMITER_RANGES = 4,		/* pieces of a statistics block that are copied */
	KVMITER_NONE = 0xffffffff,	/* this kernel has no such member */
	KVMITER_VM = 0x4b564d31,
	KVMITER_VCPU = 0x4b564d32,
};

/* A piece of struct kvm or struct kvm_vcpu; size 0: no more pieces. */
struct kvmiter_range {
	__u32 offset;
	__u32 size;
};

/* Offsets in struct kvm and struct kvm_vcpu, from the running kernel's BTF; the program's read-only data. */
struct kvmiter_config {
	struct kvmiter_range vm[KVMITER_RANGES];
	struct kvmiter_range vcpu[KVMITER_RANGES];
	__u32 kvm_online_vcpus;
	__u32 kvm_debugfs_dentry;	/* or KVMITER_NONE */
	__u32 kvm_memslot_pages;	/* or KVMITER_NONE */
	__u32 vcpu_kvm;
	__u32 vcpu_id;
	__u32 vcpu_pid;			/* or KVMITER_NONE */
};

struct kvmiter_record {
	__u32 kind;		/* KVMITER_VM or KVMITER_VCPU */
	__u32 size;		/* of the whole record, this header included */
	__u64 kvm;		/* identifies the VM within one pass */
};

/* Followed by the pieces of struct kvm that the configuration names, one after another. */
struct kvmiter_vm {
	struct kvmiter_record head;
	__u32 tgid;		/* of a process that holds the VM open */
	__s32 fd;		/* of the VM there; -1: only vCPUs are open there */
	__u64 start_ns;		/* when that process started, CLOCK_BOOTTIME */
	__u64 ino;		/* of the VM's debugfs directory, 0 if it has none */
	__s64 ctime_sec;
	__u32 ctime_nsec;
	__u32 vcpus;
	__u64 memslot_pages;	/* 0 if unknown */
	char dir[32];		/* name of the directory, "" if it has none */
	char base[16];		/* and of the one that it is in */
};

enum { KVMITER_HAS_CPU = 1, KVMITER_HAS_WAIT = 2 };

/* Followed by the pieces of struct kvm_vcpu. */
struct kvmiter_vcpu {
	struct kvmiter_record head;
	__u32 id;
	__u32 flags;
	__u64 cpu_ns;		/* of the vCPU's thread, 0 if it has none yet */
	__u64 wait_ns;
	__u32 tid;		/* of that thread */
	__u32 unused;
};

/* What the program knows from one file to the next. */
struct kvmiter_last {
	__u64 session;		/* VM of the last record of this read: a process may keep vCPUs open */
	__u64 kvm;		/* and not the VM */
	__u64 files;		/* files read so far */
};

#endif
