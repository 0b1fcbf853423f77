/* SPDX-License-Identifier: MIT */

#include "kvmstat-mib/columns.h"
#include "kvmstat-mib/notify.h"

#define NS_PER_MS 1e6

/* ---- scalars ------------------------------------------------------------ */

static const struct alarmlist *alarms_of(const struct ask *ask)
{
	return &ask->view->alarms;
}

VALUE(alarms_active)
{
	return alarms_of(ask)->judged && value_gauge(value, alarms_of(ask)->active);
}

VALUE(alarms_raised)
{
	return alarms_of(ask)->judged && value_number(value, alarms_of(ask)->raised);
}

VALUE(alarms_suppressed)
{
	return alarms_of(ask)->judged && value_number(value, alarms_of(ask)->suppressed);
}

VALUE(alarms_changed)
{
	uint64_t changed_ns = alarms_of(ask)->changed_ns;

	return alarms_of(ask)->judged &&
	       value_number(value, changed_ns ? reader_timestamp(ask->reader, changed_ns, ask->now_ns, ask->uptime) : 0);
}

VALUE(alarms_notify)
{
	return alarms_of(ask)->judged && value_number(value, alarms_of(ask)->notify ? 1 : 2);
}

static const struct column alarms_columns[] = {
	{ 1, TYPE_GAUGE, alarms_active, 0 },
	{ 2, TYPE_COUNTER, alarms_raised, 0 },
	{ 3, TYPE_COUNTER, alarms_suppressed, 0 },
	{ 4, TYPE_TICKS, alarms_changed, 0 },
	{ 5, TYPE_INTEGER, alarms_notify, 0 },
};

const struct table table_alarms = {
	.name = "kvmAlarms",
	.group = 14,
	.scalars = true,
	COLUMNS(alarms_columns),
	.rows = AXIS_OF_ONE(one_row, index_zero),
};

/* ---- the table ---------------------------------------------------------- */

static uint32_t alarm_rows(const struct view *view)
{
	return view->alarms.count;
}

static uint32_t alarm_number(const struct view *view, uint32_t row)
{
	return view->alarms.all[row].number;
}

static const struct view_alarm *alarm_of(const struct ask *ask, struct view_place place)
{
	return &ask->view->alarms.all[place.row];
}

/* 0 is the host: a guest whose index is not known has none. */
VALUE(alarm_guest)
{
	const struct view_alarm *alarm = alarm_of(ask, place);

	return (alarm->guest || !*alarm->key) && value_number(value, alarm->guest);
}

VALUE(alarm_guest_name)
{
	return value_name(value, alarm_of(ask, place)->name);
}

VALUE(alarm_guest_key)
{
	return value_name(value, alarm_of(ask, place)->key);
}

VALUE(alarm_cause)
{
	return value_number(value, (uint64_t)alarm_of(ask, place)->cause->number);
}

VALUE(alarm_severity)
{
	const struct view_alarm *alarm = alarm_of(ask, place);

	return value_number(value, (uint64_t)(alarm->cleared_ns ? KVMSTAT_CLEAR : alarm->cause->severity));
}

VALUE(alarm_state)
{
	return value_number(value, alarm_of(ask, place)->cleared_ns ? 2 : 1);
}

VALUE(alarm_event)
{
	const struct kvmstat_judged *event = alarm_of(ask, place)->event;

	return value_number(value, event ? event->number : 0);
}

VALUE(alarm_event_name)
{
	const struct kvmstat_judged *event = alarm_of(ask, place)->event;

	return value_display(value, event ? event->name : "");
}

VALUE(alarm_parent_name)
{
	const struct kvmstat_judged *event = alarm_of(ask, place)->event;

	return value_display(value, event ? event->parent : "");
}

/* Times in ms a second, which are 1/1000 of a CPU. A notification has all of its values: what is not known is 0. */
static bool rate_of(const struct view_alarm *alarm, double rate, struct value *value)
{
	if (alarm->event && alarm->event->number >= KVMSTAT_NUMBER_CPU)
		rate /= NS_PER_MS;
	return value_rate(value, rate) || value_number(value, 0);
}

VALUE(alarm_rate)
{
	return rate_of(alarm_of(ask, place), alarm_of(ask, place)->rate, value);
}

VALUE(alarm_usual)
{
	return rate_of(alarm_of(ask, place), alarm_of(ask, place)->usual, value);
}

VALUE(alarm_since)
{
	return value_date(value, alarm_of(ask, place)->since_ns);
}

VALUE(alarm_cleared)
{
	return value_date(value, alarm_of(ask, place)->cleared_ns);
}

VALUE(alarm_events)
{
	return value_gauge(value, alarm_of(ask, place)->nevents);
}

VALUE(alarm_text)
{
	return value_text(value, alarm_of(ask, place)->text);
}

static const struct column alarm_columns[] = {
	{ 2, TYPE_GAUGE, alarm_guest, 0 },
	{ 3, TYPE_STRING, alarm_guest_name, 0 },
	{ 4, TYPE_STRING, alarm_guest_key, 0 },
	{ 5, TYPE_INTEGER, alarm_cause, 0 },
	{ 6, TYPE_INTEGER, alarm_severity, 0 },
	{ 7, TYPE_INTEGER, alarm_state, 0 },
	{ 8, TYPE_GAUGE, alarm_event, 0 },
	{ 9, TYPE_STRING, alarm_event_name, 0 },
	{ 10, TYPE_STRING, alarm_parent_name, 0 },
	{ 11, TYPE_GAUGE, alarm_rate, 0 },
	{ 12, TYPE_GAUGE, alarm_usual, 0 },
	{ 13, TYPE_STRING, alarm_since, 0 },
	{ 14, TYPE_STRING, alarm_cleared, 0 },
	{ 15, TYPE_GAUGE, alarm_events, 0 },
	{ 16, TYPE_STRING, alarm_text, 0 },
};

const struct table table_alarm = {
	.name = "kvmAlarmTable",
	.group = 15,
	COLUMNS(alarm_columns),
	.rows = AXIS_OF_ONE(alarm_rows, alarm_number),
};

/* Of the table, in the order in which every notification has them. */
const uint8_t notified_columns[] = { 3, 4, 5, 6, 9, 10, 11, 12, 16 };

const size_t nnotified_columns = sizeof(notified_columns);
