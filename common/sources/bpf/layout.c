/* SPDX-License-Identifier: MIT */
#include "sources/bpf/layout.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/btf.h>

#include "util/array.h"

/*
 * Statistics blocks nest once (the generic part) and have anonymous unions; a deeper block is not
 * one of them.
 */
enum { MAX_DEPTH = 4, MAX_EVENTS = 1024, MAX_MEMBERS = 8192, MAX_BUCKETS = 256 };

/* A block while its members are collected: offsets still count from the start of the block. */
struct block {
	const struct btf *btf;
	struct layout *layout;
	enum kvmstat_scope scope;
	uint32_t size;
	bool histograms;
	uint32_t members;	/* members read so far */
};

static const struct btf_type *resolve(const struct btf *btf, uint32_t id)
{
	for (int hops = 0; hops < 32; hops++) {
		const struct btf_type *type = btf__type_by_id(btf, id);

		if (!type || !(btf_is_mod(type) || btf_is_typedef(type)))
			return type;
		id = type->type;
	}
	return NULL;
}

static bool is_number(const struct btf_type *type)
{
	return type && btf_is_int(type) && type->size == 8;
}

/* atomic64_t and the like: a structure around one number. */
static bool is_atomic(const struct btf *btf, const struct btf_type *type)
{
	return btf_is_struct(type) && type->size == 8 && btf_vlen(type) == 1 &&
	       is_number(resolve(btf, btf_members(type)->type));
}

static int add_event(struct block *block, const char *name, uint32_t offset, uint32_t cells)
{
	struct layout *layout = block->layout;
	struct layout_event *event;

	if (offset % 8 || (uint64_t)offset + cells * 8ull > block->size || layout->nevents == MAX_EVENTS)
		return -EINVAL;
	if (array_resize(&layout->events, layout->nevents + 1) < 0)
		return -ENOMEM;
	event = &layout->events[layout->nevents];
	event->name = strdup(name);
	if (!event->name)
		return -ENOMEM;
	event->scope = block->scope;
	event->offset = offset;
	event->cells = cells;
	layout->nevents++;
	return 0;
}

static int add_members(struct block *block, const struct btf_type *type, uint32_t base, int depth);

/* Arrays of plain numbers are histograms; the array in x86's union with pages_4k, ... has atomic ones. */
static int add_array(struct block *block, const char *name, const struct btf_type *type, uint32_t offset)
{
	const struct btf_array *array = btf_array(type);

	if (!block->histograms || !*name || !is_number(resolve(block->btf, array->type)))
		return 0;
	if (!array->nelems || array->nelems > MAX_BUCKETS)
		return 0;
	return add_event(block, name, offset, array->nelems);
}

static int add_member(struct block *block, const struct btf_type *parent, uint32_t index, uint32_t base,
		      int depth)
{
	const struct btf_member *member = btf_members(parent) + index;
	const struct btf_type *type = resolve(block->btf, member->type);
	const char *name = btf__name_by_offset(block->btf, member->name_off);
	uint32_t bits = btf_member_bit_offset(parent, index);
	uint32_t offset = base + bits / 8;

	if (!type || !name || ++block->members > MAX_MEMBERS)
		return -EINVAL;
	if (bits % 8 || btf_member_bitfield_size(parent, index))
		return 0;
	if (is_number(type) || is_atomic(block->btf, type))
		return *name ? add_event(block, name, offset, 1) : 0;
	if (btf_is_array(type))
		return add_array(block, name, type, offset);
	if (btf_is_composite(type))
		return add_members(block, type, offset, depth + 1);
	return 0;
}

static int add_members(struct block *block, const struct btf_type *type, uint32_t base, int depth)
{
	if (depth > MAX_DEPTH)
		return -EINVAL;
	for (uint32_t i = 0; i < btf_vlen(type); i++) {
		int rc = add_member(block, type, i, base, depth);

		if (rc < 0)
			return rc;
	}
	return 0;
}

/* Byte offset of a member at the top of a structure, KVMITER_NONE if it has none of that name. */
static uint32_t member_offset(const struct btf *btf, const struct btf_type *type, const char *name,
			      const struct btf_type **member_type)
{
	for (uint32_t i = 0; i < btf_vlen(type); i++) {
		const struct btf_member *member = btf_members(type) + i;
		const char *has = btf__name_by_offset(btf, member->name_off);

		if (!has || strcmp(has, name) != 0 || btf_member_bit_offset(type, i) % 8)
			continue;
		if (member_type)
			*member_type = resolve(btf, member->type);
		return btf_member_bit_offset(type, i) / 8;
	}
	return KVMITER_NONE;
}

static int by_offset(const void *a, const void *b)
{
	const struct layout_event *x = *(struct layout_event *const *)a, *y = *(struct layout_event *const *)b;

	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/*
 * Choose the pieces of a block that are copied: neighbours in one piece, and where there are more gaps than
 * pieces, the last piece reaches to the end. Then let the events' offsets count in the copied data.
 */
static uint32_t choose_ranges(struct layout_event **events, size_t count, uint32_t block_offset,
			      struct kvmiter_range ranges[KVMITER_RANGES])
{
	uint32_t copied = 0, start = 0, end = 0;
	uint32_t used = 0;

	for (size_t i = 0; i < count; i++) {
		struct layout_event *event = events[i];
		uint32_t stop = event->offset + event->cells * 8;

		if (!used || (event->offset > end && used < KVMITER_RANGES)) {
			copied += end - start;
			start = end = event->offset;
			used++;
		}
		end = stop > end ? stop : end;
		ranges[used - 1] = (struct kvmiter_range){ block_offset + start, end - start };
		event->offset = copied + (event->offset - start);
	}
	return copied + (end - start);
}

/* The pieces of one scope. Bytes of data in a record, or -errno. */
static int plan_scope(struct layout *layout, enum kvmstat_scope scope, uint32_t block_offset,
		      struct kvmiter_range ranges[KVMITER_RANGES])
{
	struct layout_event **events = calloc(layout->nevents + 1, sizeof(struct layout_event *));
	size_t count = 0;
	uint32_t bytes;

	if (!events)
		return -ENOMEM;
	for (size_t i = 0; i < layout->nevents; i++)
		if (layout->events[i].scope == scope)
			events[count++] = &layout->events[i];
	qsort(events, count, sizeof(struct layout_event *), by_offset);
	bytes = choose_ranges(events, count, block_offset, ranges);
	free(events);
	return bytes > KVMITER_DATA_MAX ? -EINVAL : (int)bytes;
}

/* Collect the members of the statistics block "stat" of one structure and plan how they are copied. */
static int read_block(struct layout *layout, const struct btf *btf, const struct btf_type *owner,
		      enum kvmstat_scope scope, bool histograms, struct kvmiter_range ranges[KVMITER_RANGES])
{
	const struct btf_type *stat = NULL;
	uint32_t offset = member_offset(btf, owner, "stat", &stat);
	struct block block = { btf, layout, scope, 0, histograms, 0 };
	int rc;

	if (offset == KVMITER_NONE || !stat || !btf_is_composite(stat) ||
	    (uint64_t)offset + stat->size > owner->size)
		return -EINVAL;
	block.size = stat->size;
	rc = add_members(&block, stat, 0, 0);
	return rc < 0 ? rc : plan_scope(layout, scope, offset, ranges);
}

static const struct btf_type *find_struct(const struct btf *btf, const char *name)
{
	int32_t id = btf__find_by_name_kind(btf, name, BTF_KIND_STRUCT);

	return id < 0 ? NULL : btf__type_by_id(btf, (uint32_t)id);
}

static int read_blocks(struct layout *layout, const struct btf *btf, const struct btf_type *kvm,
		       const struct btf_type *vcpu, bool histograms)
{
	struct kvmiter_config *config = &layout->config;
	int rc = read_block(layout, btf, kvm, KVMSTAT_VM, histograms, config->vm);

	if (rc < 0)
		return rc;
	layout->vm_size = (uint32_t)rc;
	rc = read_block(layout, btf, vcpu, KVMSTAT_VCPU, histograms, config->vcpu);
	if (rc < 0)
		return rc;
	layout->vcpu_size = (uint32_t)rc;
	config->kvm_online_vcpus = member_offset(btf, kvm, "online_vcpus", NULL);
	config->kvm_debugfs_dentry = member_offset(btf, kvm, "debugfs_dentry", NULL);
	config->kvm_memslot_pages = member_offset(btf, kvm, "nr_memslot_pages", NULL);
	config->vcpu_kvm = member_offset(btf, vcpu, "kvm", NULL);
	config->vcpu_id = member_offset(btf, vcpu, "vcpu_id", NULL);
	config->vcpu_pid = member_offset(btf, vcpu, "pid", NULL);
	if (config->kvm_online_vcpus == KVMITER_NONE || config->vcpu_kvm == KVMITER_NONE ||
	    config->vcpu_id == KVMITER_NONE)
		return -EINVAL;
	return 0;
}

int layout_init(struct layout *layout, const struct btf *btf, bool histograms, char *why, size_t size)
{
	const struct btf_type *kvm = find_struct(btf, "kvm");
	const struct btf_type *vcpu = find_struct(btf, "kvm_vcpu");
	int rc;

	*layout = (struct layout){ 0 };
	if (!kvm || !vcpu) {
		snprintf(why, size, "the kernel's BTF does not describe struct kvm");
		return -ENOENT;
	}
	rc = read_blocks(layout, btf, kvm, vcpu, histograms);
	if (rc == -EINVAL)
		snprintf(why, size, "the kernel's BTF describes KVM's statistics inconsistently; "
				    "please report the kernel version");
	else if (rc < 0)
		snprintf(why, size, "out of memory for the layout of KVM's statistics");
	if (rc < 0)
		layout_exit(layout);
	return rc;
}

void layout_drop(struct layout *layout, size_t i)
{
	struct layout_event *event = &layout->events[i];

	free(event->name);
	memmove(event, event + 1, (--layout->nevents - i) * sizeof(*event));
}

void layout_exit(struct layout *layout)
{
	for (size_t i = 0; i < layout->nevents; i++)
		free(layout->events[i].name);
	free(layout->events);
	*layout = (struct layout){ 0 };
}
