/* SPDX-License-Identifier: MIT */
/*
 * settings.h - the configuration file and the options -x and -o
 */
#ifndef KVMSTAT_AGENTX_SETTINGS_H
#define KVMSTAT_AGENTX_SETTINGS_H

#include "kvmstat.h"
#include "oid.h"

/* A word of Event or ExcludeEvent, to be checked once it is known which events there are. */
struct event_word {
	char *word;
	char *place;			/* "FILE:LINE" */
};

struct settings {
	struct kvmstat_config *config;
	char *core;			/* the options that config was made of, in their order */
	unsigned int interval;		/* seconds between two samples */
	unsigned int ping_interval;	/* seconds between two attempts to reach snmpd */
	char *socket;			/* path of snmpd's AgentX socket */
	char *state_dir;		/* NULL: none */
	struct oid root;
	struct event_word *words;
	size_t nwords;
	unsigned int errors;		/* told so far */
};

/* Defaults. 0 or -ENOMEM. */
int settings_init(struct settings *settings);
void settings_free(struct settings *settings);

/* Read a file. Every error is told and counted; a file that is not there is one only if must_exist. */
void settings_read(struct settings *settings, const char *path, bool must_exist);

/* "Option=value"; place is for messages. Errors are told and counted. */
void settings_assign(struct settings *settings, const char *assignment, const char *place);
void settings_set(struct settings *settings, const char *option, const char *value, const char *place);

/* Tell of every event in the configuration that nobody knows. Their number. */
unsigned int settings_check_events(const struct settings *settings, const struct kvmstat *kvmstat,
				   int priority);

#endif
