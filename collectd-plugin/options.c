/* SPDX-License-Identifier: MIT */
/*
 * options.c - pure: the options of <Plugin kvmstat>, as text
 */
#include "options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
	DEFAULT_MAX_VALUES = 50000,
	MAX_VALUES = 10000000,
	MAX_PACE_MS = 1000,
};

int options_init(struct options *options)
{
	*options = (struct options){
		.core = kvmstat_config_new(),
		.naming.host = {1, {LABEL_HOSTNAME}},
		.naming.instance = {1, {LABEL_NAME}},
		.skip_never_seen = true,
		.pace_us = PACE_AUTO,
		.max_values = DEFAULT_MAX_VALUES,
		.diagnosis.diagnose = true,
	};
	return options->core ? 0 : -ENOMEM;
}

void options_forget_words(struct options *options)
{
	while (options->words) {
		struct event_word *word = options->words;

		options->words = word->next;
		free(word->text);
		free(word);
	}
}

void options_exit(struct options *options)
{
	kvmstat_config_free(options->core);
	kvmstat_diagnosis_free_options(&options->diagnosis);
	options->core = NULL;
	options_forget_words(options);
	free(options->state_dir);
	options->state_dir = NULL;
}

/* Without memory the word is not checked. */
static void remember_word(struct options *options, const char *key, const char *text)
{
	struct event_word *word = calloc(1, sizeof(*word));

	if (!word)
		return;
	word->text = strdup(text);
	if (!word->text) {
		free(word);
		return;
	}
	word->key = key;
	word->next = options->words;
	options->words = word;
}

static int set_host_format(struct options *options, const char *value, char *error, size_t size)
{
	return label_format_host(&options->naming.host, value, error, size);
}

static int set_instance_format(struct options *options, const char *value, char *error, size_t size)
{
	return label_format_instance(&options->naming.instance, value, error, size);
}

static int set_bool(bool *flag, const char *value, char *error, size_t size)
{
	if (kvmstat_parse_bool(value, flag))
		return 0;
	snprintf(error, size, "expected true or false");
	return -EINVAL;
}

static int set_report_usual(struct options *options, const char *value, char *error, size_t size)
{
	return set_bool(&options->report_usual, value, error, size);
}

static int set_skip_never_seen(struct options *options, const char *value, char *error, size_t size)
{
	return set_bool(&options->skip_never_seen, value, error, size);
}

/* A decimal number and nothing else. */
static bool parse_number(const char *value, double *number)
{
	char *end;

	*number = strtod(value, &end);
	return end != value && !*end && strspn(value, "+-.0123456789eE") == strlen(value);
}

static int set_pace(struct options *options, const char *value, char *error, size_t size)
{
	double ms;

	if (!strcasecmp(value, "auto")) {
		options->pace_us = PACE_AUTO;
		return 0;
	}
	if (!parse_number(value, &ms) || !(ms >= 0 && ms <= MAX_PACE_MS)) {
		snprintf(error, size, "expected auto, or the pause after each guest in milliseconds "
				      "(0 to %d)",
			 MAX_PACE_MS);
		return -EINVAL;
	}
	options->pace_us = (int)(ms * 1000);
	return 0;
}

static int set_whole(uint32_t *whole, int most, const char *value, char *error, size_t size)
{
	double number;

	if (!parse_number(value, &number) || !(number >= 1 && number <= most) ||
	    number != (double)(uint32_t)number) {
		snprintf(error, size, "expected a whole number from 1 to %d", most);
		return -EINVAL;
	}
	*whole = (uint32_t)number;
	return 0;
}

static int set_max_values(struct options *options, const char *value, char *error, size_t size)
{
	return set_whole(&options->max_values, MAX_VALUES, value, error, size);
}

static int set_state_dir(struct options *options, const char *value, char *error, size_t size)
{
	char *copy;

	if (*value && *value != '/') {
		snprintf(error, size, "expected a path that begins with /, or \"\" to keep nothing");
		return -EINVAL;
	}
	copy = strdup(value);
	if (!copy) {
		snprintf(error, size, "%s", strerror(ENOMEM));
		return -ENOMEM;
	}
	free(options->state_dir);
	options->state_dir = copy;
	return 0;
}

/* Options of the plugin alone; the core has the others. */
static const struct option {
	const char *name;
	enum kvmstat_option_kind kind;
	int (*set)(struct options *options, const char *value, char *error, size_t size);
} table[] = {
	{"HostnameFormat", KVMSTAT_OPTION_WORDS, set_host_format},
	{"PluginInstanceFormat", KVMSTAT_OPTION_WORDS, set_instance_format},
	{"SkipNeverSeen", KVMSTAT_OPTION_ONE, set_skip_never_seen},
	{"ReportUsual", KVMSTAT_OPTION_ONE, set_report_usual},
	{"Pace", KVMSTAT_OPTION_ONE, set_pace},
	{"MaxValues", KVMSTAT_OPTION_ONE, set_max_values},
	{"StateDir", KVMSTAT_OPTION_ONE, set_state_dir},
};
#define NOPTIONS (sizeof(table) / sizeof(table[0]))

static const struct option *option_find(const char *key)
{
	for (size_t i = 0; i < NOPTIONS; i++)
		if (!strcasecmp(table[i].name, key))
			return &table[i];
	return NULL;
}

enum kvmstat_option_kind options_kind(const char *key)
{
	const struct option *option = option_find(key);
	const struct kvmstat_option *shared = kvmstat_config_find_option(key);

	if (!shared)
		shared = kvmstat_diagnosis_find_option(key);
	return option ? option->kind : shared ? shared->kind : KVMSTAT_OPTION_ONE;
}

static void list_options(char *why, size_t size)
{
	const struct kvmstat_option *shared;
	int len = snprintf(why, size, "there is no such option; the options are:");

	for (size_t i = 0; (shared = kvmstat_config_option(i)) && (size_t)len < size; i++)
		len += snprintf(why + len, size - (size_t)len, " %s", shared->name);
	for (size_t i = 0; (shared = kvmstat_diagnosis_option(i)) && (size_t)len < size; i++)
		len += snprintf(why + len, size - (size_t)len, " %s", shared->name);
	for (size_t i = 0; i < NOPTIONS && (size_t)len < size; i++)
		len += snprintf(why + len, size - (size_t)len, " %s", table[i].name);
}

void options_message(char *message, size_t size, const char *key, const char *value, const char *why)
{
	snprintf(message, size, "%s%s%s%s: %s", kvmstat_quote(key).text, value ? " \"" : "",
		 value ? kvmstat_quote(value).text : "", value ? "\"" : "", why);
}

static int set_own(struct options *options, const struct option *option, const char *value, char *error,
		   size_t size)
{
	char why[256];
	int err = option->set(options, value, why, sizeof(why));

	if (err)
		options_message(error, size, option->name, value, why);
	return err;
}

static int set_unknown(const char *key, const char *value, char *error, size_t size)
{
	char why[512];

	if (!strcasecmp(key, "Interval"))
		snprintf(why, sizeof(why), "it belongs in a block <LoadPlugin kvmstat>");
	else
		list_options(why, sizeof(why));
	options_message(error, size, key, value, why);
	return -ENOENT;
}

/* The core has set the option; note it here to report whether it can be met. */
static void note_request(struct options *options, const char *key, const char *value)
{
	static const char *const keys[NREQUESTS] = {
		[REQUEST_VCPUS] = "ReportVcpus", [REQUEST_HISTOGRAMS] = "ReportHistograms"};

	for (int i = 0; i < NREQUESTS; i++)
		if (!strcasecmp(keys[i], key))
			kvmstat_parse_bool(value, &options->requested[i]);
}

int options_set(struct options *options, const char *key, const char *value, char *error, size_t size)
{
	const struct option *option = option_find(key);
	const struct kvmstat_option *core = kvmstat_config_find_option(key);
	int err;

	if (option)
		return set_own(options, option, value, error, size);
	if (kvmstat_diagnosis_find_option(key))
		return kvmstat_diagnosis_set_option(&options->diagnosis, key, value, error, size);
	if (!core)
		return set_unknown(key, value, error, size);
	err = kvmstat_config_set(options->core, key, value, error, size);
	if (!err && core->names_events)
		remember_word(options, core->name, value);
	if (!err)
		note_request(options, key, value);
	return err;
}
