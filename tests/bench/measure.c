/* SPDX-License-Identifier: MIT */
#include "measure.h"

#include <stdio.h>
#include <stdlib.h>

enum { MAX_ROUNDS = 4001, MIN_ROUNDS = 3 };

static const double TURN_NS = 2e6; /* a turn lasts at least this long */

double measure_clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static double cpu_ns_of(const struct side *side)
{
	return side->cpu_ns ? side->cpu_ns(side->context) : measure_clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

static int turn(const struct side *side, unsigned int repeats, struct cost *cost)
{
	int rc = side->prepare ? side->prepare(side->context) : 0;
	double wall_ns = measure_clock_ns(CLOCK_MONOTONIC), cpu_ns = cpu_ns_of(side);

	for (unsigned int i = 0; i < repeats && rc == 0; i++)
		rc = side->run(side->context);
	cost->cpu_ns = (cpu_ns_of(side) - cpu_ns) / repeats;
	cost->wall_ns = (measure_clock_ns(CLOCK_MONOTONIC) - wall_ns) / repeats;
	return rc;
}

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, unsigned int count)
{
	qsort(values, count, sizeof(*values), compare_doubles);
	return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

static struct cost median_cost(const struct cost *costs, unsigned int count)
{
	static double values[MAX_ROUNDS];
	struct cost result;

	for (unsigned int i = 0; i < count; i++)
		values[i] = costs[i].wall_ns;
	result.wall_ns = median(values, count);
	for (unsigned int i = 0; i < count; i++)
		values[i] = costs[i].cpu_ns;
	result.cpu_ns = median(values, count);
	return result;
}

/* How often the work must be repeated in a turn; both sides are warm afterwards. */
static int calibrate(const struct side *ours, const struct side *floor, unsigned int *repeats)
{
	struct cost cost = {0};
	int rc = turn(ours, 1, &cost);

	if (rc == 0)
		rc = turn(floor, 1, &cost);
	*repeats = 1;
	if (!ours->prepare && !floor->prepare && cost.wall_ns > 0 && cost.wall_ns < TURN_NS)
		*repeats = (unsigned int)(TURN_NS / cost.wall_ns) + 1;
	return rc;
}

int measure(struct comparison *result, const struct side *ours, const struct side *floor, double seconds)
{
	static struct cost our_costs[MAX_ROUNDS], floor_costs[MAX_ROUNDS];
	double end_ns;
	unsigned int n = 0;
	int rc = calibrate(ours, floor, &result->repeats);

	end_ns = measure_clock_ns(CLOCK_MONOTONIC) + seconds * 1e9;
	while (rc == 0 && n < MAX_ROUNDS && (n < MIN_ROUNDS || measure_clock_ns(CLOCK_MONOTONIC) < end_ns)) {
		rc = turn(ours, result->repeats, &our_costs[n]);
		if (rc == 0)
			rc = turn(floor, result->repeats, &floor_costs[n]);
		n++;
	}
	if (rc < 0)
		return rc;
	result->rounds = n;
	result->ours = median_cost(our_costs, n);
	result->floor = median_cost(floor_costs, n);
	return 0;
}

void measure_print(const char *row, const char *unit, uint64_t units, const struct comparison *result)
{
	double per = units ? 1.0 / (double)units : 1;

	printf("{\"row\": \"%s\", \"unit\": \"%s\", \"units\": %llu, \"ours_ns\": %.3f, \"ours_cpu_ns\": "
	       "%.3f, "
	       "\"floor_ns\": %.3f, \"floor_cpu_ns\": %.3f, \"rounds\": %u}\n",
	       row, unit, (unsigned long long)units, result->ours.wall_ns * per, result->ours.cpu_ns * per,
	       result->floor.wall_ns * per, result->floor.cpu_ns * per, result->rounds);
}

void measure_note(const char *row, const char *key, double value)
{
	printf("{\"row\": \"%s\", \"note\": \"%s\", \"value\": %.3f}\n", row, key, value);
}
