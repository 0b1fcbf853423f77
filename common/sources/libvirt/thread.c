/* SPDX-License-Identifier: MIT */
/*
 * thread.c - the callers: threads that wait for libvirt
 *
 * A caller has its own connection, which no other thread uses, not even to close it: that is a
 * call, too. A caller whose call hangs is left alone until the call returns, and can be used again
 * then; meanwhile another caller asks. With NOWAIT the daemon skips a guest for which a call waits,
 * so each guest that hangs blocks one caller, however often it is asked for.
 */
#include "sources/libvirt/thread.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sources/libvirt/call.h"

enum caller_state {
	CALLER_FREE,
	CALLER_OPENING,			/* asked, and not connected yet */
	CALLER_ASKING,
	CALLER_DONE,			/* the answer waits to be taken */
	CALLER_ENDED,			/* the thread has closed its connection */
};

struct caller {
	atomic_int owners;		/* the thread, and the client until it abandons the caller */
	pthread_t thread;
	pthread_mutex_t lock;		/* of what follows */
	pthread_cond_t changed;
	enum caller_state state;
	bool late;			/* the client no longer waits for the answer */
	bool quit;

	int rc;				/* what the call returned, */
	const struct libvirt_answer *answer;	/* and its answer */

	struct libvirt_call *call;	/* used by the thread only, except between CALLER_DONE and the next question */
};

struct libvirt_client {
	char *uri;
	struct caller *callers[LIBVIRT_CALLERS];
};

static void caller_put(struct caller *caller)
{
	if (atomic_fetch_sub(&caller->owners, 1) > 1)
		return;
	pthread_cond_destroy(&caller->changed);
	pthread_mutex_destroy(&caller->lock);
	free(caller);
}

/* ---- in the thread ---- */

static void enter(struct caller *caller, enum caller_state state)
{
	pthread_mutex_lock(&caller->lock);
	caller->state = state;
	pthread_cond_broadcast(&caller->changed);
	pthread_mutex_unlock(&caller->lock);
}

static void note_state(void *data, bool connects)
{
	enter(data, connects ? CALLER_OPENING : CALLER_ASKING);
}

/* Wait for work. False: the thread must end. */
static bool wait_for_work(struct caller *caller)
{
	bool quit;

	pthread_mutex_lock(&caller->lock);
	while (!caller->quit && caller->state != CALLER_OPENING && caller->state != CALLER_ASKING)
		pthread_cond_wait(&caller->changed, &caller->lock);
	quit = caller->quit;
	pthread_mutex_unlock(&caller->lock);
	return !quit;
}

static void deliver(struct caller *caller, int rc, const struct libvirt_answer *answer)
{
	pthread_mutex_lock(&caller->lock);
	caller->rc = rc;
	caller->answer = answer;
	caller->state = caller->late ? CALLER_FREE : CALLER_DONE;
	pthread_cond_broadcast(&caller->changed);
	pthread_mutex_unlock(&caller->lock);
}

static void *run(void *data)
{
	struct caller *caller = data;

	while (wait_for_work(caller)) {
		const struct libvirt_answer *answer = NULL;
		int rc = libvirt_call_make(caller->call, &answer);

		deliver(caller, rc, answer);
	}
	libvirt_call_free(caller->call);
	enter(caller, CALLER_ENDED);
	caller_put(caller);
	return NULL;
}

/* ---- in the collector's thread ---- */

/* Signals are for the front end: the new thread blocks all of them. */
static int start_thread(struct caller *caller)
{
	sigset_t all, before;
	int rc;

	sigfillset(&all);
	rc = pthread_sigmask(SIG_SETMASK, &all, &before);
	if (rc == 0) {
		rc = pthread_create(&caller->thread, NULL, run, caller);
		pthread_sigmask(SIG_SETMASK, &before, NULL);
	}
	return -rc;
}

static int caller_new(struct caller **place, const char *uri, struct caller **result)
{
	struct caller *caller = calloc(1, sizeof(*caller));
	pthread_condattr_t monotonic;
	int rc;

	if (!caller)
		return -ENOMEM;
	atomic_init(&caller->owners, 2);
	pthread_mutex_init(&caller->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&caller->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	caller->call = libvirt_call_new(uri, note_state, caller);
	rc = caller->call ? start_thread(caller) : -ENOMEM;
	if (rc < 0) {
		libvirt_call_free(caller->call);
		atomic_store(&caller->owners, 1);
		caller_put(caller);
		return rc;
	}
	*place = *result = caller;
	return 0;
}

static enum caller_state state_of(struct caller *caller)
{
	enum caller_state state;

	pthread_mutex_lock(&caller->lock);
	state = caller->state;
	pthread_mutex_unlock(&caller->lock);
	return state;
}

/* Find a free caller, or start one. -EBUSY: there is none, or the daemon does not accept calls. */
static int find_caller(struct libvirt_client *client, struct caller **result)
{
	struct caller **unused = NULL;
	bool waits = false;

	*result = NULL;
	for (int i = 0; i < LIBVIRT_CALLERS && !*result; i++) {
		enum caller_state state = client->callers[i] ? state_of(client->callers[i]) : CALLER_ENDED;

		if (state == CALLER_FREE || state == CALLER_DONE)
			*result = client->callers[i];
		else if (state == CALLER_ENDED)
			unused = &client->callers[i];
		waits |= state == CALLER_OPENING;
	}
	if (*result)
		return 0;
	return waits || !unused ? -EBUSY : caller_new(unused, client->uri, result);
}

int libvirt_client_prepare(struct libvirt_client *client)
{
	struct caller *caller;

	return find_caller(client, &caller);
}

static struct timespec from_now(uint64_t ms)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	time.tv_sec += (time_t)(ms / 1000);
	time.tv_nsec += (long)(ms % 1000) * 1000000;
	if (time.tv_nsec >= 1000000000) {
		time.tv_sec++;
		time.tv_nsec -= 1000000000;
	}
	return time;
}

/* Wait for the caller's answer, or -ETIMEDOUT. */
static int wait_for_answer(struct caller *caller, uint64_t patience_ms)
{
	struct timespec deadline = from_now(patience_ms);
	int rc = 0;

	pthread_mutex_lock(&caller->lock);
	caller->late = false;
	caller->state = CALLER_OPENING;
	pthread_cond_broadcast(&caller->changed);
	while (rc == 0 && caller->state != CALLER_DONE)
		rc = -pthread_cond_timedwait(&caller->changed, &caller->lock, &deadline);
	caller->late = caller->state != CALLER_DONE;
	rc = caller->late ? -ETIMEDOUT : caller->rc;
	pthread_mutex_unlock(&caller->lock);
	return rc;
}

int libvirt_client_ask(struct libvirt_client *client, uint32_t load, const struct libvirt_answer **answer,
		       char *error, size_t size)
{
	uint64_t patience_ms = LIBVIRT_PATIENCE_MS + LIBVIRT_PATIENCE_EACH_MS * (uint64_t)load;

	for (int tries = 0; tries < LIBVIRT_TRIES; tries++) {
		struct caller *caller;
		int rc = find_caller(client, &caller);

		if (rc < 0) {
			snprintf(error, size, "%s", strerror(-rc));
			/* The first call has used up its time. */
			return tries ? -ETIMEDOUT : rc;
		}
		rc = wait_for_answer(caller, patience_ms);
		if (rc == -ETIMEDOUT)
			continue;
		*answer = caller->answer;
		if (rc < 0)
			snprintf(error, size, "%s", libvirt_call_error(caller->call));
		return rc;
	}
	return -ETIMEDOUT;
}

int libvirt_client_new(struct libvirt_client **result, const char *uri)
{
	struct libvirt_client *client = calloc(1, sizeof(*client));

	if (!client)
		return -ENOMEM;
	client->uri = strdup(uri);
	if (!client->uri || libvirt_call_init() < 0) {
		libvirt_client_free(client);
		return -ENOMEM;
	}
	*result = client;
	return 0;
}

static void dismiss(struct caller *caller)
{
	pthread_mutex_lock(&caller->lock);
	caller->quit = true;
	caller->late = true;
	pthread_cond_broadcast(&caller->changed);
	pthread_mutex_unlock(&caller->lock);
}

/* Wait for the thread to end, at most until the deadline. */
static bool has_ended(struct caller *caller, const struct timespec *deadline)
{
	bool ended;
	int rc = 0;

	pthread_mutex_lock(&caller->lock);
	while (rc == 0 && caller->state != CALLER_ENDED)
		rc = pthread_cond_timedwait(&caller->changed, &caller->lock, deadline);
	ended = caller->state == CALLER_ENDED;
	pthread_mutex_unlock(&caller->lock);
	return ended;
}

void libvirt_client_free(struct libvirt_client *client)
{
	struct timespec deadline = from_now(LIBVIRT_FAREWELL_MS);

	if (!client)
		return;
	for (int i = 0; i < LIBVIRT_CALLERS; i++)
		if (client->callers[i])
			dismiss(client->callers[i]);
	for (int i = 0; i < LIBVIRT_CALLERS; i++) {
		struct caller *caller = client->callers[i];

		if (!caller)
			continue;
		if (has_ended(caller, &deadline))
			pthread_join(caller->thread, NULL);
		else
			pthread_detach(caller->thread);
		caller_put(caller);
	}
	free(client->uri);
	free(client);
}
