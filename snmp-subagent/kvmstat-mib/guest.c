/* SPDX-License-Identifier: MIT */


#include "kvmstat-mib/columns.h"

#define BYTES_PER_MIB UINT64_C(1048576)

uint32_t guest_rows(const struct view *view)
{
	return view->nguests;
}

uint32_t guest_index(const struct view *view, uint32_t row)
{
	return view->guests[row].index;
}

static const struct view_guest *row_of(const struct ask *ask, struct view_place place)
{
	return &ask->view->guests[place.row];
}

static const struct kvmstat_guest *guest_of(const struct ask *ask, struct view_place place)
{
	return row_of(ask, place)->data->guest;
}

VALUE(guest_name)
{
	return value_name(value, guest_of(ask, place)->name);
}

VALUE(guest_uuid)
{
	return value_display(value, guest_of(ask, place)->uuid);
}

VALUE(guest_pid)
{
	return guest_of(ask, place)->pid > 0 && value_number(value, (uint64_t)guest_of(ask, place)->pid);
}

VALUE(guest_vcpus)
{
	return value_known(value, row_of(ask, place)->data->vcpu_count);
}

VALUE(guest_memory)
{
	return guest_of(ask, place)->memory &&
	       value_gauge(value, guest_of(ask, place)->memory / BYTES_PER_MIB);
}

VALUE(guest_start)
{
	return value_date(value, guest_of(ask, place)->began_realtime_ns);
}

VALUE(guest_cpu_time)
{
	const struct kvmstat_row *row = row_of(ask, place)->data;

	return row->has_cpu && value_number(value, row->cpu_ns / NS_PER_CS);
}

VALUE(guest_wait_time)
{
	const struct kvmstat_row *row = row_of(ask, place)->data;

	return row->has_cpu && value_number(value, row->wait_ns / NS_PER_CS);
}

VALUE(guest_discontinuity)
{
	return value_number(value, reader_timestamp(ask->reader, row_of(ask, place)->since_ns, ask->now_ns, ask->uptime));
}

VALUE(guest_vmm)
{
	return value_display(value, guest_of(ask, place)->vmm);
}

VALUE(guest_alarm)
{
	return ask->view->alarms.judged && value_gauge(value, row_of(ask, place)->alarm);
}

VALUE(guest_learnt)
{
	return value_whole(value, row_of(ask, place)->learnt);
}

static const struct column guest_columns[] = {
	{ 2, TYPE_STRING, guest_name, 0 },
	{ 3, TYPE_STRING, guest_uuid, 0 },
	{ 4, TYPE_GAUGE, guest_pid, 0 },
	{ 5, TYPE_GAUGE, guest_vcpus, 0 },
	{ 6, TYPE_GAUGE, guest_memory, 0 },
	{ 7, TYPE_STRING, guest_start, 0 },
	{ 8, TYPE_COUNTER, guest_cpu_time, 0 },
	{ 9, TYPE_COUNTER, guest_wait_time, 0 },
	{ 10, TYPE_TICKS, guest_discontinuity, 0 },
	{ 11, TYPE_STRING, guest_vmm, 0 },
	{ 12, TYPE_GAUGE, guest_alarm, 0 },
	{ 13, TYPE_GAUGE, guest_learnt, 0 },
};

const struct table table_guest = {
	.name = "kvmGuestTable",
	.group = 6,
	COLUMNS(guest_columns),
	.rows = AXIS_OF_ONE(guest_rows, guest_index),
};

VALUE(activity_rate)
{
	const struct kvmstat_activity *activity = &row_of(ask, place)->activity[column->detail];

	return activity->has_rate && value_rate(value, activity->rate);
}

VALUE(activity_count)
{
	const struct kvmstat_activity *activity = &row_of(ask, place)->activity[column->detail];

	return activity->has_count && value_number(value, activity->count);
}

/* ns per second are 10^-9 CPUs. */
VALUE(cpu_rate)
{
	return value_rate(value, kvmstat_rate_cpu(ask->view->rates, row_of(ask, place)->row) / 1e6);
}

VALUE(wait_rate)
{
	return value_rate(value, kvmstat_rate_wait(ask->view->rates, row_of(ask, place)->row) / 1e6);
}

static const struct column activity_columns[] = {
	{ 1, TYPE_GAUGE, activity_rate, KVMSTAT_EXITS },
	{ 2, TYPE_GAUGE, activity_rate, KVMSTAT_IO },
	{ 3, TYPE_GAUGE, activity_rate, KVMSTAT_IDLE },
	{ 4, TYPE_GAUGE, activity_rate, KVMSTAT_INSTRUCTION },
	{ 5, TYPE_GAUGE, activity_rate, KVMSTAT_INTERRUPT },
	{ 6, TYPE_GAUGE, activity_rate, KVMSTAT_YIELD },
	{ 7, TYPE_GAUGE, activity_rate, KVMSTAT_MEMORY },
	{ 8, TYPE_GAUGE, activity_rate, KVMSTAT_USERSPACE },
	{ 9, TYPE_COUNTER, activity_count, KVMSTAT_EXITS },
	{ 10, TYPE_COUNTER, activity_count, KVMSTAT_IO },
	{ 11, TYPE_COUNTER, activity_count, KVMSTAT_IDLE },
	{ 12, TYPE_COUNTER, activity_count, KVMSTAT_INSTRUCTION },
	{ 13, TYPE_COUNTER, activity_count, KVMSTAT_INTERRUPT },
	{ 14, TYPE_COUNTER, activity_count, KVMSTAT_YIELD },
	{ 15, TYPE_COUNTER, activity_count, KVMSTAT_MEMORY },
	{ 16, TYPE_COUNTER, activity_count, KVMSTAT_USERSPACE },
	{ 17, TYPE_GAUGE, cpu_rate, 0 },
	{ 18, TYPE_GAUGE, wait_rate, 0 },
};

const struct table table_activity = {
	.name = "kvmGuestActivityTable",
	.group = 7,
	COLUMNS(activity_columns),
	.rows = AXIS_OF_ONE(guest_rows, guest_index),
};

/* ---- every event of every guest ----------------------------------------- */

static const struct grid *cells(const struct view *view)
{
	return &view->cells;
}

VALUE(cell_rate)
{
	return value_rate(value, kvmstat_rate(ask->view->rates, row_of(ask, place)->row,
					ask->view->events[place.item]->first_cell));
}

VALUE(cell_value)
{
	return value_number(value, row_of(ask, place)->data->value[ask->view->events[place.item]->first_cell]);
}

VALUE(cell_gauge)
{
	return cell_value(ask, place, column, value) && value_gauge(value, value->number);
}

VALUE(cell_usual)
{
	return value_rate(value, view_usual(ask->view, place));
}

static const struct column cell_columns[] = {
	{ 1, TYPE_GAUGE, cell_rate, VIEW_RATE },
	{ 2, TYPE_COUNTER, cell_value, VIEW_COUNT },
	{ 3, TYPE_GAUGE, cell_gauge, VIEW_LEVEL },
	{ 4, TYPE_GAUGE, cell_usual, VIEW_USUAL },
};

const struct table table_cell = {
	.name = "kvmGuestEventTable",
	.group = 8,
	COLUMNS(cell_columns),
	.rows = AXIS_OF_ONE(guest_rows, guest_index),
	.items = AXIS_OF_ONE(event_rows, event_index),
	.grid = cells,
};

static const struct column cell64_columns[] = {
	{ 1, TYPE_COUNTER64, cell_value, VIEW_COUNT },
	{ 2, TYPE_COUNTER64, cell_value, VIEW_LEVEL },
};

const struct table table_cell64 = {
	.name = "kvmGuestEventHCTable",
	.group = 9,
	COLUMNS(cell64_columns),
	.rows = AXIS_OF_ONE(guest_rows, guest_index),
	.items = AXIS_OF_ONE(event_rows, event_index),
	.grid = cells,
};
