/* SPDX-License-Identifier: MIT */
/*
 * libvirt_thread.c - the callers: threads that wait for libvirt so that nobody else has to
 *
 * A caller has a connection of its own, which only it touches, even to close it: that is a call too. One whose call
 * hangs is left alone until the call returns, and may be asked again then; meanwhile another one asks. With NOWAIT the
 * daemon passes over a guest for which a call waits, so each guest that hangs costs one caller, however often it is asked for.
 */
#include "libvirt_thread.h"

#include <errno.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Since libvirt 8.9; a daemon that does not know it leaves it out. */
#if LIBVIR_VERSION_NUMBER < 8009000
enum { VIR_DOMAIN_STATS_VM = 1 << 10 };
#endif

enum { WANTED = VIR_DOMAIN_STATS_VM | VIR_DOMAIN_STATS_VCPU | VIR_DOMAIN_STATS_STATE };

enum caller_state {
	CALLER_FREE,
	CALLER_OPENING,			/* asked, and not connected yet */
	CALLER_ASKING,
	CALLER_DONE,			/* the answer waits to be taken */
	CALLER_ENDED,			/* the thread has closed its connection */
};

struct caller {
	atomic_int owners;		/* the thread, and the client until it gives the caller up */
	pthread_t thread;
	pthread_mutex_t lock;		/* of what follows */
	pthread_cond_t changed;
	enum caller_state state;
	bool late;			/* nobody waits for the answer any more */
	bool quit;

	/* The thread's alone, but for the answer while the state is CALLER_DONE or CALLER_FREE. */
	char *uri;
	virConnectPtr connection;
	virDomainStatsRecordPtr *records;	/* what the answer points into */
	struct libvirt_domain *domains;
	struct libvirt_param *params;
	struct libvirt_answer answer;
	int rc;
	char error[256];
};

struct libvirt_client {
	char *uri;
	struct caller *callers[LIBVIRT_CALLERS];
};

/* libvirt writes errors to stderr unless it is told what else to do with them. */
static void keep_quiet(void *data, virErrorPtr error)
{
	(void)data;
	(void)error;
}

static void caller_put(struct caller *caller)
{
	if (atomic_fetch_sub(&caller->owners, 1) > 1)
		return;
	pthread_cond_destroy(&caller->changed);
	pthread_mutex_destroy(&caller->lock);
	free(caller->uri);
	free(caller);
}

/* ---- in the thread ---- */

static void forget_answer(struct caller *caller)
{
	if (caller->records)
		virDomainStatsRecordListFree(caller->records);
	caller->records = NULL;
	free(caller->domains);
	free(caller->params);
	caller->domains = NULL;
	caller->params = NULL;
	caller->answer = (struct libvirt_answer){ 0 };
}

static void disconnect(struct caller *caller)
{
	forget_answer(caller);
	if (caller->connection)
		virConnectClose(caller->connection);
	caller->connection = NULL;
}

/* The last error of libvirt's as -errno, its words kept. */
static int failed(struct caller *caller)
{
	const virError *error = virGetLastError();

	snprintf(caller->error, sizeof(caller->error), "%s", error && error->message ? error->message : "no reason given");
	if (!error)
		return -EIO;
	if (error->code == VIR_ERR_SYSTEM_ERROR && error->int1 > 0)
		return -error->int1;
	if (error->code == VIR_ERR_AUTH_FAILED || error->code == VIR_ERR_AUTH_CANCELLED ||
	    error->code == VIR_ERR_AUTH_UNAVAILABLE || error->code == VIR_ERR_ACCESS_DENIED)
		return -EACCES;
	return -EIO;
}

static struct libvirt_param plain(const virTypedParameter *param)
{
	struct libvirt_param result = { .field = param->field, .is_number = true };

	if (param->type == VIR_TYPED_PARAM_ULLONG)
		result.number = param->value.ul;
	else if (param->type == VIR_TYPED_PARAM_UINT)
		result.number = param->value.ui;
	else if (param->type == VIR_TYPED_PARAM_LLONG && param->value.l >= 0)
		result.number = (uint64_t)param->value.l;
	else if (param->type == VIR_TYPED_PARAM_INT && param->value.i >= 0)
		result.number = (uint64_t)param->value.i;
	else if (param->type == VIR_TYPED_PARAM_BOOLEAN)
		result.number = param->value.b != 0;
	else
		result.is_number = false;
	result.is_boolean = param->type == VIR_TYPED_PARAM_BOOLEAN;
	return result;
}

/* Only a guest without events needs to be asked for, and the daemon knows without asking the guest. */
static bool is_busy(virDomainPtr domain, const struct libvirt_param *params, uint32_t count)
{
	virDomainControlInfo info;
	struct libvirt_key key;

	for (uint32_t i = 0; i < count; i++)
		if (libvirt_parse(&params[i], &key) == 0 && key.kind == LIBVIRT_EVENT)
			return false;
	return virDomainGetControlInfo(domain, &info, 0) == 0 && info.state != VIR_DOMAIN_CONTROL_OK;
}

static void describe(struct caller *caller, struct libvirt_domain *domain, const virDomainStatsRecord *record,
		     uint32_t first)
{
	domain->name = virDomainGetName(record->dom);
	if (!domain->name)
		domain->name = "";
	if (virDomainGetUUIDString(record->dom, domain->uuid) < 0)
		domain->uuid[0] = '\0';
	domain->first = first;
	domain->nparams = record->nparams > 0 ? (uint32_t)record->nparams : 0;
	for (uint32_t i = 0; i < domain->nparams; i++)
		caller->params[first + i] = plain(&record->params[i]);
	domain->busy = is_busy(record->dom, &caller->params[first], domain->nparams);
}

static int by_uuid(const void *a, const void *b)
{
	const struct libvirt_domain *x = a, *y = b;

	return strcmp(x->uuid, y->uuid);
}

static int make_answer(struct caller *caller, int ndomains)
{
	uint32_t nparams = 0;

	for (int i = 0; i < ndomains; i++)
		nparams += caller->records[i]->nparams > 0 ? (uint32_t)caller->records[i]->nparams : 0;
	caller->domains = calloc((size_t)ndomains + 1, sizeof(*caller->domains));
	caller->params = calloc(nparams + 1u, sizeof(*caller->params));
	if (!caller->domains || !caller->params)
		return -ENOMEM;
	nparams = 0;
	for (int i = 0; i < ndomains; i++) {
		describe(caller, &caller->domains[i], caller->records[i], nparams);
		nparams += caller->domains[i].nparams;
	}
	qsort(caller->domains, (size_t)ndomains, sizeof(*caller->domains), by_uuid);
	caller->answer = (struct libvirt_answer){ (uint32_t)ndomains, caller->domains, caller->params };
	return 0;
}

static void enter(struct caller *caller, enum caller_state state)
{
	pthread_mutex_lock(&caller->lock);
	caller->state = state;
	pthread_cond_broadcast(&caller->changed);
	pthread_mutex_unlock(&caller->lock);
}

static int ask_once(struct caller *caller)
{
	int ndomains;

	forget_answer(caller);
	if (!caller->connection) {
		enter(caller, CALLER_OPENING);
		caller->connection = virConnectOpenReadOnly(caller->uri);
		if (!caller->connection)
			return failed(caller);
	}
	enter(caller, CALLER_ASKING);
	ndomains = virConnectGetAllDomainStats(caller->connection, WANTED, &caller->records,
					       VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE |
						       VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT);
	return ndomains < 0 ? failed(caller) : make_answer(caller, ndomains);
}

static int ask(struct caller *caller)
{
	bool is_old = caller->connection != NULL;
	int rc = ask_once(caller);

	if (rc < 0)
		disconnect(caller);
	/* The daemon may have been started anew since the connection was made. */
	if (rc < 0 && rc != -ENOMEM && is_old)
		rc = ask_once(caller);
	if (rc < 0)
		disconnect(caller);
	return rc;
}

/* Wait to be asked. False: it is to end. */
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

static void deliver(struct caller *caller, int rc)
{
	pthread_mutex_lock(&caller->lock);
	caller->rc = rc;
	caller->state = caller->late ? CALLER_FREE : CALLER_DONE;
	pthread_cond_broadcast(&caller->changed);
	pthread_mutex_unlock(&caller->lock);
}

static void *run(void *data)
{
	struct caller *caller = data;

	while (wait_for_work(caller))
		deliver(caller, ask(caller));
	disconnect(caller);
	enter(caller, CALLER_ENDED);
	caller_put(caller);
	return NULL;
}

/* ---- in the collector's thread ---- */

/* Signals are the front end's: the new thread takes none. */
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
	caller->uri = strdup(uri);
	rc = caller->uri ? start_thread(caller) : -ENOMEM;
	if (rc < 0) {
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

/* One that is free, or a new one. -EBUSY: there is none, or the daemon does not take calls. */
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

/* What the caller brings, or -ETIMEDOUT. */
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
			/* The first call had its time and took it. */
			return tries ? -ETIMEDOUT : rc;
		}
		rc = wait_for_answer(caller, patience_ms);
		if (rc == -ETIMEDOUT)
			continue;
		*answer = &caller->answer;
		if (rc < 0)
			snprintf(error, size, "%s", caller->error);
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
	if (!client->uri || virInitialize() < 0) {
		libvirt_client_free(client);
		return -ENOMEM;
	}
	/* For the whole process: a connection that cannot be made has no handler of its own. */
	virSetErrorFunc(NULL, keep_quiet);
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

/* Wait for it, at most until the deadline. */
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
