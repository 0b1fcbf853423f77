// SPDX-License-Identifier: MIT
/*
 * options.c - pure: the options of the diagnosis, which every front end that judges guests has
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "kvmstat.h"
#include "util/filter.h"

enum { GRACE_MAX_S = 86400, WAIT_MAX_PERCENT = 100 };

static int fail(char *why, size_t size, const char *text)
{
	snprintf(why, size, "%s", text);
	return -EINVAL;
}

static int set_bool(bool *flag, const char *value, char *why, size_t size)
{
	return kvmstat_parse_bool(value, flag) ? 0 : fail(why, size, "expected true or false");
}

static int set_whole(uint32_t *whole, uint32_t most, const char *value, char *why, size_t size)
{
	unsigned long number;
	char *end;

	errno = 0;
	number = strtoul(value, &end, 10);
	if (*value < '0' || *value > '9' || *end || errno || number < 1 || number > most) {
		snprintf(why, size, "expected a whole number from 1 to %u", most);
		return -EINVAL;
	}
	*whole = (uint32_t)number;
	return 0;
}

static int set_diagnose(struct kvmstat_diagnosis_options *options, const char *value, char *why, size_t size)
{
	return set_bool(&options->diagnose, value, why, size);
}

static int set_notify(struct kvmstat_diagnosis_options *options, const char *value, char *why, size_t size)
{
	return set_bool(&options->notify, value, why, size);
}

static int set_sensitivity(struct kvmstat_diagnosis_options *options, const char *value, char *why, size_t size)
{
	static const char *const words[] = {
		[KVMSTAT_SENSITIVITY_NORMAL] = "normal",
		[KVMSTAT_SENSITIVITY_LOW] = "low",
		[KVMSTAT_SENSITIVITY_HIGH] = "high",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcasecmp(words[i], value))
			continue;
		options->config.sensitivity = (enum kvmstat_sensitivity)i;
		return 0;
	}
	return fail(why, size, "expected low, normal or high");
}

static int exclude_cause(struct kvmstat_diagnosis_options *options, const char *value, char *why, size_t size)
{
	const struct kvmstat_cause *cause = kvmstat_cause_named(value);
	int len;

	if (cause) {
		options->config.excluded |= 1u << cause->number;
		return 0;
	}
	len = snprintf(why, size, "there is no such cause; the causes are:");
	for (unsigned int i = KVMSTAT_CAUSE_NONE + 1; i < KVMSTAT_NCAUSES && (size_t)len < size; i++)
		len += snprintf(why + len, size - (size_t)len, " %s", kvmstat_cause(i)->name);
	return -EINVAL;
}

static int exclude_guest(struct kvmstat_diagnosis_options *options, const char *value, char *why, size_t size)
{
	if (!options->config.guests)
		options->config.guests = filter_new();
	if (!options->config.guests) {
		fail(why, size, "out of memory");
		return -ENOMEM;
	}
	return filter_add(options->config.guests, true, value, why, size);
}

static int set_grace(struct kvmstat_diagnosis_options *options, const char *value, char *why, size_t size)
{
	return set_whole(&options->config.grace_s, GRACE_MAX_S, value, why, size);
}

static int set_wait(struct kvmstat_diagnosis_options *options, const char *value, char *why, size_t size)
{
	return set_whole(&options->config.wait_percent, WAIT_MAX_PERCENT, value, why, size);
}

static int set_wait_known(struct kvmstat_diagnosis_options *options, const char *value, char *why, size_t size)
{
	return set_bool(&options->config.wait_known, value, why, size);
}

/* In the order of the man pages. */
static const struct {
	struct kvmstat_option public;
	int (*set)(struct kvmstat_diagnosis_options *options, const char *value, char *why, size_t size);
} table[] = {
	{{"Diagnose", KVMSTAT_OPTION_ONE, "BOOL", "judge each guest by what it usually does", false}, set_diagnose},
	{{"DiagnoseNotify", KVMSTAT_OPTION_ONE, "BOOL", "send each alarm and its end", false}, set_notify},
	{{"DiagnoseSensitivity", KVMSTAT_OPTION_ONE, "low|normal|high", "how far above the usual a rate has to be", false}, set_sensitivity},
	{{"DiagnoseExcludeGuest", KVMSTAT_OPTION_EACH, "GUEST", "never judge guests of this name", false}, exclude_guest},
	{{"DiagnoseExcludeCause", KVMSTAT_OPTION_EACH, "CAUSE", "never report this cause", false}, exclude_cause},
	{{"DiagnoseGrace", KVMSTAT_OPTION_ONE, "SECONDS", "do not judge a guest for so long after its start", false}, set_grace},
	{{"DiagnoseWait", KVMSTAT_OPTION_ONE, "PERCENT", "the host is short of CPU if its guests wait so much", false}, set_wait},
	{{"DiagnoseWaitKnown", KVMSTAT_OPTION_ONE, "BOOL", "also report a shortage that is no worse than before", false}, set_wait_known},
};

enum { NOPTIONS = sizeof(table) / sizeof(table[0]) };

static size_t find_option(const char *name)
{
	size_t i = 0;

	while (i < NOPTIONS && strcasecmp(name, table[i].public.name))
		i++;
	return i;
}

const struct kvmstat_option *kvmstat_diagnosis_option(size_t i)
{
	return i < NOPTIONS ? &table[i].public : NULL;
}

const struct kvmstat_option *kvmstat_diagnosis_find_option(const char *name)
{
	return kvmstat_diagnosis_option(find_option(name));
}

int kvmstat_diagnosis_set_option(struct kvmstat_diagnosis_options *options, const char *key, const char *value,
				 char *error, size_t size)
{
	size_t i = find_option(key);
	char why[256];
	int rc;

	if (i == NOPTIONS)
		return -ENOENT;
	rc = table[i].set(options, value, why, sizeof(why));
	if (rc)
		snprintf(error, size, "%s \"%s\": %s", table[i].public.name, kvmstat_quote(value).text, why);
	return rc;
}

void kvmstat_diagnosis_free_options(struct kvmstat_diagnosis_options *options)
{
	filter_free(options->config.guests);
	options->config.guests = NULL;
}
