/* SPDX-License-Identifier: MIT */
/*
 * claims.h - whose vCPUs the threads of this host are, in one pass
 */
#ifndef KVMSTAT_TRACEPOINT_CLAIMS_H
#define KVMSTAT_TRACEPOINT_CLAIMS_H

#include "guests/guest.h"

enum { NO_VCPU = 0xffffffff };

enum claimant {
	CLAIMANT_UNSEEN,	/* not seen in this pass */
	CLAIMANT_UNKNOWN,	/* the threads of its vCPUs are not known, or not all of them */
	CLAIMANT_CONTESTED,	/* one of them runs vCPUs of other guests too: whose exits are whose cannot be told */
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

/* Of all guests that were seen in this pass. Allocates only if there are more than ever. 0 or -ENOMEM. */
int claims_make(struct claims *claims, const struct guests *guests, uint64_t pass);
void claims_exit(struct claims *claims);

/* Whose this thread is; NULL: no vCPU's that is known. */
const struct claim *claims_find(const struct claims *claims, pid_t tid);

#endif
