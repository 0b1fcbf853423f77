/* SPDX-License-Identifier: MIT */

#include "kvmstat-mib/columns.h"
#include "kvmstat-mib/notify.h"

static const struct oid snmp_trap_oid = { 11, { 1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0 } };

static struct oid below(const struct oid *root, const uint32_t *suffix, uint32_t len)
{
	struct oid oid = *root;

	for (uint32_t i = 0; i < len; i++)
		oid.subid[oid.len++] = suffix[i];
	return oid;
}

static void put_trap_oid(struct agentx_out *out, const struct oid *root, unsigned int kind)
{
	struct oid which = below(root, (const uint32_t[]){ 0, kind }, 2);

	agentx_put16(out, TYPE_OID);
	agentx_put16(out, 0);
	agentx_put_oid(out, &snmp_trap_oid);
	agentx_put_oid(out, &which);
}

static const struct column *column_of(uint8_t number)
{
	const struct column *column = table_alarm.columns;

	while (column->number != number)
		column++;
	return column;
}

/* The table's own functions, on a table of this one row. */
void notify_put(struct agentx_out *out, const struct oid *root, const struct notification *notification)
{
	struct view_alarm row = notification->alarm;
	const struct view view = { .alarms = { .judged = true, .count = 1, .all = &row } };
	const struct ask ask = { .view = &view };
	struct value value;

	put_trap_oid(out, root, notification->kind);
	for (size_t i = 0; i < nnotified_columns; i++) {
		const struct column *column = column_of(notified_columns[i]);
		struct oid name = below(root, (const uint32_t[]){ 1, table_alarm.group, 1, column->number, row.number }, 5);

		column->get(&ask, (struct view_place){ 0, 0 }, column, &value);
		agentx_put_variable(out, &name, column->type, &value);
	}
}
