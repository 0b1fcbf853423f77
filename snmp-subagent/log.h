/* SPDX-License-Identifier: MIT */
/*
 * log.h - messages to stderr, with systemd's priority prefixes where systemd reads them
 */
#ifndef KVMSTAT_AGENTX_LOG_H
#define KVMSTAT_AGENTX_LOG_H

#include <stdbool.h>
#include <syslog.h>

/* Messages of LOG_DEBUG are dropped unless debug. */
void log_setup(bool debug);

/* One line; control characters in it are shown as '?'. priority is syslog's. */
void message(int priority, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A problem that may last: logged once when it begins, and once when it is over. */
struct complaint {
	bool active;
};

void complain(struct complaint *complaint, const char *format, ...) __attribute__((format(printf, 2, 3)));
void complaint_over(struct complaint *complaint, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
