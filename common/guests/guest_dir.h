/* SPDX-License-Identifier: MIT */
/*
 * guest_dir.h - a guest's debugfs directory, and the descriptors that are kept of a guest
 */
#ifndef KVMSTAT_GUEST_DIR_H
#define KVMSTAT_GUEST_DIR_H

#include "guests/guest.h"

/* Does the guest still have the same debugfs directory? Also true if the directory cannot be seen. */
bool guest_has_directory(const struct guest *guest, const struct sysroot *root);

/* Open the guest's debugfs directory; guest->dirfd stays open. 0 or -errno. */
int guest_open_directory(struct guest *guest, const struct sysroot *root);

/*
 * Number of links of the guest's debugfs directory.
 * 2, and one for each subdirectory
 * 0: the directory is gone, so the VM has ended
 * -errno: it cannot be seen
 */
int guest_links(struct guest *guest, const struct sysroot *root);

/*
 * Descriptors that are kept of guests have lower numbers: half of the limit is left to the rest of
 * the process.
 */
int guests_fd_limit(void);

/* Close a descriptor that is not below the limit, and set it to -1. */
void fd_close_high(int *fd, int fd_limit);

#endif
