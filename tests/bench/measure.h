/* SPDX-License-Identifier: MIT */
/*
 * measure.h - two ways to do the same work, timed in turn within one process
 */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <stdint.h>
#include <time.h>

/* One way to do the work. */
struct side {
	int (*run)(void *context);	 /* once; 0 or -errno */
	int (*prepare)(void *context);	 /* before each run, not counted; NULL: nothing */
	double (*cpu_ns)(void *context); /* CPU time spent so far; NULL: this thread's */
	void *context;
};

struct cost {
	double wall_ns;
	double cpu_ns;
};

struct comparison {
	struct cost ours, floor; /* of doing the work once, medians */
	unsigned int rounds;
	unsigned int repeats; /* of the work in each round */
};

/*
 * Run ours, floor, ours, floor, ... for about this long. Each is repeated within its turn until that takes
 * long enough to be timed. 0, or the first error of either.
 */
int measure(struct comparison *result, const struct side *ours, const struct side *floor, double seconds);

/* Print one row for the driver: what was compared, units of work done each time, and the costs of each unit.
 */
void measure_print(const char *row, const char *unit, uint64_t units, const struct comparison *result);

/* Print what else is known of a row. */
void measure_note(const char *row, const char *key, double value);

/* A clock's time in ns. */
double measure_clock_ns(clockid_t clock);

#endif
