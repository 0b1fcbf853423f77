/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "agent.h"
#include "handler.h"
#include "log.h"
#include "obstacle.h"
#include "transport.h"

#include <net-snmp/agent/agent_callbacks.h>
#include <net-snmp/library/large_fd_set.h>
#include <net-snmp/agent/agent_sysORTable.h>

#define APPLICATION "kvmstat-agentx"

/* snmpd answers in microseconds. A second of waiting in all is better than an answer at any price. */
enum { REPLY_LIMIT_US = 333333, ERROR_MAX = 16 };

struct agent {
	const struct settings *settings;
	struct reader reader;
	struct served *served;
	pthread_t thread;
	int wake;			/* eventfd */
	/* written by the SNMP thread, read by the other */
	bool connected, failed;
	unsigned int heartbeat;
	/* of the SNMP thread */
	struct complaint lost;
	int errors;			/* of Net-SNMP, logged since the last connection */
};

static bool load(const bool *flag)
{
	return __atomic_load_n(flag, __ATOMIC_RELAXED);
}

bool agent_connected(const struct agent *agent)
{
	return load(&agent->connected);
}

bool agent_failed(const struct agent *agent)
{
	return load(&agent->failed);
}

unsigned int agent_heartbeat(const struct agent *agent)
{
	return __atomic_load_n(&agent->heartbeat, __ATOMIC_RELAXED);
}

/* ---- what Net-SNMP calls ------------------------------------------------ */

/*
 * Net-SNMP tells of every attempt to connect. What matters of that is told here, once; of the rest only
 * errors pass, and not for ever.
 */
static int on_log(int major, int minor, void *server_arg, void *client_arg)
{
	const struct snmp_log_message *log = server_arg;
	struct agent *agent = client_arg;
	int len = (int)strcspn(log->msg, "\n");

	(void)major;
	(void)minor;
	if (log_debugging())
		message(LOG_DEBUG, "Net-SNMP: %.*s", len, log->msg);
	else if (log->priority <= LOG_ERR && len && agent->errors++ < ERROR_MAX)
		message(log->priority, "Net-SNMP: %.*s", len, log->msg);
	return SNMP_ERR_NOERROR;
}

static int on_session(int major, int minor, void *server_arg, void *client_arg)
{
	netsnmp_session *session = server_arg;

	(void)major;
	(void)minor;
	(void)client_arg;
	session->timeout = REPLY_LIMIT_US;
	session->retries = 0;
	return SNMP_ERR_NOERROR;
}

static int on_connect(int major, int minor, void *server_arg, void *client_arg)
{
	struct agent *agent = client_arg;

	(void)major;
	(void)minor;
	(void)server_arg;
	reader_reset(&agent->reader);
	agent->errors = 0;
	agent->lost.active = false;
	__atomic_store_n(&agent->connected, true, __ATOMIC_RELAXED);
	message(LOG_NOTICE, "connected to snmpd at %s", agent->settings->socket);
	return SNMP_ERR_NOERROR;
}

static int on_disconnect(int major, int minor, void *server_arg, void *client_arg)
{
	struct agent *agent = client_arg;

	(void)major;
	(void)minor;
	(void)server_arg;
	__atomic_store_n(&agent->connected, false, __ATOMIC_RELAXED);
	complain(&agent->lost,
		 "lost the connection to snmpd at %s: it ended or hangs, its log tells; trying again every "
		 "%u s",
		 agent->settings->socket, agent->settings->ping_interval);
	return SNMP_ERR_NOERROR;
}

static const struct {
	int major, minor;
	SNMPCallback *call;
} hooks[] = {
	{ SNMP_CALLBACK_LIBRARY, SNMP_CALLBACK_LOGGING, on_log },
	{ SNMP_CALLBACK_LIBRARY, SNMP_CALLBACK_SESSION_INIT, on_session },
	{ SNMP_CALLBACK_APPLICATION, SNMPD_CALLBACK_INDEX_START, on_connect },
	{ SNMP_CALLBACK_APPLICATION, SNMPD_CALLBACK_INDEX_STOP, on_disconnect },
};

enum { NHOOKS = sizeof(hooks) / sizeof(hooks[0]) };

/* ---- set up ------------------------------------------------------------- */

/* Nothing of Net-SNMP's own configuration or state is read or written: what counts is in our file alone. */
static void configure(struct agent *agent)
{
	char address[TRANSPORT_PATH_MAX + sizeof(TRANSPORT_PREFIX) + 2];

	snprintf(address, sizeof(address), TRANSPORT_PREFIX ":%s", agent->settings->socket);
	netsnmp_enable_subagent();
	netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DONT_READ_CONFIGS, 1);
	netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DONT_PERSIST_STATE, 1);
	netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_ALARM_DONT_USE_SIG, 1);
	netsnmp_ds_set_boolean(NETSNMP_DS_APPLICATION_ID, NETSNMP_DS_AGENT_NO_ROOT_ACCESS, 1);
	netsnmp_ds_set_boolean(NETSNMP_DS_APPLICATION_ID, NETSNMP_DS_AGENT_NO_CONNECTION_WARNINGS, 1);
	netsnmp_ds_set_string(NETSNMP_DS_APPLICATION_ID, NETSNMP_DS_AGENT_X_SOCKET, address);
}

static void tell_missing(struct agent *agent)
{
	const struct settings *settings = agent->settings;
	char text[OBSTACLE_SIZE];

	obstacle_describe(settings->socket, transport_probe(settings->socket), text);
	complain(&agent->lost, "no snmpd at %s: %s; trying again every %u s", settings->socket, text,
		 settings->ping_interval);
}

static int set_up(struct agent *agent)
{
	const struct settings *settings = agent->settings;
	int rc;

	snmp_disable_log();
	snmp_enable_calllog();
	for (int i = 0; i < NHOOKS; i++)
		snmp_register_callback(hooks[i].major, hooks[i].minor, hooks[i].call, agent);
	configure(agent);
	transport_register();
	if (init_agent(APPLICATION) != 0) {
		message(LOG_ERR,
			"Net-SNMP's agent library cannot be used: look at its messages with the option -d");
		return -EIO;
	}
	/* init_agent() set its own */
	netsnmp_ds_set_int(NETSNMP_DS_APPLICATION_ID, NETSNMP_DS_AGENT_AGENTX_PING_INTERVAL,
			   (int)settings->ping_interval);
	rc = handler_register(agent->served, &agent->reader, settings->root, settings->root_len);
	if (rc < 0)
		return rc;
	register_sysORTable((oid *)settings->root, settings->root_len,
			    "KVMSTAT-MIB: why KVM guests leave guest mode");
	init_snmp(APPLICATION);
	if (!agent_connected(agent))
		tell_missing(agent);
	return 0;
}

/* ---- the thread --------------------------------------------------------- */

/*
 * Wait for a request, an alarm of Net-SNMP, or to be woken, but not above a second; then do what is to be
 * done. False: it was woken, which is to stop.
 */
static bool turn(struct agent *agent, netsnmp_large_fd_set *fds)
{
	struct timeval timeout = { .tv_sec = 1 };
	int numfds = agent->wake + 1, block = 0, ready;
	struct timespec now;

	NETSNMP_LARGE_FD_ZERO(fds);
	snmp_select_info2(&numfds, fds, &timeout, &block);
	NETSNMP_LARGE_FD_SET(agent->wake, fds);
	ready = netsnmp_large_fd_set_select(numfds, fds, NULL, NULL, &timeout);
	if (ready > 0 && NETSNMP_LARGE_FD_ISSET(agent->wake, fds))
		return false;
	/* First read: an alarm may wait for a reply and would take what was ready. */
	if (ready > 0)
		snmp_read2(fds);
	else if (ready == 0)
		snmp_timeout();
	run_alarms();
	netsnmp_check_outstanding_agent_requests();
	clock_gettime(CLOCK_BOOTTIME, &now);
	reader_expire(&agent->reader, (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec);
	__atomic_add_fetch(&agent->heartbeat, 1, __ATOMIC_RELAXED);
	return true;
}

/* snmp_shutdown() frees the arguments of the callbacks it finds: it must not find ours. */
static void shut_down(struct agent *agent)
{
	for (int i = 0; i < NHOOKS; i++)
		snmp_unregister_callback(hooks[i].major, hooks[i].minor, hooks[i].call, agent, 1);
	snmp_shutdown(APPLICATION);
	shutdown_agent();
}

static void *run(void *arg)
{
	struct agent *agent = arg;
	netsnmp_large_fd_set fds;

	if (set_up(agent) < 0) {
		__atomic_store_n(&agent->failed, true, __ATOMIC_RELAXED);
		return NULL;
	}
	netsnmp_large_fd_set_init(&fds, FD_SETSIZE);
	while (turn(agent, &fds))
		;
	netsnmp_large_fd_set_cleanup(&fds);
	shut_down(agent);
	return NULL;
}

static void free_agent(struct agent *agent)
{
	if (agent->wake >= 0)
		close(agent->wake);
	free(agent->served);
	free(agent);
}

int agent_start(struct agent **agent, const struct settings *settings, struct views *views)
{
	struct agent *new = calloc(1, sizeof(*new));
	int rc;

	if (!new)
		return -ENOMEM;
	new->settings = settings;
	new->served = calloc(ntables, sizeof(*new->served));
	new->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	reader_init(&new->reader, views, settings->interval);
	rc = !new->served ? -ENOMEM : new->wake < 0 ? -errno : -pthread_create(&new->thread, NULL, run, new);
	if (rc < 0) {
		free_agent(new);
		return rc;
	}
	*agent = new;
	return 0;
}

void agent_stop(struct agent *agent)
{
	if (!agent)
		return;
	eventfd_write(agent->wake, 1);
	pthread_join(agent->thread, NULL);
	reader_exit(&agent->reader);
	free_agent(agent);
}
