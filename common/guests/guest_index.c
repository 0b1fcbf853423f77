/* SPDX-License-Identifier: MIT */
#include "guests/guest_index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/clock.h"
#include "util/hash.h"

static uint64_t mix(uint64_t x)
{
	x ^= x >> 33;
	x *= 0xff51afd7ed558ccdull;
	x ^= x >> 33;
	x *= 0xc4ceb9fe1a85ec53ull;
	return x ^ x >> 33;
}

static uint64_t hash_dir(const struct sighting *s)
{
	return mix(hash_bytes(s->ino, s->dir, strlen(s->dir)));
}

/* /proc counts starts in ticks, the kernel in ns. */
static bool same_start(const struct sighting *a, const struct sighting *b)
{
	return !a->start_ns || !b->start_ns || whole_ticks(a->start_ns) == whole_ticks(b->start_ns);
}

/* False if they are known to differ: a VMM may end its VM and create another one with the same fd. */
static bool same_address(const struct sighting *a, const struct sighting *b)
{
	return !a->kvm || !b->kvm || a->kvm == b->kvm;
}

/* Without a directory, the name consists of pid and fd, which a later process or VM may reuse. */
static bool same_dir(const struct sighting *a, const struct sighting *b)
{
	return a->ino == b->ino && strcmp(a->dir, b->dir) == 0 &&
	       (a->ino || (same_start(a, b) && same_address(a, b)));
}

static uint64_t hash_process(const struct sighting *s)
{
	return mix((uint64_t)s->tgid << 32 | (uint32_t)s->fd);
}

/* If only one of the two has the debugfs directory, compare process, its start and fd. */
static bool same_process(const struct sighting *a, const struct sighting *b)
{
	return a->tgid == b->tgid && a->fd == b->fd && a->start_ns == b->start_ns && (!a->ino || !b->ino) &&
	       same_address(a, b);
}

static uint64_t hash_tgid(const struct sighting *s)
{
	return mix((uint64_t)s->tgid);
}

static bool same_tgid(const struct sighting *a, const struct sighting *b)
{
	return a->tgid == b->tgid;
}

static uint64_t hash_kvm(const struct sighting *s)
{
	return mix(s->kvm);
}

/* A new VM may get the address of an old one. */
static bool same_kvm(const struct sighting *a, const struct sighting *b)
{
	if (a->kvm != b->kvm)
		return false;
	return a->ino ? same_dir(a, b) : !b->ino && same_process(a, b);
}

const struct guest_key guest_by_dir = { hash_dir, same_dir };
const struct guest_key guest_by_process = { hash_process, same_process };
const struct guest_key guest_by_tgid = { hash_tgid, same_tgid };
const struct guest_key guest_by_kvm = { hash_kvm, same_kvm };

struct guest *index_find(const struct guest_index *index, const struct guest_key *key,
			 const struct sighting *sighting)
{
	for (size_t i = key->hash(sighting) & (index->size - 1);; i = (i + 1) & (index->size - 1)) {
		struct guest *guest = index->slots[i];

		if (!guest || key->same(&guest->seen_as, sighting))
			return guest;
	}
}

void index_add(struct guest_index *index, const struct guest_key *key, struct guest *guest)
{
	size_t i = key->hash(&guest->seen_as) & (index->size - 1);

	while (index->slots[i])
		i = (i + 1) & (index->size - 1);
	index->slots[i] = guest;
}

void index_clear(struct guest_index *index)
{
	memset(index->slots, 0, index->size * sizeof(struct guest *));
}

int index_resize(struct guest_index *index, size_t size)
{
	struct guest **slots = calloc(size, sizeof(struct guest *));

	if (!slots)
		return -ENOMEM;
	free(index->slots);
	index->slots = slots;
	index->size = size;
	return 0;
}

struct guest *index_find_kvm(const struct guest_index *by_kvm, uint64_t kvm, uint64_t pass)
{
	const struct sighting key = { .kvm = kvm };
	const size_t mask = by_kvm->size - 1;

	for (size_t i = hash_kvm(&key) & mask; by_kvm->slots[i]; i = (i + 1) & mask)
		if (by_kvm->slots[i]->seen_as.kvm == kvm && by_kvm->slots[i]->pass == pass)
			return by_kvm->slots[i];
	return NULL;
}

bool index_has_fd(const struct guest_index *by_process, pid_t tgid, int fd)
{
	const struct sighting key = { .tgid = tgid, .fd = fd };
	const size_t mask = by_process->size - 1;

	for (size_t i = hash_process(&key) & mask; by_process->slots[i]; i = (i + 1) & mask) {
		const struct sighting *s = &by_process->slots[i]->seen_as;

		if (s->tgid == tgid && s->fd == fd)
			return true;
	}
	return false;
}
