// SPDX-License-Identifier: MIT
/* check.c - replay a capture before it is accepted */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/capture.h"

static const struct kvmstat_row *find_row(const struct kvmstat_sample *replay, const struct subject *subject)
{
	char wanted[DIR_SIZE + 2];

	snprintf(wanted, sizeof(wanted), "/%s/", subject->dir);
	for (uint32_t i = 0; i < replay->nrows; i++)
		if (strstr(replay->rows[i].guest->incarnation, wanted))
			return &replay->rows[i];
	return NULL;
}

/* The name of the first event that differs, or NULL. */
static const char *other_event(const struct kvmstat_sample *sample, const struct kvmstat_row *row,
			       const struct kvmstat_sample *replay, const struct kvmstat_row *again)
{
	for (uint32_t i = 0; i < sample->ncolumns; i++) {
		const struct kvmstat_column *column = &sample->columns[i];
		const struct kvmstat_column *other = kvmstat_sample_column(replay, column->event->number);
		bool here = row->from[column->first_cell] != KVMSTAT_ABSENT;
		bool there = other && again->from[other->first_cell] != KVMSTAT_ABSENT;

		if (fits_tree(column) && (here != there || (here && row->value[column->first_cell] != again->value[other->first_cell])))
			return column->event->name;
	}
	return NULL;
}

/* The property of a guest that differs, or NULL. */
static const char *difference(const struct capture *capture, const struct subject *subject, const struct kvmstat_sample *replay)
{
	const struct kvmstat_row *again = find_row(replay, subject);

	if (!again)
		return "guest";
	if (again->guest->pid != subject->guest->pid || again->guest->fd != subject->guest->fd)
		return "process";
	/* A name that is made of the program's depends on which of its VMs was found first. */
	if (!subject->unnamed && (strcmp(again->guest->name, subject->name) || strcmp(again->guest->uuid, subject->uuid)))
		return "name";
	/* There are no times if no thread has the name of a vCPU thread. */
	if (subject->row->has_cpu && again->has_cpu && subject->row->cpu_ns != again->cpu_ns)
		return "CPU time";
	return other_event(capture->sample, subject->row, replay, again);
}

static int compare(const struct capture *capture, const struct kvmstat_sample *replay)
{
	int status = EXIT_SUCCESS;

	if (replay->nrows != capture->sample->nrows - capture->left_out) {
		complain("a replay of the capture has %u guests instead of %u", replay->nrows,
			 capture->sample->nrows - capture->left_out);
		status = EXIT_FAILURE;
	}
	for (uint32_t i = 0; i < capture->sample->nrows; i++) {
		const struct subject *subject = &capture->subjects[i];
		const char *what = subject->left_out ? NULL : difference(capture, subject, replay);

		if (!what)
			continue;
		complain("a replay of the capture has a different %s for guest %s, process %d", what, subject->name,
			 (int)subject->guest->pid);
		status = EXIT_FAILURE;
	}
	return status;
}

int capture_check(const struct capture *capture, const char *path)
{
	struct kvmstat_config *config = kvmstat_config_new();
	struct kvmstat_sample *replay = NULL;
	struct kvmstat *kvmstat = NULL;
	char error[512] = "";
	int rc = config ? kvmstat_config_set(config, "Root", path, error, sizeof(error)) : -ENOMEM, status = EXIT_FAILURE;

	if (!rc)
		rc = kvmstat_open(&kvmstat, config);
	if (!rc)
		rc = kvmstat_collect(kvmstat, &replay);
	if (rc)
		complain("cannot replay the capture: %s", *error ? error : strerror(-rc));
	else
		status = compare(capture, replay);
	kvmstat_sample_put(replay);
	kvmstat_close(kvmstat);
	kvmstat_config_free(config);
	return status;
}
