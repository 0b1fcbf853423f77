/* SPDX-License-Identifier: MIT */
#include "core/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sources/sources.h"

/* Use every source that is not opt-in. */
static void use_all_sources(struct kvmstat_config *config)
{
	size_t n = 0;

	for (const struct source_ops *const *ops = source_list; *ops; ops++)
		if (!(*ops)->opt_in)
			config->sources[n++] = (*ops)->id;
	config->sources[n] = KVMSTAT_ABSENT;
	config->chosen = false;
}

struct kvmstat_config *kvmstat_config_new(void)
{
	struct kvmstat_config *config = calloc(1, sizeof(*config));

	if (!config)
		return NULL;
	config->guests = filter_new();
	config->events = filter_new();
	config->root = strdup("/");
	config->libvirt_uri = strdup("qemu:///system");
	use_all_sources(config);
	if (!config->guests || !config->events || !config->root || !config->libvirt_uri) {
		kvmstat_config_free(config);
		return NULL;
	}
	return config;
}

void kvmstat_config_free(struct kvmstat_config *config)
{
	if (!config)
		return;
	filter_free(config->guests);
	filter_free(config->events);
	free(config->root);
	free(config->libvirt_uri);
	free(config);
}

struct kvmstat_config *config_copy(const struct kvmstat_config *config)
{
	struct kvmstat_config *copy = calloc(1, sizeof(*copy));

	if (!copy)
		return NULL;
	*copy = *config;
	copy->guests = filter_copy(config->guests);
	copy->events = filter_copy(config->events);
	copy->root = strdup(config->root);
	copy->libvirt_uri = strdup(config->libvirt_uri);
	if (!copy->guests || !copy->events || !copy->root || !copy->libvirt_uri) {
		kvmstat_config_free(copy);
		return NULL;
	}
	return copy;
}

/* ---- the options -------------------------------------------------------- */

/* Where the message goes, and the option that it is about, spelled as in the table. */
struct report {
	const char *key;
	char *error;
	size_t size;
};

static int invalid(const struct report *report, const char *value, const char *remedy)
{
	snprintf(report->error, report->size, "%s \"%s\": %s", report->key, kvmstat_quote(value).text, remedy);
	return -EINVAL;
}

static int add_word(struct filter *filter, bool exclude, const char *value, const struct report *report)
{
	char reason[256];
	int rc = filter_add(filter, exclude, value, reason, sizeof(reason));

	if (rc)
		snprintf(report->error, report->size, "%s: %s", report->key, reason);
	return rc;
}

static int set_guest(struct kvmstat_config *config, const char *value, const struct report *report)
{
	return add_word(config->guests, false, value, report);
}

static int set_exclude_guest(struct kvmstat_config *config, const char *value, const struct report *report)
{
	return add_word(config->guests, true, value, report);
}

static int set_event(struct kvmstat_config *config, const char *value, const struct report *report)
{
	return add_word(config->events, false, value, report);
}

static int set_exclude_event(struct kvmstat_config *config, const char *value, const struct report *report)
{
	return add_word(config->events, true, value, report);
}

static int parse_bool(const char *value, bool *result, const struct report *report)
{
	if (kvmstat_parse_bool(value, result))
		return 0;
	return invalid(report, value, "not a truth value; expected true or false");
}

static int set_ignore_selected(struct kvmstat_config *config, const char *value, const struct report *report)
{
	bool invert;
	int rc = parse_bool(value, &invert, report);

	if (rc)
		return rc;
	filter_invert(config->guests, invert);
	filter_invert(config->events, invert);
	return 0;
}

static int set_histograms(struct kvmstat_config *config, const char *value, const struct report *report)
{
	return parse_bool(value, &config->histograms, report);
}

static int set_exit_reasons(struct kvmstat_config *config, const char *value, const struct report *report)
{
	return parse_bool(value, &config->exit_reasons, report);
}

static int set_vcpus(struct kvmstat_config *config, const char *value, const struct report *report)
{
	return parse_bool(value, &config->vcpus, report);
}

static int set_top_guests(struct kvmstat_config *config, const char *value, const struct report *report)
{
	unsigned long guests;
	char *end;

	errno = 0;
	guests = strtoul(value, &end, 10);
	if (*value < '0' || *value > '9' || *end || errno || guests > UINT32_MAX)
		return invalid(report, value, "not a number; expected the number of guests to list "
					      "individually, 0 for all");
	config->top = (uint32_t)guests;
	return 0;
}

/* Returns KVMSTAT_ABSENT if the word does not name a source that can be chosen. */
static enum kvmstat_source find_source(const char *word, size_t len)
{
	for (const struct source_ops *const *ops = source_list; *ops; ops++) {
		const char *name = kvmstat_source_name((*ops)->id);

		if (source_may_be_chosen(*ops) && strlen(name) == len && !strncasecmp(name, word, len))
			return (*ops)->id;
	}
	return KVMSTAT_ABSENT;
}

/* "unknown source; expected auto, or any of bpf, statsfd, debugfs, libvirt" */
static int refuse_source(const char *what, const char *value, const struct report *report)
{
	char remedy[160];
	int len = snprintf(remedy, sizeof(remedy), "%s; expected auto, or any of", what);

	for (const struct source_ops *const *ops = source_list; *ops; ops++)
		if (source_may_be_chosen(*ops))
			len += snprintf(remedy + len, sizeof(remedy) - (size_t)len, "%s %s", ops == source_list ? "" : ",", kvmstat_source_name((*ops)->id));
	return invalid(report, value, remedy);
}

/* Add the words of value to the sources chosen before. */
static int set_source(struct kvmstat_config *config, const char *value, const struct report *report)
{
	static const char separators[] = ", \t";
	uint8_t sources[KVMSTAT_NSOURCES + 1] = {KVMSTAT_ABSENT};
	size_t n = 0, before, len;

	if (!strcasecmp(value, "auto")) {
		use_all_sources(config);
		return 0;
	}
	if (config->chosen)
		n = (size_t)((uint8_t *)memchr(config->sources, KVMSTAT_PROC, sizeof(sources)) - config->sources);
	memcpy(sources, config->sources, n);
	before = n;
	for (const char *s = value + strspn(value, separators); *s; s += len + strspn(s + len, separators)) {
		enum kvmstat_source source;

		len = strcspn(s, separators);
		source = find_source(s, len);
		if (source == KVMSTAT_ABSENT)
			return refuse_source("unknown source", value, report);
		if (memchr(sources, source, n))
			return invalid(report, value, "a source is repeated; expected each source "
						      "once");
		sources[n++] = source;
	}
	if (n == before)
		return refuse_source("names no source", value, report);
	/* /proc lists the guests even where no source can read their events. */
	sources[n] = KVMSTAT_PROC;
	memcpy(config->sources, sources, sizeof(sources));
	config->chosen = true;
	return 0;
}

/* Replace a string of the configuration. */
static int set_text(char **text, const char *value, const struct report *report)
{
	char *copy = strdup(value);

	if (!copy) {
		snprintf(report->error, report->size, "%s: out of memory", report->key);
		return -ENOMEM;
	}
	free(*text);
	*text = copy;
	return 0;
}

/* Only daemons of this host: the guests of another host are not found here. */
static int set_libvirt_uri(struct kvmstat_config *config, const char *value, const struct report *report)
{
	if (strncmp(value, "qemu:///", 8) != 0 && strncmp(value, "qemu+unix:///", 13) != 0)
		return invalid(report, value, "not a QEMU daemon of this host; expected "
					      "qemu:///system or qemu:///session");
	return set_text(&config->libvirt_uri, value, report);
}

static int set_root(struct kvmstat_config *config, const char *value, const struct report *report)
{
	if (!*value)
		return invalid(report, value,
			       "not a directory; expected the one that contains sys and proc of a "
			       "captured host");
	return set_text(&config->root, value, report);
}

/* In the order of --help and of the man pages. */
static const struct {
	struct kvmstat_option public;
	int (*set)(struct kvmstat_config *config, const char *value, const struct report *report);
} options[] = {
	{{"Guest", KVMSTAT_OPTION_EACH, "NAME|/REGEX/", "collect this guest", false}, set_guest},
	{{"ExcludeGuest", KVMSTAT_OPTION_EACH, "NAME|/REGEX/", "do not collect this guest", false}, set_exclude_guest},
	{{"Event", KVMSTAT_OPTION_EACH, "NAME|/REGEX/", "collect this event, and its parents", true}, set_event},
	{{"ExcludeEvent", KVMSTAT_OPTION_EACH, "NAME|/REGEX/", "do not collect this event", true}, set_exclude_event},
	{{"IgnoreSelected", KVMSTAT_OPTION_ONE, "BOOL", "Guest and Event select what to leave out", false}, set_ignore_selected},
	{{"ReportHistograms", KVMSTAT_OPTION_ONE, "BOOL", "also collect histograms", false}, set_histograms},
	{{"TopGuests", KVMSTAT_OPTION_ONE, "N", "rows for the N busiest guests, one for all others", false}, set_top_guests},
	{{"ReportVcpus", KVMSTAT_OPTION_ONE, "BOOL", "also report each vCPU", false}, set_vcpus},
	{{"ReportExitReasons", KVMSTAT_OPTION_ONE, "BOOL", "count exits by reason at kvm's tracepoints", false}, set_exit_reasons},
	{{"Source", KVMSTAT_OPTION_WORDS, "auto|NAME...", "where to read from, in order of preference", false}, set_source},
	{{"LibvirtURI", KVMSTAT_OPTION_ONE, "URI", "the libvirt daemon of the source libvirt", false}, set_libvirt_uri},
	{{"Root", KVMSTAT_OPTION_ONE, "DIR", "read DIR/sys and DIR/proc: a captured host", false}, set_root},
};

enum { NOPTIONS = sizeof(options) / sizeof(options[0]) };

static size_t find_option(const char *name)
{
	size_t i = 0;

	while (i < NOPTIONS && strcasecmp(name, options[i].public.name))
		i++;
	return i;
}

const struct kvmstat_option *kvmstat_config_option(size_t i)
{
	return i < NOPTIONS ? &options[i].public : NULL;
}

const struct kvmstat_option *kvmstat_config_find_option(const char *name)
{
	return kvmstat_config_option(find_option(name));
}

int kvmstat_config_set(struct kvmstat_config *config, const char *key, const char *value, char *error,
		       size_t size)
{
	size_t i = find_option(key);
	struct report report = {.error = error, .size = size};

	if (i == NOPTIONS)
		return -ENOENT;
	report.key = options[i].public.name;
	return options[i].set(config, value, &report);
}
