/* SPDX-License-Identifier: MIT */
/* columns.h - the tables, and helpers of their columns */
#ifndef KVMSTAT_AGENTX_COLUMNS_H
#define KVMSTAT_AGENTX_COLUMNS_H

#include "kvmstat-mib/tables.h"

/* Every value function has these parameters; most need only some of them. */
#define VALUE(name)                                                                                                \
	static bool name(const struct ask *ask __attribute__((unused)),                                            \
			 struct view_place place __attribute__((unused)),                                          \
			 const struct column *column __attribute__((unused)), struct value *value)

/* TimeTicks are hundredths of a second. */
#define NS_PER_CS UINT64_C(10000000)

#define COLUMNS(array) .columns = array, .ncolumns = sizeof(array) / sizeof((array)[0])

#define AXIS_OF_ONE(number, index) { .len = 1, .count = number, .subid = { index } }

/* Axes of several tables: the only instance of a scalar, events by their number, guests by their index. */
uint32_t one_row(const struct view *view);
uint32_t index_zero(const struct view *view, uint32_t row);
uint32_t event_rows(const struct view *view);
uint32_t event_index(const struct view *view, uint32_t row);
uint32_t guest_rows(const struct view *view);
uint32_t guest_index(const struct view *view, uint32_t row);

extern const struct table table_collector, table_host, table_source, table_problem, table_event;
extern const struct table table_guest, table_activity, table_cell, table_cell64;
extern const struct table table_vcpu, table_vcpu_cell, table_vcpu_cell64, table_histogram;
extern const struct table table_alarms, table_alarm;

#endif
