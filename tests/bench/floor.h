/* SPDX-License-Identifier: MIT */
/*
 * floor.h - the least that reading the statistics can cost: the system calls that nobody can leave out
 */
#ifndef BENCH_FLOOR_H
#define BENCH_FLOOR_H

#include <stddef.h>
#include <stdint.h>

/* bpf_iter_create, read to the end, close; of the same program that the collector loads. */
struct floor_bpf;

int floor_bpf_open(struct floor_bpf **floor);
void floor_bpf_close(struct floor_bpf *floor);
int floor_bpf_pass(void *floor);
uint64_t floor_bpf_bytes(const struct floor_bpf *floor); /* of the last pass */

/* openat, read, close of the files that the collector reads; directories are kept open. */
struct floor_debugfs;

/* names[]: of the files in each guest's directory. */
int floor_debugfs_open(struct floor_debugfs **floor, const char *root, const char *const *names,
		       size_t nnames);
void floor_debugfs_close(struct floor_debugfs *floor);
int floor_debugfs_pass(void *floor);
uint64_t floor_debugfs_files(const struct floor_debugfs *floor); /* of the last pass */

#endif
