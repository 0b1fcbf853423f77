/* SPDX-License-Identifier: MIT */
/*
 * plugin.c - collectd read plugin: why KVM guests leave guest mode
 *
 * An adapter that sends samples of the core as value lists, and alarms as notifications. Only this
 * file, oconfig.c, types.c and notification.c include collectd's headers.
 */
#include <math.h>

#include <collectd/core/daemon/collectd.h>

#include <collectd/core/daemon/configfile.h>
#include <collectd/core/daemon/globals.h>
#include <collectd/core/daemon/plugin.h>
#include <collectd/core/daemon/utils_cache.h>
#include <collectd/core/daemon/utils_complain.h>

#include "diagnosis.h"
#include "kvmstat.h"
#include "notification.h"
#include "oconfig.h"
#include "report.h"
#include "send.h"
#include "types.h"

#define PLUGIN "kvmstat"

_Static_assert((int)LABEL_SIZE <= (int)DATA_MAX_NAME_LEN, "a label must fit into a value list");

enum {
	MAX_FAILURES = 3,     /* in a row, before collectd is told to ask less often */
	MAX_LABELS_REPORTED = 10, /* in one pass */
};

static struct {
	bool has_options;
	struct options options;
	struct kvmstat *kvmstat;
	struct state state;
	struct pass pass;
	struct diagnosis diagnosis;
	unsigned int failures;
	c_complain_t problem[KVMSTAT_NPROBLEMS];
	c_complain_t unmet[NREQUESTS];
	c_complain_t failed;
	c_complain_t limited;
	c_complain_t refused;
	c_complain_t not_judged;
	c_complain_t not_saved;
} plugin;

/* ---- configuration ------------------------------------------------------ */

static bool options_ready(void)
{
	if (!plugin.has_options && !options_init(&plugin.options))
		plugin.has_options = true;
	return plugin.has_options;
}

/* Always 0: anything else would end the daemon with all its other plugins. */
static int kvmstat_config(oconfig_item_t *block)
{
	if (!options_ready()) {
		ERROR(ME "out of memory for the configuration");
		return 0;
	}
	oconfig_take(&plugin.options, block);
	return 0;
}

/* ---- values ------------------------------------------------------------- */

static void dispatch(value_list_t *vl)
{
	int err = plugin_dispatch_values(vl);

	if (err)
		c_complain_once(LOG_ERR, &plugin.refused, ME "collectd rejects values: error %d", err);
	else
		c_release(LOG_INFO, &plugin.refused, ME "collectd accepts values again");
}

/* A value list that is filled again and again. */
struct sender {
	value_list_t vl;
	value_t value;
	const struct label *label; /* that vl currently has */
};

static void address(struct sender *sender, const struct series_owner *owner, const struct cell *cell)
{
	value_list_t *vl = &sender->vl;

	if (sender->label != owner->label) {
		sender->label = owner->label;
		memcpy(vl->host, sender->label->host, sizeof(vl->host));
		memcpy(vl->plugin_instance, sender->label->instance, sizeof(vl->plugin_instance));
	}
	if (cell->gauge)
		memcpy(vl->type, "gauge", sizeof("gauge"));
	else
		memcpy(vl->type, "derive", sizeof("derive"));
	series_name(vl->type_instance, cell, owner->suffix);
}

static void emit(void *context, const struct series_owner *owner, const struct cell *cell, uint64_t value,
		 uint64_t realtime_ns)
{
	struct sender *sender = context;

	address(sender, owner, cell);
	if (cell->gauge)
		sender->value.gauge = (gauge_t)value;
	else
		sender->value.derive = (derive_t)value;
	sender->vl.time = NS_TO_CDTIME_T(realtime_ns);
	dispatch(&sender->vl);
}

static bool arrived(void *context, const struct series_owner *owner, const struct cell *cell)
{
	struct sender *sender = context;
	const data_set_t *ds;
	value_t *last;
	bool is_zero;

	address(sender, owner, cell);
	ds = plugin_get_ds(sender->vl.type);
	last = ds ? uc_get_value(ds, &sender->vl) : NULL;
	is_zero = last && (cell->gauge ? last->gauge == 0 : last->derive == 0);
	free(last);
	return is_zero;
}

static void send_self(struct sender *sender, const char *type, const char *instance, value_t value)
{
	snprintf(sender->vl.type, sizeof(sender->vl.type), "%s", type);
	snprintf(sender->vl.type_instance, sizeof(sender->vl.type_instance), "%s", instance);
	sender->value = value;
	dispatch(&sender->vl);
}

/* The plugin's own values have no plugin instance. */
static void address_self(struct sender *sender, const struct kvmstat_sample *sample)
{
	snprintf(sender->vl.host, sizeof(sender->vl.host), "%s", hostname_g);
	sender->vl.plugin_instance[0] = '\0';
	sender->vl.time = NS_TO_CDTIME_T(sample->realtime_ns);
}

static void send_selves(struct sender *sender, const struct kvmstat_sample *sample)
{
	char instance[64];

	address_self(sender, sample);
	/* If nothing may be read, no guests seen does not mean that there are none. */
	if (sample->nrows || !sample->problems[KVMSTAT_NO_SOURCE].active)
		send_self(sender, "gauge", "guests", (value_t){.gauge = sample->nrows});
	send_self(sender, "gauge", "events", (value_t){.gauge = report_events(sample)});
	send_self(sender, "gauge", "values", (value_t){.gauge = plugin.pass.sent});
	send_self(sender, "duration", "pass", (value_t){.gauge = (double)sample->duration_ns / 1e9});
	for (int i = 0; i < KVMSTAT_NPROBLEMS; i++) {
		snprintf(instance, sizeof(instance), "errors-%s", kvmstat_problem_name(i));
		send_self(sender, "derive", instance,
			  (value_t){.derive = (derive_t)sample->problems[i].count});
	}
}

static void send_sample(const struct kvmstat_sample *sample)
{
	struct sender sender = {.vl = {.values_len = 1, .plugin = PLUGIN}};
	struct pass *pass = &plugin.pass;

	sender.vl.values = &sender.value;
	pass->options = &plugin.options;
	pass->state = &plugin.state;
	pass->interval_ns = CDTIME_T_TO_NS(plugin_get_interval());
	pass->emit = emit;
	pass->arrived = arrived;
	pass->context = &sender;
	pass_run(pass, sample);
	send_selves(&sender, sample);
	sender.label = NULL;
	pass_end(pass, sample);
}

/* What is usual of a guest's judged events, as a rate beside the counter: the upper edge of a band. */
static void send_usual_of(struct sender *sender, const struct kvmstat_sample *sample, uint32_t row)
{
	struct series_owner owner = state_guest(&plugin.state, sample, row);

	for (uint32_t i = 0; i < sample->ncolumns; i++) {
		const struct kvmstat_event *event = sample->columns[i].event;
		double usual = kvmstat_diagnosis_row_usual(plugin.diagnosis.core, row, event->number);
		struct cell cell = {.gauge = true};

		if (isnan(usual) || !pass_admit(&plugin.pass))
			continue;
		cell.len = (uint8_t)snprintf(cell.type_instance, sizeof(cell.type_instance), "%.100s-usual", event->name);
		address(sender, &owner, &cell);
		sender->value.gauge = usual;
		dispatch(&sender->vl);
	}
}

static void send_usual(const struct kvmstat_sample *sample)
{
	struct sender sender = {.vl = {.values_len = 1, .plugin = PLUGIN}};

	sender.vl.values = &sender.value;
	sender.vl.time = NS_TO_CDTIME_T(sample->realtime_ns);
	for (uint32_t row = 0; row < sample->nrows; row++)
		if (plugin.state.guests[row].named)
			send_usual_of(&sender, sample, row);
}

static void report_left_out(void)
{
	const struct pass *pass = &plugin.pass;

	if (pass->left_out)
		c_complain_once(LOG_WARNING, &plugin.limited,
				ME "%u of %u values are left out: MaxValues is %u; select fewer "
				   "guests or events, or raise MaxValues and collectd's "
				   "WriteQueueLimitHigh and -Low",
				pass->left_out, pass->left_out + pass->sent, plugin.options.max_values);
	else
		c_release(LOG_INFO, &plugin.limited, ME "no values are left out any more");
}

/* ---- alarms ------------------------------------------------------------- */

/* An alarm that no notification reports is in the log, or gauge-alarms would count what nobody can look up. */
static void report_change(const struct kvmstat_change *change, const struct kvmstat_sample *sample)
{
	const struct address *address;

	if (change->kind == KVMSTAT_SUPPRESSED) {
		WARNING(ME "%u more alarms were raised within a minute than are reported; gauge-alarms counts all", change->count);
		return;
	}
	address = diagnosis_address(&plugin.diagnosis, change->alarm);
	if (!plugin.options.diagnosis.notify || !address || notification_send(change, address, sample->realtime_ns))
		INFO(ME "%s", change->alarm->text);
}

static void send_alarms(const struct kvmstat_sample *sample)
{
	struct sender sender = {.vl = {.values_len = 1, .plugin = PLUGIN}};

	sender.vl.values = &sender.value;
	address_self(&sender, sample);
	send_self(&sender, "gauge", "alarms", (value_t){.gauge = plugin.diagnosis.active});
}

/* sample NULL: the last time. */
static void save(const struct kvmstat_sample *sample)
{
	char text[512];

	if (kvmstat_keeper_save(&plugin.diagnosis.keeper, plugin.diagnosis.core, sample, text, sizeof(text)))
		c_complain_once(LOG_ERR, &plugin.not_saved, ME "%s", text);
	else
		c_release(LOG_INFO, &plugin.not_saved, ME "what is usual is saved again");
}

/*
 * After the values, which no handler of notifications shall delay. Alarms are saved after their notifications: if the
 * daemon is killed in between they are raised twice, instead of never.
 */
static void diagnose(const struct kvmstat_sample *sample)
{
	const struct kvmstat_change *changes;
	size_t nchanges;
	uint32_t active = plugin.diagnosis.active;
	int err;

	if (!plugin.diagnosis.core)
		return;
	err = diagnosis_judge(&plugin.diagnosis, &plugin.state, &plugin.options.naming, sample, &changes, &nchanges);
	if (err)
		c_complain_once(LOG_ERR, &plugin.not_judged, ME "not every guest is judged: %s", strerror(-err));
	else
		c_release(LOG_INFO, &plugin.not_judged, ME "every guest is judged again");
	if (plugin.options.report_usual)
		send_usual(sample);
	send_alarms(sample);
	for (size_t i = 0; i < nchanges; i++)
		report_change(&changes[i], sample);
	if (kvmstat_keeper_due(&plugin.diagnosis.keeper, sample, nchanges || active != plugin.diagnosis.active))
		save(sample);
}

/* ---- one pass ----------------------------------------------------------- */

static void report_problems(const struct kvmstat_sample *sample)
{
	for (int i = 0; i < KVMSTAT_NPROBLEMS; i++) {
		const struct kvmstat_problem_status *problem = &sample->problems[i];

		if (problem->active)
			c_complain_once(i == KVMSTAT_NO_SOURCE ? LOG_ERR : LOG_WARNING, &plugin.problem[i],
					ME "%s", problem->text);
		else
			c_release(LOG_INFO, &plugin.problem[i], ME "over: %s", report_over(i));
	}
}

static void report_requests(const struct kvmstat_sample *sample)
{
	char text[512];

	for (int i = 0; i < NREQUESTS; i++) {
		int unmet = report_request(text, sizeof(text), sample, &plugin.options, i);

		if (unmet > 0)
			c_complain_once(LOG_WARNING, &plugin.unmet[i], ME "%s", text);
		else if (!unmet)
			c_release(LOG_INFO, &plugin.unmet[i], ME "%s", text);
	}
}

static void report_labels(const struct kvmstat_sample *sample)
{
	char text[512];
	uint32_t reported = 0;

	for (uint32_t i = 0; i < sample->nrows; i++) {
		const struct guest_state *guest = &plugin.state.guests[i];

		if (!guest->fresh || !guest->changed || reported++ >= MAX_LABELS_REPORTED)
			continue;
		report_label(text, sizeof(text), sample->rows[i].guest, &guest->label);
		INFO(ME "%s", text);
	}
	if (reported > MAX_LABELS_REPORTED)
		INFO(ME "%u more guests are not reported under their own names, for the same reasons",
		     reported - MAX_LABELS_REPORTED);
}

/* Take a sample and update state and messages; NULL without memory. */
static struct kvmstat_sample *take_sample(int *err)
{
	struct kvmstat_sample *sample = NULL;

	*err = kvmstat_collect(plugin.kvmstat, &sample);
	if (*err)
		return NULL;
	*err = state_update(&plugin.state, sample, &plugin.options.naming, plugin.options.skip_never_seen);
	if (*err < 0) {
		kvmstat_sample_put(sample);
		return NULL;
	}
	report_problems(sample);
	report_requests(sample);
	if (*err > 0)
		report_labels(sample);
	return sample;
}

static int kvmstat_read(user_data_t *user_data)
{
	struct kvmstat_sample *sample;
	int err;

	(void)user_data;
	if (!plugin.kvmstat)
		return -1;
	sample = take_sample(&err);
	if (!sample) {
		c_complain_once(LOG_ERR, &plugin.failed, ME "cannot collect: %s", strerror(-err));
		return ++plugin.failures < MAX_FAILURES ? 0 : -1;
	}
	plugin.failures = 0;
	c_release(LOG_INFO, &plugin.failed, ME "collecting again");
	send_sample(sample);
	diagnose(sample);
	report_left_out();
	state_advance(&plugin.state, sample);
	return 0;
}

/* ---- start and end ------------------------------------------------------ */

static void report_unknown_events(void)
{
	for (const struct event_word *word = plugin.options.words; word; word = word->next) {
		char suggestion[128] = "", text[512];

		if (!kvmstat_event_unknown(plugin.kvmstat, word->text, suggestion, sizeof(suggestion)))
			continue;
		report_unknown_event(text, sizeof(text), word, suggestion);
		ERROR(ME "%s; the option matches nothing", text);
	}
	options_forget_words(&plugin.options);
}

/* Other than out of memory, only the directory of the option Root can be missing. */
static void report_failed_start(int err)
{
	if (err == -ENOMEM)
		ERROR(ME "cannot start: %s", strerror(-err));
	else
		ERROR(ME "Root: cannot open the directory: %s; expected one that contains sys and "
			 "proc; the plugin does not start",
		      strerror(-err));
}

/* Only "none" can make all names the same, and only if the host's name does not distinguish guests. */
static void check_naming(void)
{
	struct naming *naming = &plugin.options.naming;

	if (label_distinguishes_guests(naming))
		return;
	ERROR(ME "PluginInstanceFormat \"none\": all guests would have the same name; also set "
		 "HostnameFormat name or uuid; \"PluginInstanceFormat name\" is used instead");
	naming->instance = (struct label_format){1, {LABEL_NAME}};
}

static void report_no_events(const struct kvmstat_sample *sample)
{
	if (!sample->ncolumns && plugin.options.words && !sample->problems[KVMSTAT_NO_SOURCE].active &&
	    !sample->problems[KVMSTAT_NO_KVM].active)
		WARNING(ME "no event of this host matches Event and ExcludeEvent: no guest "
			   "statistics are sent; `kvmstat events --all` lists the events of this host");
}

static void begin_diagnosis(void)
{
	const char *base = global_option_get("BaseDir");
	char dir[PATH_MAX], text[1024];
	int rc;

	if (!plugin.options.diagnosis.diagnose)
		return;
	if (base)
		snprintf(dir, sizeof(dir), "%s/" PLUGIN, base);
	rc = diagnosis_begin(&plugin.diagnosis, &plugin.options, base ? dir : NULL, text, sizeof(text));
	if (rc > 0)
		WARNING(ME "%s", text);
	else if (rc < 0)
		ERROR(ME "guests are not judged: %s", strerror(-rc));
}

static int kvmstat_init(void)
{
	struct kvmstat_sample *sample;
	char text[256];
	int err;

	if (types_check())
		return -1;
	err = options_ready() ? kvmstat_open(&plugin.kvmstat, plugin.options.core) : -ENOMEM;
	if (err) {
		plugin.kvmstat = NULL;
		report_failed_start(err);
		return -1;
	}
	plugin.options.naming.hostname = hostname_g;
	check_naming();
	begin_diagnosis();
	sample = take_sample(&err);
	if (sample) {
		report_start(text, sizeof(text), sample);
		INFO(ME "%s", text);
		report_no_events(sample);
		state_advance(&plugin.state, sample);
	}
	report_unknown_events();
	return 0;
}

/* Also called if init failed, or was never called. */
static int kvmstat_shutdown(void)
{
	if (plugin.diagnosis.core)
		save(NULL);
	diagnosis_end(&plugin.diagnosis);
	state_free(&plugin.state);
	kvmstat_close(plugin.kvmstat);
	if (plugin.has_options)
		options_exit(&plugin.options);
	memset(&plugin, 0, sizeof(plugin));
	return 0;
}

__attribute__((visibility("default"))) void module_register(void)
{
	plugin_register_complex_config(PLUGIN, kvmstat_config);
	plugin_register_init(PLUGIN, kvmstat_init);
	plugin_register_complex_read(NULL, PLUGIN, kvmstat_read, 0, NULL);
	plugin_register_shutdown(PLUGIN, kvmstat_shutdown);
}
