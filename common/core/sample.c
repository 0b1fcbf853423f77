/* SPDX-License-Identifier: MIT */
#include "core/sample.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/array.h"

void column_set_put(struct column_set *set)
{
	if (!set || --set->refs)
		return;
	free(set->columns);
	free(set);
}

/* ---- readers, from any thread ---- */

struct kvmstat_sample *kvmstat_sample_get(struct kvmstat_sample *public)
{
	struct sample *sample = (struct sample *)public;

	atomic_fetch_add_explicit(&sample->refs, 1, memory_order_relaxed);
	return public;
}

void kvmstat_sample_put(struct kvmstat_sample *public)
{
	struct sample *sample = (struct sample *)public;

	/* Reads by this reader must finish before the collector writes there again. */
	if (sample)
		atomic_fetch_sub_explicit(&sample->refs, 1, memory_order_release);
}

static int compare_number(const void *key, const void *column)
{
	uint32_t number = *(const uint32_t *)key, other = ((const struct kvmstat_column *)column)->event->number;

	return (number > other) - (number < other);
}

const struct kvmstat_column *kvmstat_sample_column(const struct kvmstat_sample *sample, uint32_t number)
{
	return bsearch(&number, sample->columns, sample->ncolumns, sizeof(*sample->columns), compare_number);
}

/* ---- the collector's side ---- */

/* Release the last pass's guests and columns; keep the storage. */
static void sample_clear(struct sample *sample)
{
	for (uint32_t i = 0; i < sample->nguests; i++)
		guest_put(sample->guests[i]);
	sample->nguests = 0;
	sample->nvcpus = 0;
	sample->vcpus_claimed = 0;
	sample->slots = 0;
	column_set_put(sample->set);
	sample->set = NULL;
}

static void sample_free(struct sample *sample)
{
	sample_clear(sample);
	free(sample->rows);
	free(sample->values);
	free(sample->from);
	free(sample->guests);
	free(sample->vcpus);
	free(sample);
}

/* Reserve room for this number of guests. Storage only grows. */
static int sample_reserve(struct sample *sample, uint32_t slots)
{
	size_t cells = (size_t)slots * sample->set->ncells;

	/* One more than needed, so that a row without cells has a valid pointer. */
	if (!sample->from || cells > sample->cells_allocated) {
		if (array_resize(&sample->values, cells + 1) < 0 || array_resize(&sample->from, cells + 1) < 0)
			return -ENOMEM;
		sample->cells_allocated = cells;
	}
	if (slots > sample->slots_allocated) {
		if (array_resize(&sample->rows, slots) < 0 || array_resize(&sample->guests, slots) < 0)
			return -ENOMEM;
	}
	sample->slots_allocated = slots;
	return 0;
}

static struct sample *find_free(struct sample_pool *pool)
{
	for (struct sample *sample = pool->samples; sample; sample = sample->next)
		if (atomic_load_explicit(&sample->refs, memory_order_acquire) == 0)
			return sample;
	return NULL;
}

struct sample *sample_begin(struct sample_pool *pool, struct column_set *set, uint32_t nguests)
{
	struct sample *sample = find_free(pool);

	if (!sample) {
		sample = calloc(1, sizeof(*sample));
		if (!sample)
			return NULL;
		sample->next = pool->samples;
		pool->samples = sample;
	}
	sample_clear(sample);
	sample->set = set;
	set->refs++;
	if (sample_reserve(sample, nguests > sample->slots_allocated ? nguests : sample->slots_allocated) < 0)
		return NULL;
	return sample;
}

int sample_claim(struct sample *sample, uint32_t *slot)
{
	size_t ncells = sample->set->ncells;
	int rc;

	if (sample->slots == sample->slots_allocated) {
		rc = sample_reserve(sample, sample->slots ? sample->slots * 2 : 8);
		if (rc < 0)
			return rc;
	}
	*slot = sample->slots++;
	if (ncells)
		memset(sample->from + *slot * ncells, KVMSTAT_ABSENT, ncells);
	return 0;
}

int sample_claim_vcpu(struct sample *sample, uint32_t *slot)
{
	if (array_reserve(&sample->vcpus, &sample->vcpus_allocated, sample->vcpus_claimed + 1) < 0)
		return -ENOMEM;
	sample->vcpus_claimed++;
	return sample_claim(sample, slot);
}

/* The kernel reports whether a vCPU waits, the VMM whether it is off. */
static enum kvmstat_vcpu_state state_of(const struct sample *sample, const struct vcpu *vcpu)
{
	size_t cell = (size_t)vcpu->slot * sample->set->ncells + sample->set->blocking;

	if (vcpu->offline)
		return KVMSTAT_VCPU_OFFLINE;
	if (sample->set->blocking == NO_CELL || sample->from[cell] == KVMSTAT_ABSENT)
		return KVMSTAT_VCPU_UNKNOWN;
	return sample->values[cell] ? KVMSTAT_VCPU_BLOCKED : KVMSTAT_VCPU_RUNNING;
}

/* Show the guest's vCPUs. Returns true if the set differs from the last sample. */
static bool show_vcpus(struct sample *sample, struct guest *guest, struct kvmstat_row *row)
{
	uint32_t first = sample->nvcpus;
	bool changed = false;

	for (uint32_t i = 0; i < guest->nvcpu; i++) {
		struct vcpu *vcpu = &guest->vcpu[i];
		size_t start = (size_t)vcpu->slot * sample->set->ncells;
		bool was_shown = vcpu->shown;

		vcpu->shown = vcpu->pass == guest->pass;
		changed |= vcpu->shown != was_shown;
		if (!vcpu->shown)
			continue;
		sample->vcpus[sample->nvcpus++] = (struct kvmstat_vcpu){
			.id = vcpu->id,
			.state = state_of(sample, vcpu),
			.tid = vcpu->tid,
			.has_cpu = vcpu->has_cpu,
			.cpu_ns = vcpu->cpu_ns,
			.wait_ns = vcpu->wait_ns,
			.value = sample->values + start,
			.from = sample->from + start,
		};
		row->nvcpus++;
	}
	/* Without vCPUs there may be no array yet. */
	if (row->nvcpus)
		row->vcpus = &sample->vcpus[first];
	return changed;
}

static void show_guest(struct sample *sample, struct guest *guest)
{
	size_t start = (size_t)guest->slot * sample->set->ncells;

	sample->guests[sample->nguests] = guest;
	guest_get(guest);
	sample->rows[sample->nguests++] = (struct kvmstat_row){
		.guest = &guest->public,
		.value = sample->values + start,
		.from = sample->from + start,
		.vcpu_count = guest->vcpus,
		.has_cpu = guest->has_cpu,
		.cpu_ns = guest->cpu_ns,
		.wait_ns = guest->wait_ns,
	};
}

void sample_publish(struct sample *sample, struct guests *guests, uint64_t pass, bool vcpus, struct guest *others)
{
	bool changed = false;

	sample->public.nguests = 0;
	if (others)
		show_guest(sample, others);
	for (uint32_t i = 0; i < guests->count; i++) {
		struct guest *guest = guests->list[i];

		if (guest->pass != pass || !guest->wanted)
			continue;
		sample->public.nguests++;
		if (guest->hidden)
			continue;
		show_guest(sample, guest);
		if (vcpus)
			changed |= show_vcpus(sample, guest, &sample->rows[sample->nguests - 1]);
	}
	guests->generation += changed;
	sample->public.nvcpus = sample->nvcpus;
	sample->public.vcpus = sample->vcpus;
	sample->public.nrows = sample->nguests;
	sample->public.rows = sample->rows;
	sample->public.columns = sample->set->columns;
	sample->public.ncolumns = sample->set->ncolumns;
	sample->public.ncells = sample->set->ncells;
	sample->public.event_generation = sample->set->generation;
	sample->public.guest_generation = guests->generation;
	atomic_store_explicit(&sample->refs, 1, memory_order_relaxed);
}

void sample_pool_exit(struct sample_pool *pool)
{
	while (pool->samples) {
		struct sample *next = pool->samples->next;

		sample_free(pool->samples);
		pool->samples = next;
	}
}
