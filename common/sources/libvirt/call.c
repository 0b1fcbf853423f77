/* SPDX-License-Identifier: MIT */
/*
 * call.c - a connection to libvirt's daemon, and its statistics of all guests; the only file that
 * calls libvirt
 */
#include "sources/libvirt/call.h"

#include <errno.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Since libvirt 8.9; a daemon that does not know it leaves it out. */
#if LIBVIR_VERSION_NUMBER < 8009000
enum { VIR_DOMAIN_STATS_VM = 1 << 10 };
#endif

enum { WANTED = VIR_DOMAIN_STATS_VM | VIR_DOMAIN_STATS_VCPU | VIR_DOMAIN_STATS_STATE };

enum {
	AGAIN = 5,		/* retries for guests that another client is asking, */
	AGAIN_MS = 5,		/* first delay, doubled each time, */
	BUSY_MS = 250,		/* unless their VMM has been busy for longer */
};

struct libvirt_call {
	char *uri;
	void (*note)(void *data, bool connects);
	void *data;
	virConnectPtr connection;
	virDomainStatsRecordPtr *records[1 + AGAIN];	/* the records that the answer points to */
	struct libvirt_domain *domains;
	struct libvirt_answer answer;
	char error[256];
};

/* Without a handler libvirt writes errors to stderr. */
static void keep_quiet(void *data, virErrorPtr error)
{
	(void)data;
	(void)error;
}

int libvirt_call_init(void)
{
	if (virInitialize() < 0)
		return -ENOMEM;
	/* For the whole process: a connection that cannot be made has no handler of its own. */
	virSetErrorFunc(NULL, keep_quiet);
	return 0;
}

static void forget_answer(struct libvirt_call *call)
{
	for (int i = 0; i <= AGAIN; i++) {
		if (call->records[i])
			virDomainStatsRecordListFree(call->records[i]);
		call->records[i] = NULL;
	}
	for (uint32_t i = 0; call->domains && i < call->answer.ndomains; i++)
		free(call->domains[i].params);
	free(call->domains);
	call->domains = NULL;
	call->answer = (struct libvirt_answer){ 0 };
}

static void disconnect(struct libvirt_call *call)
{
	forget_answer(call);
	if (call->connection)
		virConnectClose(call->connection);
	call->connection = NULL;
}

/* Returns libvirt's last error as -errno and keeps its message. */
static int failed(struct libvirt_call *call)
{
	const virError *error = virGetLastError();

	snprintf(call->error, sizeof(call->error), "%s", error && error->message ? error->message : "no reason given");
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

static bool has_events(const struct libvirt_domain *domain)
{
	struct libvirt_key key;

	for (uint32_t i = 0; i < domain->nparams; i++)
		if (libvirt_parse(&domain->params[i], &key) == 0 && key.kind == LIBVIRT_EVENT)
			return true;
	return false;
}

/* Name and UUID stay the record's, or the same; parameters are taken over. 0 or -ENOMEM. */
static int take_record(struct libvirt_domain *domain, const virDomainStatsRecord *record)
{
	uint32_t count = record->nparams > 0 ? (uint32_t)record->nparams : 0;
	struct libvirt_param *params = calloc(count + 1u, sizeof(*params));

	if (!params)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++)
		params[i] = plain(&record->params[i]);
	free(domain->params);
	domain->params = params;
	domain->nparams = count;
	return 0;
}

static int make_answer(struct libvirt_call *call, int ndomains)
{
	int rc = 0;

	call->domains = calloc((size_t)ndomains + 1, sizeof(*call->domains));
	if (!call->domains)
		return -ENOMEM;
	call->answer = (struct libvirt_answer){ (uint32_t)ndomains, call->domains };
	for (int i = 0; rc == 0 && i < ndomains; i++) {
		struct libvirt_domain *domain = &call->domains[i];
		const virDomainStatsRecord *record = call->records[0][i];

		domain->name = virDomainGetName(record->dom);
		if (!domain->name)
			domain->name = "";
		if (virDomainGetUUIDString(record->dom, domain->uuid) < 0)
			domain->uuid[0] = '\0';
		rc = take_record(domain, record);
	}
	return rc;
}

/*
 * Count the guests without events because their VMM is busy with a call of some client, perhaps our
 * own: the daemon knows that without asking them.
 * list: those that have been busy for less than BUSY_MS, ended by NULL.
 */
static int find_busy(struct libvirt_call *call, virDomainPtr *list)
{
	int count = 0;

	for (uint32_t i = 0; i < call->answer.ndomains; i++) {
		struct libvirt_domain *domain = &call->domains[i];
		virDomainPtr dom = call->records[0][i]->dom;
		virDomainControlInfo info;

		domain->busy = false;
		if (has_events(domain) || virDomainGetControlInfo(dom, &info, 0) < 0 || info.state == VIR_DOMAIN_CONTROL_OK)
			continue;
		domain->busy = true;
		if (info.stateTime < BUSY_MS)
			list[count++] = dom;
	}
	list[count] = NULL;
	return count;
}

/* Merge a record of a second call into the domain of its UUID. */
static int take_again(struct libvirt_call *call, const virDomainStatsRecord *record)
{
	char uuid[VIR_UUID_STRING_BUFLEN];

	if (virDomainGetUUIDString(record->dom, uuid) < 0)
		return 0;
	for (uint32_t i = 0; i < call->answer.ndomains; i++)
		if (strcmp(call->domains[i].uuid, uuid) == 0)
			return take_record(&call->domains[i], record);
	return 0;
}

/* With NOWAIT libvirt skips a guest that another client is asking: ask for it again. 0 or -ENOMEM. */
static int ask_again(struct libvirt_call *call)
{
	struct timespec pause = { .tv_nsec = AGAIN_MS * 1000000L };
	virDomainPtr *list = calloc(call->answer.ndomains + 1u, sizeof(virDomainPtr));
	int rc = list ? 0 : -ENOMEM;

	for (int again = 1; rc == 0 && find_busy(call, list) > 0 && again <= AGAIN; again++) {
		int count;

		nanosleep(&pause, NULL);
		pause.tv_nsec *= 2;
		count = virDomainListGetStats(list, WANTED, &call->records[again],
					      VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT);
		for (int i = 0; rc == 0 && i < count; i++)
			rc = take_again(call, call->records[again][i]);
	}
	free(list);
	return rc;
}

static int by_uuid(const void *a, const void *b)
{
	const struct libvirt_domain *x = a, *y = b;

	return strcmp(x->uuid, y->uuid);
}

static int ask_once(struct libvirt_call *call)
{
	int ndomains, rc;

	forget_answer(call);
	if (!call->connection) {
		call->note(call->data, true);
		call->connection = virConnectOpenReadOnly(call->uri);
		if (!call->connection)
			return failed(call);
	}
	call->note(call->data, false);
	ndomains = virConnectGetAllDomainStats(call->connection, WANTED, &call->records[0],
					       VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE |
						       VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT);
	if (ndomains < 0)
		return failed(call);
	rc = make_answer(call, ndomains);
	if (rc == 0)
		rc = ask_again(call);
	if (rc == 0)
		qsort(call->domains, call->answer.ndomains, sizeof(*call->domains), by_uuid);
	return rc;
}

int libvirt_call_make(struct libvirt_call *call, const struct libvirt_answer **answer)
{
	bool is_old = call->connection != NULL;
	int rc = ask_once(call);

	if (rc < 0)
		disconnect(call);
	/* The daemon may have been restarted since the connection was made. */
	if (rc < 0 && rc != -ENOMEM && is_old)
		rc = ask_once(call);
	if (rc < 0)
		disconnect(call);
	*answer = &call->answer;
	return rc;
}

const char *libvirt_call_error(const struct libvirt_call *call)
{
	return call->error;
}

struct libvirt_call *libvirt_call_new(const char *uri, void (*note)(void *data, bool connects), void *data)
{
	struct libvirt_call *call = calloc(1, sizeof(*call));

	if (!call)
		return NULL;
	call->note = note;
	call->data = data;
	call->uri = strdup(uri);
	if (call->uri)
		return call;
	free(call);
	return NULL;
}

void libvirt_call_free(struct libvirt_call *call)
{
	if (!call)
		return;
	disconnect(call);
	free(call->uri);
	free(call);
}
