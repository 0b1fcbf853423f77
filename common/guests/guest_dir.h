/* SPDX-License-Identifier: MIT */
/*
 * guest_dir.h - a guest's debugfs directory, and the descriptors that are kept of a guest
 */
#ifndef KVMSTAT_GUEST_DIR_H
#define KVMSTAT_GUEST_DIR_H

#include "guests/guest.h"

/* Is its debugfs directory still the one that it had? Where it cannot be seen, it is believed to be. */
bool guest_has_directory(const struct guest *guest, const struct sysroot *root);

/* Open what is kept open of its debugfs directory. 0 or -errno. */
int guest_open_directory(struct guest *guest, const struct sysroot *root);

/*
 * Links of its debugfs directory: 2, and one for each directory that is in it. 0: there is none any more, so the VM has ended;
 * -errno: it cannot be seen.
 */
int guest_links(struct guest *guest, const struct sysroot *root);

/* Descriptors that are kept of guests have lower numbers: half of what a process may have is left to others. */
int guests_fd_limit(void);

/* Close one that has not, and set it to -1. */
void fd_close_high(int *fd, int fd_limit);

#endif
