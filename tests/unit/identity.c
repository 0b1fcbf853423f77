/* SPDX-License-Identifier: MIT */
#include "identity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

void assert_name(const struct identity *identity, const char *name)
{
	if (name)
		assert_non_null(identity->name);
	else
		assert_null(identity->name);
	if (name)
		assert_string_equal(identity->name, name);
}

size_t join(char *cmdline, size_t size, const char *const *args)
{
	size_t len = 0;

	for (; *args; args++) {
		assert_true(len + strlen(*args) < size);
		len += (size_t)sprintf(cmdline + len, "%s", *args) + 1;
	}
	return len;
}

size_t read_file(const char *path, char *buf, size_t size)
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
