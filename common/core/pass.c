/* SPDX-License-Identifier: MIT */
#include "core/pass.h"

#include <errno.h>

static int mark(struct pass *pass, struct guest *guest)
{
	if (guest->wanted && sample_claim(pass->sample, &guest->slot) < 0)
		return -ENOMEM;
	guest->pass = pass->number;
	guest->has_cpu = false;
	pass->seen++;
	return 0;
}

struct guest *pass_see(struct pass *pass, const struct sighting *sighting, bool *first)
{
	struct context *context = pass->context;
	struct guest *guest = NULL;
	bool newcomer;

	if (sighting->kvm)
		guest = guests_by_kvm(&context->guests, sighting, pass->number);
	if (!guest)
		guest = guests_see(&context->guests, &context->root, context->config->guests, sighting, &newcomer);
	if (!guest)
		return NULL;
	*first = guest->pass != pass->number;
	return *first && mark(pass, guest) < 0 ? NULL : guest;
}

int pass_see_known(struct pass *pass)
{
	const struct guests *guests = &pass->context->guests;
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < guests->count; i++)
		rc = mark(pass, guests->list[i]);
	return rc;
}

void pass_drop(struct pass *pass, struct guest *guest)
{
	guest->pass = pass->number - 1;
}

/* Without cells there are no matrices, and adding to NULL is undefined. */
static uint64_t *values_at(const struct pass *pass, uint32_t slot)
{
	size_t start = (size_t)slot * pass->sample->set->ncells;

	return start ? pass->sample->values + start : pass->sample->values;
}

static uint8_t *from_at(const struct pass *pass, uint32_t slot)
{
	size_t start = (size_t)slot * pass->sample->set->ncells;

	return start ? pass->sample->from + start : pass->sample->from;
}

uint64_t *pass_values(const struct pass *pass, const struct guest *guest)
{
	return values_at(pass, guest->slot);
}

uint8_t *pass_from(const struct pass *pass, const struct guest *guest)
{
	return from_at(pass, guest->slot);
}

bool pass_may_fill(const struct pass *pass, enum kvmstat_source source, uint8_t filled)
{
	const uint8_t *order = pass->context->config->sources;

	if (filled == KVMSTAT_ABSENT)
		return true;
	while (*order != KVMSTAT_ABSENT && *order != filled && *order != source)
		order++;
	return *order == source;
}

bool pass_reports_vcpus(const struct pass *pass)
{
	return pass->context->config->vcpus;
}

struct vcpu *pass_see_vcpu(struct pass *pass, struct guest *guest, uint32_t id)
{
	struct vcpu *vcpu = guest_vcpu(guest, id);

	if (!vcpu || vcpu->pass == pass->number)
		return vcpu;
	if (pass_reports_vcpus(pass) && sample_claim_vcpu(pass->sample, &vcpu->slot) < 0)
		return NULL;
	vcpu->pass = pass->number;
	vcpu->has_cpu = vcpu->offline = false;
	return vcpu;
}

uint64_t *pass_vcpu_values(const struct pass *pass, const struct vcpu *vcpu)
{
	return values_at(pass, vcpu->slot);
}

uint8_t *pass_vcpu_from(const struct pass *pass, const struct vcpu *vcpu)
{
	return from_at(pass, vcpu->slot);
}
