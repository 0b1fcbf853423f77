/* SPDX-License-Identifier: MIT */
/*
 * thread.h - ask libvirt without waiting for it longer than one can
 *
 * A call into libvirt takes as long as its daemon and the guest that it asks take, and cannot be called off. So calls are
 * made by threads of their own, the only ones of the core, and a call that takes too long is left to its thread.
 */
#ifndef KVMSTAT_LIBVIRT_THREAD_H
#define KVMSTAT_LIBVIRT_THREAD_H

#include "sources/libvirt/words.h"

enum {
	LIBVIRT_PATIENCE_MS = 500,	/* how long one call may take, */
	LIBVIRT_PATIENCE_EACH_MS = 1,	/* and how much longer for each guest and vCPU; it takes about half of that */
	LIBVIRT_TRIES = 2,		/* calls of one pass: one meets the guest that hangs, the next one passes over it */
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

/* What libvirt said of the guests that run. */
struct libvirt_answer {
	uint32_t ndomains;
	const struct libvirt_domain *domains;	/* ascending UUID */
};

struct libvirt_client;

/* No thread is started yet. uri is copied. 0 or -errno. */
int libvirt_client_new(struct libvirt_client **client, const char *uri);

/* NULL is allowed. Threads whose call hangs are left behind, and end with it; they own all that they touch. */
void libvirt_client_free(struct libvirt_client *client);

/* Have a thread that may be asked. 0; -EBUSY: as many calls hang as may; or -errno: no thread can be started. */
int libvirt_client_prepare(struct libvirt_client *client);

/*
 * Ask for all guests. load: how many guests and vCPUs there are, about. 0: *answer is what libvirt said just now, valid until the next
 * call. -ETIMEDOUT: it did not answer in time. -EBUSY: as many calls hang as may, or the daemon did not even
 * take an earlier one; none was made. -EACCES, or another -errno: it cannot be asked, error says why.
 */
int libvirt_client_ask(struct libvirt_client *client, uint32_t load, const struct libvirt_answer **answer,
		       char *error, size_t size);

#endif
