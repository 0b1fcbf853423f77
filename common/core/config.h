/* SPDX-License-Identifier: MIT */
/*
 * config.h - what kvmstat_config_set() collects, for the collector
 */
#ifndef KVMSTAT_CONFIG_H
#define KVMSTAT_CONFIG_H

#include "kvmstat.h"
#include "util/filter.h"

struct kvmstat_config {
	struct filter *guests;
	struct filter *events;
	bool histograms;
	bool exit_reasons;
	bool vcpus;
	uint32_t top;			/* guests to show one by one, 0: all */
	char *root;			/* "/" */
	char *libvirt_uri;		/* "qemu:///system" */
	/* In order of preference, ended by KVMSTAT_ABSENT; at first "auto": every source, the best first. */
	uint8_t sources[KVMSTAT_NSOURCES + 1];
	bool chosen;			/* the option Source named them */
};

/* A deep copy, or NULL without memory. */
struct kvmstat_config *config_copy(const struct kvmstat_config *config);

#endif
