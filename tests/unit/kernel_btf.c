/* SPDX-License-Identifier: MIT */
#include "kernel_btf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

int positive(int id)
{
	assert_true(id > 0);
	return id;
}

void member(struct kernel *kernel, const char *name, int type, uint32_t byte)
{
	assert_int_equal(btf__add_field(kernel->btf, name, type, byte * 8, 0), 0);
}

struct kernel kernel_new(void)
{
	struct kernel kernel = {.btf = btf__new_empty()};
	int number, index;

	assert_int_equal(libbpf_get_error(kernel.btf), 0);
	number = positive(btf__add_int(kernel.btf, "long long unsigned int", 8, 0));
	index = kernel.u32 = positive(btf__add_int(kernel.btf, "unsigned int", 4, 0));
	kernel.u64 = positive(
		btf__add_typedef(kernel.btf, "u64", positive(btf__add_typedef(kernel.btf, "__u64", number))));
	kernel.atomic = positive(btf__add_struct(kernel.btf, "", 8));
	member(&kernel, "counter", number, 0);
	kernel.atomic = positive(btf__add_typedef(kernel.btf, "atomic64_t", kernel.atomic));
	kernel.hist = positive(btf__add_array(kernel.btf, index, kernel.u64, 32));
	kernel.spinlock = positive(btf__add_struct(kernel.btf, "spinlock", 4));
	member(&kernel, "raw", kernel.u32, 0);
	kernel.pointer = positive(btf__add_ptr(kernel.btf, 0));
	return kernel;
}

void add_owners(struct kernel *kernel, int vm_stat, uint32_t vm_size, int vcpu_stat, uint32_t vcpu_size,
		int flags)
{
	positive(btf__add_struct(kernel->btf, "kvm", 64 + vm_size - (flags & STAT_OVER_END ? 8 : 0)));
	member(kernel, "lock", kernel->spinlock, 0);
	if (!(flags & NO_ONLINE))
		member(kernel, "online_vcpus", kernel->u32, 4);
	if (!(flags & NO_DENTRY))
		member(kernel, "debugfs_dentry", kernel->pointer, 8);
	if (!(flags & NO_PAGES))
		member(kernel, "nr_memslot_pages", kernel->u64, 16);
	if (!(flags & NO_VM_STAT))
		member(kernel, "stat", vm_stat, 64);
	positive(btf__add_struct(kernel->btf, "kvm_vcpu", 48 + vcpu_size));
	if (!(flags & NO_KVM))
		member(kernel, "kvm", kernel->pointer, 0);
	if (!(flags & NO_ID))
		member(kernel, "vcpu_id", kernel->u32, 8);
	if (!(flags & NO_PID))
		member(kernel, "pid", kernel->pointer, 16);
	if (!(flags & NO_VCPU_STAT))
		member(kernel, "stat", vcpu_stat, 48);
}

int block(struct kernel *kernel, const char *name, uint32_t size)
{
	return positive(btf__add_struct(kernel->btf, name, size));
}
