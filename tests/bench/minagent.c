/* SPDX-License-Identifier: MIT */
/*
 * minagent - the least that an AgentX subagent over libnetsnmpagent can do: a raw handler with constant values
 *
 *	minagent SOCKET ROOT GUESTS EVENT...
 *
 * Serves, as KVMSTAT-MIB has them, columns 2 of ROOT.1.8.1 (Counter32) and 1 of ROOT.1.9.1 (Counter64), indexed by
 * 1..GUESTS and these numbers, and columns 1..18 of ROOT.1.7.1, indexed by 1..GUESTS. As minagent.so, which snmpd
 * loads with "dlmod minagent", it is snmpd itself that serves them; BENCH_MINAGENT has the words from ROOT on.
 */
#include <net-snmp/net-snmp-config.h>

#include <net-snmp/net-snmp-includes.h>

#include <net-snmp/agent/net-snmp-agent-includes.h>

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct layout {
	oid table, first, last; /* columns */
	bool has_events;	/* a second index */
	u_char type;
} layouts[] = {
	{8, 2, 2, true, ASN_COUNTER}, {9, 1, 1, true, ASN_COUNTER64}, {7, 1, 18, false, ASN_GAUGE}};

static oid *events;
static int nevents;
static oid nguests;
static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
	(void)number;
	stopped = 1;
}

/* The first event that is not below number. */
static int lower_bound(oid number)
{
	int low = 0, high = nevents;

	while (low < high) {
		int middle = low + (high - low) / 2;

		if (events[middle] < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void set_value(netsnmp_variable_list *var, u_char type)
{
	static const struct counter64 big = {1, 234567890};
	static const u_long small = 1234567890;

	if (type == ASN_COUNTER64)
		snmp_set_var_typed_value(var, type, &big, sizeof(big));
	else
		snmp_set_var_typed_value(var, type, &small, sizeof(small));
}

static void get(const struct layout *layout, netsnmp_agent_request_info *info, netsnmp_request_info *request,
		const oid *suffix, size_t len)
{
	int event = layout->has_events && len == 3 ? lower_bound(suffix[2]) : 0;

	if (len != (layout->has_events ? 3 : 2) || suffix[0] < layout->first || suffix[0] > layout->last ||
	    !suffix[1] || suffix[1] > nguests ||
	    (layout->has_events && (event == nevents || events[event] != suffix[2])))
		netsnmp_set_request_error(info, request, SNMP_NOSUCHINSTANCE);
	else
		set_value(request->requestvb, layout->type);
}

/* Where the row behind suffix is. */
static void successor(const struct layout *layout, const oid *suffix, size_t len, oid *column, oid *guest, int *event)
{
	*column = len && suffix[0] > layout->first ? suffix[0] : layout->first;
	*guest = 1;
	*event = 0;
	if (len < 2 || suffix[0] < layout->first || !suffix[1])
		return;
	*guest = suffix[1] + !layout->has_events;
	*event = layout->has_events && len > 2 ? lower_bound(suffix[2] + 1) : 0;
	if (*event == nevents) {
		++*guest;
		*event = 0;
	}
	if (*guest > nguests) {
		*guest = 1;
		++*column;
	}
}

static void get_next(const struct layout *layout, netsnmp_variable_list *var,
		     const netsnmp_handler_registration *reg, const oid *suffix, size_t len)
{
	oid name[MAX_OID_LEN], *index = name + reg->rootoid_len;
	int event;

	memcpy(name, reg->rootoid, reg->rootoid_len * sizeof(*name));
	successor(layout, suffix, len, &index[0], &index[1], &event);
	if (index[0] > layout->last)
		return;
	index[2] = events[event];
	snmp_set_var_objid(var, name, reg->rootoid_len + (layout->has_events ? 3 : 2));
	set_value(var, layout->type);
}

static int handle(netsnmp_mib_handler *handler, netsnmp_handler_registration *reg,
		  netsnmp_agent_request_info *info, netsnmp_request_info *requests)
{
	const struct layout *layout = reg->my_reg_void;

	(void)handler;
	for (netsnmp_request_info *request = requests; request; request = request->next) {
		netsnmp_variable_list *var = request->requestvb;
		size_t len = var->name_length > reg->rootoid_len ? var->name_length - reg->rootoid_len : 0;

		if (info->mode == MODE_GET)
			get(layout, info, request, var->name + reg->rootoid_len, len);
		else
			get_next(layout, var, reg, var->name + reg->rootoid_len, len);
	}
	return SNMP_ERR_NOERROR;
}

static int serve_table(const struct layout *layout, const char *root)
{
	netsnmp_handler_registration *reg;
	oid name[MAX_OID_LEN];
	size_t len = MAX_OID_LEN;

	if (!read_objid(root, name, &len) || len + 3 > MAX_OID_LEN)
		return -1;
	name[len++] = 1;
	name[len++] = layout->table;
	name[len++] = 1;
	reg = netsnmp_create_handler_registration("minagent", handle, name, len, HANDLER_CAN_RONLY);
	if (!reg)
		return -1;
	reg->my_reg_void = (void *)(uintptr_t)layout;
	return netsnmp_register_handler(reg) == MIB_REGISTERED_OK ? 0 : -1;
}

static int serve(const char *root)
{
	for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++)
		if (serve_table(&layouts[i], root) < 0)
			return -1;
	return 0;
}

/* GUESTS EVENT... */
static int read_events(int nwords, char **words)
{
	nguests = strtoul(words[0], NULL, 10);
	nevents = nwords - 1;
	events = calloc((size_t)nevents + 1, sizeof(*events));
	for (int i = 0; events && i < nevents; i++)
		events[i] = strtoul(words[1 + i], NULL, 10);
	return events ? 0 : -1;
}

enum { MAX_WORDS = 1024 };

__attribute__((visibility("default"))) void init_minagent(void);

void init_minagent(void)
{
	const char *text = getenv("BENCH_MINAGENT");
	char *copy = text ? strdup(text) : NULL, *words[MAX_WORDS], *state = NULL;
	int n = 0;

	for (char *word = copy ? strtok_r(copy, " ", &state) : NULL; word && n < MAX_WORDS;
	     word = strtok_r(NULL, " ", &state))
		words[n++] = word;
	if (n < 3 || read_events(n - 1, words + 1) < 0 || serve(words[0]) < 0)
		snmp_log(LOG_ERR, "minagent: nothing is served\n");
	free(copy);
}

int main(int argc, char **argv)
{
	if (argc < 5 || read_events(argc - 3, argv + 3) < 0) {
		fprintf(stderr, "usage: minagent SOCKET ROOT GUESTS EVENT...\n");
		return 1;
	}
	signal(SIGTERM, on_signal);
	netsnmp_enable_subagent();
	netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DONT_READ_CONFIGS, 1);
	netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DONT_PERSIST_STATE, 1);
	netsnmp_ds_set_string(NETSNMP_DS_APPLICATION_ID, NETSNMP_DS_AGENT_X_SOCKET, argv[1]);
	init_agent("minagent");
	if (serve(argv[2]) < 0)
		return 1;
	init_snmp("minagent");
	while (!stopped)
		agent_check_and_process(1);
	snmp_shutdown("minagent");
	free(events);
	return 0;
}
