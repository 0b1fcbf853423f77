/* SPDX-License-Identifier: MIT */
/*
 * oconfig.h - a block <Plugin kvmstat> as collectd hands it over, to options as text
 */
#ifndef KVMSTAT_OCONFIG_H
#define KVMSTAT_OCONFIG_H

#include "options.h"

struct oconfig_item_s; /* collectd's */

/* Set the options of the block; a wrong one is logged and ignored. */
void oconfig_take(struct options *options, const struct oconfig_item_s *block);

#endif
