/* SPDX-License-Identifier: MIT */
/*
 * Kernels' type information: the input is a program that builds it with libbpf, so that what is tested is our
 * reader and not libbpf's. Three bytes each: what to add, and two operands.
 */
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "fuzz.h"
#include "sources/bpf/layout.h"

static const char *const names[] = {
	"kvm",
	"kvm_vcpu",
	"stat",
	"generic",
	"",
	"exits",
	"halt_wait_hist",
	"vcpu_id",
	"kvm",
	"pid",
	"online_vcpus",
	"debugfs_dentry",
	"nr_memslot_pages",
	"pages_4k",
	"pages",
	"counter",
};

static const char *name_of(uint8_t operand)
{
	return names[operand % (sizeof(names) / sizeof(names[0]))];
}

static void add(struct btf *btf, const uint8_t *op, uint32_t *end)
{
	const char *name = name_of(op[1]);
	int type = op[2];

	switch (op[0] % 12) {
	case 0:
		btf__add_int(btf, "u64", 8, 0);
		break;
	case 1:
		btf__add_int(btf, "u32", 4, 0);
		break;
	case 2:
		btf__add_typedef(btf, "t", type);
		break;
	case 3:
		btf__add_struct(btf, name, op[2] * 8u);
		*end = 0;
		break;
	case 4:
		btf__add_union(btf, name, op[2] * 8u);
		*end = 0;
		break;
	case 5:
	case 6:
		btf__add_field(btf, name, type, *end, 0);
		*end += 64;
		break;
	case 7:
		btf__add_field(btf, name, type, op[0] * 8u * 37u, op[0] & 1 ? 5 : 0);
		break;
	case 8:
		btf__add_array(btf, 1, type, op[1] * 3);
		break;
	case 9:
		btf__add_ptr(btf, type);
		break;
	case 10:
		btf__add_const(btf, type);
		break;
	case 11:
		*end += op[1] * 64u;
		break;
	}
}

static void check_scope(const struct layout *layout, const struct btf *btf, enum kvmstat_scope scope)
{
	const struct kvmiter_range *ranges = scope == KVMSTAT_VM ? layout->config.vm : layout->config.vcpu;
	uint32_t size = scope == KVMSTAT_VM ? layout->vm_size : layout->vcpu_size;
	int owner = btf__find_by_name_kind(btf, scope == KVMSTAT_VM ? "kvm" : "kvm_vcpu", BTF_KIND_STRUCT);
	uint64_t bytes = 0;

	for (int i = 0; i < KVMITER_RANGES; i++) {
		must(ranges[i].size % 8 == 0);
		must((uint64_t)ranges[i].offset + ranges[i].size <=
		     btf__type_by_id(btf, (uint32_t)owner)->size);
		must(ranges[i].size == 0 || i == 0 || ranges[i - 1].size != 0);
		bytes += ranges[i].size;
	}
	must(bytes == size && size <= KVMITER_DATA_MAX);
	for (size_t i = 0; i < layout->nevents; i++) {
		const struct layout_event *event = &layout->events[i];

		must(event->cells > 0 && event->name && *event->name);
		if (event->scope == scope)
			must((uint64_t)event->offset + event->cells * 8ull <= size);
	}
}

static int quiet(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct btf *btf = btf__new_empty();
	struct layout layout;
	char why[64] = "";
	uint32_t end = 0;

	libbpf_set_print(quiet);
	must(libbpf_get_error(btf) == 0);
	for (size_t i = 0; i + 3 <= size; i += 3)
		add(btf, data + i, &end);
	if (layout_init(&layout, btf, size & 1, why, sizeof(why)) == 0) {
		check_scope(&layout, btf, KVMSTAT_VM);
		check_scope(&layout, btf, KVMSTAT_VCPU);
		layout_exit(&layout);
	} else {
		must(why[0] != '\0');
	}
	btf__free(btf);
	return 0;
}
