/* SPDX-License-Identifier: MIT */
/* types.c - collectd's types of the plugin's values */
#include <collectd/core/daemon/collectd.h>

#include <collectd/core/daemon/plugin.h>

#include "types.h"

static const struct {
	const char *type;
	data_source_t source;
} types[] = {
	{"derive", {"value", DS_TYPE_DERIVE, 0, NAN}},
	{"gauge", {"value", DS_TYPE_GAUGE, NAN, NAN}},
	{"duration", {"seconds", DS_TYPE_GAUGE, 0, NAN}},
};

/* Any TypesDB line in the configuration drops collectd's own types. */
int types_check(void)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		const data_set_t *known = plugin_get_ds(types[i].type);
		data_source_t source = types[i].source;
		data_set_t set = {.ds_num = 1, .ds = &source};

		if (known && known->ds_num == 1 && known->ds[0].type == source.type)
			continue;
		if (known) {
			ERROR(ME "a TypesDB file defines the type \"%s\" differently than collectd; "
				 "remove it from that file",
			      types[i].type);
			return -1;
		}
		snprintf(set.type, sizeof(set.type), "%s", types[i].type);
		if (plugin_register_data_set(&set)) {
			ERROR(ME "cannot register the type \"%s\"; add collectd's types.db as a "
				 "TypesDB",
			      types[i].type);
			return -1;
		}
		WARNING(ME "no TypesDB defines the type \"%s\": the plugin has registered it; also "
			   "add collectd's own types.db",
			types[i].type);
	}
	return 0;
}
