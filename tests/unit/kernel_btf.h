/* SPDX-License-Identifier: MIT */
/*
 * kernel_btf.h - BTF of made-up kernels
 */
#ifndef KVMSTAT_KERNEL_BTF_H
#define KVMSTAT_KERNEL_BTF_H

#include <stdint.h>

/* A kernel in the making: the types that members are made of. */
struct kernel {
	struct btf *btf;
	int u64, u32, atomic, hist, spinlock, pointer;
};

int positive(int id);
void member(struct kernel *kernel, const char *name, int type, uint32_t byte);
struct kernel kernel_new(void);

/* What of struct kvm and struct kvm_vcpu is there, apart from "stat". */
enum {
	NO_DENTRY = 1,
	NO_PAGES = 2,
	NO_PID = 4,
	NO_ONLINE = 8,
	NO_ID = 16,
	NO_KVM = 32,
	NO_VM_STAT = 64,
	NO_VCPU_STAT = 128,
	STAT_OVER_END = 256,
};

void add_owners(struct kernel *kernel, int vm_stat, uint32_t vm_size, int vcpu_stat, uint32_t vcpu_size,
		int flags);
int block(struct kernel *kernel, const char *name, uint32_t size);

#endif
