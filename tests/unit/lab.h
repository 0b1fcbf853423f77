/* SPDX-License-Identifier: MIT */
/*
 * lab.h - a made-up host in a tree, and a collector on it, for tests of whole passes
 */
#ifndef KVMSTAT_LAB_H
#define KVMSTAT_LAB_H

#include <cmocka.h>

#include "core/collector.h"
#include "tree.h"

struct lab {
	struct tree *tree;
	struct kvmstat_config *config;
	struct kvmstat *kvmstat;
	struct kvmstat_sample *sample; /* of the last pass */
	int trash;
};

struct lab *lab_new(void);
void lab_free(struct lab *lab);
void lab_set(struct lab *lab, const char *key, const char *value);
__attribute__((format(printf, 3, 4))) void lab_write(struct lab *lab, const char *text,
		const char *format, ...);

/* An event of a base directory. The number in it is the host's sum, which nobody may take for a guest's. */
void lab_event(struct lab *lab, const char *base, const char *name, mode_t mode);

void lab_value(struct lab *lab, const char *guest, const char *event, const char *text);
void lab_guest(struct lab *lab, const char *guest);

/* Take a file or directory out of the way and keep it, so that its inode number is not given to another. */
void lab_discard(struct lab *lab, const char *path);

void lab_end_guest(struct lab *lab, const char *guest);
void lab_thread(struct lab *lab, int tid, int tgid);
__attribute__((format(printf, 4, 5))) void lab_fd(struct lab *lab, int pid, int fd, const char *format, ...);

/* A process that started so many ticks after the host; name NULL: of a VMM that nobody knows. */
void lab_process(struct lab *lab, int pid, const char *name, unsigned long ticks);

/* A vCPU of it. */
void lab_vcpu(struct lab *lab, int pid, int id, int tid, const char *schedstat);

/* A QEMU with one VM, which is its fd 10. */
void lab_qemu(struct lab *lab, int pid, const char *name);

void lab_lockdown(struct lab *lab, const char *text);
void lab_open(struct lab *lab);

/* One pass; the collector is opened before the first. What must hold of every sample is checked. */
const struct kvmstat_sample *lab_pass(struct lab *lab);

/* What holds of every sample. */
void lab_check(const struct kvmstat_sample *sample);

const struct kvmstat_row *lab_find(const struct kvmstat_sample *sample, const char *name);
const struct kvmstat_row *lab_row(const struct kvmstat_sample *sample, const char *name);
const struct kvmstat_column *lab_column(const struct kvmstat_sample *sample, const char *event);

/* Is there a value, and which? */
bool lab_get(const struct kvmstat_sample *sample, const char *name, const char *event, uint64_t *value);

#define lab_is(sample, name, event, expected)                                                                \
	do {                                                                                                 \
		uint64_t lab_value_ = 0;                                                                     \
		if (!lab_get(sample, name, event, &lab_value_))                                              \
			fail_msg("%s of %s is absent", event, name);                                         \
		assert_int_equal(lab_value_, expected);                                                      \
	} while (0)

#define lab_absent(sample, name, event)                                                                      \
	do {                                                                                                 \
		uint64_t lab_value_;                                                                         \
		if (lab_get(sample, name, event, &lab_value_))                                               \
			fail_msg("%s of %s is %llu", event, name, (unsigned long long)lab_value_);           \
	} while (0)

bool lab_problem(const struct kvmstat_sample *sample, enum kvmstat_problem problem);

#endif
