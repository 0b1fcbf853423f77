// SPDX-License-Identifier: MIT
/*
 * alarm_text.c - an alarm in one sentence
 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "derive/alarm.h"

/* Text that is cut where there is no more room. */
struct line {
	char *text;
	size_t size;
	size_t used;
};

__attribute__((format(printf, 2, 3))) static void append(struct line *line, const char *format, ...)
{
	size_t left = line->size - line->used;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(line->text + line->used, left, format, args);
	va_end(args);
	if (n > 0)
		line->used += (size_t)n < left ? (size_t)n : left - 1;
}

/* A vCPU that makes so much of an event is named. */
#define CONCENTRATED 0.8

struct facts {
	const struct kvmstat_alarm *alarm;
	double cpus_used;
	double days;
	const struct taker *taker;
};

static bool is_time(const struct kvmstat_alarm *alarm)
{
	return alarm->event && alarm->event->number >= KVMSTAT_NUMBER_CPU;
}

/* "instruction_diagnose_44 2400/s", "waiting for 1.50 CPUs" */
static void append_event(struct line *line, const struct kvmstat_alarm *alarm)
{
	if (is_time(alarm))
		append(line, alarm->event->number == KVMSTAT_NUMBER_WAIT ? "waiting for" : "using");
	else
		append(line, "%s", alarm->event ? alarm->event->name : "");
}

/* A number a second; time as CPUs. */
static void append_number(struct line *line, const struct kvmstat_alarm *alarm, double rate)
{
	if (is_time(alarm))
		append(line, "%.2f", rate * 1e-9);
	else
		append(line, rate < 10 ? "%.2g" : "%.0f", rate);
}

static void append_rate(struct line *line, const struct kvmstat_alarm *alarm)
{
	append_number(line, alarm, alarm->rate);
	append(line, is_time(alarm) ? " CPUs" : "/s");
}

static void append_busiest(struct line *line, const struct kvmstat_alarm *alarm)
{
	if (alarm->busiest >= 0.995)
		append(line, "all of it on vCPU %u, ", alarm->busiest_vcpu);
	else if (alarm->busiest >= CONCENTRATED)
		append(line, "%.0f %% of it on vCPU %u, ", 100 * alarm->busiest, alarm->busiest_vcpu);
}

static void append_usual(struct line *line, const struct facts *facts)
{
	append_busiest(line, facts->alarm);
	if (isnan(facts->alarm->usual)) {
		append(line, "nothing learnt yet");
		return;
	}
	append(line, "never above ");
	append_number(line, facts->alarm, facts->alarm->usual);
	append(line, " for a minute");
	if (facts->days >= 2)
		append(line, " in %.0f days", facts->days);
}

static void append_taker(struct line *line, const struct taker *taker)
{
	if (taker)
		append(line, "; %s takes %.1f CPUs", kvmstat_quote(taker->guest).text, taker->cpus);
}

static void append_spinning(struct line *line, const struct kvmstat_alarm *alarm)
{
	if (alarm->spinning == 1)
		append(line, ": vCPU %u never halts", alarm->spinning_vcpu);
	else if (alarm->spinning)
		append(line, ": %u vCPUs never halt, vCPU %u the first of them", alarm->spinning, alarm->spinning_vcpu);
}

static void append_guest(struct line *line, const struct kvmstat_alarm *alarm)
{
	append(line, "%s", alarm->key[0] ? kvmstat_quote(alarm->guest).text : "host");
}

/* What stands in braces. */
static void fill(struct line *line, const char *hole, size_t length, const struct facts *facts)
{
	const struct kvmstat_alarm *alarm = facts->alarm;

	if (!strncmp(hole, "event", length))
		append_event(line, alarm);
	else if (!strncmp(hole, "rate", length))
		append_rate(line, alarm);
	else if (!strncmp(hole, "usual", length))
		append_usual(line, facts);
	else if (!strncmp(hole, "vcpus", length))
		append(line, "%u", alarm->vcpus);
	else if (!strncmp(hole, "cpus", length))
		append(line, "%u", alarm->cpus);
	else if (!strncmp(hole, "wait", length))
		append(line, "%.0f %%", 100 * alarm->wait);
	else if (!strncmp(hole, "used", length))
		append(line, "%.1f", facts->cpus_used);
	else if (!strncmp(hole, "taker", length))
		append_taker(line, facts->taker);
	else if (!strncmp(hole, "spinning", length))
		append_spinning(line, alarm);
	else if (!strncmp(hole, "guest", length))
		append_guest(line, alarm);
}

static void append_filled(struct line *line, const char *words, const struct facts *facts)
{
	while (*words) {
		const char *hole = strchr(words, '{'), *end = hole ? strchr(hole, '}') : NULL;

		if (!end) {
			append(line, "%s", words);
			return;
		}
		append(line, "%.*s", (int)(hole - words), words);
		fill(line, hole + 1, (size_t)(end - hole - 1), facts);
		words = end + 1;
	}
}

void alarm_describe(struct kvmstat_alarm *alarm, double cpus_used, double days, const struct taker *taker)
{
	struct facts facts = { alarm, cpus_used, days, taker };
	struct line line = { alarm->text, sizeof(alarm->text), 0 };

	append_guest(&line, alarm);
	append(&line, ": ");
	append_filled(&line, alarm->cause->words, &facts);
	append(&line, " (%s). ", alarm->cause->name);
	append_filled(&line, alarm->cause->next, &facts);
}

void alarm_describe_end(struct kvmstat_alarm *alarm)
{
	struct line line = { alarm->text, sizeof(alarm->text), 0 };
	double minutes = ((double)alarm->cleared_ns - (double)alarm->since_ns) / 60e9;

	append_guest(&line, alarm);
	append(&line, ": %s after %.0f min", kvmstat_ending_name(alarm->ending), minutes > 0 ? minutes : 0);
	if (alarm->event)
		append(&line, ": %s", alarm->event->name);
	append(&line, " (%s)", alarm->cause->name);
}
