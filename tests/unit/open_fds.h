/* SPDX-License-Identifier: MIT */
/*
 * open_fds.h - how many fds this process has open, for tests that compare
 */
#ifndef KVMSTAT_OPEN_FDS_H
#define KVMSTAT_OPEN_FDS_H

#include <stdint.h>

uint32_t open_fds(void);

#endif
