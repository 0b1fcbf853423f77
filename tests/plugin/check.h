/* SPDX-License-Identifier: MIT */
/*
 * check.h - a test is a function; it fails if a CHECK() in it does
 */
#ifndef CHECK_H
#define CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

struct test {
	const char *name;
	void (*run)(void);
};

static unsigned int check_failures;

#define CHECK(condition)                                                                                     \
	do {                                                                                                 \
		if (!(condition)) {                                                                          \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);              \
			check_failures++;                                                                    \
		}                                                                                            \
	} while (0)

#define CHECK_TEXT(got, want)                                                                                \
	do {                                                                                                 \
		const char *check_got = (got), *check_want = (want);                                         \
		if (strcmp(check_got, check_want)) {                                                         \
			fprintf(stderr, "%s:%d: \"%s\", not \"%s\"\n", __FILE__, __LINE__, check_got,        \
				check_want);                                                                 \
			check_failures++;                                                                    \
		}                                                                                            \
	} while (0)

/* One line a test, which run.sh counts: "ok NAME" or "FAIL NAME". */
static inline int check_run(const struct test *tests, size_t count, void (*between)(void))
{
	int status = 0;

	for (size_t i = 0; i < count; i++) {
		check_failures = 0;
		tests[i].run();
		if (between)
			between();
		if (check_failures)
			printf("FAIL %s\n", tests[i].name);
		else
			printf("ok %s\n", tests[i].name);
		fflush(stdout);
		status |= check_failures != 0;
	}
	return status;
}

#endif
