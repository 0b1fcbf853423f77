/* SPDX-License-Identifier: MIT */
/*
 * stream_lab.h - the iterator's records, made by hand, and a pass that they come in
 */
#ifndef KVMSTAT_STREAM_LAB_H
#define KVMSTAT_STREAM_LAB_H

#include "lab.h"
#include "sources/bpf/stream.h"

/* A layout of four numbers in a VM's record, and of five in a vCPU's, the last two a histogram. */
enum { VM_WORDS = 2, VCPU_WORDS = 5 };

enum { FLUSH, EXITS, PEAK, HIST, NCELLS = 6, NOT_OURS = 5 };

extern const struct kvmstat_event events[];

struct stream_lab {
	struct lab *lab;
	struct bpf_stream stream;
	struct pass pass;
	struct column_set set;
	_Alignas(8) char data[64 * 1024];
	size_t len;
};

extern struct stream_lab *s;

int setup(void **state);
int teardown(void **state);
void open_lab(void);

/* A new pass, with an empty stream. */
void begin(void);

void append(void *record, size_t header, const uint64_t *words, size_t count);

/* A VM in its debugfs directory TGID-10, whose inode number is 7 and the process'. */
void vm(uint64_t kvm, uint32_t tgid, int fd, uint32_t vcpus, uint64_t flushes);

void vcpu(uint64_t kvm, uint32_t id, uint64_t exits, uint64_t peak);
struct kvmiter_vcpu *last_vcpu(void);
ssize_t feed(void);
void fed(void);
const struct guest *guest(const char *name);
void is(const char *name, uint32_t cell, uint64_t value);
void is_absent(const char *name, uint32_t cell);

#endif
