/* SPDX-License-Identifier: MIT */
/*
 * fake_daemon.h - as much of collectd as a read plugin sees: loads the real shared object, calls what it
 * registers, and keeps what it sends and logs
 */
#ifndef FAKE_DAEMON_H
#define FAKE_DAEMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FAKE_HOSTNAME "hv01.example.com"

struct sent {
	char id[800];  /* host/plugin-instance/type-instance */
	uint64_t time; /* in units of 2^-30 s */
	bool gauge;
	int64_t derive;
	double number; /* of a gauge */
};

/* A notification. */
struct notice {
	int severity;
	uint64_t time;
	char id[800]; /* as of a value */
	char message[256];
	char meta[1024]; /* "NAME=VALUE\n" of each */
};

struct daemon {
	struct notice *notices;
	size_t nnotices;
	bool deaf; /* nobody listens to notifications */
	const char *base_dir; /* the global option */
	struct sent *sent;
	size_t nsent;
	char **log; /* "E message", "W ", "I " */
	size_t nlog;
	bool no_types;	  /* a types.db without the stock types */
	bool wrong_types; /* one with other ones */
	bool refuse;	  /* plugin_dispatch_values() fails */
	unsigned int late; /* so many times the cache does not have yet what was dispatched */
	size_t registered_types;
	uint64_t interval; /* in units of 2^-30 s */
	bool record;	   /* false: values are only counted */
};

extern struct daemon daemon_state;

/* Loads the plugin; exits if that fails. */
void daemon_load(const char *path);

/* Hands the <Plugin kvmstat> blocks of a configuration over. Returns what the callback returned. */
int daemon_configure(const char *text);

/* Hands over one block, as collectd's parser made it. */
struct oconfig_item_s;
int daemon_config(struct oconfig_item_s *block);
int daemon_init(void);
int daemon_read(void);
int daemon_shutdown(void);

/* Forget what was sent and logged. */
void daemon_forget(void);

/* What was sent last under this name, or NULL; and how often. */
const struct sent *daemon_sent(const char *id);
size_t daemon_count(const char *id);

/* Log lines that contain all of text (and more, NULL: nothing). */
size_t daemon_logged(const char *text, const char *more);
void daemon_print_log(void);

#endif
