/* SPDX-License-Identifier: MIT */
/*
 * host.h - what is known of the host, read again every few seconds
 */
#ifndef KVMSTAT_HOST_H
#define KVMSTAT_HOST_H

#include "host/sysroot.h"
#include "kvmstat.h"

struct host {
	uint32_t cpus;			/* online; 0: unknown */
	enum kvmstat_lockdown lockdown;
	bool has_kvm;
	bool debugfs_refuses;		/* EPERM was met although no lockdown is known of */
	uint64_t read_at_ns;		/* CLOCK_BOOTTIME */
};

/* Read it again if that was not done lately. now_ns: CLOCK_BOOTTIME. */
void host_refresh(struct host *host, const struct sysroot *root, uint64_t now_ns);

enum kvmstat_lockdown host_lockdown(const struct sysroot *root);

#endif
