/* SPDX-License-Identifier: MIT */
/*
 * tree.h - a small captured host: a directory with sys and proc of some QEMU guests, for the option Root
 */
#ifndef PLUGIN_TREE_H
#define PLUGIN_TREE_H

#include <stddef.h>
#include <stdint.h>

/* An empty host under this directory; what was there is removed. */
void tree_new(const char *root);

/* A guest of a process of its own; name is len bytes. Its events are 0. */
void tree_guest(int pid, const char *name, size_t len, const char *uuid);
void tree_guest_gone(int pid);

void tree_value(int pid, const char *event, uint64_t value);

#endif
