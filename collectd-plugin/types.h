/* SPDX-License-Identifier: MIT */
/* types.h - collectd's types of the plugin's values */
#ifndef KVMSTAT_TYPES_H
#define KVMSTAT_TYPES_H

#define ME "kvmstat plugin: " /* what every message begins with */

/*
 * Check that collectd has its own types, and register missing ones. 0, or -1 with a message in the
 * log.
 */
int types_check(void);

#endif
