/* SPDX-License-Identifier: MIT */
#include "kvmstat-mib/columns.h"

const struct table *const tables[] = {
	&table_collector, &table_host, &table_source, &table_problem, &table_event,
	&table_guest, &table_activity, &table_cell, &table_cell64,
	&table_vcpu, &table_vcpu_cell, &table_vcpu_cell64, &table_histogram,
	&table_alarms, &table_alarm,
};

const size_t ntables = sizeof(tables) / sizeof(tables[0]);

_Static_assert(sizeof(tables) / sizeof(tables[0]) <= TABLES_MAX, "TABLES_MAX is too small");
