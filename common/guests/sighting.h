/* SPDX-License-Identifier: MIT */
/* sighting.h - the process of a VM that a source has seen */
#ifndef KVMSTAT_SIGHTING_H
#define KVMSTAT_SIGHTING_H

#include "guests/guest.h"

/* Is this fd of the process a VM? 1, 0, or -EACCES: it may not be read. */
int sighting_is_vm(const struct sysroot *root, pid_t pid, int fd);

/*
 * Find in /proc what the source does not know: the process, its start, and the VM's fd there.
 * What cannot be found stays 0.
 * 0, or the -errno of a shortage that hid something
 */
int sighting_complete(const struct guests *guests, const struct sysroot *root, struct sighting *sighting);

#endif
