// SPDX-License-Identifier: MIT
/* watch.c - samples at intervals, and the collector's problems */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli.h"
#include "record/player.h"

/* Each problem once, and once more when it is over. */
static void report_problems(struct watch *watch)
{
	for (int p = 0; p < KVMSTAT_NPROBLEMS; p++) {
		const struct kvmstat_problem_status *problem = &watch->now->problems[p];

		if (problem->active == watch->reported[p])
			continue;
		if (problem->active)
			complain("%s", problem->text);
		else
			complain("over: %s", problem->text);
		watch->reported[p] = problem->active;
	}
}

/* Played samples have references of their own. */
static void put_sample(const struct watch *watch, struct kvmstat_sample *sample)
{
	if (watch->player)
		played_put((struct played *)sample);
	else
		kvmstat_sample_put(sample);
}

static int next_pair(struct watch *watch, struct kvmstat_sample *sample)
{
	int rc;

	put_sample(watch, watch->before);
	watch->before = watch->now;
	watch->now = sample;
	rc = kvmstat_rates_update(watch->rates, watch->before ? watch->rates : NULL, watch->before, sample);
	if (rc)
		out_of_memory();
	return EXIT_SUCCESS;
}

int watch_again(struct watch *watch)
{
	struct kvmstat_sample *sample;
	int rc;

	rc = kvmstat_collect(watch->kvmstat, &sample);
	if (rc) {
		complain("cannot take a sample: %s", strerror(-rc));
		return EXIT_FAILURE;
	}
	return next_pair(watch, sample);
}

/* Whoever recorded was not on time to the ms. */
#define PUNCTUAL 0.9

/* Is the sample the next one for the report? Samples of two sessions cannot be compared: the later one is the first again. */
static bool is_due(struct watch *watch, struct played *played, double interval)
{
	const struct played *now = (const struct played *)watch->now;

	if (now->session != played->session || now->sample.time_ns > played->sample.time_ns) {
		put_sample(watch, watch->now);
		watch->now = &played->sample;
		return false;
	}
	if ((double)(played->sample.time_ns - now->sample.time_ns) / 1e9 >= interval * PUNCTUAL)
		return true;
	played_put(played);
	return false;
}

static int has_no_sample(const struct options *options, const char *which)
{
	complain("%s has no %s sample%s%s", options->from, which, options->at ? " from this time on: " : "", options->at ? options->at : "");
	return EXIT_FAILURE;
}

static int play_next(struct watch *watch, const struct options *options)
{
	struct played *played;

	do
		played = player_next(watch->player);
	while (played && !is_due(watch, played, options->interval));
	watch->ended = !played;
	if (played)
		return next_pair(watch, &played->sample);
	return watch->reports ? EXIT_SUCCESS : has_no_sample(options, "second");
}

static int play_start(struct watch *watch, const struct options *options)
{
	struct played *played;
	int status = player_open(&watch->player, options->from, options->at);

	if (status)
		return status;
	played = player_next(watch->player);
	return played ? next_pair(watch, &played->sample) : has_no_sample(options, "whole");
}

/* Events of this host that are not in events.tsv are known only now. */
static int check_words(const struct watch *watch, const struct options *options)
{
	char suggestion[128];
	int status = EXIT_SUCCESS;

	for (size_t i = 0; i < options->nwords; i++) {
		if (!kvmstat_event_unknown(watch->kvmstat, options->words[i], suggestion, sizeof(suggestion)))
			continue;
		complain("there is no event '%s'%s%s%s; 'kvmstat events --all' lists those of this "
			 "host",
			 options->words[i], *suggestion ? ", did you mean '" : "", suggestion,
			 *suggestion ? "'?" : "");
		status = EXIT_USAGE;
	}
	return status;
}

int watch_start(struct watch *watch, const struct options *options)
{
	int rc;

	memset(watch, 0, sizeof(*watch));
	watch->rates = kvmstat_rates_new();
	if (!watch->rates)
		out_of_memory();
	if (options->from)
		return play_start(watch, options);
	rc = kvmstat_open(&watch->kvmstat, options->config);
	if (rc) {
		complain("cannot open %s as the root of a host: %s; specify a directory that "
			 "contains sys and proc",
			 options->root ? options->root : "/", strerror(-rc));
		return EXIT_FAILURE;
	}
	rc = watch_again(watch);
	return rc ? rc : check_words(watch, options);
}

static void wait_for(double seconds)
{
	struct timespec left = { .tv_sec = (time_t)seconds };

	left.tv_nsec = (long)((seconds - (double)left.tv_sec) * 1e9);
	while (clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR)
		;
}

double watch_age(const struct watch *watch)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9 - (double)watch->now->time_ns / 1e9;
}

double watch_left(const struct watch *watch, double interval)
{
	double age = watch_age(watch);

	return age < 0 || age > interval ? 0 : interval - age;
}

int watch_next(struct watch *watch, const struct options *options)
{
	int rc;

	if (!watch->player)
		wait_for(watch_left(watch, options->interval));
	rc = watch->player ? play_next(watch, options) : watch_again(watch);
	if (!rc)
		report_problems(watch);
	return rc;
}

void watch_stop(struct watch *watch)
{
	put_sample(watch, watch->before);
	put_sample(watch, watch->now);
	kvmstat_sample_put(watch->mark);
	player_close(watch->player);
	kvmstat_rates_free(watch->rates);
	kvmstat_close(watch->kvmstat);
}

double watch_seconds(const struct watch *watch)
{
	return watch->before ? (double)(watch->now->time_ns - watch->before->time_ns) / 1e9 : NAN;
}

int watch_all(const struct options *options, int (*report)(const struct watch *, const struct options *))
{
	struct watch watch;
	int status;

	status = watch_start(&watch, options);
	for (unsigned long n = 0; !status && (!options->count || n < options->count); n++) {
		status = watch_next(&watch, options);
		if (status || watch.ended)
			break;
		status = report(&watch, options);
		watch.reports++;
		flush_report();
	}
	watch_stop(&watch);
	return status;
}
