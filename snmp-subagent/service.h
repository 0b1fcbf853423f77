/* SPDX-License-Identifier: MIT */
/*
 * service.h - what systemd wants to know; nothing happens without it
 */
#ifndef KVMSTAT_AGENTX_NOTIFY_H
#define KVMSTAT_AGENTX_NOTIFY_H

enum { NOTIFY_PERIOD_MS = 5000 };	/* how often notify_alive() must be called at least */

enum { NOTIFY_STATUS = 256 };

struct notify {
	unsigned int heartbeat;		/* told last */
	char status[NOTIFY_STATUS];	/* the same */
};

void notify_ready(void);
void notify_reloading(void);	/* until notify_ready() */
void notify_stopping(void);

/* Nothing if it is what was told last. */
void notify_status(struct notify *notify, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Feed the watchdog, if heartbeat is another one than last time. */
void notify_alive(struct notify *notify, unsigned int heartbeat);

#endif
