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

/*
 * pidfd_getfd, pread of the numbers, close, for each file of statistics that the VMMs of this name keep, of vCPUs and of
 * VMs; pidfds are kept.
 */
#define FLOOR_STATSFD_NAME "bench-statsfd"
struct floor_statsfd;

int floor_statsfd_open(struct floor_statsfd **floor);
void floor_statsfd_close(struct floor_statsfd *floor);
int floor_statsfd_pass(void *floor);
uint64_t floor_statsfd_vcpus(const struct floor_statsfd *floor);

/* List the guests' directories, and read what is needed of /proc for those that were not there before. */
struct floor_discovery;

int floor_discovery_open(struct floor_discovery **floor, const char *root);
void floor_discovery_close(struct floor_discovery *floor);
int floor_discovery_pass(void *floor);
uint64_t floor_discovery_guests(const struct floor_discovery *floor); /* of the last pass */

#endif
