/* SPDX-License-Identifier: MIT */

#include "kvmstat-mib/columns.h"

#define NS_PER_MS 1e6

static uint32_t vcpu_rows(const struct view *view)
{
	return view->nvcpus;
}

static uint32_t vcpu_guest(const struct view *view, uint32_t row)
{
	return view->guests[view->vcpus[row].guest].index;
}

static uint32_t vcpu_id(const struct view *view, uint32_t row)
{
	return view->vcpus[row].data->id;
}

#define AXIS_OF_VCPUS { .len = 2, .count = vcpu_rows, .subid = { vcpu_guest, vcpu_id } }

static const struct view_vcpu *row_of(const struct ask *ask, struct view_place place)
{
	return &ask->view->vcpus[place.row];
}

/* ---- the vCPUs themselves ----------------------------------------------- */

/* The grid's only item: with it, values that no vCPU has are skipped at once. */
static uint32_t one_item(const struct view *view __attribute__((unused)))
{
	return 1;
}

static const struct grid *facts(const struct view *view)
{
	return &view->vcpu_facts;
}

VALUE(vcpu_thread)
{
	return value_number(value, (uint64_t)row_of(ask, place)->data->tid);
}

VALUE(vcpu_state)
{
	return value_number(value, (uint64_t)row_of(ask, place)->data->state + 1);
}

VALUE(vcpu_cpu_time)
{
	return value_number(value, row_of(ask, place)->data->cpu_ns / NS_PER_CS);
}

VALUE(vcpu_wait_time)
{
	return value_number(value, row_of(ask, place)->data->wait_ns / NS_PER_CS);
}

VALUE(vcpu_cpu_rate)
{
	return value_rate(value, kvmstat_rate_vcpu_cpu(ask->view->rates, row_of(ask, place)->row) / NS_PER_MS);
}

VALUE(vcpu_wait_rate)
{
	return value_rate(value, kvmstat_rate_vcpu_wait(ask->view->rates, row_of(ask, place)->row) / NS_PER_MS);
}

static const struct column vcpu_columns[] = {
	{ 2, TYPE_GAUGE, vcpu_thread, VIEW_THREAD },
	{ 3, TYPE_INTEGER, vcpu_state, VIEW_STATE },
	{ 4, TYPE_COUNTER, vcpu_cpu_time, VIEW_TIME },
	{ 5, TYPE_COUNTER, vcpu_wait_time, VIEW_TIME },
	{ 6, TYPE_GAUGE, vcpu_cpu_rate, VIEW_CPU_RATE },
	{ 7, TYPE_GAUGE, vcpu_wait_rate, VIEW_WAIT_RATE },
};

const struct table table_vcpu = {
	.name = "kvmVcpuTable",
	.group = 10,
	COLUMNS(vcpu_columns),
	.rows = AXIS_OF_VCPUS,
	.items = { .count = one_item },
	.grid = facts,
};

/* ---- every event of every vCPU ------------------------------------------ */

static const struct grid *cells(const struct view *view)
{
	return &view->vcpu_cells;
}

VALUE(cell_rate)
{
	return value_rate(value, kvmstat_rate_of_vcpu(ask->view->rates, row_of(ask, place)->row,
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

static const struct column cell_columns[] = {
	{ 1, TYPE_GAUGE, cell_rate, VIEW_RATE },
	{ 2, TYPE_COUNTER, cell_value, VIEW_COUNT },
	{ 3, TYPE_GAUGE, cell_gauge, VIEW_LEVEL },
};

const struct table table_vcpu_cell = {
	.name = "kvmVcpuEventTable",
	.group = 11,
	COLUMNS(cell_columns),
	.rows = AXIS_OF_VCPUS,
	.items = AXIS_OF_ONE(event_rows, event_index),
	.grid = cells,
};

static const struct column cell64_columns[] = {
	{ 1, TYPE_COUNTER64, cell_value, VIEW_COUNT },
	{ 2, TYPE_COUNTER64, cell_value, VIEW_LEVEL },
};

const struct table table_vcpu_cell64 = {
	.name = "kvmVcpuEventHCTable",
	.group = 12,
	COLUMNS(cell64_columns),
	.rows = AXIS_OF_VCPUS,
	.items = AXIS_OF_ONE(event_rows, event_index),
	.grid = cells,
};
