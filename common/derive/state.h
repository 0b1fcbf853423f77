/* SPDX-License-Identifier: MIT */
/*
 * state.h - the text that levels and alarms are kept in over a restart
 *
 * One record a line, fields separated by one tab; a control character or a backslash in a name is \xHH:
 *
 *	kvmstat-baseline 1
 *	host	KERNEL-RELEASE	WRITTEN	INTERVAL	LAST-ALARM	SHORTAGE
 *	guest	KEY	NAME	VCPUS	FIRST-SEEN	LAST-SEEN	LEARNT-SECONDS	quiet=A0,..,A23
 *	NUMBER	TWO	MINUTE		of the guest above: rates a second
 *	daily	io|interrupt|timer|cpu	R0,..,R7	of the guest above: rates a second held for minutes, by three hours of the day
 *	alarm	NUMBER	KEY	CAUSE	EVENT	SINCE	SEVERITY	RATE	USUAL	known|unknown	FIRST-EVENT	TEXT
 *	past	NUMBER	KEY	NAME	CAUSE	EVENT	SINCE	CLEARED	ENDING	RATE	USUAL	TEXT
 *	end	CHECKSUM
 */
#ifndef KVMSTAT_STATE_H
#define KVMSTAT_STATE_H

#include <stddef.h>
#include <stdint.h>

#define STATE_FIRST "kvmstat-baseline 1"

uint64_t state_checksum(const char *text, size_t size);

#endif
