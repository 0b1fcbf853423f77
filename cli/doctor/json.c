// SPDX-License-Identifier: MIT
/*
 * json.c - the diagnosis as one JSON object
 */
#include <unistd.h>

#include "doctor/doctor.h"
#include "json.h"

static void print_process(const struct diagnosis *diagnosis)
{
	if (!diagnosis->has_effective)
		return;
	json_key("process");
	json_open('{');
	json_count("uid", geteuid());
	json_key("capabilities");
	json_open('{');
	for (size_t i = 0; i < ncapabilities; i++) {
		json_key(capabilities[i].name);
		json_bool(has_capability(diagnosis, &capabilities[i]));
	}
	json_close('}');
	json_close('}');
}

static void print_host(const struct diagnosis *diagnosis)
{
	const struct kvmstat_sample *sample = diagnosis->sample;

	json_count("cpus", sample->cpus);
	json_count("guests", sample->nguests);
	json_count("vcpus", diagnosis->vcpus);
	json_count("sample_ns", sample->duration_ns);
	json_pair("lockdown", kvmstat_lockdown_name(sample->lockdown));
}

static void print_sources(const struct kvmstat_sample *sample)
{
	json_key("sources");
	json_open('[');
	for (int s = KVMSTAT_ABSENT + 1; s < KVMSTAT_NSOURCES; s++) {
		json_open('{');
		json_pair("name", kvmstat_source_name((enum kvmstat_source)s));
		json_pair("state", kvmstat_state_name(sample->sources[s].state));
		json_pair("text", sample->sources[s].text);
		json_close('}');
	}
	json_close(']');
}

static void print_problems(const struct kvmstat_sample *sample)
{
	json_key("problems");
	json_open('[');
	for (int p = 0; p < KVMSTAT_NPROBLEMS; p++) {
		json_open('{');
		json_pair("name", kvmstat_problem_name((enum kvmstat_problem)p));
		json_key("active");
		json_bool(sample->problems[p].active);
		json_count("count", sample->problems[p].count);
		json_pair("text", sample->problems[p].text);
		json_close('}');
	}
	json_close(']');
}

static void print_unnamed(const struct kvmstat_sample *sample)
{
	json_key("unnamed_guests");
	json_open('[');
	for (uint32_t i = 0; i < sample->nrows; i++)
		if (guest_is_unnamed(sample->rows[i].guest))
			json_string(sample->rows[i].guest->name);
	json_close(']');
}

static void print_missing(const struct kvmstat_sample *sample)
{
	json_key("missing_events");
	json_open('[');
	for (uint32_t i = 0; i < sample->ncolumns; i++) {
		if (!event_is_missing(&sample->columns[i]))
			continue;
		json_open('{');
		json_pair("event", sample->columns[i].event->name);
		json_pair("reason", sample->columns[i].reason);
		json_close('}');
	}
	json_close(']');
}

static void print_advice(const char *name, const char *text)
{
	json_open('{');
	json_pair("name", name);
	json_pair("text", text);
	json_close('}');
}

void doctor_print_json(const struct diagnosis *diagnosis)
{
	json_open('{');
	json_pair("version", kvmstat_version());
	json_key("healthy");
	json_bool(diagnosis->healthy);
	if (diagnosis->root)
		json_pair("root", diagnosis->root);
	print_process(diagnosis);
	print_host(diagnosis);
	print_sources(diagnosis->sample);
	print_problems(diagnosis->sample);
	print_unnamed(diagnosis->sample);
	json_count("events", diagnosis->readable);
	print_missing(diagnosis->sample);
	json_key("advice");
	json_open('[');
	doctor_advise(diagnosis, print_advice);
	json_close(']');
	json_close('}');
	json_end();
}
