/* SPDX-License-Identifier: MIT */
/*
 * cli.h - what the parts of the kvmstat command share
 */
#ifndef KVMSTAT_CLI_H
#define KVMSTAT_CLI_H

#include <stdarg.h>
#include <stdbool.h>

#include "kvmstat.h"
#include "table.h"

enum { EXIT_USAGE = 2 };

/* Seconds between two samples. */
#define INTERVAL_MIN 0.1
#define INTERVAL_MAX 86400.0

enum color {
	COLOR_AUTO,			/* unless NO_COLOR is set */
	COLOR_ALWAYS,
	COLOR_NEVER,
};

struct options {
	enum format format;
	bool all;			/* events, histogram: include what is zero or absent */
	bool totals;			/* guests: totals where the text has rates */
	enum color color;		/* top */
	bool scrub;			/* capture: made-up names */
	const char *guest;		/* of this one, or NULL */
	const char *event;		/* histogram: this one */
	const char *directory;		/* capture: to be made */
	const char *file;		/* record: to be appended to */
	const char *from;		/* a recording to be played, or NULL */
	const char *at;			/* the time to play it from, or NULL: the beginning */
	bool configured;		/* an option of the core was given */
	double interval;		/* seconds between two samples */
	unsigned long count;		/* reports, 0: until interrupted */
	const char *root;		/* a captured host, or NULL */
	bool some_guests;		/* an option may leave guests out */
	char **arguments;		/* check, baseline: the words after the command, ended by NULL */
	const char *state_dir;		/* where a front end keeps what is usual, or NULL: look */
	double max_age;			/* check: seconds, 0: the default */
	const char *name;		/* baseline: of a good case, or NULL */
	double record;			/* baseline: seconds, 0: the default */
	bool learnt;			/* baseline rename: also what a front end has learnt */
	bool marked;			/* guests, events: there is a column of what a front end keeps */
	bool ran;			/* the command; what it returns is not about its words */
	struct kvmstat_config *config;
	char **words;			/* of Event options, looked up once the events are known */
	size_t nwords;
};

/* Print a message on standard error, with the program's name and a newline. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The last message, or NULL. */
const char *last_complaint(void);

/*
 * Flush the report, or end the program: without a message if the reader has closed the pipe, with
 * one if the disk is full.
 */
void flush_report(void);

/* What --help prints. */
void print_help(void);

/* Allocate; end the program if there is no memory. */
void *get_memory(size_t count, size_t size);
char *get_copy(const char *text);
void out_of_memory(void) __attribute__((noreturn));

/* As vasprintf(3), to be freed; without memory the program ends. */
char *format_text(const char *format, va_list args) __attribute__((format(printf, 1, 0)));

struct player;

/* Two consecutive samples, and the rates between them. */
struct watch {
	struct kvmstat *kvmstat;	/* NULL: a recording is played */
	struct player *player;
	bool ended;			/* the recording; there is no other sample */
	unsigned long reports;		/* that were made */
	struct kvmstat_sample *before;	/* NULL after the first */
	struct kvmstat_sample *now;
	struct kvmstat_rates *rates;
	struct kvmstat_sample *mark;	/* totals count from here on; NULL: since the guest began */
	bool reported[KVMSTAT_NPROBLEMS];
};

/* Open the collector and take the first sample. Returns an exit status; errors have been printed. */
int watch_start(struct watch *watch, const struct options *options);
/* Take another sample without a pause. */
int watch_again(struct watch *watch);
/* Take another one when the interval has passed; problems are reported. */
int watch_next(struct watch *watch, const struct options *options);
void watch_stop(struct watch *watch);

/* Seconds since the later sample began, and until the next one is due. */
double watch_age(const struct watch *watch);
double watch_left(const struct watch *watch, double interval);

/* ns between the two samples, in seconds. */
double watch_seconds(const struct watch *watch);

/* The commands; they return exit statuses. */
int guests_command(const struct options *options);
int events_command(const struct options *options);
int vcpus_command(const struct options *options);
int histogram_command(const struct options *options);
int check_command(const struct options *options);
int alarms_command(const struct options *options);
int baseline_command(const struct options *options);
int record_command(const struct options *options);
int top_command(const struct options *options);
int doctor_command(const struct options *options);
int capture_command(const struct options *options);

/* The status of wrong words after "check"; prints the last message in its form. */
int check_usage(void);

/*
 * Call report for each pair of samples, for the configured number of reports, until it does not
 * return 0.
 */
int watch_all(const struct options *options, int (*report)(const struct watch *, const struct options *));

#endif
