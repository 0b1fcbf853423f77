/* SPDX-License-Identifier: MIT */
/*
 * notification.c - alarms as notifications of collectd's
 *
 * All notifications of one alarm have the same identifier, that of the value which the alarm is about when it is raised:
 * receivers pair begin and end by it.
 */
#include <collectd/core/daemon/collectd.h>

#include <collectd/core/daemon/plugin.h>

#include "notification.h"

static int severity_of(const struct kvmstat_change *change)
{
	if (change->kind == KVMSTAT_CLEARED)
		return NOTIF_OKAY;
	switch (change->alarm->cause->severity) {
	case KVMSTAT_CRITICAL:
	case KVMSTAT_MAJOR:
		return NOTIF_FAILURE;
	default:
		return NOTIF_WARNING;
	}
}

static void add_text(notification_t *notification, const char *name, const char *text)
{
	if (text[0])
		plugin_notification_meta_add_string(notification, name, text);
}

static void add_number(notification_t *notification, const char *name, double number)
{
	if (!isnan(number))
		plugin_notification_meta_add_double(notification, name, number);
}

/*
 * Rate and usual have the names that the plugin threshold gives its numbers. Without memory some are missing; the
 * notification is sent all the same.
 */
static void add_meta(notification_t *notification, const struct kvmstat_change *change)
{
	const struct kvmstat_alarm *alarm = change->alarm;
	bool over = change->kind == KVMSTAT_CLEARED;

	add_text(notification, "cause", alarm->cause->name);
	add_text(notification, "severity", kvmstat_severity_name(over ? KVMSTAT_CLEAR : alarm->cause->severity));
	plugin_notification_meta_add_unsigned_int(notification, "alarm", alarm->number);
	add_text(notification, "event", alarm->event ? alarm->event->name : "");
	add_text(notification, "parent", alarm->event ? alarm->event->parent : "");
	add_text(notification, "uuid", alarm_uuid(alarm));
	if (!over)
		add_number(notification, "CurrentValue", alarm->rate);
	add_number(notification, "WarningMax", alarm->usual);
	plugin_notification_meta_add_unsigned_int(notification, "vcpus", alarm->vcpus);
	plugin_notification_meta_add_unsigned_int(notification, "cpus", alarm->cpus);
	add_number(notification, "wait", alarm->wait);
}

int notification_send(const struct kvmstat_change *change, const struct address *address, uint64_t realtime_ns)
{
	notification_t notification = {
		.severity = severity_of(change),
		.time = NS_TO_CDTIME_T(realtime_ns),
		.plugin = "kvmstat",
		.type = "derive",
	};
	int err;

	memcpy(notification.host, address->label.host, sizeof(notification.host));
	memcpy(notification.plugin_instance, address->label.instance, sizeof(notification.plugin_instance));
	memcpy(notification.type_instance, address->type_instance, sizeof(notification.type_instance));
	snprintf(notification.message, sizeof(notification.message), "%s", change->alarm->text);
	add_meta(&notification, change);
	err = plugin_dispatch_notification(&notification);
	plugin_notification_meta_free(notification.meta);
	return err ? -1 : 0;
}
