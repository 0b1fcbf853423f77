/* SPDX-License-Identifier: MIT */
/* series.c - pure: the names of a guest's and its vCPUs' values in collectd */
#include "series.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const units[KVMSTAT_NUNITS] = {
	[KVMSTAT_COUNT] = "",	     [KVMSTAT_NS] = "ns",    [KVMSTAT_BYTES] = "bytes",
	[KVMSTAT_CYCLES] = "cycles", [KVMSTAT_BOOLEAN] = "",
};

static const char *const times[NTIMES] = {[TIME_CPU] = "cpu_time_ns", [TIME_WAIT] = "cpu_wait_ns"};

const char *series_time_name(int time)
{
	return times[time];
}

/* The number sorts the buckets, the bound explains them; every bucket has a lower bound. */
static int bucket_name(char *name, const struct kvmstat_column *column, uint32_t bucket)
{
	const struct kvmstat_event *event = column->event;
	uint64_t from, below;

	if (!kvmstat_bucket(column, bucket, &from, &below))
		return snprintf(name, LABEL_SIZE, "%.90s-%02u", event->name, bucket);
	return snprintf(name, LABEL_SIZE, "%.80s-%02u-from-%" PRIu64 "%s", event->name, bucket, from,
			units[event->unit]);
}

static struct cell cell_of(const struct kvmstat_column *column, uint32_t bucket, bool skip)
{
	const struct kvmstat_event *event = column->event;
	struct cell cell = {
		.gauge = event->class == KVMSTAT_INSTANT || event->class == KVMSTAT_PEAK,
		.skip = skip || event->dead,
		.per_vcpu = event->scope == KVMSTAT_VCPU && !kvmstat_is_histogram(event->class),
	};
	int len;

	if (kvmstat_is_histogram(event->class))
		len = bucket_name(cell.type_instance, column, bucket);
	else
		len = snprintf(cell.type_instance, LABEL_SIZE, "%s", event->name);
	cell.len = (uint8_t)(len < LABEL_SIZE ? len : LABEL_SIZE - 1);
	return cell;
}

static struct cell cell_of_time(int time, uint32_t column, bool skip)
{
	struct cell cell = {.skip = skip, .per_vcpu = true, .column = column};

	cell.len = (uint8_t)snprintf(cell.type_instance, LABEL_SIZE, "%s", times[time]);
	return cell;
}

uint32_t series_count(const struct kvmstat_sample *sample)
{
	return sample->ncells + (sample->nvcpus ? NTIMES : 0);
}

struct cell *series_cells(const struct kvmstat_sample *sample, bool skip)
{
	uint32_t count = series_count(sample);
	struct cell *cells = calloc(count + 1, sizeof(*cells));

	if (!cells)
		return NULL;
	for (uint32_t i = 0; i < sample->ncolumns; i++) {
		const struct kvmstat_column *column = &sample->columns[i];

		for (uint32_t bucket = 0; bucket < column->cells; bucket++) {
			cells[column->first_cell + bucket] = cell_of(column, bucket, skip);
			cells[column->first_cell + bucket].column = i;
		}
	}
	for (uint32_t i = sample->ncells; i < count; i++)
		cells[i] = cell_of_time((int)(i - sample->ncells), sample->ncolumns, skip);
	return cells;
}

/* The width is fixed for all possible vCPUs: a name must not change when a vCPU is plugged in. */
struct suffix series_suffix(uint32_t vcpu)
{
	struct suffix suffix;

	suffix.len = (uint8_t)snprintf(suffix.text, sizeof(suffix.text), "-vcpu%03u", vcpu);
	return suffix;
}

void series_name(char name[LABEL_SIZE], const struct cell *cell, const struct suffix *suffix)
{
	size_t room, len;

	if (!suffix) {
		memcpy(name, cell->type_instance, cell->len + 1u);
		return;
	}
	room = LABEL_SIZE - 1u - suffix->len;
	len = cell->len < room ? cell->len : room;
	memcpy(name, cell->type_instance, len);
	memcpy(name + len, suffix->text, suffix->len + 1u);
}
