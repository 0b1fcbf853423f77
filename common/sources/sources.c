/* SPDX-License-Identifier: MIT */
#include "sources/sources.h"

extern const struct source_ops bpf_source, statsfd_source, debugfs_source, libvirt_source, proc_source, tracepoint_source;

const struct source_ops *const source_list[] = {
	&bpf_source, &statsfd_source, &debugfs_source, &libvirt_source, &proc_source, &tracepoint_source, NULL,
};

bool source_may_be_chosen(const struct source_ops *ops)
{
	return !ops->lists_only && !ops->own_events;
}
