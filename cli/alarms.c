// SPDX-License-Identifier: MIT
/*
 * alarms.c - kvmstat alarms: which guests are abnormal or were within a day, since when, and why
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "state/state.h"
#include "tables.h"

enum column {
	COLUMN_OVER,		/* 0: it is active */
	COLUMN_NUMBER,
	COLUMN_GUEST,
	COLUMN_KEY,
	COLUMN_CAUSE,
	COLUMN_SEVERITY,
	COLUMN_SINCE,
	COLUMN_SINCE_TEXT,
	COLUMN_ENDED,
	COLUMN_SECONDS,
	COLUMN_LASTED,
	COLUMN_ENDING,
	COLUMN_EVENT,
	COLUMN_RATE,
	COLUMN_USUAL,
	COLUMN_TEXT,
	COLUMN_NEXT,
	NCOLUMNS,
};

const struct order alarms_order = {
	.id = COLUMN_NUMBER,
	.parent = NOWHERE,
	.group = COLUMN_OVER,
	.name = COLUMN_GUEST,
	.rate = NOWHERE,
	.total = NOWHERE,
	.alarm = NOWHERE,
};

static const struct heading headings[NCOLUMNS] = {
	[COLUMN_NUMBER] = { .key = "number", .title = "NO" },
	[COLUMN_GUEST] = { .key = "guest", .title = "GUEST", .left = true, .wraps = true },
	[COLUMN_KEY] = { .key = "key" },
	[COLUMN_CAUSE] = { .key = "cause", .title = "CAUSE", .left = true },
	[COLUMN_SEVERITY] = { .key = "severity", .title = "SEVERITY", .left = true },
	[COLUMN_SINCE] = { .key = "since" },
	[COLUMN_SINCE_TEXT] = { .title = "SINCE", .left = true },
	[COLUMN_ENDED] = { .key = "ended" },
	[COLUMN_SECONDS] = { .key = "seconds" },
	[COLUMN_LASTED] = { .title = "LASTS" },
	[COLUMN_ENDING] = { .key = "ending", .title = "ENDED", .left = true },
	[COLUMN_EVENT] = { .key = "event" },
	[COLUMN_RATE] = { .key = "rate" },
	[COLUMN_USUAL] = { .key = "usual" },
	[COLUMN_TEXT] = { .key = "text", .title = "TEXT", .left = true },
	[COLUMN_NEXT] = { .key = "next" },
};

/* The words of an alarm, which its row of the table refers to. */
struct words {
	char since[STATE_TIME_SIZE];
	char since_text[STATE_TIME_SIZE];
	char ended[STATE_TIME_SIZE];
	char lasted[STATE_TIME_SIZE];
	const char *next;
};

const char *alarm_next(struct table *table, const struct kvmstat_alarm *alarm)
{
	static const char hole[] = "{guest}";
	const char *next = alarm->cause->next, *at = strstr(next, hole);
	size_t size = strlen(next) + strlen(alarm->guest) + 1;
	char *text;

	if (!at)
		return next;
	text = table_keep(table, size);
	snprintf(text, size, "%.*s%s%s", (int)(at - next), next, alarm->guest, at + strlen(hole));
	return text;
}

static double seconds_of(const struct kvmstat_alarm *alarm, double now)
{
	double end = alarm->cleared_ns ? (double)alarm->cleared_ns / 1e9 : now;

	return fmax(end - (double)alarm->since_ns / 1e9, 0);
}

static struct words *find_words(struct table *table, const struct kvmstat_alarm *alarm, double seconds)
{
	struct words *words = table_keep(table, sizeof(*words));

	state_utc(alarm->since_ns, words->since);
	state_local(alarm->since_ns, words->since_text);
	state_utc(alarm->cleared_ns, words->ended);
	state_span(seconds, words->lasted);
	words->next = alarm_next(table, alarm);
	return words;
}

static void fill(struct cell *cells, const struct kvmstat_alarm *alarm, const struct words *words, double seconds)
{
	bool host = !*alarm->key, active = !alarm->cleared_ns;

	cells[COLUMN_OVER] = cell_count(!active);
	cells[COLUMN_NUMBER] = cell_count(alarm->number);
	cells[COLUMN_GUEST] = host ? cell_none() : cell_string(alarm->guest);
	cells[COLUMN_KEY] = host ? cell_none() : cell_string(alarm->key);
	cells[COLUMN_CAUSE] = cell_string(alarm->cause->name);
	cells[COLUMN_SEVERITY] = cell_string(kvmstat_severity_name(alarm->cause->severity));
	cells[COLUMN_SINCE] = cell_string(words->since);
	cells[COLUMN_SINCE_TEXT] = cell_string(words->since_text);
	cells[COLUMN_ENDED] = active ? cell_none() : cell_string(words->ended);
	cells[COLUMN_SECONDS] = cell_number(seconds);
	cells[COLUMN_LASTED] = cell_string(words->lasted);
	cells[COLUMN_ENDING] = active ? cell_none() : cell_string(kvmstat_ending_name(alarm->ending));
	cells[COLUMN_EVENT] = alarm->event ? cell_string(alarm->event->name) : cell_none();
	cells[COLUMN_RATE] = cell_number(alarm->rate);
	cells[COLUMN_USUAL] = cell_number(alarm->usual);
	cells[COLUMN_TEXT] = cell_string(alarm->text);
	cells[COLUMN_NEXT] = cell_string(words->next);
}

static void add_alarms(struct table *table, const struct kvmstat_diagnosis *diagnosis, double now, bool active)
{
	const struct kvmstat_alarm *const *alarms;
	size_t count;

	alarms = kvmstat_diagnosis_alarms(diagnosis, &count);
	for (size_t i = 0; i < count; i++) {
		double seconds = seconds_of(alarms[i], now);
		struct cell cells[NCOLUMNS];

		if (active != !alarms[i]->cleared_ns)
			continue;
		fill(cells, alarms[i], find_words(table, alarms[i], seconds), seconds);
		table_add(table, cells);
	}
}

void alarms_table(struct table *table, const struct kvmstat_diagnosis *diagnosis, double age)
{
	double now = (double)kvmstat_diagnosis_time(diagnosis) / 1e9 + fmax(age, 0);

	table->headings = headings;
	table->ncolumns = NCOLUMNS;
	add_alarms(table, diagnosis, now, true);
	add_alarms(table, diagnosis, now, false);
}

static void warn_of_age(const struct state *state)
{
	char span[STATE_TIME_SIZE];

	state_span(state_age(state), span);
	if (state_age(state) > STATE_MAX_AGE)
		complain("%s was written %s ago: its front end does not run, or cannot write", state->path, span);
}

int alarms_command(const struct options *options)
{
	struct table table = { .headings = NULL };
	char written[STATE_TIME_SIZE];
	struct state state;

	if (state_read(&state, options) != STATE_READ) {
		complain("%s", state.reason);
		return EXIT_FAILURE;
	}
	warn_of_age(&state);
	alarms_table(&table, state.diagnosis, state_age(&state));
	state_utc(kvmstat_diagnosis_time(state.diagnosis), written);
	table_report(&table, options->format, "alarms", written, "No guest is abnormal, and none was within a day.");
	table_free(&table);
	state_free(&state);
	return EXIT_SUCCESS;
}
