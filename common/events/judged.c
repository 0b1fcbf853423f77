// SPDX-License-Identifier: MIT
/*
 * judged.c - how the diagnosis judges an event (columns judge, floor and signs of events.tsv), and
 * what is not an event
 */
#include <stdlib.h>

#include "events/event_table.h"

static const struct kvmstat_judged cpu = {
	.number = KVMSTAT_NUMBER_CPU, .name = "cpu_ns", .parent = "", .judge = KVMSTAT_WORK,
	.signs = KVMSTAT_CAUSE_SPIN, .floor = 4e8,
};

static const struct kvmstat_judged waiting = {
	.number = KVMSTAT_NUMBER_WAIT, .name = "wait_ns", .parent = "", .judge = KVMSTAT_PRESSURE,
	.signs = KVMSTAT_CAUSE_CPU_STARVED, .floor = 1e8,
};

static int compare_number(const void *key, const void *item)
{
	uint32_t a = *(const uint32_t *)key, b = ((const struct kvmstat_judged *)item)->number;

	return (a > b) - (a < b);
}

const struct kvmstat_judged *kvmstat_judged(uint32_t number)
{
	if (number == KVMSTAT_NUMBER_CPU)
		return &cpu;
	if (number == KVMSTAT_NUMBER_WAIT)
		return &waiting;
	return bsearch(&number, judged_table, judged_table_count, sizeof(judged_table[0]), compare_number);
}
