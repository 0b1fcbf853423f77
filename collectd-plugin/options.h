/* SPDX-License-Identifier: MIT */
/*
 * options.h - pure: the options of <Plugin kvmstat>, as text
 */
#ifndef KVMSTAT_OPTIONS_H
#define KVMSTAT_OPTIONS_H

#include "kvmstat.h"
#include "label.h"

enum { PACE_AUTO = -1 };

/* A word of an Event or ExcludeEvent option, to be checked when the events are known. */
struct event_word {
	struct event_word *next;
	const char *key;
	char *text;
};

/* Requested values that may not be available. */
enum request { REQUEST_VCPUS, REQUEST_HISTOGRAMS, NREQUESTS };

struct options {
	struct kvmstat_config *core;
	struct event_word *words;
	struct naming naming;
	bool skip_never_seen;
	bool report_usual;
	bool requested[NREQUESTS]; /* ReportVcpus, ReportHistograms */
	int pace_us;	     /* pause after each guest, or PACE_AUTO */
	uint32_t max_values; /* in one pass */
	struct kvmstat_diagnosis_options diagnosis;
	char *state_dir;     /* "": keep nothing; NULL: the default, below collectd's BaseDir */
};

/* Every default. 0 or -ENOMEM. */
int options_init(struct options *options);
void options_exit(struct options *options);
void options_forget_words(struct options *options);

/* The kind of any option; an unknown one takes one value. */
enum kvmstat_option_kind options_kind(const char *key);

/* "KEY "VALUE": WHY", fit for a line of a log. value NULL: "KEY: WHY". */
void options_message(char *message, size_t size, const char *key, const char *value, const char *why);

/*
 * Set an option.
 * 0, or -ENOENT, -EINVAL or -ENOMEM with a message in error: option, value and what is expected;
 * options are then unchanged.
 */
int options_set(struct options *options, const char *key, const char *value, char *error, size_t size);

#endif
