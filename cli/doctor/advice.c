// SPDX-License-Identifier: MIT
/*
 * advice.c - what costs guests or the host speed, although nothing is wrong: never an alarm, and no reason to fail
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctor/doctor.h"

enum {
	GUESTS_NAMED = 5,
	VCPUS_PER_CPU = 5,
	PERCENT = 10,		/* of a time lost, or of attempts that succeed */
	LEAST_ATTEMPTS = 1000,	/* fewer say nothing */
};
#define GIB (UINT64_C(1) << 30)
#define KIB (UINT64_C(1) << 10)

/* The value of an event; false: the guest has none. */
static bool value_of(const struct kvmstat_sample *sample, const struct kvmstat_row *row, const char *event, uint64_t *value)
{
	for (uint32_t i = 0; i < sample->ncolumns; i++) {
		const struct kvmstat_column *column = &sample->columns[i];

		if (strcmp(column->event->name, event) || row->from[column->first_cell] == KVMSTAT_ABSENT)
			continue;
		*value = row->value[column->first_cell];
		return true;
	}
	return false;
}

/* Do few of the attempts succeed? */
static bool seldom(const struct kvmstat_sample *sample, const struct kvmstat_row *row, const char *attempted,
		   const char *successful)
{
	uint64_t all, good;

	return value_of(sample, row, attempted, &all) && value_of(sample, row, successful, &good) &&
	       all >= LEAST_ATTEMPTS && good < all / 100 * PERCENT;
}

static bool is_wider(const struct kvmstat_sample *sample, const struct kvmstat_row *row)
{
	return sample->cpus && row->vcpu_count > sample->cpus;
}

static bool polls_in_vain(const struct kvmstat_sample *sample, const struct kvmstat_row *row)
{
	uint64_t lost;

	return row->has_cpu && value_of(sample, row, "halt_poll_fail_ns", &lost) && lost > 1000000000 &&
	       lost > row->cpu_ns / 100 * PERCENT;
}

static bool polls_seldom_succeed(const struct kvmstat_sample *sample, const struct kvmstat_row *row)
{
	return seldom(sample, row, "halt_attempted_poll", "halt_successful_poll");
}

static bool has_small_pages(const struct kvmstat_sample *sample, const struct kvmstat_row *row)
{
	uint64_t small, large;

	return value_of(sample, row, "pages_4k", &small) && value_of(sample, row, "pages_2m", &large) &&
	       small * (4 * KIB) >= GIB && small > 512 * large;
}

static bool yields_seldom_succeed(const struct kvmstat_sample *sample, const struct kvmstat_row *row)
{
	return seldom(sample, row, "directed_yield_attempted", "directed_yield_successful");
}

static const struct {
	const char *name;
	bool (*applies)(const struct kvmstat_sample *sample, const struct kvmstat_row *row);
	const char *text;
} rules[] = {
	{ "vcpus", is_wider,
	  "more vCPUs than the host has CPUs: they can never all run, and wait for each other; give the guest fewer (virsh "
	  "setvcpus GUEST N --config)" },
	{ "polling", polls_in_vain,
	  "more than a tenth of the CPU time was lost to halt polling; lower /sys/module/kvm/parameters/halt_poll_ns if the host "
	  "is short of CPU" },
	{ "polling", polls_seldom_succeed,
	  "less than a tenth of halt polls succeed: they only cost CPU time; lower /sys/module/kvm/parameters/halt_poll_ns" },
	{ "pages", has_small_pages,
	  "most memory is mapped in pages of 4 KiB; back the guest with huge pages (memoryBacking, or transparent ones)" },
	{ "yields", yields_seldom_succeed,
	  "less than a tenth of directed yields succeed: the vCPUs that others wait for already run, or cannot" },
};

/* "web01, web02 and 3 more: TEXT", or NULL: it applies to no guest. */
static char *apply(const struct kvmstat_sample *sample, size_t rule)
{
	uint32_t count = 0;
	size_t size;
	char *text;
	FILE *file = open_memstream(&text, &size);

	if (!file)
		out_of_memory();
	for (uint32_t i = 0; i < sample->nrows; i++) {
		const struct kvmstat_row *row = &sample->rows[i];

		if (!row->guest->id || !rules[rule].applies(sample, row))
			continue;
		if (++count <= GUESTS_NAMED)
			fprintf(file, "%s%s", count > 1 ? ", " : "", row->guest->name);
	}
	if (count > GUESTS_NAMED)
		fprintf(file, " and %" PRIu32 " more", count - GUESTS_NAMED);
	fprintf(file, ": %s", rules[rule].text);
	if (fclose(file))
		out_of_memory();
	if (count)
		return text;
	free(text);
	return NULL;
}

/* Of the host as a whole, or NULL. */
static char *advise_host(const struct diagnosis *diagnosis)
{
	const struct kvmstat_sample *sample = diagnosis->sample;
	char *text;

	if (!sample->cpus || diagnosis->vcpus <= (uint64_t)VCPUS_PER_CPU * sample->cpus)
		return NULL;
	if (asprintf(&text, "%" PRIu64 " vCPUs share %" PRIu32 " CPUs: more than %d on each are usual only where most of them idle",
		     diagnosis->vcpus, sample->cpus, VCPUS_PER_CPU) < 0)
		out_of_memory();
	return text;
}

void doctor_advise(const struct diagnosis *diagnosis, void (*print)(const char *name, const char *text))
{
	char *text = advise_host(diagnosis);

	if (text)
		print("overcommit", text);
	free(text);
	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++) {
		text = apply(diagnosis->sample, i);
		if (text)
			print(rules[i].name, text);
		free(text);
	}
}
