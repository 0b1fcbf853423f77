/* SPDX-License-Identifier: MIT */
/*
 * uevents.h - may a VM have begun or ended since everything was looked at?
 *
 * KVM announces each of both by a uevent, listened to or not, and their number is in /sys/kernel/uevent_seqnum: as
 * long as that stays the same, what a look at the whole host has found holds, and need not be looked for again.
 */
#ifndef KVMSTAT_UEVENTS_H
#define KVMSTAT_UEVENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "host/sysroot.h"

struct uevents {
	bool is_open;
	int fd;			/* of the file, kept open: to open it costs more than all else of a small pass */
	uint64_t number;	/* 0: unknown */
	uint64_t asked_ns;	/* when it was read */
	uint64_t changed_ns;	/* when another one was met */
	uint64_t looked_ns;	/* when it had been read before the last look at everything, 0: there was none */
};

void uevents_exit(struct uevents *uevents);

/*
 * To be asked once in every pass, before it begins. What the last look at everything has found still holds: a number
 * that is another one after the next look. 0: it may not.
 */
uint64_t uevents_ask(struct uevents *uevents, const struct sysroot *root, uint64_t now_ns);

/* A look at everything begins. */
void uevents_look(struct uevents *uevents);

/* What the last one has found is not to be relied on. */
void uevents_doubt(struct uevents *uevents);

#endif
