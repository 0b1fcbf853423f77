/* SPDX-License-Identifier: MIT */

#include "kvmstat-mib/columns.h"

/* ---- scalars ------------------------------------------------------------ */

uint32_t one_row(const struct view *view __attribute__((unused)))
{
	return 1;
}

uint32_t index_zero(const struct view *view __attribute__((unused)), uint32_t row __attribute__((unused)))
{
	return 0;
}

VALUE(collector_version)
{
	return value_display(value, kvmstat_version());
}

VALUE(collector_interval)
{
	return value_number(value, ask->reader->interval_s);
}

VALUE(sample_number)
{
	return value_number(value, ask->view ? ask->view->sample->number : 0);
}

VALUE(sample_time)
{
	return ask->view && value_date(value, ask->view->sample->realtime_ns);
}

VALUE(sample_age)
{
	uint64_t time_ns = ask->view ? ask->view->sample->time_ns : 0;

	return ask->view &&
	       value_gauge(value, ask->now_ns > time_ns ? (ask->now_ns - time_ns) / NS_PER_CS : 0);
}

VALUE(sample_duration)
{
	return ask->view && value_gauge(value, ask->view->sample->duration_ns / 1000);
}

VALUE(collector_errors)
{
	uint64_t sum = 0;

	for (int i = 0; ask->view && i < KVMSTAT_NPROBLEMS; i++)
		sum += ask->view->sample->problems[i].count;
	return value_number(value, sum);
}

static const struct column collector_columns[] = {
	{ 1, TYPE_STRING, collector_version, 0 },
	{ 2, TYPE_GAUGE, collector_interval, 0 },
	{ 3, TYPE_COUNTER, sample_number, 0 },
	{ 4, TYPE_STRING, sample_time, 0 },
	{ 5, TYPE_GAUGE, sample_age, 0 },
	{ 6, TYPE_GAUGE, sample_duration, 0 },
	{ 7, TYPE_COUNTER, collector_errors, 0 },
};

const struct table table_collector = {
	.name = "kvmCollector",
	.group = 1,
	.scalars = true,
	.always = true,
	COLUMNS(collector_columns),
	.rows = AXIS_OF_ONE(one_row, index_zero),
};

VALUE(host_guests)
{
	return value_gauge(value, ask->view->sample->nguests);
}

VALUE(host_vcpus)
{
	return value_gauge(value, ask->view->host_vcpus);
}

VALUE(host_cpus)
{
	return value_known(value, ask->view->sample->cpus);
}

VALUE(host_lockdown)
{
	return value_number(value, (uint64_t)ask->view->sample->lockdown + 1);
}

VALUE(host_events)
{
	return value_gauge(value, ask->view->nevents);
}

static const struct column host_columns[] = {
	{ 1, TYPE_GAUGE, host_guests, 0 },
	{ 2, TYPE_GAUGE, host_vcpus, 0 },
	{ 3, TYPE_GAUGE, host_cpus, 0 },
	{ 4, TYPE_INTEGER, host_lockdown, 0 },
	{ 5, TYPE_GAUGE, host_events, 0 },
};

const struct table table_host = {
	.name = "kvmHost",
	.group = 2,
	.scalars = true,
	COLUMNS(host_columns),
	.rows = AXIS_OF_ONE(one_row, index_zero),
};

/* ---- sources and problems ----------------------------------------------- */

static uint32_t source_rows(const struct view *view __attribute__((unused)))
{
	return KVMSTAT_NSOURCES - 1;	/* KVMSTAT_ABSENT, 0, is no source */
}

static uint32_t problem_rows(const struct view *view __attribute__((unused)))
{
	return KVMSTAT_NPROBLEMS;
}

static uint32_t index_from_one(const struct view *view __attribute__((unused)), uint32_t row)
{
	return row + 1;
}

static const struct kvmstat_source_status *source_of(const struct ask *ask, struct view_place place)
{
	return &ask->view->sample->sources[place.row + 1];
}

VALUE(source_name)
{
	return value_display(value, kvmstat_source_name((enum kvmstat_source)(place.row + 1)));
}

VALUE(source_state)
{
	return value_number(value, (uint64_t)source_of(ask, place)->state + 1);
}

VALUE(source_text)
{
	return value_text(value, source_of(ask, place)->text);
}

static const struct column source_columns[] = {
	{ 2, TYPE_STRING, source_name, 0 },
	{ 3, TYPE_INTEGER, source_state, 0 },
	{ 4, TYPE_STRING, source_text, 0 },
};

const struct table table_source = {
	.name = "kvmSourceTable",
	.group = 3,
	COLUMNS(source_columns),
	.rows = AXIS_OF_ONE(source_rows, index_from_one),
};

static const struct kvmstat_problem_status *problem_of(const struct ask *ask, struct view_place place)
{
	return &ask->view->sample->problems[place.row];
}

VALUE(problem_name)
{
	return value_display(value, kvmstat_problem_name((enum kvmstat_problem)place.row));
}

VALUE(problem_active)
{
	return value_number(value, problem_of(ask, place)->active ? 1 : 2);
}

VALUE(problem_count)
{
	return value_number(value, problem_of(ask, place)->count);
}

VALUE(problem_text)
{
	return value_text(value, problem_of(ask, place)->text);
}

static const struct column problem_columns[] = {
	{ 2, TYPE_STRING, problem_name, 0 },
	{ 3, TYPE_INTEGER, problem_active, 0 },
	{ 4, TYPE_COUNTER, problem_count, 0 },
	{ 5, TYPE_STRING, problem_text, 0 },
};

const struct table table_problem = {
	.name = "kvmProblemTable",
	.group = 4,
	COLUMNS(problem_columns),
	.rows = AXIS_OF_ONE(problem_rows, index_from_one),
};

/* ---- events ------------------------------------------------------------- */

uint32_t event_rows(const struct view *view)
{
	return view->nevents;
}

uint32_t event_index(const struct view *view, uint32_t row)
{
	return view->events[row]->event->number;
}

static const struct kvmstat_event *event_of(const struct ask *ask, struct view_place place)
{
	return ask->view->events[place.row]->event;
}

VALUE(event_name)
{
	return value_display(value, event_of(ask, place)->name);
}

VALUE(event_class)
{
	return value_number(value, (uint64_t)event_of(ask, place)->class + 1);
}

VALUE(event_unit)
{
	return value_number(value, (uint64_t)event_of(ask, place)->unit + 1);
}

VALUE(event_scope)
{
	return value_number(value, (uint64_t)event_of(ask, place)->scope + 1);
}

VALUE(event_category)
{
	return value_number(value, (uint64_t)event_of(ask, place)->category + 1);
}

VALUE(event_parent)
{
	const struct kvmstat_event *parent = event_of(ask, place)->parent;

	return value_number(value, parent ? parent->number : 0);
}

VALUE(event_source)
{
	return value_number(value, (uint64_t)ask->view->events[place.row]->source + 1);
}

VALUE(event_text)
{
	return value_text(value, event_of(ask, place)->text);
}

VALUE(event_reason)
{
	return value_text(value, ask->view->events[place.row]->reason);
}

static const struct column event_columns[] = {
	{ 2, TYPE_STRING, event_name, 0 },
	{ 3, TYPE_INTEGER, event_class, 0 },
	{ 4, TYPE_INTEGER, event_unit, 0 },
	{ 5, TYPE_INTEGER, event_scope, 0 },
	{ 6, TYPE_INTEGER, event_category, 0 },
	{ 7, TYPE_GAUGE, event_parent, 0 },
	{ 8, TYPE_INTEGER, event_source, 0 },
	{ 9, TYPE_STRING, event_text, 0 },
	{ 10, TYPE_STRING, event_reason, 0 },
};

const struct table table_event = {
	.name = "kvmEventTable",
	.group = 5,
	COLUMNS(event_columns),
	.rows = AXIS_OF_ONE(event_rows, event_index),
};
