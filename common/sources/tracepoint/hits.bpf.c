/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * hits.bpf.c - count hits of one of kvm's tracepoints by thread and reason
 *
 * Runs in the thread of the vCPU, which is the only one to write the slots of its reasons: a count is a plain number, whatever
 * the CPUs. Records are read by plain loads, at offsets that are constants for the kernel's verifier: no helper is called.
 */
#include "sources/tracepoint/record.h"

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct task_struct {
	__u64 start_boottime;
} __attribute__((preserve_access_index));

char LICENSE[] SEC("license") = "Dual MIT/GPL";

const volatile struct tracepoint_config config = {};

/* The number of slots is set when the program is loaded. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct tracepoint_key);
	__type(value, __u32);
} keys SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct tracepoint_slot);
} slots SEC(".maps");

/* Numbers of free slots, the lowest on top. */
struct {
	__uint(type, BPF_MAP_TYPE_STACK);
	__uint(max_entries, 1);
	__type(value, __u32);
} spare SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct tracepoint_state);
} state SEC(".maps");

/*
 * A load from the record must have its offset in the instruction. So there is one load for each
 * possible member; the verifier knows config and removes all but one. In assembler, so that the
 * compiler does not merge them into one load with a computed address.
 */
#define LOAD(type, at)                                                                              \
	case TRACEPOINT_MEMBER(at, sizeof(__##type)):                                               \
		asm volatile("%0 = *(" #type " *)(%1 + %2)" : "=r"(value) : "r"(record), "i"(at));  \
		break;
#define LOAD_WORD(at)                                                                               \
	LOAD(u64, at) LOAD(u32, at) LOAD(u32, (at) + 4)                                             \
	LOAD(u16, at) LOAD(u16, (at) + 2) LOAD(u16, (at) + 4) LOAD(u16, (at) + 6)                   \
	LOAD(u8, at) LOAD(u8, (at) + 1) LOAD(u8, (at) + 2) LOAD(u8, (at) + 3)                       \
	LOAD(u8, (at) + 4) LOAD(u8, (at) + 5) LOAD(u8, (at) + 6) LOAD(u8, (at) + 7)

static __always_inline __u64 load_member(const void *record, __u32 member)
{
	__u64 value = 0;

	switch (member) {
	LOAD_WORD(8)
	LOAD_WORD(16)
	LOAD_WORD(24)
	LOAD_WORD(32)
	LOAD_WORD(40)
	LOAD_WORD(48)
	LOAD_WORD(56)
	}
	return value;
}

static __always_inline __u32 code_of(__u64 value, __u32 class)
{
	if (config.decode == TRACEPOINT_S390)
		return tracepoint_s390_opcode(value);
	if (config.decode == TRACEPOINT_RETURN)
		return tracepoint_return(value, class);
	return (__u32)value | (__u32)(value >> 63) << 31;
}

static __always_inline void lose(void)
{
	__u32 zero = 0;
	struct tracepoint_state *all = bpf_map_lookup_elem(&state, &zero);

	if (all)
		__sync_fetch_and_add(&all->lost, 1);
}

/* A new reason of this thread. */
static __always_inline void begin(const struct tracepoint_key *key)
{
	struct tracepoint_slot *slot;
	__u32 number;

	if (bpf_map_pop_elem(&spare, &number)) {
		lose();
		return;
	}
	slot = bpf_map_lookup_elem(&slots, &number);
	if (!slot)
		return;
	if (bpf_map_update_elem(&keys, key, &number, BPF_NOEXIST)) {
		bpf_map_push_elem(&spare, &number, 0);
		lose();
		return;
	}
	slot->key = *key;
	slot->count = 1;
}

/* 1: other users of the tracepoint, such as perf and kvm_stat, get the hit, too. */
SEC("tracepoint")
int count_hit(const void *record)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u32 class = load_member(record, config.class);
	__u32 code = code_of(load_member(record, config.code), class);
	struct tracepoint_key key = {
		.start = task->start_boottime,
		.what = tracepoint_what(bpf_get_current_pid_tgid(), config.format,
					config.decode == TRACEPOINT_RETURN ? 0 : class, code),
	};
	__u32 *number = bpf_map_lookup_elem(&keys, &key);
	struct tracepoint_slot *slot;

	if (!number) {
		begin(&key);
		return 1;
	}
	slot = bpf_map_lookup_elem(&slots, number);
	if (slot)
		slot->count++;
	return 1;
}
