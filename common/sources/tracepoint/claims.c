/* SPDX-License-Identifier: MIT */
#include "sources/tracepoint/claims.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/array.h"

static struct claim *place_of(const struct claims *claims, pid_t tid)
{
	size_t mask = claims->size - 1, at = (size_t)tid * 0x9e3779b9u & mask;

	while (claims->table[at].tid && claims->table[at].tid != tid)
		at = (at + 1) & mask;
	return &claims->table[at];
}

const struct claim *claims_find(const struct claims *claims, pid_t tid)
{
	const struct claim *claim = claims->size ? place_of(claims, tid) : NULL;

	return claim && claim->tid ? claim : NULL;
}

/* How many threads there may be at most. */
static size_t count_threads(const struct guests *guests)
{
	size_t count = 0;

	for (uint32_t i = 0; i < guests->count; i++)
		count += guests->list[i]->nvcpu + guests->list[i]->nthreads;
	return count;
}

static int reserve(struct claims *claims, const struct guests *guests)
{
	size_t wanted = 2 * count_threads(guests) + 1, size = claims->size ? claims->size : 64;

	while (size < wanted)
		size *= 2;
	if (size != claims->size) {
		struct claim *table = calloc(size, sizeof(*table));

		if (!table)
			return -ENOMEM;
		free(claims->table);
		claims->table = table;
		claims->size = size;
	}
	return array_reserve(&claims->guests, &claims->room, guests->count + 1);
}

static void add(struct claims *claims, pid_t tid, uint32_t guest, uint32_t vcpu)
{
	struct claim *claim = place_of(claims, tid);

	if (!claim->tid) {
		*claim = (struct claim){ .tid = tid, .guest = guest, .vcpu = vcpu };
	} else if (claim->guest == guest) {
		claim->vcpu = claim->vcpu == vcpu ? vcpu : NO_VCPU;
	} else {
		claim->contested = true;
		claims->guests[claim->guest] = claims->guests[guest] = CLAIMANT_CONTESTED;
	}
}

static pid_t named_thread(const struct guest *guest, uint32_t id)
{
	for (uint32_t i = 0; i < guest->nthreads; i++)
		if (guest->threads[i].id == id)
			return guest->threads[i].tid;
	return 0;
}

/*
 * A vCPU without a thread has not run yet if bpf saw it; if another source did, its thread is
 * unknown.
 */
static void add_guest(struct claims *claims, const struct guest *guest, uint32_t number, uint64_t pass)
{
	bool complete = guest->counted != pass || guest->vcpus_counted >= guest->vcpus, any = false;

	for (uint32_t i = 0; i < guest->nvcpu; i++) {
		const struct vcpu *vcpu = &guest->vcpu[i];
		pid_t tid = vcpu->tid ? vcpu->tid : named_thread(guest, vcpu->id);

		if (vcpu->pass != pass)
			continue;
		any = true;
		complete &= tid || vcpu->counted == pass;
		if (tid)
			add(claims, tid, number, i);
	}
	for (uint32_t i = 0; !any && i < guest->nthreads; i++)
		add(claims, guest->threads[i].tid, number, NO_VCPU);
	if (claims->guests[number] == CLAIMANT_UNKNOWN && complete && (any || guest->nthreads || guest->counted == pass))
		claims->guests[number] = CLAIMANT_KNOWN;
}

int claims_make(struct claims *claims, const struct guests *guests, uint64_t pass)
{
	int rc = reserve(claims, guests);

	if (rc < 0)
		return rc;
	memset(claims->table, 0, claims->size * sizeof(*claims->table));
	memset(claims->guests, CLAIMANT_UNSEEN, guests->count);
	for (uint32_t i = 0; i < guests->count; i++)
		if (guests->list[i]->pass == pass)
			claims->guests[i] = CLAIMANT_UNKNOWN;
	for (uint32_t i = 0; i < guests->count; i++)
		if (guests->list[i]->pass == pass)
			add_guest(claims, guests->list[i], i, pass);
	return 0;
}

void claims_exit(struct claims *claims)
{
	free(claims->table);
	free(claims->guests);
}
