/* SPDX-License-Identifier: MIT */
/*
 * plugin_test.h - what the tests with a fake core share
 */
#ifndef PLUGIN_TEST_H
#define PLUGIN_TEST_H

#include <stdlib.h>

#include "check.h"
#include "fake_core.h"
#include "fake_daemon.h"

#define HV FAKE_HOSTNAME "/kvmstat"
#define SECOND 1000000000u

static inline void start(const char *config)
{
	if (config)
		CHECK(daemon_configure(config) == 0);
	CHECK(daemon_init() == 0);
}

/* The next pass, ten seconds later, alone. */
static inline void pass(void)
{
	daemon_forget();
	fake.realtime_ns += 10ull * SECOND;
	CHECK(daemon_read() == 0);
}

static inline uint64_t cdtime_of(uint64_t ns)
{
	return ((ns / SECOND) << 30) | (((ns % SECOND << 30) + SECOND / 2) / SECOND);
}

static inline int64_t derive(const char *id)
{
	const struct sent *sent = daemon_sent(id);

	return sent && !sent->gauge ? sent->derive : -1;
}

static inline double gauge(const char *id)
{
	const struct sent *sent = daemon_sent(id);

	return sent && sent->gauge ? sent->number : -1;
}

/* After each test: everything is given back. */
static inline void finish(void)
{
	if (check_failures)
		daemon_print_log();
	CHECK(daemon_shutdown() == 0);
	CHECK(fake.samples == 0);
	CHECK(fake.configs == 0);
	CHECK(fake.cores == 0);
	daemon_forget();
	free(daemon_state.log);
	daemon_state = (struct daemon){.interval = 10ull << 30, .record = true};
	fake_reset();
}

static inline int plugin_test(int argc, char **argv, const struct test *tests, size_t count)
{
	if (argc != 2) {
		fprintf(stderr, "usage: %s PLUGIN\n", argv[0]);
		return 2;
	}
	daemon_load(argv[1]);
	fake_reset();
	return check_run(tests, count, finish);
}

#endif
