/* SPDX-License-Identifier: MIT */
/*
 * settings.h - the configuration file and the options -x and -o
 */
#ifndef KVMSTAT_AGENTX_SETTINGS_H
#define KVMSTAT_AGENTX_SETTINGS_H

#include "kvmstat.h"
#include "oid.h"

/* A word of Event or ExcludeEvent, to be checked when the events are known. */
struct event_word {
	char *word;
	char *place;			/* "FILE:LINE" */
};

struct settings {
	struct kvmstat_config *config;
	struct kvmstat_diagnosis_options diagnosis;
	/* The options that these two were made of, in their order. */
	char *core, *judging;
	unsigned int interval;		/* seconds between two samples */
	unsigned int ping_interval;	/* seconds between two attempts to reach snmpd */
	char *socket;			/* path of snmpd's AgentX socket */
	char *state_dir;		/* NULL: none */
	struct oid root;
	struct event_word *words;
	size_t nwords;
	unsigned int errors;		/* reported so far */
};

/* Defaults. 0 or -ENOMEM. */
int settings_init(struct settings *settings);
void settings_free(struct settings *settings);

/* Read a file. Every error is logged and counted; a missing file is an error only with must_exist. */
void settings_read(struct settings *settings, const char *path, bool must_exist);

/* Set "Option=value"; place is for messages. Errors are logged and counted. */
void settings_assign(struct settings *settings, const char *assignment, const char *place);
void settings_set(struct settings *settings, const char *option, const char *value, const char *place);

/* Log every unknown event of the configuration. Returns their number. */
unsigned int settings_check_events(const struct settings *settings, const struct kvmstat *kvmstat,
				   int priority);

#endif
