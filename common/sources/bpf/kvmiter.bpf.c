/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * kvmiter.bpf.c - an iterator over the open files of all processes that copies every KVM guest's statistics
 *
 * The kernel runs it once per open file while somebody reads the iterator; nothing is attached to any path
 * that guests use. Members of core structures are relocated by libbpf (CO-RE). KVM may be a module, whose types libbpf
 * reaches only with CAP_SYS_ADMIN: offsets in KVM's own structures therefore come in as read-only data.
 */
#include "sources/bpf/kvmiter.h"

#include <linux/bpf.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#define ANON_INODE_FS_MAGIC 0x09041934

/* The few members that are read; libbpf relocates them for the running kernel. */
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct super_block {
	unsigned long s_magic;
};

struct timespec64 {
	__s64 tv_sec;
	long tv_nsec;
};

struct inode {
	struct super_block *i_sb;
	unsigned long i_ino;
};

/* The change time by three names: up to 6.5, up to 6.10, and since. */
struct inode___ctime {
	struct timespec64 i_ctime;
};

struct inode___hidden {
	struct timespec64 __i_ctime;
};

struct inode___split {
	__s64 i_ctime_sec;
	__u32 i_ctime_nsec;
};

struct qstr {
	const unsigned char *name;
};

struct dentry {
	struct dentry *d_parent;
	struct qstr d_name;
	struct inode *d_inode;
};

struct path {
	struct dentry *dentry;
};

struct file {
	struct path f_path;
	struct inode *f_inode;
	void *private_data;
};

struct hlist_node {
	struct hlist_node *next;
};

struct hlist_head {
	struct hlist_node *first;
};

struct upid {
	int nr;
};

struct pid {
	struct hlist_head tasks[4];
};

struct sched_entity {
	__u64 sum_exec_runtime;
};

struct sched_info {
	unsigned long long run_delay;
};

struct task_struct {
	int pid;
	int tgid;
	struct task_struct *group_leader;
	__u64 start_boottime;
	struct hlist_node pid_links[4];
	struct sched_entity se;
	struct sched_info sched_info;
};

/* Up to 5.4. */
struct task_struct___old {
	__u64 real_start_time;
};

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
	__u64 session_id;
	__u64 seq_num;
};

struct bpf_iter__task_file {
	union {
		struct bpf_iter_meta *meta;
	};
	union {
		struct task_struct *task;
	};
	__u32 fd;
	union {
		struct file *file;
	};
};

#pragma clang attribute pop

char LICENSE[] SEC("license") = "Dual MIT/GPL";

const volatile struct kvmiter_config config = {};

struct buffer {
	union {
		struct kvmiter_vm vm;
		struct kvmiter_vcpu vcpu;
	};
	char data[KVMITER_DATA_MAX];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct buffer);
} buffers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct kvmiter_last);
	__uint(map_flags, BPF_F_MMAPABLE);
} last_vm SEC(".maps");

enum kind { OTHER, VM, VCPU };

/* The name alone proves nothing, any process may own a file called kvm-vm: the file system is anon_inodefs. */
static __always_inline enum kind kind_of(struct file *file)
{
	char name[9] = {};

	if (file->f_inode->i_sb->s_magic != ANON_INODE_FS_MAGIC)
		return OTHER;
	bpf_probe_read_kernel(name, sizeof(name), file->f_path.dentry->d_name.name);
	if (name[0] != 'k' || name[1] != 'v' || name[2] != 'm' || name[3] != '-' || name[4] != 'v')
		return OTHER;
	if (name[5] == 'm' && name[6] == '\0')
		return VM;
	return name[5] == 'c' && name[6] == 'p' && name[7] == 'u' && name[8] == ':' ? VCPU : OTHER;
}

/* Copy the configured pieces of *from, and write size bytes of header and the pieces. 0 if all was written. */
static __always_inline long write_record(struct seq_file *seq, void *record, __u32 size, const void *from,
					 const volatile struct kvmiter_range *ranges)
{
	struct kvmiter_record *head = record;

#pragma unroll
	for (int i = 0; i < KVMITER_RANGES; i++) {
		__u32 piece = ranges[i].size;

		if (!piece || size + piece > sizeof(struct kvmiter_vm) + KVMITER_DATA_MAX)
			break;
		bpf_probe_read_kernel(record + size, piece, from + ranges[i].offset);
		size += piece;
	}
	head->size = size;
	return bpf_seq_write(seq, record, size);
}

static __always_inline void read_ctime(struct kvmiter_vm *vm, struct inode *inode)
{
	struct inode___split *split = (void *)inode;
	struct inode___hidden *hidden = (void *)inode;
	struct inode___ctime *plain = (void *)inode;

	if (bpf_core_field_exists(split->i_ctime_sec)) {
		vm->ctime_sec = BPF_CORE_READ(split, i_ctime_sec);
		vm->ctime_nsec = BPF_CORE_READ(split, i_ctime_nsec);
	} else if (bpf_core_field_exists(hidden->__i_ctime)) {
		vm->ctime_sec = BPF_CORE_READ(hidden, __i_ctime.tv_sec);
		vm->ctime_nsec = BPF_CORE_READ(hidden, __i_ctime.tv_nsec);
	} else if (bpf_core_field_exists(plain->i_ctime)) {
		vm->ctime_sec = BPF_CORE_READ(plain, i_ctime.tv_sec);
		vm->ctime_nsec = BPF_CORE_READ(plain, i_ctime.tv_nsec);
	}
}

/* The VM's debugfs directory: with it, the guest is the same incarnation as in the debugfs source. */
static __always_inline void read_debugfs(struct kvmiter_vm *vm, const void *kvm)
{
	struct dentry *dentry = NULL;
	struct inode *inode;

	if (config.kvm_debugfs_dentry == KVMITER_NONE)
		return;
	bpf_probe_read_kernel(&dentry, sizeof(dentry), kvm + config.kvm_debugfs_dentry);
	inode = BPF_CORE_READ(dentry, d_inode);
	if (!inode)
		return;
	vm->ino = BPF_CORE_READ(inode, i_ino);
	read_ctime(vm, inode);
	bpf_probe_read_kernel_str(vm->dir, sizeof(vm->dir), BPF_CORE_READ(dentry, d_name.name));
	bpf_probe_read_kernel_str(vm->base, sizeof(vm->base), BPF_CORE_READ(dentry, d_parent, d_name.name));
}

static __always_inline __u64 start_of(struct task_struct *task)
{
	struct task_struct *leader = BPF_CORE_READ(task, group_leader);
	struct task_struct___old *old = (void *)leader;

	if (bpf_core_field_exists(leader->start_boottime))
		return BPF_CORE_READ(leader, start_boottime);
	return BPF_CORE_READ(old, real_start_time);
}

static __always_inline long write_vm(struct seq_file *seq, struct buffer *buffer, struct task_struct *task,
				     const void *kvm, int fd)
{
	struct kvmiter_vm *vm = &buffer->vm;

	__builtin_memset(vm, 0, sizeof(*vm));
	vm->head.kind = KVMITER_VM;
	vm->head.kvm = (__u64)kvm;
	vm->tgid = task->tgid;
	vm->fd = fd;
	vm->start_ns = start_of(task);
	bpf_probe_read_kernel(&vm->vcpus, sizeof(vm->vcpus), kvm + config.kvm_online_vcpus);
	if (config.kvm_memslot_pages != KVMITER_NONE)
		bpf_probe_read_kernel(&vm->memslot_pages, sizeof(vm->memslot_pages),
				      kvm + config.kvm_memslot_pages);
	read_debugfs(vm, kvm);
	return write_record(seq, vm, sizeof(*vm), kvm, config.vm);
}

/* The vCPU's thread, and its CPU time, as /proc/PID/task/TID/schedstat has it. */
static __always_inline void read_thread(struct kvmiter_vcpu *record, const void *vcpu)
{
	struct task_struct *task = NULL;
	struct hlist_node *node;
	struct pid *pid = NULL;

	if (config.vcpu_pid == KVMITER_NONE)
		return;
	record->flags = KVMITER_HAS_CPU;
	if (bpf_core_field_exists(task->sched_info.run_delay))
		record->flags |= KVMITER_HAS_WAIT;
	bpf_probe_read_kernel(&pid, sizeof(pid), vcpu + config.vcpu_pid);
	node = pid ? BPF_CORE_READ(pid, tasks[0].first) : NULL;
	if (!node)
		return;
	task = (void *)node - bpf_core_field_offset(struct task_struct, pid_links);
	record->tid = BPF_CORE_READ(task, pid);
	record->cpu_ns = BPF_CORE_READ(task, se.sum_exec_runtime);
	if (bpf_core_field_exists(task->sched_info.run_delay))
		record->wait_ns = BPF_CORE_READ(task, sched_info.run_delay);
}

static __always_inline long write_vcpu(struct seq_file *seq, struct buffer *buffer, const void *vcpu,
				       const void *kvm)
{
	struct kvmiter_vcpu *record = &buffer->vcpu;

	__builtin_memset(record, 0, sizeof(*record));
	record->head.kind = KVMITER_VCPU;
	record->head.kvm = (__u64)kvm;
	bpf_probe_read_kernel(&record->id, sizeof(record->id), vcpu + config.vcpu_id);
	read_thread(record, vcpu);
	return write_record(seq, record, sizeof(*record), vcpu, config.vcpu);
}

SEC("iter/task_file")
int kvmiter(struct bpf_iter__task_file *ctx)
{
	struct seq_file *seq = ctx->meta->seq;
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	const void *object, *kvm;
	struct buffer *buffer;
	struct kvmiter_last *last;
	__u64 session;
	__u32 zero = 0;
	enum kind kind;

	last = bpf_map_lookup_elem(&last_vm, &zero);
	if (!file || !task || !last)
		return 0;
	last->files++;
	kind = kind_of(file);
	if (kind == OTHER)
		return 0;
	buffer = bpf_map_lookup_elem(&buffers, &zero);
	object = kvm = file->private_data;
	if (!buffer || !object)
		return 0;
	if (kind == VCPU) {
		kvm = NULL;
		bpf_probe_read_kernel(&kvm, sizeof(kvm), object + config.vcpu_kvm);
	}
	/*
	 * When the kernel's buffer is full it throws away what this call wrote and runs it again, so the
	 * VM counts as written only after everything was.
	 */
	session = ctx->meta->session_id;
	if ((kind == VM || last->kvm != (__u64)kvm || last->session != session) &&
	    write_vm(seq, buffer, task, kvm, kind == VM ? (int)ctx->fd : -1))
		return 0;
	if (kind == VCPU && write_vcpu(seq, buffer, object, kvm))
		return 0;
	last->kvm = (__u64)kvm;
	last->session = session;
	return 0;
}
