/* SPDX-License-Identifier: MIT */
/*
 * confline.h - where in the daemon's configuration an option stands
 *
 * The daemon hands over a tree without lines, so the file is looked through once more, and only if there is
 * something to complain about.
 */
#ifndef KVMSTAT_CONFLINE_H
#define KVMSTAT_CONFLINE_H

#include <stddef.h>

/* The absolute path of the file that this process was started with. 0 or -errno. */
int confline_file(char *path, size_t size);

/*
 * The path that the -C in a command line (len bytes, each argument, also the last, ended by NUL) names; NULL
 * if there is none.
 */
const char *confline_argument(const char *cmdline, size_t len);

/*
 * Find KEY VALUE in <Plugin PLUGIN> of file and of what it includes; value NULL: any. The first skip places
 * are passed over. Fills place with "FILE:LINE" and returns 0, or -ENOENT (place is then "").
 */
int confline_find(const char *file, const char *plugin, const char *key, const char *value, unsigned int skip,
		  char *place, size_t size);

#endif
