/* SPDX-License-Identifier: MIT */
/*
 * ours.h - the core as a front end uses it that shows rates: it holds the sample before while the next one is taken
 */
#ifndef BENCH_OURS_H
#define BENCH_OURS_H

#include "kvmstat.h"

struct ours {
	struct kvmstat *kvmstat;
	struct kvmstat_sample *sample;
};

/* guests: only these, as the option Guest has them; NULL: all. 0 or -errno. ours_close() in any case. */
int ours_start(struct ours *ours, const char *source, const char *root, const char *guests);

/* The same, and some passes. */
int ours_open(struct ours *ours, const char *source, const char *root, const char *guests);

/* No guest has come or gone for so long that nobody looks for newcomers, and it is a steady pass that is measured. */
int ours_settle(struct ours *ours);
void ours_close(struct ours *ours);

/* One pass; context is struct ours. */
int ours_pass(void *context);

/* Calls of malloc and its kin in a pass in which no guest came or went, told as a note to row. */
int ours_count_allocs(struct ours *ours, const char *row);

uint64_t ours_vcpus(const struct ours *ours);

/* 0, or -ENOENT with a message: this source does not work here, or there are no guests. */
int ours_check(const struct ours *ours, enum kvmstat_source source);

#endif
