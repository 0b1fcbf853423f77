/* SPDX-License-Identifier: MIT */
/*
 * words.h - pure: what the words mean in which libvirt hands out statistics, and whether they make sense
 *
 * libvirt gives a guest's statistics as a list of named parameters:
 *
 *	vm.NAME.TYPE		an event of the VM
 *	vcpu.N.NAME.TYPE	an event of vCPU N
 *	vcpu.current		how many vCPUs there are; vcpu.N.state, vcpu.N.time, ... more of one
 *
 * TYPE is sum, cur or max. Histograms are not among them.
 */
#ifndef KVMSTAT_LIBVIRT_PARSE_H
#define KVMSTAT_LIBVIRT_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kvmstat.h"

enum {
	LIBVIRT_MAX_VCPU = 16383,	/* QEMU and KVM stop well below */
	LIBVIRT_MAX_NAME = 79,	/* of all that libvirt says */
};

/* One parameter, as plain as it can be. */
struct libvirt_param {
	const char *field;
	uint64_t number;
	bool is_number;			/* a whole number that is not negative, or a boolean */
	bool is_boolean;
};

enum libvirt_kind {
	LIBVIRT_OTHER,			/* nothing that is needed */
	LIBVIRT_EVENT,
	LIBVIRT_VCPUS,			/* vcpu.current */
	LIBVIRT_STATE,			/* vcpu.N.state */
	LIBVIRT_TIME,			/* vcpu.N.time: CPU time of its thread in ns */
	LIBVIRT_DELAY,			/* vcpu.N.delay: time it waited for a CPU in ns */
};

struct libvirt_key {
	enum libvirt_kind kind;
	enum kvmstat_scope scope;	/* of an event */
	enum kvmstat_class class;	/* of an event, by its type */
	uint32_t vcpu;			/* KVMSTAT_VCPU, STATE, TIME, DELAY */
	char name[LIBVIRT_MAX_NAME + 1];	/* of an event */
};

/* Parse a parameter. 0; -EBADMSG: it has a known name, but an invalid vCPU number or value. */
int libvirt_parse(const struct libvirt_param *param, struct libvirt_key *key);

/* Assumptions about an event that is not in events.tsv, except its class. */
enum kvmstat_unit libvirt_unit(const struct libvirt_param *param, const char *name);

#endif
