/* SPDX-License-Identifier: MIT */
#include "host/host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/clock.h"

enum { HOST_REFRESH_SECONDS = 5 };

/* "none [integrity] confidentiality": the one in brackets is in force. */
enum kvmstat_lockdown host_lockdown(const struct sysroot *root)
{
	static const struct {
		const char *word;
		enum kvmstat_lockdown lockdown;
	} words[] = {
		{ "[none]", KVMSTAT_LOCKDOWN_NONE },
		{ "[integrity]", KVMSTAT_LOCKDOWN_INTEGRITY },
		{ "[confidentiality]", KVMSTAT_LOCKDOWN_CONFIDENTIALITY },
	};
	char text[64];

	if (sysroot_read(root, text, sizeof(text), "sys/kernel/security/lockdown") <= 0)
		return KVMSTAT_LOCKDOWN_UNKNOWN;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strstr(text, words[i].word))
			return words[i].lockdown;
	return KVMSTAT_LOCKDOWN_UNKNOWN;
}

/* "0-3,5" has five. 0 if unknown. */
static uint32_t online_cpus(const struct sysroot *root)
{
	char text[1024], *list = text;
	uint32_t cpus = 0;

	if (sysroot_read(root, text, sizeof(text), "sys/devices/system/cpu/online") <= 0)
		return 0;
	while (*list) {
		char *end;
		unsigned long first = strtoul(list, &end, 10), last = first;

		if (end == list)
			break;
		if (*end == '-')
			last = strtoul(end + 1, &end, 10);
		if (last < first || last > 1u << 20)
			return 0;
		cpus += (uint32_t)(last - first + 1);
		list = end + (*end == ',');
	}
	return cpus;
}

void host_refresh(struct host *host, const struct sysroot *root, uint64_t now_ns)
{
	if (host->read_at_ns && now_ns - host->read_at_ns < HOST_REFRESH_SECONDS * (uint64_t)NS_PER_S)
		return;
	host->read_at_ns = now_ns;
	host->cpus = online_cpus(root);
	host->lockdown = host_lockdown(root);
	host->has_kvm = sysroot_exists(root, "dev/kvm") || sysroot_exists(root, "sys/module/kvm") ||
			sysroot_exists(root, "sys/kernel/debug/kvm");
}
