/* SPDX-License-Identifier: MIT */
/*
 * load.h - the iterator in the kernel: BTF, load, and one fd per pass
 */
#ifndef KVMSTAT_BPF_LOAD_H
#define KVMSTAT_BPF_LOAD_H

#include "host/sysroot.h"
#include "kvmstat.h"
#include "sources/bpf/layout.h"

struct bpf_loader;

/*
 * Find the layout in the running kernel's BTF and load the iterator.
 * 0; call layout_exit() and bpf_loader_close() in this case only
 * -errno: status is set
 */
int bpf_loader_open(struct bpf_loader **loader, struct layout *layout, const struct sysroot *root,
		    enum kvmstat_lockdown lockdown, bool histograms, struct kvmstat_source_status *status);
void bpf_loader_close(struct bpf_loader *loader);

/*
 * Returns an fd that reads the records of all processes' files, or of one process (0: all).
 * -errno; for one process -E2BIG or -EINVAL: not supported before Linux 6.1
 */
int bpf_loader_iterate(const struct bpf_loader *loader, pid_t pid);

/* Number of files read so far. */
uint64_t bpf_loader_files(const struct bpf_loader *loader);

#endif
