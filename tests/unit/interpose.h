/* SPDX-License-Identifier: MIT */
/*
 * interpose.h - tests that see, and may refuse, every file the core opens
 *
 * The openat() of interpose.o stands in for the C library's.
 */
#ifndef KVMSTAT_INTERPOSE_H
#define KVMSTAT_INTERPOSE_H

/* Called with each path before it is opened; an errno refuses it. */
extern int (*on_open)(int dirfd, const char *path);
extern unsigned long opened;

#endif
