/* SPDX-License-Identifier: MIT */
/*
 * pass - what one pass of the core costs, beside the bare system calls; and what it allocates
 *
 *	pass bpf SECONDS		the guests of this host
 *	pass debugfs SECONDS ROOT	those of a tree
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "allocs.h"
#include "floor.h"
#include "kvmstat.h"
#include "measure.h"

/* A pass is steady when no guest came or went in it nor in those before it that use the same storage. */
enum { WARM_UP = 6, COUNTED = 100, MAX_COUNTED = 1000, SETTLED = 4 };

/* A front end that shows rates holds the sample before while the next one is taken. */
struct ours {
	struct kvmstat *kvmstat;
	struct kvmstat_sample *sample;
};

static int our_pass(void *context)
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

static int ours_open(struct ours *ours, const char *source, const char *root)
{
	struct kvmstat_config *config = kvmstat_config_new();
	char error[256];
	int rc = config ? 0 : -ENOMEM;

	if (rc == 0)
		rc = kvmstat_config_set(config, "Source", source, error, sizeof(error));
	if (rc == 0)
		rc = kvmstat_config_set(config, "Root", root, error, sizeof(error));
	if (rc == 0)
		rc = kvmstat_open(&ours->kvmstat, config);
	kvmstat_config_free(config);
	for (int i = 0; rc == 0 && i < WARM_UP; i++)
		rc = our_pass(ours);
	return rc;
}

static void ours_close(struct ours *ours)
{
	kvmstat_sample_put(ours->sample);
	kvmstat_close(ours->kvmstat);
}

static int count_allocs(struct ours *ours, const char *row)
{
	uint64_t generation = ours->sample->guest_generation, allocs = 0;
	unsigned int settled = 0, counted = 0;

	for (int i = 0; i < MAX_COUNTED && counted < COUNTED; i++) {
		uint64_t before = allocs_count();
		int rc = our_pass(ours);

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

static uint64_t count_vcpus(const struct kvmstat_sample *sample)
{
	uint64_t vcpus = 0;

	for (uint32_t i = 0; i < sample->nrows; i++)
		vcpus += sample->rows[i].vcpus;
	return vcpus;
}

static int check(const struct kvmstat_sample *sample, enum kvmstat_source source)
{
	if (sample->sources[source].state == KVMSTAT_ACTIVE && sample->nrows)
		return 0;
	fprintf(stderr, "%s: %u guests; %s\n", kvmstat_source_name(source), sample->nrows,
		sample->sources[source].text);
	return -ENOENT;
}

static int compare(struct ours *ours, const struct side *floor, double seconds, const char *source)
{
	struct comparison result;
	struct side side = {.run = our_pass, .context = ours};
	uint64_t vcpus = count_vcpus(ours->sample);
	char row[64];
	int rc = measure(&result, &side, floor, seconds);

	if (rc < 0)
		return rc;
	snprintf(row, sizeof(row), "%s pass, %u guests, %llu vCPUs", source, ours->sample->nrows,
		 (unsigned long long)vcpus);
	measure_print(row, "pass", 1, &result);
	return count_allocs(ours, row);
}

static int bench_bpf(double seconds)
{
	struct floor_bpf *floor;
	struct ours ours = {0};
	int rc = ours_open(&ours, "bpf", "/");

	if (rc == 0)
		rc = check(ours.sample, KVMSTAT_BPF);
	if (rc == 0)
		rc = floor_bpf_open(&floor);
	if (rc == 0) {
		struct side side = {.run = floor_bpf_pass, .context = floor};

		rc = compare(&ours, &side, seconds, "bpf");
		floor_bpf_close(floor);
	}
	ours_close(&ours);
	return rc;
}

/* The files that our pass reads; those of histograms it leaves alone. */
static size_t list_names(const struct kvmstat_sample *sample, const char **names)
{
	size_t count = 0;

	for (uint32_t i = 0; i < sample->ncolumns; i++)
		if (sample->columns[i].source == KVMSTAT_DEBUGFS)
			names[count++] = sample->columns[i].event->name;
	return count;
}

static int bench_debugfs(double seconds, const char *root)
{
	const char *names[1024];
	struct floor_debugfs *floor;
	struct ours ours = {0};
	int rc = ours_open(&ours, "debugfs", root);

	if (rc == 0)
		rc = check(ours.sample, KVMSTAT_DEBUGFS);
	if (rc == 0 && ours.sample->ncolumns > sizeof(names) / sizeof(names[0]))
		rc = -E2BIG;
	if (rc == 0)
		rc = floor_debugfs_open(&floor, root, names, list_names(ours.sample, names));
	if (rc == 0) {
		struct side side = {.run = floor_debugfs_pass, .context = floor};

		rc = compare(&ours, &side, seconds, "debugfs");
		floor_debugfs_close(floor);
	}
	ours_close(&ours);
	return rc;
}

int main(int argc, char **argv)
{
	double seconds = argc > 2 ? atof(argv[2]) : 0;
	int rc = -EINVAL;

	if (argc == 3 && !strcmp(argv[1], "bpf"))
		rc = bench_bpf(seconds);
	else if (argc == 4 && !strcmp(argv[1], "debugfs"))
		rc = bench_debugfs(seconds, argv[3]);
	else
		fprintf(stderr, "usage: pass bpf SECONDS | pass debugfs SECONDS ROOT\n");
	if (rc < 0)
		fprintf(stderr, "pass: %s\n", strerror(-rc));
	return rc < 0;
}
