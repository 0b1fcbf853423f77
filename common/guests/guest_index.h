/* SPDX-License-Identifier: MIT */
/* guest_index.h - guests by a key: open addressing, no removal (the table is filled again instead) */
#ifndef KVMSTAT_GUEST_INDEX_H
#define KVMSTAT_GUEST_INDEX_H

#include "guests/guest.h"

/* A key of a sighting. */
struct guest_key {
	uint64_t (*hash)(const struct sighting *sighting);
	bool (*same)(const struct sighting *a, const struct sighting *b);
};

/*
 * dir: debugfs directory and its inode
 * process: process, its start and fd, and not two different directories
 * tgid: the process alone
 * kvm: address of the VM, still the same incarnation
 */
extern const struct guest_key guest_by_dir, guest_by_process, guest_by_tgid, guest_by_kvm;

struct guest *index_find(const struct guest_index *index, const struct guest_key *key,
			 const struct sighting *sighting);

/* There must be room. */
void index_add(struct guest_index *index, const struct guest_key *key, struct guest *guest);
void index_clear(struct guest_index *index);

/* Empty the index and resize it; size is a power of 2. 0, or -ENOMEM: it is unchanged. */
int index_resize(struct guest_index *index, size_t size);

/* The guest that this pass has seen as the VM at this address, or NULL. */
struct guest *index_find_kvm(const struct guest_index *by_kvm, uint64_t kvm, uint64_t pass);

/* Does a known guest have this fd of this process? */
bool index_has_fd(const struct guest_index *by_process, pid_t tgid, int fd);

#endif
