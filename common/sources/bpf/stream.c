/* SPDX-License-Identifier: MIT */
#include "sources/bpf/stream.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/pass.h"
#include "core/source.h"
#include "util/array.h"
#include "util/clock.h"

/* ---- which number goes where ---- */

static int add_terms(struct bpf_terms *terms, uint32_t offset, const struct offer *offer)
{
	if (array_resize(&terms->terms, terms->count + offer->cells) < 0)
		return -ENOMEM;
	for (uint32_t i = 0; i < offer->cells; i++)
		terms->terms[terms->count++] = (struct bpf_term){ offset + i * 8, offer->cell + i };
	return 0;
}

static struct bpf_terms *terms_for(struct bpf_stream *stream, const struct layout_event *event,
				   const struct offer *offer)
{
	if (event->scope == KVMSTAT_VM)
		return &stream->vm;
	return offer->event->class == KVMSTAT_PEAK ? &stream->peaks : &stream->sums;
}

int bpf_stream_bind(struct bpf_stream *stream, const struct layout *layout, const struct offer *offers,
		    uint32_t ncells)
{
	bpf_stream_exit(stream);
	stream->vm_size = layout->vm_size;
	stream->vcpu_size = layout->vcpu_size;
	stream->ncells = ncells;
	stream->from = calloc(ncells + 1, 1);
	if (!stream->from)
		return -ENOMEM;
	for (size_t i = 0; i < layout->nevents; i++) {
		const struct layout_event *event = &layout->events[i];
		int rc;

		if (offers[i].cell == NO_CELL)
			continue;
		rc = add_terms(terms_for(stream, event, &offers[i]), event->offset, &offers[i]);
		if (rc < 0)
			return rc;
		memset(stream->from + offers[i].cell, KVMSTAT_BPF, offers[i].cells);
	}
	return 0;
}

void bpf_stream_exit(struct bpf_stream *stream)
{
	uint64_t page_size = stream->page_size;

	free(stream->vm.terms);
	free(stream->sums.terms);
	free(stream->peaks.terms);
	free(stream->from);
	*stream = (struct bpf_stream){ .page_size = page_size };
}

void bpf_stream_begin(struct bpf_stream *stream, struct bpf_walk *walk)
{
	stream->walk = walk;
	stream->has_vm = false;
	stream->guest = NULL;
}

static void forget(const struct bpf_terms *terms, uint8_t *from)
{
	for (uint32_t i = 0; i < terms->count; i++)
		from[terms->terms[i].cell] = KVMSTAT_ABSENT;
}

/* A vCPU that its VMM has closed is invisible: the sum over the others is not the guest's. */
void bpf_stream_end(const struct bpf_stream *stream, struct pass *pass)
{
	const struct guests *guests = &pass->context->guests;

	for (uint32_t i = 0; i < guests->count; i++) {
		struct guest *guest = guests->list[i];

		if (guest->counted != pass->number || guest->pass != pass->number || !guest->wanted ||
		    guest->vcpus_counted >= guest->vcpus)
			continue;
		forget(&stream->sums, pass_from(pass, guest));
		forget(&stream->peaks, pass_from(pass, guest));
		guest->has_cpu = false;
	}
}

/* ---- records ---- */

static uint64_t number_at(const char *data, uint32_t offset)
{
	uint64_t number;

	memcpy(&number, data + offset, sizeof(number));
	return number;
}

static void fill_vm(const struct bpf_stream *stream, struct pass *pass, const struct guest *guest,
		    const char *data)
{
	uint64_t *values = pass_values(pass, guest);
	uint8_t *from = pass_from(pass, guest);

	for (uint32_t i = 0; i < stream->ncells; i++)
		if (stream->from[i])
			from[i] = stream->from[i];
	for (uint32_t i = 0; i < stream->vm.count; i++)
		values[stream->vm.terms[i].cell] = number_at(data, stream->vm.terms[i].offset);
	for (uint32_t i = 0; i < stream->sums.count; i++)
		values[stream->sums.terms[i].cell] = 0;
	for (uint32_t i = 0; i < stream->peaks.count; i++)
		values[stream->peaks.terms[i].cell] = 0;
}

/* The vCPU's own row. */
static void fill_own(const struct bpf_terms *terms, const char *data, uint64_t *values, uint8_t *from)
{
	for (uint32_t i = 0; i < terms->count; i++) {
		values[terms->terms[i].cell] = number_at(data, terms->terms[i].offset);
		from[terms->terms[i].cell] = KVMSTAT_BPF;
	}
}

/* What the vCPU adds to its guest's row. */
static void add_vcpu(const struct bpf_stream *stream, struct pass *pass, const struct guest *guest,
		     const char *data)
{
	uint64_t *values = pass_values(pass, guest);

	for (uint32_t i = 0; i < stream->sums.count; i++)
		values[stream->sums.terms[i].cell] += number_at(data, stream->sums.terms[i].offset);
	for (uint32_t i = 0; i < stream->peaks.count; i++) {
		uint64_t number = number_at(data, stream->peaks.terms[i].offset);
		uint64_t *value = &values[stream->peaks.terms[i].cell];

		if (number > *value)
			*value = number;
	}
}

static void sighting_of(const struct bpf_stream *stream, const struct kvmiter_vm *vm, struct sighting *s)
{
	*s = (struct sighting){
		.ino = vm->ino,
		.ctime_ns = (uint64_t)vm->ctime_sec * NS_PER_S + vm->ctime_nsec % NS_PER_S,
		.start_ns = vm->start_ns,
		.kvm = vm->head.kvm,
		.memory = vm->memslot_pages * stream->page_size,
		.tgid = (pid_t)vm->tgid,
		.fd = vm->fd,
	};
	memcpy(s->dir, vm->dir, sizeof(s->dir) - 1);
	memcpy(s->base, vm->base, sizeof(s->base) - 1);
	if (!s->dir[0])
		snprintf(s->dir, sizeof(s->dir), "%d-%d", s->tgid, s->fd);
}

static int take_vm(struct bpf_stream *stream, struct pass *pass, const struct kvmiter_vm *vm, const char *data)
{
	struct sighting sighting;
	struct guest *guest;
	bool first;

	if (vm->vcpus > BPF_MAX_VCPUS)
		return -EINVAL;
	if (stream->walk && bpf_walk_note(stream->walk, (pid_t)vm->tgid) < 0)
		return -ENOMEM;
	sighting_of(stream, vm, &sighting);
	guest = pass_see(pass, &sighting, &first);
	if (!guest)
		return -ENOMEM;
	stream->has_vm = true;
	stream->kvm = vm->head.kvm;
	stream->guest = guest->wanted ? guest : NULL;
	/* A VM may be open several times: it counts once. */
	if (guest->counted == pass->number || !guest->wanted)
		return 0;
	guest->counted = pass->number;
	guest->vcpus = vm->vcpus;
	guest->vcpus_counted = 0;
	guest->has_cpu = vm->vcpus > 0;
	guest->cpu_ns = guest->wait_ns = 0;
	fill_vm(stream, pass, guest, data);
	return 0;
}

static void count_vcpu(struct guest *guest, const struct vcpu *vcpu)
{
	guest->vcpus_counted++;
	guest->has_cpu &= vcpu->has_cpu;
	guest->cpu_ns += vcpu->cpu_ns;
	guest->wait_ns += vcpu->wait_ns;
}

static int take_vcpu(struct bpf_stream *stream, struct pass *pass, const struct kvmiter_vcpu *record,
		     const char *data)
{
	const uint32_t both = KVMITER_HAS_CPU | KVMITER_HAS_WAIT;
	struct guest *guest = stream->guest;
	struct vcpu *vcpu;

	/* The iterator writes a VM's record in front of its vCPUs'. */
	if (record->id >= BPF_MAX_VCPUS || !stream->has_vm || record->head.kvm != stream->kvm)
		return -EINVAL;
	if (!guest)
		return 0;
	vcpu = pass_see_vcpu(pass, guest, record->id);
	if (!vcpu)
		return -ENOMEM;
	if (vcpu->counted == pass->number)
		return 0;
	vcpu->counted = pass->number;
	vcpu->tid = (pid_t)record->tid;
	vcpu->has_cpu = (record->flags & both) == both;
	vcpu->cpu_ns = record->cpu_ns;
	vcpu->wait_ns = record->wait_ns;
	count_vcpu(guest, vcpu);
	add_vcpu(stream, pass, guest, data);
	if (pass_reports_vcpus(pass)) {
		fill_own(&stream->sums, data, pass_vcpu_values(pass, vcpu), pass_vcpu_from(pass, vcpu));
		fill_own(&stream->peaks, data, pass_vcpu_values(pass, vcpu), pass_vcpu_from(pass, vcpu));
	}
	return 0;
}

/* One whole record. */
static int take(struct bpf_stream *stream, struct pass *pass, const char *data, const struct kvmiter_record *head)
{
	struct kvmiter_vcpu vcpu;
	struct kvmiter_vm vm;

	if (head->kind == KVMITER_VM) {
		memcpy(&vm, data, sizeof(vm));
		return take_vm(stream, pass, &vm, data + sizeof(vm));
	}
	memcpy(&vcpu, data, sizeof(vcpu));
	return take_vcpu(stream, pass, &vcpu, data + sizeof(vcpu));
}

/* The only size that a record of this kind can have, or 0. */
static size_t size_of(const struct bpf_stream *stream, uint32_t kind)
{
	if (kind == KVMITER_VM)
		return sizeof(struct kvmiter_vm) + stream->vm_size;
	if (kind == KVMITER_VCPU)
		return sizeof(struct kvmiter_vcpu) + stream->vcpu_size;
	return 0;
}

ssize_t bpf_stream_feed(struct bpf_stream *stream, struct pass *pass, const char *data, size_t len)
{
	size_t taken = 0;

	while (len - taken >= sizeof(struct kvmiter_record)) {
		struct kvmiter_record head;
		int rc;

		memcpy(&head, data + taken, sizeof(head));
		if (!head.size || head.size != size_of(stream, head.kind))
			return -EINVAL;
		if (len - taken < head.size)
			break;
		rc = take(stream, pass, data + taken, &head);
		if (rc < 0)
			return rc;
		taken += head.size;
	}
	return (ssize_t)taken;
}
