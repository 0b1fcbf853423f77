// SPDX-License-Identifier: MIT
/*
 * json.c - the diagnosis as one JSON object
 */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "doctor/doctor.h"
#include "escape.h"

/* "key":"value" */
static void pair(const char *key, const char *value)
{
	printf("\"%s\":", key);
	print_json_string(value);
}

static void print_process(const struct diagnosis *diagnosis)
{
	if (!diagnosis->has_effective)
		return;
	printf("\"process\":{\"uid\":%u,\"capabilities\":{", (unsigned int)geteuid());
	for (size_t i = 0; i < ncapabilities; i++)
		printf("%s\"%s\":%s", i ? "," : "", capabilities[i].name,
		       has_capability(diagnosis, &capabilities[i]) ? "true" : "false");
	fputs("}},", stdout);
}

static void print_host(const struct diagnosis *diagnosis)
{
	const struct kvmstat_sample *sample = diagnosis->sample;

	printf("\"cpus\":%" PRIu32 ",\"guests\":%" PRIu32 ",\"vcpus\":%" PRIu64 ",\"sample_ns\":%" PRIu64 ",",
	       sample->cpus, sample->nguests, diagnosis->vcpus, sample->duration_ns);
	pair("lockdown", kvmstat_lockdown_name(sample->lockdown));
}

static void print_sources(const struct kvmstat_sample *sample)
{
	fputs(",\"sources\":[", stdout);
	for (int s = KVMSTAT_ABSENT + 1; s < KVMSTAT_NSOURCES; s++) {
		fputs(s > KVMSTAT_ABSENT + 1 ? ",{" : "{", stdout);
		pair("name", kvmstat_source_name((enum kvmstat_source)s));
		putchar(',');
		pair("state", kvmstat_state_name(sample->sources[s].state));
		putchar(',');
		pair("text", sample->sources[s].text);
		putchar('}');
	}
	putchar(']');
}

static void print_problems(const struct kvmstat_sample *sample)
{
	fputs(",\"problems\":[", stdout);
	for (int p = 0; p < KVMSTAT_NPROBLEMS; p++) {
		fputs(p ? ",{" : "{", stdout);
		pair("name", kvmstat_problem_name((enum kvmstat_problem)p));
		printf(",\"active\":%s,\"count\":%" PRIu64 ",", sample->problems[p].active ? "true" : "false",
		       sample->problems[p].count);
		pair("text", sample->problems[p].text);
		putchar('}');
	}
	putchar(']');
}

static void print_unnamed(const struct kvmstat_sample *sample)
{
	const char *comma = "";

	fputs(",\"unnamed_guests\":[", stdout);
	for (uint32_t i = 0; i < sample->nrows; i++) {
		if (!guest_is_unnamed(sample->rows[i].guest))
			continue;
		fputs(comma, stdout);
		print_json_string(sample->rows[i].guest->name);
		comma = ",";
	}
	putchar(']');
}

static void print_missing(const struct kvmstat_sample *sample)
{
	const char *comma = "";

	fputs(",\"missing_events\":[", stdout);
	for (uint32_t i = 0; i < sample->ncolumns; i++) {
		if (!event_is_missing(&sample->columns[i]))
			continue;
		printf("%s{", comma);
		pair("event", sample->columns[i].event->name);
		putchar(',');
		pair("reason", sample->columns[i].reason);
		putchar('}');
		comma = ",";
	}
	putchar(']');
}

void doctor_print_json(const struct diagnosis *diagnosis)
{
	putchar('{');
	pair("version", kvmstat_version());
	printf(",\"healthy\":%s,", diagnosis->healthy ? "true" : "false");
	if (diagnosis->root) {
		pair("root", diagnosis->root);
		putchar(',');
	}
	print_process(diagnosis);
	print_host(diagnosis);
	print_sources(diagnosis->sample);
	print_problems(diagnosis->sample);
	print_unnamed(diagnosis->sample);
	printf(",\"events\":%" PRIu32, diagnosis->readable);
	print_missing(diagnosis->sample);
	puts("}");
}
