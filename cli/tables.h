/* SPDX-License-Identifier: MIT */
/*
 * tables.h - the tables that reports print and the screen shows
 */
#ifndef KVMSTAT_TABLES_H
#define KVMSTAT_TABLES_H

#include "cli.h"
#include "select.h"

/* How the rows of a table are known again and put in order: the number of a column, or NOWHERE. */
enum { NOWHERE = -1 };

struct order {
	int id;		/* the number of a guest, event, vCPU, bucket or alarm */
	int parent;	/* id of the row that this one is part of */
	int group;	/* rows of a smaller number come first */
	int name;	/* what a search looks at */
	int rate;
	int total;
	int alarm;	/* a row with a text here is abnormal */
};

extern const struct order guests_order, events_order, vcpus_order, histogram_order, alarms_order;

/*
 * Fill an empty table; table_free() frees what was made. Cells refer to the samples and to marks, which must outlive the
 * table. marks: what is known of the guests, or NULL.
 */
void guests_table(struct table *table, const struct watch *watch, const struct options *options,
		  const struct kvmstat_diagnosis *marks);
void events_table(struct table *table, const struct watch *watch, const struct options *options, const struct selection *rows,
		  const struct kvmstat_diagnosis *marks);
void vcpus_table(struct table *table, const struct watch *watch, const struct kvmstat_row *row);

/* What every table of vCPUs says of one, in these cells; with their headings from a column on. */
enum { VCPU_ID, VCPU_THREAD, VCPU_STATE, VCPU_CPU, VCPU_WAIT, VCPU_CELLS };
#define VCPU_HEADINGS(column) \
	[(column) + VCPU_ID] = { .key = "vcpu", .title = "VCPU" }, \
	[(column) + VCPU_THREAD] = { .key = "tid", .title = "THREAD" }, \
	[(column) + VCPU_STATE] = { .key = "state", .title = "STATE", .left = true }, \
	[(column) + VCPU_CPU] = { .key = "cpu_percent", .title = "%CPU" }, \
	[(column) + VCPU_WAIT] = { .key = "wait_percent", .title = "%WAIT" }
void vcpu_fill(struct cell cells[VCPU_CELLS], const struct watch *watch, const struct kvmstat_vcpu *vcpu);

/* The histogram of a row that has it. */
void histogram_table(struct table *table, const struct watch *watch, const struct options *options, const struct kvmstat_row *row,
		     const struct kvmstat_column *column);

/* Active alarms first; age: seconds since the diagnosis was written. */
void alarms_table(struct table *table, const struct kvmstat_diagnosis *diagnosis, double age);

/* The command that shows more of the alarm's guest; lives as long as the table and the diagnosis. */
const char *alarm_next(struct table *table, const struct kvmstat_alarm *alarm);

/* Does the guest have values of vCPU events, but none of its vCPUs? */
bool vcpus_are_only_summed(const struct watch *watch, const struct kvmstat_row *row);

#endif
