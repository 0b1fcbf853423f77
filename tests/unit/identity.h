/* SPDX-License-Identifier: MIT */
/*
 * identity.h - what the tests of identities share
 */
#ifndef KVMSTAT_TEST_IDENTITY_H
#define KVMSTAT_TEST_IDENTITY_H

#include "guests/vmm.h"

#define UUID "6f3d0c5e-2f0a-4b8e-9a6f-0b1c2d3e4f50"
#define KIB 1024ull
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

void assert_name(const struct identity *identity, const char *name);

/* A command line of strings, ended by NULL. */
#define ARGS(...) ((const char *const[]){ __VA_ARGS__, NULL })

size_t join(char *cmdline, size_t size, const char *const *args);
size_t read_file(const char *path, char *buf, size_t size);

#endif
