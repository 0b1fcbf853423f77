// SPDX-License-Identifier: MIT
/* heading.c - the two lines above the table: the host, and where the user is */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "escape.h"
#include "screen/memory.h"
#include "screen/picture.h"
#include "state/state.h"

#define LATE 2.0		/* intervals: the sample is old */

static uint64_t count_vcpus(const struct kvmstat_sample *sample)
{
	uint64_t count = 0;

	for (uint32_t i = 0; i < sample->nrows; i++)
		count += sample->rows[i].vcpu_count;
	return count;
}

static size_t count_alarms(const struct kvmstat_diagnosis *marks)
{
	const struct kvmstat_alarm *const *alarms;
	size_t count, active = 0;

	alarms = kvmstat_diagnosis_alarms(marks, &count);
	for (size_t i = 0; i < count; i++)
		active += !alarms[i]->cleared_ns;
	return active;
}

static size_t count_problems(const struct kvmstat_sample *sample)
{
	size_t count = 0;

	for (int p = 0; p < KVMSTAT_NPROBLEMS; p++)
		count += sample->problems[p].active;
	return count;
}

static void write_count(FILE *file, const char *before, uint64_t count, const char *what)
{
	fprintf(file, "%s%" PRIu64 " %s%s", before, count, what, count == 1 ? "" : "s");
}

static void write_sources(FILE *file, const struct kvmstat_sample *sample)
{
	for (int s = KVMSTAT_ABSENT + 1; s < KVMSTAT_NSOURCES; s++)
		if (sample->sources[s].state == KVMSTAT_ACTIVE || sample->sources[s].state == KVMSTAT_PARTIAL)
			fprintf(file, "  %s", kvmstat_source_name((enum kvmstat_source)s));
}

/* The most important words first: what does not fit is cut off. */
static void write_host(FILE *file, const struct screen *screen)
{
	const struct kvmstat_sample *sample = screen->watch->now;
	char time[STATE_TIME_SIZE];
	size_t problems = count_problems(sample);
	double age = watch_age(screen->watch);

	state_local(sample->realtime_ns, time);
	fprintf(file, "%s%s", screen->frozen ? "FROZEN " : "", time + strlen("YYYY-MM-DD "));
	if (screen->frozen || age > LATE * screen->options.interval)
		fprintf(file, " (%.0f s old)", age);
	write_count(file, "  ", sample->nguests, "guest");
	write_count(file, "  ", count_vcpus(sample), "vCPU");
	write_count(file, " : ", sample->cpus, "CPU");
	if (screen->marks)
		write_count(file, "  ", count_alarms(screen->marks), "alarm");
	if (problems) {
		write_count(file, "  ", problems, "problem");
		fputs(" (!)", file);
	}
	fprintf(file, "  every %g s", screen->options.interval);
	write_sources(file, sample);
	fprintf(file, "  lockdown %s", kvmstat_lockdown_name(sample->lockdown));
}

static void write_name(FILE *file, const char *name)
{
	size_t width;
	char *shown = escape_printable(*name ? name : "\"\"", &width);

	fputs(shown, file);
	free(shown);
}

static const char *event_name(const struct screen *screen, uint32_t number)
{
	const struct kvmstat_column *column = kvmstat_sample_column(screen->watch->now, number);

	return column ? column->event->name : "";
}

static void write_level(FILE *file, const struct screen *screen, const struct level *level)
{
	static const char *const names[] = {
		[LEVEL_GUESTS] = "guests",
		[LEVEL_EVENTS] = "events",
		[LEVEL_VCPUS] = "vCPUs",
		[LEVEL_HISTOGRAM] = "histogram",
		[LEVEL_ALARMS] = "alarms",
	};

	if (level->kind == LEVEL_TEXT || (level->kind == LEVEL_EVENTS && level->guest != ALL_GUESTS)) {
		write_name(file, level->name);
		return;
	}
	fputs(level->kind == LEVEL_EVENTS ? "events of all guests" : names[level->kind], file);
	if (level->event)
		fprintf(file, ": %s", event_name(screen, level->event));
}

static void write_order(FILE *file, const struct screen *screen)
{
	const struct sorting *sorting = &screen->levels[screen->depth - 1].sorting;

	if (sorting->column != NOWHERE && (size_t)sorting->column < screen->table.ncolumns &&
	    screen->table.headings[sorting->column].title)
		fprintf(file, "  by %s%s", screen->table.headings[sorting->column].title, sorting->reverse ? " (reverse)" : "");
}

static void write_mark(FILE *file, const struct kvmstat_sample *mark)
{
	char since[STATE_TIME_SIZE];

	state_local(mark->realtime_ns, since);
	fprintf(file, "  totals since %s", since + strlen("YYYY-MM-DD "));
}

/* How the rows were chosen and put in order. */
static void write_rows(FILE *file, const struct screen *screen)
{
	const struct level *level = &screen->levels[screen->depth - 1];

	if (screen->grid.nrows)
		fprintf(file, "  %zu/%zu", level->cursor.at + 1, screen->grid.nrows);
	if (screen->filter.compiled) {
		fputs("  filter ", file);
		write_name(file, screen->filter.text);
	}
	write_order(file, screen);
	if (screen->watch->mark)
		write_mark(file, screen->watch->mark);
}

/* The way to where the user is, from this level on. */
static char *path_from(const struct screen *screen, size_t first)
{
	struct memory memory;

	memory_begin(&memory);
	fputs(first ? "... > " : "", memory.file);
	for (size_t i = first; i < screen->depth; i++) {
		fputs(i > first ? " > " : "", memory.file);
		write_level(memory.file, screen, &screen->levels[i]);
	}
	if (screen->levels[screen->depth - 1].kind != LEVEL_TEXT)
		write_rows(memory.file, screen);
	return memory_finish(&memory);
}

char *picture_path(const struct screen *screen, size_t width)
{
	char *path = path_from(screen, 0);

	/* Bytes, not columns: at worst a level is left out that would have fitted. */
	for (size_t first = 1; first < screen->depth && strlen(path) > width; first++) {
		free(path);
		path = path_from(screen, first);
	}
	return path;
}

char *picture_host(const struct screen *screen)
{
	struct memory memory;

	memory_begin(&memory);
	write_host(memory.file, screen);
	return memory_finish(&memory);
}
