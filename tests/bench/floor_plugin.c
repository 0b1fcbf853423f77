/* SPDX-License-Identifier: MIT */
/*
 * kvmfloor.so - a collectd plugin that throws away what is written, and, with <Plugin kvmfloor> Guests and the
 * names of events (Derive, Gauge), sends at each read what kvmstat.so would, but constants: the least that a daemon
 * with these values can cost
 */
#include <collectd/core/daemon/collectd.h>

#include <collectd/core/daemon/globals.h>
#include <collectd/core/daemon/plugin.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { NAME_SIZE = 64, MAX_EVENTS = 1024 };

struct event {
	char name[NAME_SIZE];
	bool gauge;
};

static struct {
	int guests, events;
	struct event event[MAX_EVENTS];
} floor_of;

static void add_event(const char *name, bool gauge)
{
	if (floor_of.events == MAX_EVENTS)
		return;
	snprintf(floor_of.event[floor_of.events].name, NAME_SIZE, "%s", name);
	floor_of.event[floor_of.events++].gauge = gauge;
}

static int floor_config(oconfig_item_t *block)
{
	for (int i = 0; i < block->children_num; i++) {
		const oconfig_item_t *item = &block->children[i];

		if (!strcmp(item->key, "Guests"))
			floor_of.guests = (int)item->values[0].value.number;
		else
			add_event(item->values[0].value.string, !strcmp(item->key, "Gauge"));
	}
	return 0;
}

static void send_event(value_list_t *vl, const struct event *event, derive_t count)
{
	if (event->gauge)
		vl->values->gauge = (gauge_t)count;
	else
		vl->values->derive = count;
	memcpy(vl->type, event->gauge ? "gauge" : "derive", event->gauge ? sizeof("gauge") : sizeof("derive"));
	memcpy(vl->type_instance, event->name, NAME_SIZE);
	plugin_dispatch_values(vl);
}

static int floor_read(void)
{
	static derive_t count;
	value_t value;
	value_list_t vl = {.values = &value, .values_len = 1, .plugin = "kvmfloor", .time = cdtime()};

	count++;
	snprintf(vl.host, sizeof(vl.host), "%s", hostname_g);
	for (int i = 0; i < floor_of.guests; i++) {
		snprintf(vl.plugin_instance, sizeof(vl.plugin_instance), "bench-%d", i);
		for (int k = 0; k < floor_of.events; k++)
			send_event(&vl, &floor_of.event[k], count);
	}
	return 0;
}

static int floor_init(void)
{
	if (floor_of.guests)
		plugin_register_read("kvmfloor", floor_read);
	return 0;
}

static int throw_away(const data_set_t *ds, const value_list_t *vl, user_data_t *user_data)
{
	(void)ds;
	(void)vl;
	(void)user_data;
	return 0;
}

__attribute__((visibility("default"))) void module_register(void);

void module_register(void)
{
	plugin_register_complex_config("kvmfloor", floor_config);
	plugin_register_init("kvmfloor", floor_init);
	plugin_register_write("kvmfloor", throw_away, NULL);
}
