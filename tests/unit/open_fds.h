/* SPDX-License-Identifier: MIT */
/*
 * open_fds.h - how many fds this process has open, for tests that compare
 */
#ifndef KVMSTAT_OPEN_FDS_H
#define KVMSTAT_OPEN_FDS_H

#include <dirent.h>
#include <stdint.h>

static uint32_t open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	uint32_t count = 0;

	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

#endif
