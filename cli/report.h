/* SPDX-License-Identifier: MIT */
/*
 * report.h - a table of one pair of samples, with the time it is of
 */
#ifndef KVMSTAT_REPORT_H
#define KVMSTAT_REPORT_H

#include "cli.h"

/* When the later sample was taken, in UTC, as in RFC 3339, with milliseconds. */
#define REPORT_TIME_SIZE 32
void report_time(const struct watch *watch, char text[REPORT_TIME_SIZE]);

/*
 * Print a table as the options say: text under a line with the time if there are several reports; CSV with
 * its head in the first report; JSON as one object in one line, with the rows under this name.
 */
void report_print(const struct watch *watch, const struct options *options, const struct table *table,
		  const char *name);

#endif
