/* SPDX-License-Identifier: MIT */
/*
 * file.h - a small file that is read and replaced as a whole
 */
#ifndef KVMSTAT_FILE_H
#define KVMSTAT_FILE_H

/* kvmstat_file_read() and kvmstat_file_replace() are in kvmstat.h: front ends have small files as well. */

/* Call it NAME.bad, and replace what had that name. 0 or -errno. */
int file_set_aside(int dirfd, const char *name);

#endif
