/* SPDX-License-Identifier: MIT */
/*
 * types.h - the types of collectd's that the plugin's values have
 */
#ifndef KVMSTAT_TYPES_H
#define KVMSTAT_TYPES_H

#define ME "kvmstat plugin: " /* what every message begins with */

/* Are they known to collectd, as they come with it? Registers those that are not. 0, or -1 after saying why not. */
int types_check(void);

#endif
