/* SPDX-License-Identifier: MIT */
/* claims.h - the guest and vCPU of each thread of this host, in one pass */
#ifndef KVMSTAT_TRACEPOINT_CLAIMS_H
#define KVMSTAT_TRACEPOINT_CLAIMS_H

#include "guests/guest.h"

enum { NO_VCPU = 0xffffffff };

enum claimant {
	CLAIMANT_UNSEEN,	/* not seen in this pass */
	CLAIMANT_UNKNOWN,	/* some or all threads of its vCPUs are unknown */
	CLAIMANT_CONTESTED,	/* one thread also runs vCPUs of other guests: its exits cannot be assigned to a guest */
	CLAIMANT_KNOWN,
};

/* A thread. */
struct claim {
	pid_t tid;		/* 0: this place is empty */
	uint32_t guest;		/* in guests->list */
	uint32_t vcpu;		/* in guest->vcpu, or NO_VCPU: not known, or more than one */
	bool contested;
};

struct claims {
	struct claim *table;
	size_t size;		/* a power of 2, at least twice the threads */
	uint8_t *guests;	/* enum claimant of each of guests->list */
	uint32_t room;
};

/*
 * Make the claims of all guests of this pass. Allocates only if there are more than ever before. 0
 * or -ENOMEM.
 */
int claims_make(struct claims *claims, const struct guests *guests, uint64_t pass);
void claims_exit(struct claims *claims);

/* The claim of this thread; NULL: not a known vCPU's. */
const struct claim *claims_find(const struct claims *claims, pid_t tid);

#endif
