/* SPDX-License-Identifier: MIT */
/*
 * fake_setup.c - the test's side of the fake core
 */
#include "fake_core.h"

#include <string.h>

struct fake_core fake;

/* A block of FAKE_VCPUS for a guest that has any. */
enum { BLOCKS = 128 };
static struct fake_vcpu blocks[BLOCKS][FAKE_VCPUS];
static uint32_t nblocks;

struct fake_guest *fake_add_guest(uint64_t id, const char *name, const char *uuid)
{
	struct fake_guest *guest = &fake.guests[fake.nguests++];

	memset(guest, 0, sizeof(*guest));
	guest->guest = (struct kvmstat_guest){.id = id,
					      .name = name,
					      .uuid = uuid,
					      .key = uuid[0] ? uuid : name,
					      .pid = (pid_t)(1000 + id),
					      .start_ns = id * 1000000000u};
	memset(guest->from, KVMSTAT_BPF, sizeof(guest->from));
	fake.guest_generation++;
	return guest;
}

void fake_remove_guest(uint32_t row)
{
	fake.nguests--;
	memmove(&fake.guests[row], &fake.guests[row + 1], (fake.nguests - row) * sizeof(fake.guests[0]));
	fake.guest_generation++;
}

struct fake_vcpu *fake_add_vcpu(uint32_t row, uint32_t id)
{
	struct fake_guest *guest = &fake.guests[row];
	struct fake_vcpu *vcpu;

	if (!guest->vcpus)
		guest->vcpus = blocks[nblocks++ % BLOCKS];
	vcpu = &guest->vcpus[guest->nvcpus++ % FAKE_VCPUS];
	*vcpu = (struct fake_vcpu){.id = id};
	fake.guest_generation++;
	return vcpu;
}

void fake_remove_vcpu(uint32_t row, uint32_t index)
{
	struct fake_guest *guest = &fake.guests[row];

	guest->nvcpus--;
	memmove(&guest->vcpus[index], &guest->vcpus[index + 1],
		(guest->nvcpus - index) * sizeof(*guest->vcpus));
	fake.guest_generation++;
}

void fake_vcpu_value(struct fake_vcpu *vcpu, uint32_t cell, uint64_t value)
{
	vcpu->value[cell] = value;
	vcpu->from[cell] = KVMSTAT_BPF;
}

void fake_add_event(const char *name, uint32_t number, enum kvmstat_class class, uint32_t buckets)
{
	fake.events[fake.nevents] = (struct kvmstat_event){
		.name = name, .text = "", .number = number, .class = class, .scope = KVMSTAT_VCPU};
	fake.buckets[fake.nevents++] = buckets;
	fake.event_generation++;
}

void fake_reset(void)
{
	memset(&fake, 0, sizeof(fake));
	nblocks = 0;
	fake.realtime_ns = FAKE_BEGIN_NS;
	fake.cpus = 14;
	fake_add_event("exits", 1, KVMSTAT_CUMULATIVE, 1);
	fake_add_event("halt_wait_ns", 2, KVMSTAT_CUMULATIVE, 1);
	fake_add_event("pages_4k", 3, KVMSTAT_INSTANT, 1);
	fake_add_event("max_mmu_rmap_size", 4, KVMSTAT_PEAK, 1);
	fake_add_event("exit_dead", 5, KVMSTAT_CUMULATIVE, 1);
	fake.events[4].dead = true;
	fake_add_guest(1, "web", "11111111-2222-3333-4444-555555555555")->value[0] = 100;
	fake_add_guest(2, "db", "22222222-2222-3333-4444-555555555555")->value[0] = 200;
}
