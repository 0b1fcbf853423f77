/* SPDX-License-Identifier: MIT */
/*
 * oid.h - object identifiers, and the types of values that go with them
 */
#ifndef KVMSTAT_AGENTX_OID_H
#define KVMSTAT_AGENTX_OID_H

#include <stdbool.h>
#include <stdint.h>

enum { OID_MAX = 128 };		/* sub-identifiers, by RFC 2578 */

struct oid {
	uint32_t len;
	uint32_t subid[OID_MAX];
};

/* As OIDs are ordered: below 0, 0 or above 0. */
int oid_compare(const struct oid *a, const struct oid *b);

/* Is it below top, or the same? */
bool oid_is_below(const struct oid *oid, const struct oid *top);

/* Numbers of RFC 2741, which are those of SNMP. */
enum oid_type {
	TYPE_INTEGER = 2,
	TYPE_STRING = 4,
	TYPE_OID = 6,
	TYPE_COUNTER = 65,
	TYPE_GAUGE = 66,	/* and Unsigned32 */
	TYPE_TICKS = 67,
	TYPE_COUNTER64 = 70,
	/* there is no value */
	NO_SUCH_OBJECT = 128,
	NO_SUCH_INSTANCE = 129,
	END_OF_MIB_VIEW = 130,
};

#endif
