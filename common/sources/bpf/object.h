/* SPDX-License-Identifier: MIT */
/*
 * object.h - compiled BPF programs, made part of the library so that there is no file to install or lose
 */
#ifndef KVMSTAT_BPF_OBJECT_H
#define KVMSTAT_BPF_OBJECT_H

#include <stddef.h>

#include <bpf/libbpf.h>

/* NAME.bpf.o as NAME_object[], up to NAME_object_end; see objects.S. */
#define EMBEDDED extern const char __attribute__((visibility("hidden")))
EMBEDDED kvmiter_object[], kvmiter_object_end[], hits_object[], hits_object_end[];

/* Open the object without loading it, and copy config to its only read-only variable. 0 or -errno. */
int bpf_object_begin(struct bpf_object **object, const char *start, const char *end, const void *config,
		     size_t size);

/* Map size bytes of the values of an array; NULL with errno set. */
void *bpf_object_map(int fd, size_t size);
void bpf_object_unmap(void *memory, size_t size);

/*
 * Keep libbpf from printing on the daemon's stderr. Returns the argument for libbpf_set_print()
 * that restores it.
 */
libbpf_print_fn_t bpf_object_silence(void);

#endif
