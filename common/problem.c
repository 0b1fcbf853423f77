/* SPDX-License-Identifier: MIT */
#include "collector.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void problem_raise(struct kvmstat *kvmstat, enum kvmstat_problem problem, uint64_t hits, const char *format, ...)
{
	struct kvmstat_problem_status *status = &kvmstat->problems[problem];
	va_list args;

	kvmstat->raised[problem] = true;
	status->active = true;
	status->count += hits;
	va_start(args, format);
	vsnprintf(status->text, sizeof(status->text), format, args);
	va_end(args);
}

void problems_begin(struct kvmstat *kvmstat)
{
	memset(kvmstat->raised, 0, sizeof(kvmstat->raised));
}

void problems_end(struct kvmstat *kvmstat)
{
	for (int i = 0; i < KVMSTAT_NPROBLEMS; i++)
		kvmstat->problems[i].active = kvmstat->raised[i];
}
