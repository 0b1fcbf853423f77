/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "service.h"

/* One datagram to $NOTIFY_SOCKET, as sd_notify(3) describes; without that variable systemd does not wait for us. */
static void notify(const char *state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *path = getenv("NOTIFY_SOCKET");
	size_t length = path ? strlen(path) : 0;
	int fd;

	if (length < 2 || length >= sizeof(address.sun_path) || !strchr("/@", *path))
		return;
	memcpy(address.sun_path, path, length);
	if (*path == '@')	/* of the abstract namespace */
		address.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&address,
	       (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length));
	close(fd);
}

void notify_ready(void)
{
	notify("READY=1");
}

/* systemd before 253 does not need the time and ignores it. */
void notify_reloading(void)
{
	char state[64];
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	snprintf(state, sizeof(state), "RELOADING=1\nMONOTONIC_USEC=%llu",
		 (unsigned long long)ts.tv_sec * 1000000 + (unsigned long long)ts.tv_nsec / 1000);
	notify(state);
}

void notify_stopping(void)
{
	notify("STOPPING=1");
}

void notify_status(struct notify *last, const char *format, ...)
{
	char state[NOTIFY_STATUS] = "STATUS=";
	va_list args;

	va_start(args, format);
	vsnprintf(state + 7, sizeof(state) - 7, format, args);
	va_end(args);
	if (strcmp(state, last->status) == 0)
		return;
	strcpy(last->status, state);
	notify(state);
}

void notify_alive(struct notify *last, unsigned int heartbeat)
{
	if (heartbeat == last->heartbeat)
		return;
	last->heartbeat = heartbeat;
	notify("WATCHDOG=1");
}
