// SPDX-License-Identifier: MIT
/*
 * check.c - kvmstat check: whether a guest is abnormal, in the form of a Nagios plugin
 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "select.h"
#include "state/state.h"

enum { OK, WARNING, CRITICAL, UNKNOWN };
enum { NAMED_MAX = 3, ONCE_MAX = 1000 };
#define ONCE_INTERVAL 2.0
/* A guest was there if it was seen in the last minute before the file was written. */
#define PRESENT_S 60

/* What to report: the alarms of the guests that are meant, the worst first. */
struct findings {
	const struct kvmstat_alarm **alarms;
	size_t nalarms;
	size_t guests;
};

/* ---- the line ----------------------------------------------------------- */

/* One line, in which only the performance data follows a bar. */
static void print_line(const char *text)
{
	uint32_t c;

	while (*text) {
		size_t length = kvmstat_utf8(text, &c);

		if (!length || c < 0x20 || (c >= 0x7f && c < 0xa0) || c == '|') {
			printf("\\x%02x", (unsigned char)*text++);
			continue;
		}
		fwrite(text, 1, length, stdout);
		text += length;
	}
}

static int unknown(const char *format, ...) __attribute__((format(printf, 1, 2)));

static int unknown(const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	text = format_text(format, args);
	va_end(args);
	fputs("KVMSTAT UNKNOWN - ", stdout);
	print_line(text);
	putchar('\n');
	free(text);
	return UNKNOWN;
}

int check_usage(void)
{
	return unknown("wrong usage: %s", last_complaint() ? last_complaint() : "'kvmstat --help' lists the options");
}

static int status_of(const struct kvmstat_alarm *alarm)
{
	return alarm->cause->severity <= KVMSTAT_MAJOR ? CRITICAL : WARNING;
}

static void print_others(const struct findings *found)
{
	for (size_t i = 1; i < found->nalarms && i <= NAMED_MAX; i++) {
		const struct kvmstat_alarm *alarm = found->alarms[i];

		fputs(i == 1 ? "; also " : ", ", stdout);
		print_line(*alarm->key ? kvmstat_quote(alarm->guest).text : "host");
		printf(" (%s)", alarm->cause->name);
	}
	if (found->nalarms > NAMED_MAX + 1)
		printf(" and %zu more", found->nalarms - NAMED_MAX - 1);
}

/* The worst first, and the one that began first before others of its kind. */
static int by_severity(const void *a, const void *b)
{
	const struct kvmstat_alarm *x = *(const struct kvmstat_alarm *const *)a;
	const struct kvmstat_alarm *y = *(const struct kvmstat_alarm *const *)b;

	if (x->cause->severity != y->cause->severity)
		return x->cause->severity < y->cause->severity ? -1 : 1;
	if (x->since_ns != y->since_ns)
		return x->since_ns < y->since_ns ? -1 : 1;
	return (x->number > y->number) - (x->number < y->number);
}

static int report(struct findings *found, const char *how)
{
	int status = OK;

	if (!found->nalarms) {
		printf("KVMSTAT OK - no guest is abnormal, of %zu; ", found->guests);
	} else {
		qsort(found->alarms, found->nalarms, sizeof(*found->alarms), by_severity);
		status = status_of(found->alarms[0]);
		printf("KVMSTAT %s - ", status == CRITICAL ? "CRITICAL" : "WARNING");
		print_line(found->alarms[0]->text);
		print_others(found);
		fputs("; ", stdout);
	}
	print_line(how);
	printf(" | alarms=%zu;0;0 guests=%zu\n", found->nalarms, found->guests);
	return status;
}

/* ---- what a front end found --------------------------------------------- */

static bool is_meant(const struct options *options, const char *key, const char *name)
{
	for (char *const *word = options->arguments; *word; word++)
		if (state_matches(key, name, *word))
			return true;
	return !*options->arguments;
}

/* The first word that selects no guest, or NULL. */
static const char *missing_guest(const struct state *state, const struct options *options)
{
	struct kvmstat_learnt guest;

	for (char *const *word = options->arguments; *word; word++) {
		size_t i = 0;

		while (kvmstat_diagnosis_guest(state->diagnosis, i, &guest) && !state_matches(guest.key, guest.name, *word))
			i++;
		if (!kvmstat_diagnosis_guest(state->diagnosis, i, &guest))
			return *word;
	}
	return NULL;
}

static size_t count_guests(const struct state *state, const struct options *options)
{
	uint64_t now = kvmstat_diagnosis_time(state->diagnosis) / 1000000000u;
	struct kvmstat_learnt guest;
	size_t count = 0;

	for (size_t i = 0; kvmstat_diagnosis_guest(state->diagnosis, i, &guest); i++)
		count += guest.last_s + PRESENT_S >= now && is_meant(options, guest.key, guest.name);
	return count;
}

/* With guests on the command line, an alarm of the host is not theirs. */
static int check_kept(const struct state *state, const struct options *options, const char *span)
{
	const struct kvmstat_alarm *const *alarms;
	struct findings found = { .guests = count_guests(state, options) };
	char *how;
	size_t count;
	int status;

	alarms = kvmstat_diagnosis_alarms(state->diagnosis, &count);
	found.alarms = get_memory(count, sizeof(const struct kvmstat_alarm *));
	for (size_t i = 0; i < count; i++)
		if (!alarms[i]->cleared_ns &&
		    (*alarms[i]->key ? is_meant(options, alarms[i]->key, alarms[i]->guest) : !*options->arguments))
			found.alarms[found.nalarms++] = alarms[i];
	if (asprintf(&how, "written %s ago", span) < 0)
		out_of_memory();
	status = report(&found, how);
	free(how);
	free(found.alarms);
	return status;
}

static int check_state(const struct state *state, const struct options *options)
{
	double age = state_age(state), max = options->max_age > 0 ? options->max_age : STATE_MAX_AGE;
	const char *missing = missing_guest(state, options);
	char span[STATE_TIME_SIZE], limit[STATE_TIME_SIZE];

	state_span(fabs(age), span);
	state_span(max, limit);
	if (age > max)
		return unknown("%s was written %s ago, more than %s: its front end does not run, or cannot write", state->path,
			       span, limit);
	if (age < -max)
		return unknown("%s was written %s in the future: the clock was set back", state->path, span);
	if (missing)
		return unknown("there is no guest '%s' in %s", missing, state->path);
	return check_kept(state, options, span);
}

/* ---- without a front end ------------------------------------------------ */

static bool has_wait(const struct watch *watch)
{
	for (uint32_t i = 0; i < watch->now->nrows; i++)
		if (!isnan(kvmstat_rate_wait(watch->rates, i)))
			return true;
	return false;
}

/* Which rows are meant, as one byte each. Returns how many; -1: *bad selects no guest, or several. */
static int select_rows(const struct watch *watch, char *meant, char *const *word, const char **bad)
{
	struct selection selection = { 0, watch->now->nrows };
	int count = 0;

	do {
		*bad = *word;
		if (select_guest(&selection, watch, *word))
			return -1;
		for (uint32_t i = selection.first; i < selection.end; i++) {
			count += !meant[i];
			meant[i] = 1;
		}
	} while (*word && *++word);
	return count;
}

static bool row_is_meant(const struct watch *watch, const char *meant, const struct kvmstat_alarm *alarm)
{
	for (uint32_t i = 0; i < watch->now->nrows; i++)
		if (meant[i] && watch->now->rows[i].guest->name == alarm->guest)
			return true;
	return false;
}

static int judge_once(const struct watch *watch, const struct options *options, const char *meant, size_t guests)
{
	struct kvmstat_alarm *alarms = get_memory(ONCE_MAX, sizeof(*alarms));
	struct findings found = { .guests = guests };
	size_t count = kvmstat_judge_once(watch->now, watch->rates, alarms, ONCE_MAX);
	int status;

	found.alarms = get_memory(count, sizeof(const struct kvmstat_alarm *));
	for (size_t i = 0; i < count; i++)
		if (*alarms[i].key ? row_is_meant(watch, meant, &alarms[i]) : !*options->arguments)
			found.alarms[found.nalarms++] = &alarms[i];
	status = report(&found, "from two samples, which show only a shortage of CPU: no front end judges guests here");
	free(found.alarms);
	free(alarms);
	return status;
}

static int report_once(const struct watch *watch, const struct options *options)
{
	const struct kvmstat_problem_status *problems = watch->now->problems;
	const char *bad;
	char *meant;
	int status, count;

	if (problems[KVMSTAT_NO_KVM].active || problems[KVMSTAT_NO_SOURCE].active)
		return unknown("%s", problems[problems[KVMSTAT_NO_KVM].active ? KVMSTAT_NO_KVM : KVMSTAT_NO_SOURCE].text);
	meant = get_memory(watch->now->nrows, 1);
	count = select_rows(watch, meant, options->arguments, &bad);
	if (count < 0)
		status = unknown("there is no guest '%s', or there are several; 'kvmstat guests' lists the guests", bad);
	else if (count && !has_wait(watch))
		status = unknown("no front end judges guests here, and how long they wait for a CPU cannot be read: see "
				 "'kvmstat doctor'");
	else
		status = judge_once(watch, options, meant, (size_t)count);
	free(meant);
	return status;
}

static int check_once(const struct options *options)
{
	struct options twice = *options;
	struct watch watch;
	int status;

	twice.interval = ONCE_INTERVAL;
	status = watch_start(&watch, &twice);
	if (!status)
		status = watch_next(&watch, &twice);
	status = status ? unknown("%s", last_complaint()) : report_once(&watch, &twice);
	watch_stop(&watch);
	return status;
}

int check_command(const struct options *options)
{
	struct state state;
	enum state_found found = state_read(&state, options);
	int status;

	if (found == STATE_READ)
		status = check_state(&state, options);
	else if (found == STATE_NONE && !options->state_dir)
		status = check_once(options);
	else
		status = unknown("%s", state.reason);
	state_free(&state);
	return status;
}
