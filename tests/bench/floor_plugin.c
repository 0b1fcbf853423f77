/* SPDX-License-Identifier: MIT */
/*
 * kvmfloor.so - a collectd plugin that throws away what is written, and, with <Plugin kvmfloor> Guests and
 * Events, sends that many constant values at each read: the least that a daemon with so many values can cost
 */
#include <collectd/core/daemon/collectd.h>

#include <collectd/core/daemon/globals.h>
#include <collectd/core/daemon/plugin.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_SIZE = 32 };

static struct {
	int guests, events;
	char (*event)[NAME_SIZE];
} floor_of;

static int floor_config(oconfig_item_t *block)
{
	for (int i = 0; i < block->children_num; i++) {
		int number = (int)block->children[i].values[0].value.number;

		if (!strcmp(block->children[i].key, "Guests"))
			floor_of.guests = number;
		else if (!strcmp(block->children[i].key, "Events"))
			floor_of.events = number;
	}
	return 0;
}

static int floor_read(void)
{
	static derive_t count;
	value_t value = {.derive = ++count};
	value_list_t vl = {
		.values = &value, .values_len = 1, .plugin = "kvmfloor", .type = "derive", .time = cdtime()};

	snprintf(vl.host, sizeof(vl.host), "%s", hostname_g);
	for (int i = 0; i < floor_of.guests; i++) {
		snprintf(vl.plugin_instance, sizeof(vl.plugin_instance), "kvmtestvmm-%d", i);
		for (int k = 0; k < floor_of.events; k++) {
			memcpy(vl.type_instance, floor_of.event[k], NAME_SIZE);
			plugin_dispatch_values(&vl);
		}
	}
	return 0;
}

static int floor_init(void)
{
	floor_of.event = calloc((size_t)floor_of.events + 1, sizeof(*floor_of.event));
	if (!floor_of.event)
		return -1;
	/* Names that do not ascend, as those of events do not: ascending ones would flatter the daemon's
	 * cache. */
	for (int i = 0; i < floor_of.events; i++)
		snprintf(floor_of.event[i], NAME_SIZE, "exit_%08x", (unsigned int)i * 2654435761u);
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
