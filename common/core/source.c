/* SPDX-License-Identifier: MIT */
#include "core/source.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "util/array.h"

void source_status(struct source *source, enum kvmstat_source_state state, const char *format, ...)
{
	va_list args;

	source->status.state = state;
	va_start(args, format);
	vsnprintf(source->status.text, sizeof(source->status.text), format, args);
	va_end(args);
}

bool source_sees_processes(const struct context *context, struct source *source)
{
	if (context->guests.other_pid_namespace)
		source_status(source, KVMSTAT_MISSING,
			      "this process runs in its own pid namespace; run it in the host's (a "
			      "container: --pid=host)");
	return !context->guests.other_pid_namespace;
}

int source_offer(struct source *source, const struct kvmstat_event *event, const char *name, uint32_t cells,
		 bool refused)
{
	if (array_resize(&source->offers, source->noffers + 1) < 0)
		return -ENOMEM;
	source->offers[source->noffers++] = (struct offer){ event, name, cells, refused, NO_CELL, false };
	return 0;
}

int source_find_offer(const struct source *source, const struct kvmstat_event *event)
{
	for (size_t i = 0; i < source->noffers; i++)
		if (source->offers[i].event == event)
			return (int)i;
	return -1;
}

bool source_is_covered(const struct source *source)
{
	for (size_t i = 0; i < source->noffers; i++)
		if (source->offers[i].cell != NO_CELL && !source->offers[i].covered)
			return false;
	return source->noffers > 0;
}

bool source_refuses(const struct source *source)
{
	for (size_t i = 0; i < source->noffers; i++)
		if (source->offers[i].refused)
			return true;
	return false;
}
