/* SPDX-License-Identifier: MIT */
/*
 * cli.h - what the parts of the kvmstat command share
 */
#ifndef KVMSTAT_CLI_H
#define KVMSTAT_CLI_H

#include <stdbool.h>

#include "kvmstat.h"
#include "table.h"

enum { EXIT_USAGE = 2 };

struct options {
	enum format format;
	bool all;			/* events, histogram: what is zero or absent, too */
	bool totals;			/* guests: totals where the text has rates */
	bool scrub;			/* capture: made-up names */
	const char *guest;		/* of this one, or NULL */
	const char *event;		/* histogram: this one */
	const char *directory;		/* capture: to be made */
	double interval;		/* seconds between two samples */
	unsigned long count;		/* reports, 0: until interrupted */
	const char *root;		/* a captured host, or NULL */
	bool some_guests;		/* an option may leave guests out */
	struct kvmstat_config *config;
	char **words;			/* of Event options, looked up once the events are known */
	size_t nwords;
};

/* To standard error, with the program's name in front and a newline behind. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The whole report is out, or the program ends: a reader that left needs no message, a full disk does. */
void flush_report(void);

/* For the small things a command cannot go on without; end the program if there is no memory. */
void *get_memory(size_t count, size_t size);
void out_of_memory(void) __attribute__((noreturn));

/* Two samples at a time, and what happened between them. */
struct watch {
	struct kvmstat *kvmstat;
	struct kvmstat_sample *before;	/* NULL after the first */
	struct kvmstat_sample *now;
	struct kvmstat_rates *rates;
	bool reported[KVMSTAT_NPROBLEMS];
};

/* Opens the collector and takes the first sample. An exit status; what is wrong has been told. */
int watch_start(struct watch *watch, const struct options *options);
/* One more sample right away. */
int watch_again(struct watch *watch);
void watch_stop(struct watch *watch);

/* ns between the two samples, in seconds. */
double watch_seconds(const struct watch *watch);

/* The commands; they return exit statuses. */
int guests_command(const struct options *options);
int events_command(const struct options *options);
int vcpus_command(const struct options *options);
int histogram_command(const struct options *options);
int doctor_command(const struct options *options);
int capture_command(const struct options *options);

/* Call report for each pair of samples, as often as the options say, until it returns anything but 0. */
int watch_all(const struct options *options, int (*report)(const struct watch *, const struct options *));

#endif
