/* SPDX-License-Identifier: MIT */
/*
 * thread.h - ask libvirt with a limited wait
 *
 * A libvirt call takes as long as its daemon and the guest take, and cannot be cancelled. So
 * separate threads make the calls, the only threads of the core, and a call that takes too long is
 * left to its thread.
 */
#ifndef KVMSTAT_LIBVIRT_THREAD_H
#define KVMSTAT_LIBVIRT_THREAD_H

#include "sources/libvirt/words.h"

enum {
	LIBVIRT_PATIENCE_MS = 500,	/* limit of one call, */
	LIBVIRT_PATIENCE_EACH_MS = 1,	/* and how much longer for each guest and vCPU; it takes about half of that */
	LIBVIRT_TRIES = 2,		/* calls of one pass: the first meets the guest that hangs, the next one skips it */
	LIBVIRT_CALLERS = 4,		/* threads, and calls that may hang in the daemon at a time */
	LIBVIRT_FAREWELL_MS = 250,	/* how long all threads may take to end */
};

struct libvirt_domain {
	const char *name;
	char uuid[37];			/* lower case */
	bool busy;			/* it has no events, and its VMM does not answer libvirt */
	struct libvirt_param *params;
	uint32_t nparams;
};

/* libvirt's answer for all running guests. */
struct libvirt_answer {
	uint32_t ndomains;
	const struct libvirt_domain *domains;	/* ascending UUID */
};

struct libvirt_client;

/* Make a client; starts no thread. uri is copied. 0 or -errno. */
int libvirt_client_new(struct libvirt_client **client, const char *uri);

/*
 * NULL is allowed. A thread whose call hangs keeps running until the call returns; it owns all data
 * that it uses.
 */
void libvirt_client_free(struct libvirt_client *client);

/*
 * Make sure that there is a free thread.
 * 0
 * -EBUSY: the limit of hanging calls is reached
 * -errno: no thread can be started
 */
int libvirt_client_prepare(struct libvirt_client *client);

/*
 * Ask for all guests. load: approximate number of guests and vCPUs.
 * 0: *answer is set, valid until the next call
 * -ETIMEDOUT: there was no answer in time
 * -EBUSY: no call was made: the limit of hanging calls is reached, or the daemon has not accepted
 * an earlier call
 * -EACCES or another -errno: the call failed, with the cause in error
 */
int libvirt_client_ask(struct libvirt_client *client, uint32_t load, const struct libvirt_answer **answer,
		       char *error, size_t size);

#endif
