/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "log.h"
#include "settings.h"
#include "transport.h"

#ifndef STATEDIR
#define STATEDIR "/var/lib/kvmstat"
#endif

#define DEFAULT_SOCKET "/var/agentx/master"

enum {
	INTERVAL = 10, INTERVAL_MAX = 3600,
	PING_INTERVAL = 3, PING_INTERVAL_MAX = 60,
	ROOT_MIN = 4, ROOT_MAX = 64,
	LIST_SIZE = 512,
	ERROR_SIZE = 640,
};

/* A message of its own option in error, or 0. */
typedef int (*setter)(struct settings *settings, const char *value, char *error);

static int fail(char *error, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int fail(char *error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error, ERROR_SIZE, format, args);
	va_end(args);
	return -EINVAL;
}

/* ---- options ------------------------------------------------------------ */

static int set_seconds(unsigned int *seconds, const char *option, const char *value, unsigned int max,
		       char *error)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(value, &end, 10);
	if (*value < '0' || *value > '9' || *end || errno || n < 1 || n > max)
		return fail(error, "%s '%s' is not a number of seconds; expected a whole number from "
				   "1 to %u",
			    option, kvmstat_quote(value).text, max);
	*seconds = (unsigned int)n;
	return 0;
}

static int set_interval(struct settings *settings, const char *value, char *error)
{
	return set_seconds(&settings->interval, "Interval", value, INTERVAL_MAX, error);
}

static int set_ping_interval(struct settings *settings, const char *value, char *error)
{
	return set_seconds(&settings->ping_interval, "PingInterval", value, PING_INTERVAL_MAX, error);
}

static int set_string(char **string, const char *value, char *error)
{
	char *copy = strdup(value);

	if (!copy)
		return fail(error, "out of memory");
	free(*string);
	*string = copy;
	return 0;
}

static int set_socket(struct settings *settings, const char *value, char *error)
{
	const char *path = strncmp(value, "unix:", 5) == 0 ? value + 5 : value;

	if (*path != '/')
		return fail(
			error,
			"AgentXSocket '%s' is not the path of a unix socket; expected one that "
			"begins with /; if snmpd's agentXSocket has no path, add one after a comma: "
			"agentXSocket tcp:localhost:705," DEFAULT_SOCKET,
			kvmstat_quote(value).text);
	if (strlen(path) > TRANSPORT_PATH_MAX)
		return fail(error, "AgentXSocket '%s' is too long; expected at most %d bytes, the "
				   "limit of a socket's path",
			    kvmstat_quote(value).text, TRANSPORT_PATH_MAX);
	return set_string(&settings->socket, path, error);
}

static int set_state_dir(struct settings *settings, const char *value, char *error)
{
	if (strcasecmp(value, "none") == 0) {
		free(settings->state_dir);
		settings->state_dir = NULL;
		return 0;
	}
	if (*value != '/')
		return fail(error,
			    "StateDir '%s' is not an absolute path; expected one that begins with /, "
			    "or none",
			    kvmstat_quote(value).text);
	return set_string(&settings->state_dir, value, error);
}

static int set_root(struct settings *settings, const char *value, char *error)
{
	const char *rest = *value == '.' ? value + 1 : value;
	struct oid root = { .len = 0 };

	do {
		char *end;
		unsigned long n;

		errno = 0;
		n = strtoul(rest, &end, 10);
		if (*rest < '0' || *rest > '9' || errno || n > UINT32_MAX || (*end && *end != '.') ||
		    root.len == ROOT_MAX)
			return fail(
				error,
				"OidRoot '%s' is not an OID; expected %d to %d numbers separated by "
				"dots, such as %s",
				kvmstat_quote(value).text, ROOT_MIN, ROOT_MAX, OID_ROOT);
		root.subid[root.len++] = (uint32_t)n;
		rest = end + (*end == '.');
		if (!*end)
			break;
	} while (true);
	if (root.len < ROOT_MIN || root.subid[0] != 1 || root.subid[1] != 3)
		return fail(
			error,
			"OidRoot '%s' is not a valid root of a MIB; expected an OID of at least %d "
			"numbers that begins with 1.3, such as %s",
			kvmstat_quote(value).text, ROOT_MIN, OID_ROOT);
	settings->root = root;
	return 0;
}

static const struct own_option {
	const char *name;
	setter set;
} options[] = {
	{ "Interval", set_interval },
	{ "OidRoot", set_root },
	{ "AgentXSocket", set_socket },
	{ "StateDir", set_state_dir },
	{ "PingInterval", set_ping_interval },
};

enum { NOPTIONS = sizeof(options) / sizeof(options[0]) };

typedef const struct kvmstat_option *(*shared_options)(size_t i);

static int list_shared(char *list, int len, shared_options shared)
{
	const struct kvmstat_option *option;

	for (size_t i = 0; (option = shared(i)) && len < LIST_SIZE; i++)
		len += snprintf(list + len, LIST_SIZE - (size_t)len, "%s%s", len ? ", " : "", option->name);
	return len;
}

/* List the options of this program, then of the core. */
static int fail_unknown(const char *name, char *error)
{
	char list[LIST_SIZE] = "";
	int len = 0;

	for (int i = 0; i < NOPTIONS; i++)
		len += snprintf(list + len, sizeof(list) - (size_t)len, "%s%s", i ? ", " : "", options[i].name);
	list_shared(list, list_shared(list, len, kvmstat_config_option), kvmstat_diagnosis_option);
	return fail(error, "unknown option %s; the options are %s", kvmstat_quote(name).text, list);
}

/* Remember an option of the core, to see whether the next configuration has another. */
static int note(char **noted, const char *name, const char *value, char *error)
{
	char *all;

	if (asprintf(&all, "%s%s %s\n", *noted, name, value) < 0)
		return fail(error, "out of memory");
	free(*noted);
	*noted = all;
	return 0;
}

static int set_option(struct settings *settings, const char *name, const char *value, char *error)
{
	int rc;

	for (int i = 0; i < NOPTIONS; i++)
		if (strcasecmp(options[i].name, name) == 0)
			return options[i].set(settings, value, error);
	rc = kvmstat_diagnosis_set_option(&settings->diagnosis, name, value, error, ERROR_SIZE);
	if (rc != -ENOENT)
		return rc < 0 ? rc : note(&settings->judging, name, value, error);
	rc = kvmstat_config_set(settings->config, name, value, error, ERROR_SIZE);
	if (rc == -ENOENT)
		return fail_unknown(name, error);
	if (rc == -ENOMEM)
		return fail(error, "out of memory");
	return rc < 0 ? rc : note(&settings->core, name, value, error);
}

static void report_error(struct settings *settings, const char *place, const char *error)
{
	settings->errors++;
	message(LOG_ERR, "%s: %s", place, error);
}

static bool names_events(const char *name)
{
	const struct kvmstat_option *option = kvmstat_config_find_option(name);

	return option && option->names_events;
}

static int remember_word(struct settings *settings, const char *word, const char *place)
{
	struct event_word *words = reallocarray(settings->words, settings->nwords + 1, sizeof(*words));

	if (!words)
		return -ENOMEM;
	settings->words = words;
	words[settings->nwords] = (struct event_word){ strdup(word), strdup(place) };
	if (!words[settings->nwords].word || !words[settings->nwords].place) {
		free(words[settings->nwords].word);
		free(words[settings->nwords].place);
		return -ENOMEM;
	}
	settings->nwords++;
	return 0;
}

void settings_set(struct settings *settings, const char *option, const char *value, const char *place)
{
	char error[ERROR_SIZE] = "";

	if (set_option(settings, option, value, error) < 0)
		report_error(settings, place, error);
	else if (names_events(option) && remember_word(settings, value, place) < 0)
		report_error(settings, place, "out of memory");
}

void settings_assign(struct settings *settings, const char *assignment, const char *place)
{
	const char *equals = strchr(assignment, '=');
	char *option;

	if (!equals || equals == assignment) {
		report_error(settings, place, "expected Option=value, such as Interval=30");
		return;
	}
	option = strndup(assignment, (size_t)(equals - assignment));
	if (option)
		settings_set(settings, option, equals + 1, place);
	else
		report_error(settings, place, "out of memory");
	free(option);
}

/* ---- the file ----------------------------------------------------------- */

/*
 * The next word of a line, in place, unquoted; NULL if there is none. Within double quotes a backslash
 * makes the next character an ordinary one. *rest is NULL if a quote is not closed.
 */
static char *next_word(char **rest)
{
	char *from = *rest + strspn(*rest, " \t\r\n"), *word = from, *to = from;
	bool quoted = *from == '"';

	if (!*from || *from == '#')
		return NULL;
	from += quoted;
	while (*from && !(quoted ? *from == '"' : strchr(" \t\r\n", *from) != NULL)) {
		if (quoted && *from == '\\' && from[1])
			from++;
		*to++ = *from++;
	}
	*rest = quoted && !*from ? NULL : from + (*from != '\0');
	*to = '\0';
	return word;
}

/* Skip the byte order mark that some editors put at the start of a file in UTF-8. */
static char *skip_mark(char *line)
{
	static const char mark[] = "\xef\xbb\xbf";

	return strncmp(line, mark, strlen(mark)) == 0 ? line + strlen(mark) : line;
}

static void take_line(struct settings *settings, char *line, const char *place)
{
	char *rest = line, *option, *value = NULL, *more = NULL, error[ERROR_SIZE];

	option = next_word(&rest);
	if (!option)
		return;
	if (rest)
		value = next_word(&rest);
	if (rest && value)
		more = next_word(&rest);
	if (!rest)
		report_error(settings, place, "a quote is not closed; end the value with a \"");
	else if (!value) {
		fail(error, "a value is missing after %s; expected Option value", kvmstat_quote(option).text);
		report_error(settings, place, error);
	} else if (more)
		report_error(settings, place,
			     "more than one value; put a value with spaces into double quotes, and each "
			     "option on its own line");
	else
		settings_set(settings, option, value, place);
}

void settings_read(struct settings *settings, const char *path, bool must_exist)
{
	FILE *file = fopen(path, "re");
	char *line = NULL, place[512];
	unsigned int number = 0;
	size_t size = 0;
	ssize_t len;

	if (!file) {
		if (errno == ENOENT && !must_exist)
			return;
		snprintf(place, sizeof(place),
			 "cannot read the configuration: %s; check the path and permissions, or "
			 "specify another file with the option -c",
			 strerror(errno));
		report_error(settings, path, place);
		return;
	}
	while ((len = getline(&line, &size, file)) >= 0) {
		snprintf(place, sizeof(place), "%s:%u", path, ++number);
		if (strlen(line) < (size_t)len) {
			report_error(settings, place, "there is a byte of value 0; save the file as text in "
					      "UTF-8");
			break;
		}
		take_line(settings, number == 1 ? skip_mark(line) : line, place);
	}
	if (ferror(file))
		report_error(settings, path, "cannot read the configuration to its end; expected a text file");
	free(line);
	fclose(file);
}

/* ---- the whole ---------------------------------------------------------- */

int settings_init(struct settings *settings)
{
	char error[ERROR_SIZE];

	memset(settings, 0, sizeof(*settings));
	settings->interval = INTERVAL;
	settings->ping_interval = PING_INTERVAL;
	settings->diagnosis.diagnose = settings->diagnosis.notify = true;
	settings->config = kvmstat_config_new();
	if (!settings->config || set_string(&settings->core, "", error) < 0 || set_string(&settings->judging, "", error) < 0 ||
	    set_string(&settings->socket, DEFAULT_SOCKET, error) < 0 ||
	    set_string(&settings->state_dir, STATEDIR, error) < 0 ||
	    set_root(settings, OID_ROOT, error) < 0) {
		settings_free(settings);
		return -ENOMEM;
	}
	return 0;
}

void settings_free(struct settings *settings)
{
	kvmstat_config_free(settings->config);
	kvmstat_diagnosis_free_options(&settings->diagnosis);
	free(settings->core);
	free(settings->judging);
	free(settings->socket);
	free(settings->state_dir);
	for (size_t i = 0; i < settings->nwords; i++) {
		free(settings->words[i].word);
		free(settings->words[i].place);
	}
	free(settings->words);
	memset(settings, 0, sizeof(*settings));
}

unsigned int settings_check_events(const struct settings *settings, const struct kvmstat *kvmstat,
				   int priority)
{
	unsigned int unknown = 0;

	for (size_t i = 0; i < settings->nwords; i++) {
		const struct event_word *word = &settings->words[i];
		char suggestion[128];

		if (!kvmstat_event_unknown(kvmstat, word->word, suggestion, sizeof(suggestion)))
			continue;
		unknown++;
		message(priority, "%s: unknown event %s: %s%s%s", word->place, kvmstat_quote(word->word).text,
			*suggestion ? "did you mean " : "", *suggestion ? suggestion : "it is not on this host either",
			*suggestion ? "?" : "; 'kvmstat events' lists them");
	}
	return unknown;
}
