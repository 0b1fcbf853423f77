/* SPDX-License-Identifier: MIT */
#include "ours.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "allocs.h"
#include "measure.h"

/* A pass is steady when no guest came or went in it nor in those before it that use the same storage. */
enum { WARM_UP = 6, COUNTED = 100, MAX_COUNTED = 1000, SETTLED = 4 };
/* Long passes are counted for so long, but so many of them. */
enum { LEAST_COUNTED = 3 };
static const double COUNTED_NS = 1e9;

int ours_pass(void *context)
{
	struct ours *ours = context;
	struct kvmstat_sample *sample;
	int rc = kvmstat_collect(ours->kvmstat, &sample);

	if (rc < 0)
		return rc;
	kvmstat_sample_put(ours->sample);
	ours->sample = sample;
	return 0;
}

int ours_start(struct ours *ours, const char *source, const char *root, const char *guests)
{
	const char *const options[][2] = {{"Source", source}, {"Root", root}, {"Guest", guests}};
	struct kvmstat_config *config = kvmstat_config_new();
	char error[256];
	int rc = config ? 0 : -ENOMEM;

	*ours = (struct ours){0};
	for (size_t i = 0; rc == 0 && i < sizeof(options) / sizeof(options[0]); i++)
		if (options[i][1])
			rc = kvmstat_config_set(config, options[i][0], options[i][1], error, sizeof(error));
	if (rc == 0)
		rc = kvmstat_open(&ours->kvmstat, config);
	kvmstat_config_free(config);
	return rc;
}

int ours_open(struct ours *ours, const char *source, const char *root, const char *guests)
{
	int rc = ours_start(ours, source, root, guests);

	for (int i = 0; rc == 0 && i < WARM_UP; i++)
		rc = ours_pass(ours);
	return rc;
}

int ours_settle(struct ours *ours)
{
	const struct timespec second = {1, 100000000};
	int rc = ours_pass(ours);

	for (int i = 0; rc == 0 && i < WARM_UP; i++) {
		if (i == 0)
			nanosleep(&second, NULL);
		rc = ours_pass(ours);
	}
	return rc;
}

void ours_close(struct ours *ours)
{
	kvmstat_sample_put(ours->sample);
	kvmstat_close(ours->kvmstat);
}

int ours_count_allocs(struct ours *ours, const char *row)
{
	uint64_t generation = ours->sample->guest_generation, allocs = 0;
	unsigned int settled = 0, counted = 0;
	double end_ns = measure_clock_ns(CLOCK_MONOTONIC) + COUNTED_NS;

	for (int i = 0; i < MAX_COUNTED && counted < COUNTED; i++) {
		if (counted >= LEAST_COUNTED && measure_clock_ns(CLOCK_MONOTONIC) > end_ns)
			break;
		uint64_t before = allocs_count();
		int rc = ours_pass(ours);

		if (rc < 0)
			return rc;
		settled = ours->sample->guest_generation == generation ? settled + 1 : 0;
		generation = ours->sample->guest_generation;
		if (settled < SETTLED)
			continue;
		allocs += allocs_count() - before;
		counted++;
	}
	if (counted)
		measure_note(row, "allocations per pass", (double)allocs / counted);
	return 0;
}

uint64_t ours_vcpus(const struct ours *ours)
{
	uint64_t vcpus = 0;

	for (uint32_t i = 0; i < ours->sample->nrows; i++)
		vcpus += ours->sample->rows[i].vcpu_count;
	return vcpus;
}

int ours_check(const struct ours *ours, enum kvmstat_source source)
{
	const struct kvmstat_sample *sample = ours->sample;

	if (sample->sources[source].state == KVMSTAT_ACTIVE && sample->nrows)
		return 0;
	fprintf(stderr, "%s: %u guests; %s\n", kvmstat_source_name(source), sample->nrows,
		sample->sources[source].text);
	return -ENOENT;
}
