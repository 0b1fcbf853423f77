/* SPDX-License-Identifier: MIT */
#include "kvmstat.h"
#include "version.h"

const char *kvmstat_version(void)
{
	return KVMSTAT_VERSION;
}
