/* SPDX-License-Identifier: MIT */
/*
 * clock.h - times in ns
 */
#ifndef KVMSTAT_CLOCK_H
#define KVMSTAT_CLOCK_H

#include <stdint.h>
#include <time.h>
#include <unistd.h>

enum { NS_PER_S = 1000000000 };

static inline uint64_t timespec_ns(const struct timespec *time)
{
	return (uint64_t)time->tv_sec * NS_PER_S + (uint64_t)time->tv_nsec;
}

static inline uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return timespec_ns(&now);
}

/* A tick, in which /proc counts the starts of processes. */
static inline uint64_t tick_ns(void)
{
	return NS_PER_S / (uint64_t)sysconf(_SC_CLK_TCK);
}

/* A time of the kernel as /proc shows it. */
static inline uint64_t whole_ticks(uint64_t ns)
{
	return ns - ns % tick_ns();
}

#endif
