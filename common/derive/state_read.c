// SPDX-License-Identifier: MIT
/*
 * state_read.c - a kept text becomes levels and alarms: all of it, or nothing
 */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "derive/state.h"
#include "derive/watch.h"

enum { MAX_FIELDS = 12, HOURS = 24 };

struct reading {
	struct kvmstat_diagnosis *into; /* a diagnosis of its own, until all was read */
	struct watched *guest;	/* the lines of cells are of this one */
	bool host;		/* its line was there */
	char *field[MAX_FIELDS];
	size_t nfields;
	unsigned int line;
	char *error;
	size_t error_size;
};

__attribute__((format(printf, 2, 3))) static int refuse(struct reading *reading, const char *format, ...)
{
	int n = snprintf(reading->error, reading->error_size, "line %u: ", reading->line);
	va_list args;

	if (n < 0 || (size_t)n >= reading->error_size)
		return -EINVAL;
	va_start(args, format);
	vsnprintf(reading->error + n, reading->error_size - (size_t)n, format, args);
	va_end(args);
	return -EINVAL;
}

/* ---- fields ------------------------------------------------------------- */

static bool read_number(const char *word, uint64_t max, uint64_t *number)
{
	*number = 0;
	if (!*word)
		return false;
	for (; *word; word++) {
		uint64_t digit = (uint64_t)(*word - '0');

		if (*word < '0' || *word > '9' || digit > max || *number > (max - digit) / 10)
			return false;
		*number = 10 * *number + digit;
	}
	return true;
}

/* Digits, perhaps a point and digits; "-" is NaN. */
static bool read_rate(char *word, double *rate)
{
	char *point = strchr(word, '.');
	uint64_t whole, part = 0;
	double scale = 1;

	if (!strcmp(word, "-")) {
		*rate = NAN;
		return true;
	}
	if (point) {
		if (strlen(point + 1) > 9 || !read_number(point + 1, UINT32_MAX, &part))
			return false;
		scale = pow(10, (double)strlen(point + 1));
		*point = '\0';
	}
	if (!read_number(word, UINT64_MAX / 16, &whole))
		return false;
	*rate = (double)whole + (double)part / scale;
	return true;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Undo \xHH in place. */
static bool read_word(char *word)
{
	char *to = word;

	for (const char *c = word; *c; c++) {
		if (*c == '\\') {
			int high = c[1] == 'x' ? hex_digit(c[2]) : -1, low = high >= 0 ? hex_digit(c[3]) : -1;

			if (low < 0 || high + low == 0)
				return false;
			*to++ = (char)(16 * high + low);
			c += 3;
		} else {
			*to++ = *c;
		}
	}
	*to = '\0';
	return true;
}

static bool read_level(char *word, bool time, uint16_t *level)
{
	double rate;

	if (!read_rate(word, &rate) || isnan(rate))
		return false;
	*level = level_of(rate, time);
	return true;
}

/* ---- lines -------------------------------------------------------------- */

static int read_host(struct reading *reading)
{
	struct kvmstat_diagnosis *into = reading->into;
	uint64_t written;
	double interval;

	if (reading->host || reading->nfields != 6)
		return refuse(reading, "a second line of the host, or not 6 fields");
	if (!read_word(reading->field[1]) || !read_number(reading->field[2], UINT32_MAX, &written) ||
	    !read_rate(reading->field[3], &interval) ||
	    !read_number(reading->field[4], UINT64_MAX / 2, &into->alarms.last_number) ||
	    !read_level(reading->field[5], false, &into->shortage.record))
		return refuse(reading, "what it has of the host makes no sense");
	free(into->release);
	into->release = strdup(reading->field[1]);
	into->now.realtime_ns = written * 1000000000u;
	reading->host = true;
	return into->release ? 0 : -ENOMEM;
}

/* Exactly so many rates, separated by commas. */
static bool read_levels(char *words, bool time, uint16_t *level, unsigned int count)
{
	unsigned int n = 0;

	while (words)
		if (n == count || !read_level(strsep(&words, ","), time, &level[n++]))
			return false;
	return n == count;
}

static bool read_quiet(char *word, struct quiet *quiet)
{
	return !strncmp(word, "quiet=", 6) && read_levels(word + 6, false, quiet->hour, HOURS);
}

static int read_daily(struct reading *reading)
{
	unsigned int sum = 0;

	if (reading->nfields != 3 || !reading->guest)
		return refuse(reading, "what it has of a guest's day makes no sense");
	while (sum < DAILY_SUMS && strcmp(daily_names[sum], reading->field[1]) != 0)
		sum++;
	if (sum == DAILY_SUMS || !read_levels(reading->field[2], daily_rules[sum].time,
					      reading->guest->daily[sum].record, DAILY_BLOCKS))
		return refuse(reading, "what it has of a guest's day makes no sense");
	return 0;
}

static int read_spin(struct reading *reading)
{
	double record;

	if (reading->nfields != 2 || !reading->guest || !read_rate(reading->field[1], &record) || !(record >= 0))
		return refuse(reading, "what it has of a guest's vCPUs makes no sense");
	reading->guest->spin.record = (float)record;
	return 0;
}

static int read_guest(struct reading *reading)
{
	char **field = reading->field;
	uint64_t vcpus, first, last, age;
	struct quiet quiet = { .silent = false };

	if (reading->nfields != 8 || !reading->host)
		return refuse(reading, "a guest has 8 fields and comes after the host");
	if (!read_word(field[1]) || !field[1][0] || !read_word(field[2]) || !read_number(field[3], UINT32_MAX, &vcpus) ||
	    !read_number(field[4], UINT32_MAX, &first) || !read_number(field[5], UINT32_MAX, &last) ||
	    !read_number(field[6], UINT32_MAX, &age) || !read_quiet(field[7], &quiet))
		return refuse(reading, "what it has of a guest makes no sense");
	if (watch_find(reading->into, field[1]))
		return refuse(reading, "the guest is there twice");
	reading->guest = watch_add(reading->into, field[1], field[2]);
	if (!reading->guest)
		return -ENOMEM;
	reading->guest->vcpus = (uint32_t)vcpus;
	reading->guest->first_s = first;
	reading->guest->last_s = last;
	reading->guest->age = reading->guest->faded = (double)age;
	reading->guest->quiet = quiet;
	return 0;
}

static int read_cell(struct reading *reading)
{
	uint64_t number;
	bool time;
	int slot;

	if (reading->nfields != 3 || !reading->guest || !read_number(reading->field[0], UINT16_MAX, &number))
		return refuse(reading, "neither a record that is known nor an event of a guest");
	slot = watch_slot(reading->into, (uint32_t)number);
	if (slot == -ENOENT)
		return 0; /* judged by another version, not by this one */
	if (slot < 0 || watch_make_room(reading->into, reading->guest) < 0)
		return -ENOMEM;
	time = number >= KVMSTAT_NUMBER_CPU;
	if (!read_level(reading->field[1], time, &reading->guest->cells[slot].two) ||
	    !read_level(reading->field[2], time, &reading->guest->cells[slot].minute))
		return refuse(reading, "the rates of event %u make no sense", (unsigned int)number);
	return 0;
}

static bool read_text(char *word, struct kvmstat_alarm *alarm)
{
	if (!read_word(word) || strlen(word) >= sizeof(alarm->text))
		return false;
	strcpy(alarm->text, word);
	return true;
}

/* The fields of an alarm but its subject. */
static bool read_alarm_fields(char **field, struct kvmstat_alarm *alarm)
{
	uint64_t event, first, since, severity;

	if (!read_number(field[1], UINT64_MAX / 2, &alarm->number) || !alarm->number || !read_word(field[2]) ||
	    !read_number(field[4], UINT16_MAX, &event) || !read_number(field[5], UINT32_MAX, &since) ||
	    !read_number(field[6], 6, &severity) || !read_rate(field[7], &alarm->rate) ||
	    !read_rate(field[8], &alarm->usual) || (strcmp(field[9], "known") && strcmp(field[9], "unknown")) ||
	    !read_number(field[10], UINT16_MAX, &first) || !read_text(field[11], alarm))
		return false;
	alarm->cause = kvmstat_cause_named(field[3]);
	alarm->event = kvmstat_judged((uint32_t)event);
	alarm->first_event = kvmstat_judged((uint32_t)first);
	alarm->since_ns = since * 1000000000u;
	alarm->known = !strcmp(field[9], "known");
	return alarm->cause != NULL;
}

static int read_alarm(struct reading *reading)
{
	struct kvmstat_diagnosis *into = reading->into;
	struct kvmstat_alarm what = { .guest = "", .key = "" };
	struct watched *guest;
	struct subject *subject;

	if (reading->nfields != 12 || !reading->host || !read_alarm_fields(reading->field, &what))
		return refuse(reading, "what it has of an alarm makes no sense");
	guest = watch_find(into, reading->field[2]);
	if (!guest && reading->field[2][0])
		return refuse(reading, "an alarm of a guest that is not there");
	subject = guest ? &guest->subject : &into->host;
	if (subject->alarm || what.number > into->alarms.last_number)
		return refuse(reading, "a second alarm, or a number that was not given yet");
	if (guest) {
		what.guest = guest->name;
		what.key = guest->key;
		what.vcpus = guest->vcpus;
	}
	subject->alarm = alarm_raise(&into->alarms, &what, &into->now);
	if (!subject->alarm)
		return -ENOMEM;
	subject->alarm->restored_until = UINT64_MAX;
	return 0;
}

static bool read_past_fields(char **field, struct kvmstat_alarm *alarm)
{
	uint64_t event, since, cleared, ending;

	if (!read_number(field[1], UINT64_MAX / 2, &alarm->number) || !alarm->number || !read_word(field[2]) ||
	    !read_word(field[3]) || !read_number(field[5], UINT16_MAX, &event) ||
	    !read_number(field[6], UINT32_MAX, &since) || !read_number(field[7], UINT32_MAX, &cleared) || !cleared ||
	    !read_number(field[8], KVMSTAT_NENDINGS - 1, &ending) || !read_rate(field[9], &alarm->rate) ||
	    !read_rate(field[10], &alarm->usual) || !read_text(field[11], alarm))
		return false;
	alarm->key = field[2];
	alarm->guest = field[3];
	alarm->cause = kvmstat_cause_named(field[4]);
	alarm->event = alarm->first_event = kvmstat_judged((uint32_t)event);
	alarm->since_ns = since * 1000000000u;
	alarm->cleared_ns = cleared * 1000000000u;
	alarm->ending = (enum kvmstat_ending)ending;
	alarm->known = true;
	return alarm->cause != NULL;
}

static int read_past(struct reading *reading)
{
	struct alarms *alarms = &reading->into->alarms;
	struct kvmstat_alarm what = { .number = 0 };

	if (reading->nfields != 12 || !reading->host || !read_past_fields(reading->field, &what) ||
	    what.number > alarms->last_number)
		return refuse(reading, "what it has of a past alarm makes no sense");
	if (!alarm_raise(alarms, &what, &reading->into->now))
		return -ENOMEM;
	alarms->past++;
	return 0;
}

static int read_line(struct reading *reading, char *line)
{
	reading->nfields = 0;
	while (line && reading->nfields < MAX_FIELDS)
		reading->field[reading->nfields++] = strsep(&line, "\t");
	if (line)
		return refuse(reading, "too many fields");
	if (!strcmp(reading->field[0], "host"))
		return read_host(reading);
	if (!strcmp(reading->field[0], "guest"))
		return read_guest(reading);
	if (!strcmp(reading->field[0], "daily"))
		return read_daily(reading);
	if (!strcmp(reading->field[0], "spin"))
		return read_spin(reading);
	if (!strcmp(reading->field[0], "alarm"))
		return read_alarm(reading);
	if (!strcmp(reading->field[0], "past"))
		return read_past(reading);
	return read_cell(reading);
}

/* Is the end there, and the text what was written? The size of what stands before it, or 0. */
static size_t check_end(const char *text, size_t size)
{
	char end[32];
	size_t length;

	length = (size_t)snprintf(end, sizeof(end), "end\t%016llx\n", 0ull);
	if (size <= length || memchr(text, '\0', size))
		return 0;
	snprintf(end, sizeof(end), "end\t%016llx\n", (unsigned long long)state_checksum(text, size - length));
	return memcmp(text + size - length, end, length) ? 0 : size - length;
}

/* copy: all lines but the last. */
static int read_lines(struct reading *reading, char *copy)
{
	char *line = strsep(&copy, "\n");
	int rc = 0;

	reading->line = 1;
	if (strcmp(line, STATE_FIRST) != 0)
		return refuse(reading, "\"%s\" instead of \"" STATE_FIRST "\": another version wrote it, or it is no baseline",
			      kvmstat_quote(line).text);
	while (!rc && (line = strsep(&copy, "\n")) && (*line || copy)) {
		reading->line++;
		rc = read_line(reading, line);
	}
	if (!rc && !reading->host)
		return refuse(reading, "there is nothing of the host");
	return rc;
}

/* All that the text has, in a diagnosis of its own. */
static int read_all(struct reading *reading, const char *text, size_t size)
{
	struct kvmstat_diagnosis_config config = { .grace_s = 0 };
	size_t checked = check_end(text, size);
	char *copy;
	int rc;

	if (!checked) {
		snprintf(reading->error, reading->error_size, "it is cut, or was changed: its checksum does not match");
		return -EINVAL;
	}
	reading->into = kvmstat_diagnosis_new(&config);
	copy = strndup(text, checked);
	rc = reading->into && copy ? read_lines(reading, copy) : -ENOMEM;
	free(copy);
	return rc;
}

/* ---- taking it over ----------------------------------------------------- */

/* What an event counts may be another thing on another kernel. */
static void doubt(struct kvmstat_diagnosis *from)
{
	for (size_t i = 0; i < from->nguests; i++)
		if (from->guests[i]->age > parameters.first_day)
			from->guests[i]->age = from->guests[i]->faded = parameters.first_day;
}

/* Everything that was read takes the place of what is there, but the kernel, unless that is not known. */
static void replace(struct kvmstat_diagnosis *diagnosis, struct kvmstat_diagnosis *from)
{
	struct kvmstat_diagnosis old = *diagnosis;

	if (*old.release && strcmp(old.release, from->release) != 0)
		doubt(from);
	*diagnosis = *from;
	diagnosis->config = old.config;
	if (*old.release) {
		diagnosis->release = old.release;
		old.release = from->release;
	}
	diagnosis->config.release = diagnosis->release;
	*from = old;
	from->config.guests = NULL;	/* it is diagnosis's still */
}

/* One guest of a good case. 0 or -ENOMEM. */
static int take_good(struct kvmstat_diagnosis *diagnosis, const struct kvmstat_diagnosis *from,
		     const struct watched *good)
{
	struct watched *guest = watch_find(diagnosis, good->key);

	if (!guest)
		guest = watch_add(diagnosis, good->key, good->name);
	if (!guest)
		return -ENOMEM;
	for (uint32_t i = 0; i < good->room; i++)
		if (watch_slot(diagnosis, from->slots[i].judged->number) < 0)
			return -ENOMEM;
	if (watch_make_room(diagnosis, guest) < 0)
		return -ENOMEM;
	if (!guest->good)
		guest->good = calloc(guest->room, sizeof(*guest->good));
	if (!guest->good)
		return -ENOMEM;
	for (uint32_t i = 0; i < good->room; i++) {
		int slot = watch_slot(diagnosis, from->slots[i].judged->number);
		struct cell *cell = &guest->cells[slot];

		guest->good[slot] = good->cells[i].minute;
		if (cell->minute < good->cells[i].minute)
			cell->minute = good->cells[i].minute;
		if (cell->two < good->cells[i].two)
			cell->two = good->cells[i].two;
	}
	if (guest->age < parameters.first_day)
		guest->age = guest->faded = parameters.first_day;
	if (!guest->last_s)
		guest->last_s = good->last_s;
	return 0;
}

int kvmstat_diagnosis_read(struct kvmstat_diagnosis *diagnosis, const char *text, size_t size, char *error,
			   size_t error_size)
{
	struct reading reading = { .error = error, .error_size = error_size };
	int rc = read_all(&reading, text, size);

	if (!rc)
		replace(diagnosis, reading.into);
	kvmstat_diagnosis_free(reading.into);
	return rc;
}

int kvmstat_diagnosis_read_good(struct kvmstat_diagnosis *diagnosis, const char *text, size_t size, char *error,
				size_t error_size)
{
	struct reading reading = { .error = error, .error_size = error_size };
	int rc = read_all(&reading, text, size);

	for (size_t i = 0; !rc && i < reading.into->nguests; i++)
		rc = take_good(diagnosis, reading.into, reading.into->guests[i]);
	kvmstat_diagnosis_free(reading.into);
	return rc;
}
