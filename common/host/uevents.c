/* SPDX-License-Identifier: MIT */
#include "host/uevents.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "util/clock.h"

/*
 * KVM announces a VM just before its fd is visible, and its end just before its directory is
 * removed: a scan that begins this long after the announcement sees it. A full scan also runs at
 * regular intervals, whatever is announced.
 */
static const uint64_t SETTLE_NS = NS_PER_S;
static const uint64_t FULL_EVERY_NS = 60000000000;

void uevents_exit(struct uevents *uevents)
{
	if (uevents->is_open)
		close(uevents->fd);
	*uevents = (struct uevents){ 0 };
}

static uint64_t count(struct uevents *uevents, const struct sysroot *root)
{
	char text[32];
	ssize_t len;

	if (!uevents->is_open) {
		uevents->fd = sysroot_open(root, O_RDONLY, "sys/kernel/uevent_seqnum");
		uevents->is_open = uevents->fd >= 0;
	}
	if (!uevents->is_open)
		return 0;
	len = pread(uevents->fd, text, sizeof(text) - 1, 0);
	text[len > 0 ? len : 0] = '\0';
	return strtoull(text, NULL, 10);
}

uint64_t uevents_ask(struct uevents *uevents, const struct sysroot *root, uint64_t now_ns)
{
	uint64_t number = count(uevents, root);

	uevents->asked_ns = now_ns;
	if (!number || number != uevents->number) {
		uevents->number = number;
		uevents->changed_ns = now_ns;
		return 0;
	}
	if (uevents->looked_ns < uevents->changed_ns + SETTLE_NS || now_ns >= uevents->looked_ns + FULL_EVERY_NS)
		return 0;
	return uevents->looked_ns;
}

void uevents_look(struct uevents *uevents)
{
	uevents->looked_ns = uevents->asked_ns;
}

void uevents_doubt(struct uevents *uevents)
{
	uevents->looked_ns = 0;
}
