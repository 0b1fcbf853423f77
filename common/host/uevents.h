/* SPDX-License-Identifier: MIT */
/*
 * uevents.h - may a VM have begun or ended since the last full scan?
 *
 * KVM sends a uevent for each beginning and end, even without a listener, and their number is in
 * /sys/kernel/uevent_seqnum. While that number stays the same, the result of a full scan of the
 * host is valid, and no other scan is needed.
 */
#ifndef KVMSTAT_UEVENTS_H
#define KVMSTAT_UEVENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "host/sysroot.h"

struct uevents {
	bool is_open;
	int fd;			/* of the file, kept open: opening it costs more than the rest of a small pass */
	uint64_t number;	/* 0: unknown */
	uint64_t asked_ns;	/* when it was read */
	uint64_t changed_ns;	/* when it last differed */
	uint64_t looked_ns;	/* when it was read before the last full scan, 0: there was none */
};

void uevents_exit(struct uevents *uevents);

/*
 * Call once in each pass, before it begins.
 * Returns an id of the last full scan if its result is still valid, else 0.
 * The id changes with every full scan.
 */
uint64_t uevents_ask(struct uevents *uevents, const struct sysroot *root, uint64_t now_ns);

/* A full scan begins. */
void uevents_look(struct uevents *uevents);

/* The result of the last full scan is no longer valid. */
void uevents_doubt(struct uevents *uevents);

#endif
