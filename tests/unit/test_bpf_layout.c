/* SPDX-License-Identifier: MIT */
/* The layout of KVM's statistics, from BTF made by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel_btf.h"
#include "sources/bpf/layout.h"

/* A kernel as today's are: a generic part, x86's union, a histogram, odd members between. */
static struct kernel usual_kernel(int flags)
{
	struct kernel kernel = kernel_new();
	int generic_vm, generic_vcpu, inner, pages, either, vm, vcpu;

	generic_vm = block(&kernel, "kvm_vm_stat_generic", 16);
	member(&kernel, "remote_tlb_flush", kernel.u64, 0);
	member(&kernel, "remote_tlb_flush_requests", kernel.u64, 8);
	inner = block(&kernel, "", 16);
	member(&kernel, "pages_4k", kernel.atomic, 0);
	member(&kernel, "pages_2m", kernel.atomic, 8);
	pages = positive(btf__add_array(kernel.btf, kernel.u32, kernel.atomic, 2));
	either = positive(btf__add_union(kernel.btf, "", 16));
	member(&kernel, "", inner, 0);
	member(&kernel, "pages", pages, 0);
	vm = block(&kernel, "kvm_vm_stat", 48);
	member(&kernel, "generic", generic_vm, 0);
	member(&kernel, "mmu_shadow_zapped", kernel.u64, 16);
	member(&kernel, "", either, 24);
	member(&kernel, "max_mmu_page_hash_collisions", kernel.u64, 40);
	generic_vcpu = block(&kernel, "kvm_vcpu_stat_generic", 8 + 256 + 8);
	member(&kernel, "halt_wait_ns", kernel.u64, 0);
	member(&kernel, "halt_wait_hist", kernel.hist, 8);
	member(&kernel, "blocking", kernel.u64, 264);
	vcpu = block(&kernel, "kvm_vcpu_stat", 272 + 16);
	member(&kernel, "generic", generic_vcpu, 0);
	member(&kernel, "exits", kernel.u64, 272);
	member(&kernel, "preemption_flag", kernel.u32, 280);
	add_owners(&kernel, vm, 48, vcpu, 288, flags);
	return kernel;
}

static char why[128];

static int init(struct layout *layout, struct kernel *kernel, bool histograms)
{
	int rc;

	why[0] = '\0';
	rc = layout_init(layout, kernel->btf, histograms, why, sizeof(why));
	btf__free(kernel->btf);
	return rc;
}

static const struct layout_event *find(const struct layout *layout, const char *name)
{
	for (size_t i = 0; i < layout->nevents; i++)
		if (strcmp(layout->events[i].name, name) == 0)
			return &layout->events[i];
	return NULL;
}

/*
 * Copy as the iterator does, from a structure each of whose 8-byte words holds its own offset, and
 * check that the event's first word is the one at this offset of the structure.
 */
static void assert_at(const struct layout *layout, const char *name, enum kvmstat_scope scope,
		      uint32_t offset, uint32_t cells)
{
	const struct kvmiter_range *ranges = scope == KVMSTAT_VM ? layout->config.vm : layout->config.vcpu;
	uint32_t size = scope == KVMSTAT_VM ? layout->vm_size : layout->vcpu_size, at = 0;
	const struct layout_event *event = find(layout, name);
	uint64_t data[KVMITER_DATA_MAX / 8] = {0};

	if (!event)
		fail_msg("no event %s", name);
	assert_int_equal(event->scope, scope);
	assert_int_equal(event->cells, cells);
	for (uint32_t i = 0; i < KVMITER_RANGES && ranges[i].size; i++)
		for (uint32_t byte = 0; byte < ranges[i].size; byte += 8)
			data[at++] = ranges[i].offset + byte;
	assert_int_equal(at * 8, size);
	assert_int_equal(event->offset % 8, 0);
	assert_true(event->offset + cells * 8 <= size);
	for (uint32_t i = 0; i < cells; i++)
		assert_int_equal(data[event->offset / 8 + i], offset + i * 8);
}

static void test_usual(void **state)
{
	struct kernel kernel = usual_kernel(0);
	struct layout layout;

	(void)state;
	assert_int_equal(init(&layout, &kernel, false), 0);
	assert_int_equal(layout.nevents, 9);
	assert_at(&layout, "remote_tlb_flush", KVMSTAT_VM, 64, 1);
	assert_at(&layout, "remote_tlb_flush_requests", KVMSTAT_VM, 72, 1);
	assert_at(&layout, "mmu_shadow_zapped", KVMSTAT_VM, 80, 1);
	assert_at(&layout, "pages_4k", KVMSTAT_VM, 88, 1);
	assert_at(&layout, "pages_2m", KVMSTAT_VM, 96, 1);
	assert_at(&layout, "max_mmu_page_hash_collisions", KVMSTAT_VM, 104, 1);
	assert_at(&layout, "halt_wait_ns", KVMSTAT_VCPU, 48, 1);
	assert_at(&layout, "blocking", KVMSTAT_VCPU, 48 + 264, 1);
	assert_at(&layout, "exits", KVMSTAT_VCPU, 48 + 272, 1);
	/* 1 histogram lies between: it is not copied when it is not wanted. */
	assert_int_equal(layout.vcpu_size, 24);
	assert_int_equal(layout.config.kvm_online_vcpus, 4);
	assert_int_equal(layout.config.kvm_debugfs_dentry, 8);
	assert_int_equal(layout.config.kvm_memslot_pages, 16);
	assert_int_equal(layout.config.vcpu_kvm, 0);
	assert_int_equal(layout.config.vcpu_id, 8);
	assert_int_equal(layout.config.vcpu_pid, 16);
	layout_exit(&layout);
}

static void test_histograms(void **state)
{
	struct kernel kernel = usual_kernel(0);
	struct layout layout;

	(void)state;
	assert_int_equal(init(&layout, &kernel, true), 0);
	assert_int_equal(layout.nevents, 10);
	assert_at(&layout, "halt_wait_hist", KVMSTAT_VCPU, 56, 32);
	assert_at(&layout, "exits", KVMSTAT_VCPU, 48 + 272, 1);
	assert_null(find(&layout, "pages"));
	assert_null(find(&layout, "preemption_flag"));
	layout_exit(&layout);
}

/* Members that only older or other kernels lack are not needed. */
static void test_optional(void **state)
{
	struct kernel kernel = usual_kernel(NO_DENTRY | NO_PAGES | NO_PID);
	struct layout layout;

	(void)state;
	assert_int_equal(init(&layout, &kernel, false), 0);
	assert_int_equal(layout.config.kvm_debugfs_dentry, KVMITER_NONE);
	assert_int_equal(layout.config.kvm_memslot_pages, KVMITER_NONE);
	assert_int_equal(layout.config.vcpu_pid, KVMITER_NONE);
	layout_exit(&layout);
}

static void test_needed(void **state)
{
	static const int missing[] = {NO_ONLINE, NO_ID, NO_KVM, NO_VM_STAT, NO_VCPU_STAT, STAT_OVER_END};
	struct layout layout;

	(void)state;
	for (size_t i = 0; i < sizeof(missing) / sizeof(missing[0]); i++) {
		struct kernel kernel = usual_kernel(missing[i]);

		assert_int_equal(init(&layout, &kernel, false), -EINVAL);
		assert_non_null(strstr(why, "inconsistently"));
	}
}

static void test_no_kvm(void **state)
{
	struct kernel kernel = kernel_new();
	struct layout layout;

	(void)state;
	assert_int_equal(init(&layout, &kernel, false), -ENOENT);
	assert_non_null(strstr(why, "struct kvm"));
	/* Only a declaration, or only one of the two. */
	kernel = kernel_new();
	positive(btf__add_fwd(kernel.btf, "kvm", BTF_FWD_STRUCT));
	positive(btf__add_fwd(kernel.btf, "kvm_vcpu", BTF_FWD_STRUCT));
	assert_int_equal(init(&layout, &kernel, false), -ENOENT);
	kernel = kernel_new();
	block(&kernel, "kvm", 8);
	assert_int_equal(init(&layout, &kernel, false), -ENOENT);
}

/* "stat" that is a number or a pointer, not a block. */
static void test_stat_is_no_block(void **state)
{
	struct kernel kernel = kernel_new();
	struct layout layout;

	(void)state;
	add_owners(&kernel, kernel.u64, 8, kernel.u64, 8, 0);
	assert_int_equal(init(&layout, &kernel, false), -EINVAL);
	kernel = kernel_new();
	add_owners(&kernel, kernel.pointer, 8, kernel.pointer, 8, 0);
	assert_int_equal(init(&layout, &kernel, false), -EINVAL);
}

/* A VM block with an odd member; what the rest of the kernel is does not matter. */
static struct kernel odd_kernel(void (*odd)(struct kernel *kernel), uint32_t size)
{
	struct kernel kernel = kernel_new();
	int vm, vcpu = block(&kernel, "kvm_vcpu_stat", 8);

	member(&kernel, "exits", kernel.u64, 0);
	vm = block(&kernel, "kvm_vm_stat", size);
	odd(&kernel);
	add_owners(&kernel, vm, size, vcpu, 8, 0);
	return kernel;
}

static void sizes(struct kernel *kernel)
{
	member(kernel, "small", kernel->u32, 0);
	member(kernel, "pointer", kernel->pointer, 8);
	member(kernel, "good", kernel->u64, 16);
	member(kernel, "lock", kernel->spinlock, 24);
	member(kernel, "", kernel->u64, 32);
	member(kernel, "", kernel->hist, 56);
	assert_int_equal(btf__add_field(kernel->btf, "bits", kernel->u64, 40 * 8, 7), 0);
	assert_int_equal(btf__add_field(kernel->btf, "shifted", kernel->u64, 48 * 8 + 3, 61), 0);
}

static void test_sizes(void **state)
{
	struct kernel kernel = odd_kernel(sizes, 56 + 256);
	struct layout layout;

	(void)state;
	assert_int_equal(init(&layout, &kernel, true), 0);
	assert_int_equal(layout.nevents, 2);
	assert_at(&layout, "good", KVMSTAT_VM, 64 + 16, 1);
	assert_int_equal(layout.vm_size, 8);
	layout_exit(&layout);
}

static void beyond(struct kernel *kernel)
{
	member(kernel, "beyond", kernel->u64, 16);
}

static void across(struct kernel *kernel)
{
	member(kernel, "across", kernel->u64, 12);
}

static void far(struct kernel *kernel)
{
	member(kernel, "far", kernel->u64, 0x1ffffff8);
}

static void unaligned(struct kernel *kernel)
{
	member(kernel, "unaligned", kernel->u64, 4);
}

static void wide_hist(struct kernel *kernel)
{
	member(kernel, "hist", kernel->hist, 0);
}

static void itself(struct kernel *kernel)
{
	/* The block is the last type that was added. */
	member(kernel, "again", (int)btf__type_cnt(kernel->btf) - 1, 0);
}

static void nobody(struct kernel *kernel)
{
	member(kernel, "dangling", 100000, 0);
}

static void test_impossible(void **state)
{
	static void (*const odd[])(struct kernel * kernel) = {beyond,	 across, far,	unaligned,
							      wide_hist, itself, nobody};
	struct layout layout;

	(void)state;
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		struct kernel kernel = odd_kernel(odd[i], 16);
		int rc = init(&layout, &kernel, true);

		if (rc != -EINVAL)
			fail_msg("block %zu: %d", i, rc);
	}
}

static void gaps(struct kernel *kernel)
{
	for (uint32_t i = 0; i < 8; i++) {
		char name[16];

		snprintf(name, sizeof(name), "gap%u", i);
		member(kernel, name, kernel->u64, i * 64);
	}
}

/* More gaps than pieces: the last piece reaches over them. */
static void test_gaps(void **state)
{
	struct kernel kernel = odd_kernel(gaps, 512);
	struct layout layout;

	(void)state;
	assert_int_equal(init(&layout, &kernel, false), 0);
	assert_int_equal(layout.nevents, 9);
	for (uint32_t i = 0; i < 8; i++) {
		char name[16];

		snprintf(name, sizeof(name), "gap%u", i);
		assert_at(&layout, name, KVMSTAT_VM, 64 + i * 64, 1);
	}
	assert_int_equal(layout.vm_size, 3 * 8 + (7 - 3) * 64 + 8);
	layout_exit(&layout);
}

static void overlapping(struct kernel *kernel)
{
	member(kernel, "hist", kernel->hist, 0);
	member(kernel, "inside", kernel->u64, 16);
	member(kernel, "after", kernel->u64, 256);
}

/* A union of a histogram and a number in it. */
static void test_overlapping(void **state)
{
	struct kernel kernel = odd_kernel(overlapping, 264);
	struct layout layout;

	(void)state;
	assert_int_equal(init(&layout, &kernel, true), 0);
	assert_at(&layout, "hist", KVMSTAT_VM, 64, 32);
	assert_at(&layout, "inside", KVMSTAT_VM, 64 + 16, 1);
	assert_at(&layout, "after", KVMSTAT_VM, 64 + 256, 1);
	assert_int_equal(layout.vm_size, 264);
	layout_exit(&layout);
}

static void huge(struct kernel *kernel)
{
	gaps(kernel);
	member(kernel, "end", kernel->u64, 16376);
}

/* Three pieces of one number each, and a last one that makes a record of exactly what it can take. */
static void brim(struct kernel *kernel)
{
	gaps(kernel);
	member(kernel, "end", kernel->u64, 3 * 64 + KVMITER_DATA_MAX - 3 * 8 - 8);
}

static void over_brim(struct kernel *kernel)
{
	gaps(kernel);
	member(kernel, "end", kernel->u64, 3 * 64 + KVMITER_DATA_MAX - 3 * 8);
}

static void test_too_large(void **state)
{
	struct kernel kernel = odd_kernel(huge, 16384);
	struct layout layout;

	(void)state;
	assert_int_equal(init(&layout, &kernel, false), -EINVAL);
	kernel = odd_kernel(over_brim, 16384);
	assert_int_equal(init(&layout, &kernel, false), -EINVAL);
	kernel = odd_kernel(brim, 16384);
	assert_int_equal(init(&layout, &kernel, false), 0);
	assert_int_equal(layout.vm_size, KVMITER_DATA_MAX);
	layout_exit(&layout);
}

static void empty(struct kernel *kernel)
{
	(void)kernel;
}

static void test_empty_block(void **state)
{
	struct kernel kernel = odd_kernel(empty, 0);
	struct layout layout;

	(void)state;
	assert_int_equal(init(&layout, &kernel, false), 0);
	assert_int_equal(layout.vm_size, 0);
	assert_int_equal(layout.config.vm[0].size, 0);
	assert_int_equal(layout.nevents, 1);
	layout_exit(&layout);
}

/* Structures in structures, each of which has 200 times the next one: nobody follows all ways. */
static void test_maze(void **state)
{
	struct kernel kernel = kernel_new();
	int inner = kernel.u32, vcpu;
	struct layout layout;

	(void)state;
	for (int level = 0; level < 5; level++) {
		int outer = block(&kernel, "maze", 8);

		for (int i = 0; i < 200; i++)
			member(&kernel, "way", inner, 0);
		inner = outer;
	}
	vcpu = block(&kernel, "kvm_vcpu_stat", 8);
	member(&kernel, "exits", kernel.u64, 0);
	add_owners(&kernel, inner, 8, vcpu, 8, 0);
	assert_int_equal(init(&layout, &kernel, true), -EINVAL);
}

/* BTF that was cut off or has flipped bytes is refused or read, without going astray. */
static void test_damaged(void **state)
{
	struct kernel kernel = usual_kernel(0);
	uint32_t size;
	const void *raw = btf__get_raw_data(kernel.btf, &size);
	char *copy = malloc(size);

	(void)state;
	assert_non_null(copy);
	for (uint32_t i = 0; i < 2 * size; i++) {
		uint32_t len = i < size ? i : size;
		struct layout layout;
		struct btf *btf;

		memcpy(copy, raw, size);
		if (i >= size)
			copy[i - size] = (char)(copy[i - size] ^ 0xff);
		btf = btf__new(copy, len);
		if (libbpf_get_error(btf))
			continue;
		if (layout_init(&layout, btf, true, why, sizeof(why)) == 0)
			layout_exit(&layout);
		btf__free(btf);
	}
	free(copy);
	btf__free(kernel.btf);
}

static int quiet(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

/* The others stay what they are, in their order. */
static void test_drop(void **state)
{
	static const char *const names[] = { "first", "second", "third" };
	struct layout layout = { .events = calloc(3, sizeof(struct layout_event)), .nevents = 3 };

	(void)state;
	assert_non_null(layout.events);
	for (uint32_t i = 0; i < 3; i++)
		layout.events[i] = (struct layout_event){ strdup(names[i]), KVMSTAT_VM, 8 * i, 1 };
	layout_drop(&layout, 1);
	assert_int_equal(layout.nevents, 2);
	assert_string_equal(layout.events[1].name, "third");
	assert_int_equal(layout.events[1].offset, 16);
	layout_drop(&layout, 1);
	assert_int_equal(layout.nevents, 1);
	assert_string_equal(layout.events[0].name, "first");
	layout_exit(&layout);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_usual),	  cmocka_unit_test(test_histograms),
		cmocka_unit_test(test_optional),  cmocka_unit_test(test_needed),
		cmocka_unit_test(test_no_kvm),	  cmocka_unit_test(test_stat_is_no_block),
		cmocka_unit_test(test_sizes),	  cmocka_unit_test(test_impossible),
		cmocka_unit_test(test_gaps),	  cmocka_unit_test(test_overlapping),
		cmocka_unit_test(test_too_large), cmocka_unit_test(test_empty_block),
		cmocka_unit_test(test_maze),	  cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_drop),
	};

	libbpf_set_print(quiet);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
