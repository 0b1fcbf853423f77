/* SPDX-License-Identifier: MIT */
/*
 * notify.h - what systemd wants to know; nothing happens without it
 */
#ifndef KVMSTAT_AGENTX_NOTIFY_H
#define KVMSTAT_AGENTX_NOTIFY_H

enum { NOTIFY_PERIOD_MS = 5000 };	/* how often notify_alive() must be called at least */

struct notify {
	unsigned int heartbeat;		/* told last */
};

void notify_ready(void);
void notify_stopping(void);
void notify_status(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Feed the watchdog, if heartbeat is another one than last time. */
void notify_alive(struct notify *notify, unsigned int heartbeat);

#endif
