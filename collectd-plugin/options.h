/* SPDX-License-Identifier: MIT */
/*
 * options.h - pure: the options of <Plugin kvmstat>, as text
 */
#ifndef KVMSTAT_OPTIONS_H
#define KVMSTAT_OPTIONS_H

#include "kvmstat.h"
#include "label.h"

enum { PACE_AUTO = -1 };

/* What an Event or ExcludeEvent option said, until it is known which events there are. */
struct event_word {
	struct event_word *next;
	const char *key;
	char *text;
};

/* What was asked for, and may not be there. */
enum wish { WISH_VCPUS, WISH_HISTOGRAMS, NWISHES };

struct options {
	struct kvmstat_config *core;
	struct event_word *words;
	struct naming naming;
	bool skip_never_seen;
	bool wish[NWISHES];  /* ReportVcpus, ReportHistograms */
	int pace_us;	     /* pause after each guest, or PACE_AUTO */
	uint32_t max_values; /* in one pass */
	bool diagnose;
	bool notify;	     /* DiagnoseNotify */
	struct kvmstat_diagnosis_config diagnosis;
	char *state_dir;     /* "": keep nothing; NULL: the default, below collectd's BaseDir */
};

/* Every default. 0 or -ENOMEM. */
int options_init(struct options *options);
void options_exit(struct options *options);
void options_forget_words(struct options *options);

/* Of any option, also one that options_set() does not know: one value. */
enum kvmstat_option_kind options_kind(const char *key);

/* "KEY "VALUE": WHY", fit for a line of a log. value NULL: "KEY: WHY". */
void options_message(char *message, size_t size, const char *key, const char *value, const char *why);

/*
 * 0; or -ENOENT, -EINVAL or -ENOMEM, with a message in error that names option and value and says what to
 * write instead; options are then as before.
 */
int options_set(struct options *options, const char *key, const char *value, char *error, size_t size);

#endif
