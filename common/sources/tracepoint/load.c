/* SPDX-License-Identifier: MIT */
#include "sources/tracepoint/load.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "host/refusal.h"
#include "sources/bpf/object.h"

enum { KEYS, SLOTS, SPARE, STATE, NMAPS };

static const char *const map_names[NMAPS] = { "keys", "slots", "spare", "state" };

struct tracepoint_loader {
	struct bpf_object *objects[TRACEPOINT_MAX];
	struct bpf_link *links[TRACEPOINT_MAX];
	int programs[TRACEPOINT_MAX];	/* fds, of the objects */
	int count;
	int maps[NMAPS];		/* fds, of the first object */
	uint32_t nslots;
	struct tracepoint_slot *slots;
	struct tracepoint_state *state;
};

/* All objects share the maps of the first. */
static int prepare_maps(struct tracepoint_loader *loader, struct bpf_object *object)
{
	for (int i = 0; i < NMAPS; i++) {
		struct bpf_map *map = bpf_object__find_map_by_name(object, map_names[i]);
		int rc;

		if (!map)
			return -EINVAL;
		if (loader->count)
			rc = bpf_map__reuse_fd(map, loader->maps[i]);
		else
			rc = i == STATE ? 0 : bpf_map__set_max_entries(map, loader->nslots);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int load_object(struct tracepoint_loader *loader, const struct tracepoint_config *config)
{
	struct bpf_object **object = &loader->objects[loader->count];
	int rc = bpf_object_begin(object, hits_object, hits_object_end, config, sizeof(*config));

	if (rc == 0)
		rc = prepare_maps(loader, *object);
	if (rc == 0)
		rc = bpf_object__load(*object);
	for (int i = 0; rc == 0 && !loader->count && i < NMAPS; i++)
		loader->maps[i] = bpf_map__fd(bpf_object__find_map_by_name(*object, map_names[i]));
	return rc;
}

/*
 * The program runs whenever the tracepoint is hit. The perf event, which belongs to this thread,
 * only attaches it, and so needs no permission to monitor a CPU.
 */
static int attach(struct tracepoint_loader *loader, uint64_t id, enum refusal_call *call)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT,
		.size = sizeof(attr),
		.config = id,
	};
	struct bpf_program *program =
		bpf_object__find_program_by_name(loader->objects[loader->count], "count_hit");
	int fd = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
	struct bpf_link *link;
	int rc;

	if (fd < 0) {
		*call = CALL_PERF;
		return -errno;
	}
	link = bpf_program__attach_perf_event(program, fd);
	rc = (int)libbpf_get_error(link);
	if (rc < 0) {
		close(fd);
		return rc;
	}
	loader->links[loader->count] = link;
	loader->programs[loader->count] = bpf_program__fd(program);
	return 0;
}

/* Mark all slots as free, and map the memory for reading. */
static int share(struct tracepoint_loader *loader)
{
	loader->slots = bpf_object_map(loader->maps[SLOTS], loader->nslots * sizeof(struct tracepoint_slot));
	loader->state = bpf_object_map(loader->maps[STATE], sizeof(struct tracepoint_state));
	if (!loader->slots || !loader->state)
		return -errno;
	for (uint32_t i = loader->nslots; i-- > 0;)
		if (bpf_map_update_elem(loader->maps[SPARE], NULL, &i, 0) < 0)
			return -errno;
	return 0;
}

int tracepoint_open(struct tracepoint_loader **result, const struct sysroot *root, const struct tracepoint *tracepoints,
		    int count, uint32_t slots, struct kvmstat_source_status *status)
{
	struct tracepoint_loader *loader = calloc(1, sizeof(*loader));
	enum refusal_call call = CALL_BPF_COUNTER;
	libbpf_print_fn_t print;
	int rc = 0;

	if (!loader)
		return -ENOMEM;
	print = bpf_object_silence();
	loader->nslots = slots;
	for (; rc == 0 && loader->count < count; loader->count += rc == 0) {
		rc = load_object(loader, &tracepoints[loader->count].config);
		if (rc == 0 && !loader->count)
			rc = share(loader);
		if (rc == 0)
			rc = attach(loader, tracepoints[loader->count].id, &call);
	}
	libbpf_set_print(print);
	if (rc < 0) {
		refusal_report(status, root, call, rc);
		tracepoint_close(loader);
		return rc;
	}
	*result = loader;
	return 0;
}

void tracepoint_close(struct tracepoint_loader *loader)
{
	for (int i = 0; i < TRACEPOINT_MAX; i++)
		bpf_link__destroy(loader->links[i]);
	bpf_object_unmap(loader->slots, loader->nslots * sizeof(struct tracepoint_slot));
	bpf_object_unmap(loader->state, sizeof(struct tracepoint_state));
	for (int i = 0; i < TRACEPOINT_MAX; i++)
		bpf_object__close(loader->objects[i]);
	free(loader);
}

struct tracepoint_slot *tracepoint_slots(const struct tracepoint_loader *loader)
{
	return loader->slots;
}

void tracepoint_free_slot(struct tracepoint_loader *loader, uint32_t number)
{
	struct tracepoint_slot *slot = &loader->slots[number];
	struct tracepoint_key key = slot->key;

	bpf_map_delete_elem(loader->maps[KEYS], &key);
	*slot = (struct tracepoint_slot){ 0 };
	bpf_map_update_elem(loader->maps[SPARE], NULL, &number, 0);
}

uint64_t tracepoint_lost(const struct tracepoint_loader *loader)
{
	return __atomic_load_n(&loader->state->lost, __ATOMIC_RELAXED);
}

uint64_t tracepoint_missed(const struct tracepoint_loader *loader)
{
	uint64_t missed = 0;

	for (int i = 0; i < loader->count; i++) {
		struct bpf_prog_info info = { 0 };
		__u32 size = sizeof(info);

		if (bpf_obj_get_info_by_fd(loader->programs[i], &info, &size) == 0)
			missed += info.recursion_misses;
	}
	return missed;
}
