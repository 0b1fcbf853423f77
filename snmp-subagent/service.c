/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "service.h"

#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#else
static void sd_notify(int unset, const char *state)
{
	(void)unset;
	(void)state;
}
#endif

void notify_ready(void)
{
	sd_notify(0, "READY=1");
}

/* systemd before 253 needs the time for nothing, and passes over it. */
void notify_reloading(void)
{
	char state[64];
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	snprintf(state, sizeof(state), "RELOADING=1\nMONOTONIC_USEC=%llu",
		 (unsigned long long)ts.tv_sec * 1000000 + (unsigned long long)ts.tv_nsec / 1000);
	sd_notify(0, state);
}

void notify_stopping(void)
{
	sd_notify(0, "STOPPING=1");
}

void notify_status(struct notify *notify, const char *format, ...)
{
	char state[NOTIFY_STATUS] = "STATUS=";
	va_list args;

	va_start(args, format);
	vsnprintf(state + 7, sizeof(state) - 7, format, args);
	va_end(args);
	if (strcmp(state, notify->status) == 0)
		return;
	strcpy(notify->status, state);
	sd_notify(0, state);
}

void notify_alive(struct notify *notify, unsigned int heartbeat)
{
	if (heartbeat == notify->heartbeat)
		return;
	notify->heartbeat = heartbeat;
	sd_notify(0, "WATCHDOG=1");
}
