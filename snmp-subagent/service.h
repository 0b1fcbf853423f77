/* SPDX-License-Identifier: MIT */
/*
 * service.h - reports to systemd, over $NOTIFY_SOCKET; without that variable nothing happens
 */
#ifndef KVMSTAT_AGENTX_SERVICE_H
#define KVMSTAT_AGENTX_SERVICE_H

enum { NOTIFY_PERIOD_MS = 5000 };	/* how often notify_alive() must be called at least */

enum { NOTIFY_STATUS = 256 };

struct notify {
	unsigned int heartbeat;		/* reported last */
	char status[NOTIFY_STATUS];	/* reported last */
};

void notify_ready(void);
void notify_reloading(void);	/* until notify_ready() */
void notify_stopping(void);

/* Does nothing if the text is the one reported last. */
void notify_status(struct notify *last, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Feed the watchdog, if heartbeat has changed since the last call. */
void notify_alive(struct notify *last, unsigned int heartbeat);

#endif
