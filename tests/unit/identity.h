/* SPDX-License-Identifier: MIT */
/*
 * identity.h - what the tests of identities share
 */
#ifndef KVMSTAT_TEST_IDENTITY_H
#define KVMSTAT_TEST_IDENTITY_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guests/vmm.h"

#define UUID "6f3d0c5e-2f0a-4b8e-9a6f-0b1c2d3e4f50"
#define KIB 1024ull
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

static inline void assert_name(const struct identity *identity, const char *name)
{
	if (name)
		assert_non_null(identity->name);
	else
		assert_null(identity->name);
	if (name)
		assert_string_equal(identity->name, name);
}

/* A command line of strings, ended by NULL. */
#define ARGS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static inline size_t join(char *cmdline, size_t size, const char *const *args)
{
	size_t len = 0;

	for (; *args; args++) {
		assert_true(len + strlen(*args) < size);
		len += (size_t)sprintf(cmdline + len, "%s", *args) + 1;
	}
	return len;
}

static inline size_t read_file(const char *path, char *buf, size_t size)
{
	FILE *file = fopen(path, "r");
	size_t len;

	if (!file)
		fail_msg("cannot open %s: run the test at the top of the source tree", path);
	len = fread(buf, 1, size, file);
	assert_true(len > 0 && len < size);
	fclose(file);
	return len;
}

#endif
