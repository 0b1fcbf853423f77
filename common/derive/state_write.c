// SPDX-License-Identifier: MIT
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "derive/state.h"
#include "derive/watch.h"

uint64_t state_checksum(const char *text, size_t size)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ (unsigned char)text[i]) * 0x100000001b3u;
	return hash;
}

static void write_word(FILE *file, const char *word)
{
	for (const unsigned char *c = (const unsigned char *)word; *c; c++) {
		if (*c < ' ' || *c == '\\' || *c == 0x7f)
			fprintf(file, "\\x%02x", *c);
		else
			fputc(*c, file);
	}
}

/* Four digits, and a point whatever the locale. */
static void write_rate(FILE *file, double rate)
{
	if (isnan(rate))
		fprintf(file, "-");
	else if (rate >= 1000)
		fprintf(file, "%.0f", rate);
	else
		fprintf(file, "%u.%03u", (unsigned int)(rate * 1000 + 0.5) / 1000,
			(unsigned int)(rate * 1000 + 0.5) % 1000);
}

static void write_cells(FILE *file, const struct kvmstat_diagnosis *diagnosis, const struct watched *guest)
{
	/* One that was read and has no row yet may have fewer than the others. */
	for (uint32_t i = 0; i < guest->room; i++) {
		uint32_t number = diagnosis->slots[i].judged->number;
		const struct cell *cell = &guest->cells[i];

		if (!cell->two && !cell->minute)
			continue;
		fprintf(file, "%u\t", number);
		write_rate(file, level_rate(cell->two, number >= KVMSTAT_NUMBER_CPU));
		fputc('\t', file);
		write_rate(file, level_rate(cell->minute, number >= KVMSTAT_NUMBER_CPU));
		fputc('\n', file);
	}
}

static void write_daily(FILE *file, const struct watched *guest)
{
	for (unsigned int sum = 0; sum < DAILY_SUMS; sum++) {
		fprintf(file, "daily\t%s\t", daily_names[sum]);
		for (unsigned int i = 0; i < DAILY_BLOCKS; i++) {
			write_rate(file, level_rate(guest->daily[sum].record[i], daily_rules[sum].time));
			fputc(i < DAILY_BLOCKS - 1 ? ',' : '\n', file);
		}
	}
}

static void write_guest(FILE *file, const struct kvmstat_diagnosis *diagnosis, const struct watched *guest)
{
	fprintf(file, "guest\t");
	write_word(file, guest->key);
	fputc('\t', file);
	write_word(file, guest->name);
	fprintf(file, "\t%u\t%llu\t%llu\t%.0f\tquiet=", guest->vcpus, (unsigned long long)guest->first_s,
		(unsigned long long)guest->last_s, guest->age);
	for (unsigned int i = 0; i < 24; i++) {
		write_rate(file, level_rate(guest->quiet.hour[i], false));
		fputc(i < 23 ? ',' : '\n', file);
	}
	write_cells(file, diagnosis, guest);
	write_daily(file, guest);
	if (guest->spin.record > 0) {
		fprintf(file, "spin\t");
		write_rate(file, guest->spin.record);
		fputc('\n', file);
	}
}

static void write_active(FILE *file, const struct kvmstat_alarm *alarm)
{
	fprintf(file, "alarm\t%llu\t", (unsigned long long)alarm->number);
	write_word(file, alarm->key);
	fprintf(file, "\t%s\t%u\t%llu\t%u\t", alarm->cause->name, alarm->event ? alarm->event->number : 0,
		(unsigned long long)(alarm->since_ns / 1000000000u), alarm->cause->severity);
	write_rate(file, alarm->rate);
	fputc('\t', file);
	write_rate(file, alarm->usual);
	fprintf(file, "\t%s\t%u\t", alarm->known ? "known" : "unknown", alarm->first_event ? alarm->first_event->number : 0);
	write_word(file, alarm->text);
	fputc('\n', file);
}

/* Its guest may be forgotten before it is. */
static void write_past(FILE *file, const struct kvmstat_alarm *alarm)
{
	fprintf(file, "past\t%llu\t", (unsigned long long)alarm->number);
	write_word(file, alarm->key);
	fputc('\t', file);
	write_word(file, alarm->guest);
	fprintf(file, "\t%s\t%u\t%llu\t%llu\t%u\t", alarm->cause->name, alarm->event ? alarm->event->number : 0,
		(unsigned long long)(alarm->since_ns / 1000000000u),
		(unsigned long long)(alarm->cleared_ns / 1000000000u), alarm->ending);
	write_rate(file, alarm->rate);
	fputc('\t', file);
	write_rate(file, alarm->usual);
	fputc('\t', file);
	write_word(file, alarm->text);
	fputc('\n', file);
}

static void write_alarm(FILE *file, const struct kvmstat_alarm *alarm)
{
	if (alarm->cleared_ns)
		write_past(file, alarm);
	else
		write_active(file, alarm);
}

static void write_all(FILE *file, const struct kvmstat_diagnosis *diagnosis)
{
	fprintf(file, STATE_FIRST "\nhost\t");
	write_word(file, diagnosis->release);
	fprintf(file, "\t%llu\t", (unsigned long long)(diagnosis->now.realtime_ns / 1000000000u));
	write_rate(file, diagnosis->interval);
	fprintf(file, "\t%llu\t", (unsigned long long)diagnosis->alarms.last_number);
	write_rate(file, level_rate(diagnosis->shortage.record, false));
	fputc('\n', file);
	for (size_t i = 0; i < diagnosis->nguests; i++)
		write_guest(file, diagnosis, diagnosis->guests[i]);
	for (size_t i = 0; i < diagnosis->alarms.count; i++)
		write_alarm(file, diagnosis->alarms.public[i]);
}

int kvmstat_diagnosis_write(const struct kvmstat_diagnosis *diagnosis, char **text, size_t *size)
{
	FILE *file = open_memstream(text, size);
	bool failed;

	if (!file)
		return -ENOMEM;
	write_all(file, diagnosis);
	failed = fflush(file) != 0;
	if (!failed)
		fprintf(file, "end\t%016llx\n", (unsigned long long)state_checksum(*text, *size));
	failed |= ferror(file) != 0;
	failed |= fclose(file) != 0;
	if (failed) {
		free(*text);
		*text = NULL;
		return -ENOMEM;
	}
	return 0;
}
