/* SPDX-License-Identifier: MIT */
/*
 * record.h - the counts of the BPF program on kvm's tracepoints, and its configuration for their
 * records
 *
 * Included by hits.bpf.c and by the core: only types of fixed size.
 */
#ifndef KVMSTAT_TRACEPOINT_H
#define KVMSTAT_TRACEPOINT_H

#include <linux/errno.h>
#include <linux/types.h>

enum {
	TRACEPOINT_FIRST = 8,	/* offsets in a record that can be read: after what is common to all tracepoints, */
	TRACEPOINT_END = 64,	/* and before this */
	TRACEPOINT_TID_BITS = 22,	/* thread ids are below 4 Mi */
	TRACEPOINT_FORMAT_BITS = 5,
	TRACEPOINT_CLASS_BITS = 5,
	TRACEPOINT_CLASS_MAX = (1 << TRACEPOINT_CLASS_BITS) - 1,	/* and every class above it */
};

enum tracepoint_decode {
	TRACEPOINT_CODE,	/* the member is the code; of 64 bits the highest becomes bit 31 */
	TRACEPOINT_S390,	/* it is an instruction, left-aligned; its operation code is the code */
	TRACEPOINT_RETURN,	/* a return to user space: the class is its errno; without an error the member is the code */
};

/* Codes of a return to user space with an error. */
enum {
	TRACEPOINT_INTR = 10,	/* KVM_EXIT_INTR */
	TRACEPOINT_ERROR = 0xffff,	/* no reason of the kernel's */
};

/* A member of a record as one number; 0: there is none. */
#define TRACEPOINT_MEMBER(offset, size) ((offset) << 8 | (size))

/* The program's read-only data: it is loaded once for each tracepoint. */
struct tracepoint_config {
	__u32 code;		/* TRACEPOINT_MEMBER() */
	__u32 class;		/* likewise, or 0 */
	__u32 format;		/* in format_table */
	__u32 decode;		/* enum tracepoint_decode */
};

/*
 * The key of a count: a reason of a thread. Thread ids are reused: the thread's start makes the key
 * unique. Neither word is ever 0.
 */
struct tracepoint_key {
	__u64 start;		/* of the thread, CLOCK_BOOTTIME in ns */
	__u64 what;		/* tracepoint_what() */
};

/* Read through shared memory, without a system call. A slot that is all 0 is free. */
struct tracepoint_slot {
	struct tracepoint_key key;
	__u64 count;
};

struct tracepoint_state {
	__u64 lost;		/* hits that found no slot */
};

static inline __u64 tracepoint_what(__u32 tid, __u32 format, __u32 class, __u32 code)
{
	__u64 what = code;

	what = what << TRACEPOINT_CLASS_BITS | (class < TRACEPOINT_CLASS_MAX ? class : TRACEPOINT_CLASS_MAX);
	what = what << TRACEPOINT_FORMAT_BITS | format;
	return what << TRACEPOINT_TID_BITS | (tid & ((1u << TRACEPOINT_TID_BITS) - 1));
}

static inline __u32 tracepoint_tid(__u64 what)
{
	return what & ((1u << TRACEPOINT_TID_BITS) - 1);
}

static inline __u32 tracepoint_format(__u64 what)
{
	return what >> TRACEPOINT_TID_BITS & ((1u << TRACEPOINT_FORMAT_BITS) - 1);
}

static inline __u32 tracepoint_class(__u64 what)
{
	return what >> (TRACEPOINT_TID_BITS + TRACEPOINT_FORMAT_BITS) & TRACEPOINT_CLASS_MAX;
}

static inline __u32 tracepoint_code(__u64 what)
{
	return what >> 32;
}

/*
 * What a return to user space is counted as. With an error, the reason is the one that an earlier return left: KVM sets it on
 * some paths of a signal only, and on no path of another error.
 */
static inline __u32 tracepoint_return(__u32 reason, __s32 error)
{
	if (error >= 0)
		return reason;
	return error == -EINTR ? TRACEPOINT_INTR : TRACEPOINT_ERROR;
}

/*
 * The operation code of an instruction of s390: one byte, or two where the first names a group. Which bits the second one
 * is depends on the instruction's form. (What kernels print takes the wrong byte of group e3.)
 */
static inline __u32 tracepoint_s390_opcode(__u64 instruction)
{
	__u32 first = instruction >> 56, second = instruction >> 48 & 0xff, last = instruction >> 16 & 0xff;

	switch (first) {
	case 0x01:
	case 0xb2:
	case 0xb9:
	case 0xe5:
		return first << 8 | second;
	case 0xaa:
	case 0xc8:
		return first << 8 | (second & 0x0f);
	case 0xe3:
	case 0xeb:
		return first << 8 | last;
	default:
		return first;
	}
}

#endif
