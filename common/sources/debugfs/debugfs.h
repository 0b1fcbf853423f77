/* SPDX-License-Identifier: MIT */
/* debugfs.h - shared by the two files of the debugfs source */
#ifndef KVMSTAT_DEBUGFS_H
#define KVMSTAT_DEBUGFS_H

#include "core/pass.h"
#include "core/source.h"
#include "host/dir.h"

enum { MAX_KVM_DIRS = 8 };

/* An event file in a kvm directory. */
struct file {
	char *name;
	uint32_t offer;		/* index of source->offers, NO_CELL if it is not offered */
};

/* debugfs' kvm directory, or that of a second KVM (kvm-arm64 on s390). */
struct kvm_dir {
	char name[GUEST_BASE_SIZE];
	uint64_t ino;
	struct file *files;
	size_t nfiles;
};

struct debugfs_state {
	struct kvm_dir kvm_dirs[MAX_KVM_DIRS];
	size_t nkvm_dirs;
	int fd_limit;		/* directory descriptors from here on are closed after the pass */
	_Alignas(8) char entries[DIR_BUFFER];
};

int debugfs_open(struct context *context, struct source *source);
void debugfs_close(struct source *source);

/* Was the module loaded again, or a second one loaded? Then the offers have changed. */
bool debugfs_has_changed(struct debugfs_state *state, const struct sysroot *root);

#endif
