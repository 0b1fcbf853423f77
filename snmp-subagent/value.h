/* SPDX-License-Identifier: MIT */
/* value.h - the value of an instance, made from a view */
#ifndef KVMSTAT_AGENTX_VALUE_H
#define KVMSTAT_AGENTX_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { VALUE_MAX = 1024 };

struct value {
	uint64_t number;
	const void *data;		/* octet strings: text[] */
	size_t len;
	char text[VALUE_MAX];
};

/* All return whether there is a value. */
bool value_number(struct value *value, uint64_t n);
bool value_gauge(struct value *value, uint64_t n);		/* at most 2^32 - 1 */
bool value_known(struct value *value, uint64_t n);		/* a gauge, 0 is no value */
bool value_rate(struct value *value, double n);			/* a gauge, NaN is no value */
bool value_whole(struct value *value, double n);		/* the same, cut off: 1.9 is 1 */
bool value_name(struct value *value, const char *bytes);	/* KvmName */
bool value_text(struct value *value, const char *bytes);	/* KvmText */
bool value_display(struct value *value, const char *bytes);	/* DisplayString */
bool value_date(struct value *value, uint64_t realtime_ns);	/* DateAndTime, 0 is no value */

#endif
