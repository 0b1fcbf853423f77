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
 * Find the layout in the running kernel's BTF and load the iterator. 0, or -errno with the state and the words for
 * the source's status. layout_exit() and bpf_loader_close() after success only.
 */
int bpf_loader_open(struct bpf_loader **loader, struct layout *layout, const struct sysroot *root,
		    enum kvmstat_lockdown lockdown, bool histograms, struct kvmstat_source_status *status);
void bpf_loader_close(struct bpf_loader *loader);

/*
 * An fd to read from what the files of all processes have, or of one process (0: all). -errno; for one process -E2BIG
 * or -EINVAL: kernels before 6.1 cannot.
 */
int bpf_loader_iterate(const struct bpf_loader *loader, pid_t pid);

/* How many files have been looked at so far. */
uint64_t bpf_loader_files(const struct bpf_loader *loader);

#endif
