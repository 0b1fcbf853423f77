// SPDX-License-Identifier: MIT
/*
 * report.c - a table of one pair of samples, with the time it is of
 */
#include <stdio.h>
#include <time.h>

#include "json.h"
#include "report.h"

void report_time(const struct watch *watch, char text[REPORT_TIME_SIZE])
{
	time_t seconds = (time_t)(watch->now->realtime_ns / 1000000000);
	unsigned int ms = (unsigned int)(watch->now->realtime_ns / 1000000 % 1000);
	struct tm tm;
	size_t used;

	gmtime_r(&seconds, &tm);
	used = strftime(text, REPORT_TIME_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + used, REPORT_TIME_SIZE - used, ".%03uZ", ms);
}

static bool has_problem(const struct kvmstat_sample *sample)
{
	for (int p = 0; p < KVMSTAT_NPROBLEMS; p++)
		if (sample->problems[p].active)
			return true;
	return false;
}

/* Print why there are no rows. */
static const char *nothing(const struct watch *watch, const struct options *options)
{
	if (has_problem(watch->now) && !watch->now->nrows)
		return "No KVM guests are visible; see 'kvmstat doctor'.";
	if (!watch->now->nrows)
		return options->some_guests ? "No KVM guest matches the options Guest and "
					      "ExcludeGuest." :
					      "No KVM guests.";
	if (!watch->now->ncolumns && options->nwords)
		return "No event matches the options Event and ExcludeEvent; 'kvmstat events --all' "
		       "lists those of this host.";
	return "Nothing to show; --all includes what is zero or cannot be read.";
}

static void print_text(const struct watch *watch, const struct options *options, const struct table *table)
{
	time_t seconds = (time_t)(watch->now->realtime_ns / 1000000000);
	char time[32];
	struct tm tm;

	if (options->count != 1) {
		localtime_r(&seconds, &tm);
		strftime(time, sizeof(time), "%Y-%m-%d %H:%M:%S", &tm);
		printf("%s%s\n", watch->reports ? "\n" : "", time);
	}
	if (table->nrows)
		table_print_text(table, stdout);
	else
		puts(nothing(watch, options));
}

static void print_json(const struct watch *watch, const struct table *table, const char *name)
{
	char time[REPORT_TIME_SIZE];

	report_time(watch, time);
	json_open('{');
	json_pair("time", time);
	json_count("sample", watch->now->number);
	json_key("seconds");
	json_decimal(watch_seconds(watch));
	json_key(name);
	table_print_json(table);
	json_close('}');
	json_end();
}

void report_print(const struct watch *watch, const struct options *options, const struct table *table,
		  const char *name)
{
	if (options->format == FORMAT_TEXT) {
		print_text(watch, options, table);
	} else if (options->format == FORMAT_JSON) {
		print_json(watch, table, name);
	} else {
		if (!watch->reports)
			table_print_csv_head(table, stdout);
		table_print_csv(table, stdout);
	}
}
