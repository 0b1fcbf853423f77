// SPDX-License-Identifier: MIT
/* page.c - texts to read: help, an event, a guest, an alarm, what stands in the way */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "escape.h"
#include "screen/memory.h"
#include "screen/screen.h"
#include "state/state.h"

static const char help_text[] =
	"Where to go\n"
	"  Enter, right   from guests to the events of one, from an event to its vCPUs\n"
	"                 or its histogram; from an event of all guests to who has it\n"
	"  Esc, left      back\n"
	"  b              by guest: all guests, or the events of all guests together\n"
	"  v              vCPUs of the guest\n"
	"  a              alarms: which guests are abnormal, why, and what to do next\n"
	"  d              describe the event or guest under the cursor\n"
	"  !              what stands in the way of values\n"
	"  g              a guest by its name or UUID\n"
	"  p              a guest by the number of its process\n"
	"  arrows, PgUp, PgDn, Home, End\n"
	"  / n            search, and search on\n"
	"\n"
	"What is shown\n"
	"  f              filter events by a regular expression, while you type\n"
	"  c              clear filters, and back to all guests\n"
	"  x              drill down: show or hide events that are part of others (+)\n"
	"  o              order by rate or by total\n"
	"  < > R          order by another column, or the other way round\n"
	"  r              reset: count totals from now on; once more: since the start\n"
	"  s              seconds between two samples\n"
	"  space          freeze, and go on\n"
	"  w              write what is seen to a file; CSV if its name ends in .csv\n"
	"  q              quit\n"
	"\n"
	"Keys that kvm_stat has mean the same here. Reset is a mark of this screen: the\n"
	"kernel's counters go on. A total without a mark counts since the guest began.\n"
	"\"-\": there is no value. It could not be read, or there is no rate yet.\n";

/* A line with what comes from outside, after its word. */
static void write_fact(FILE *file, const char *word, const char *text)
{
	size_t width;
	char *shown = escape_printable(text, &width);

	fprintf(file, "%-*s%s%s\n", *word ? 10 : 0, word, *word ? " " : "", shown);
	free(shown);
}

char *page_help(void)
{
	return get_copy(help_text);
}

static void write_usual(FILE *file, const struct screen *screen, const struct kvmstat_event *event, const struct kvmstat_row *row)
{
	double usual = screen->marks ? kvmstat_diagnosis_usual(screen->marks, row->guest->id, event->number) : NAN;

	if (!isnan(usual))
		fprintf(file, "%-10s never above %.1f per second for a minute\n", "usual", usual);
}

char *page_event(const struct screen *screen, const struct kvmstat_column *column, const struct kvmstat_row *row)
{
	const struct kvmstat_event *event = column->event;
	struct memory memory;

	memory_begin(&memory);
	fprintf(memory.file, "%s\n\n%s\n\n", event->name,
		*event->text ? event->text : "The kernel has this event, but kvmstat does not know what it means.");
	fprintf(memory.file, "%-10s %s, %s, of each %s\n", "kind", kvmstat_class_name(event->class), kvmstat_unit_name(event->unit),
		event->scope == KVMSTAT_VM ? "guest" : "vCPU");
	write_fact(memory.file, "category", kvmstat_category_name(event->category));
	if (event->parent)
		write_fact(memory.file, "part of", event->parent->name);
	write_fact(memory.file, "source", kvmstat_source_name(column->source));
	if (*column->reason)
		write_fact(memory.file, "not read", column->reason);
	if (strcmp(column->kernel_name, event->name))
		write_fact(memory.file, "kernel", column->kernel_name);
	if (event->dead)
		fprintf(memory.file, "No known kernel counts it.\n");
	if (row)
		write_usual(memory.file, screen, event, row);
	return memory_finish(&memory);
}

char *page_guest(const struct kvmstat_row *row)
{
	const struct kvmstat_guest *guest = row->guest;
	char began[STATE_TIME_SIZE] = "unknown";
	struct memory memory;

	if (guest->began_realtime_ns)
		state_local(guest->began_realtime_ns, began);
	memory_begin(&memory);
	write_fact(memory.file, "name", guest->name);
	write_fact(memory.file, "UUID", *guest->uuid ? guest->uuid : "unknown");
	fprintf(memory.file, "%-10s %d, fd %d\n", "process", (int)guest->pid, guest->fd);
	write_fact(memory.file, "program", guest->vmm);
	write_fact(memory.file, "began", began);
	fprintf(memory.file, "%-10s %" PRIu32 "\n", "vCPUs", row->vcpu_count);
	if (guest->memory)
		fprintf(memory.file, "%-10s %" PRIu64 " MiB\n", "memory", guest->memory >> 20);
	return memory_finish(&memory);
}

static void write_alarm(FILE *file, const struct kvmstat_alarm *alarm)
{
	char since[STATE_TIME_SIZE], ended[STATE_TIME_SIZE];
	struct table words = { .headings = NULL };

	state_local(alarm->since_ns, since);
	state_local(alarm->cleared_ns, ended);
	write_fact(file, "", alarm->text);
	fputc('\n', file);
	write_fact(file, "next", alarm_next(&words, alarm));
	table_free(&words);
	fprintf(file, "%-10s %s, %s\n", "cause", alarm->cause->name, kvmstat_severity_name(alarm->cause->severity));
	write_fact(file, "since", since);
	if (alarm->cleared_ns)
		fprintf(file, "%-10s %s, %s\n", "ended", ended, kvmstat_ending_name(alarm->ending));
	fprintf(file, "\n%s\n", alarm->cause->meaning);
}

char *page_alarm(const struct screen *screen, uint64_t number)
{
	const struct kvmstat_alarm *alarm = screen->marks ? alarm_of_number(screen->marks, number) : NULL;
	struct memory memory;

	memory_begin(&memory);
	if (alarm)
		write_alarm(memory.file, alarm);
	return memory_finish(&memory);
}

char *page_problems(const struct watch *watch)
{
	struct memory memory;
	bool any = false;

	memory_begin(&memory);
	for (int p = 0; p < KVMSTAT_NPROBLEMS; p++) {
		if (!watch->now->problems[p].active)
			continue;
		write_fact(memory.file, kvmstat_problem_name((enum kvmstat_problem)p), watch->now->problems[p].text);
		any = true;
	}
	if (!any)
		fputs("There is no problem.\n", memory.file);
	fputs("\nSources, from which values are read:\n", memory.file);
	for (int s = KVMSTAT_ABSENT + 1; s < KVMSTAT_NSOURCES; s++) {
		const struct kvmstat_source_status *source = &watch->now->sources[s];

		fprintf(memory.file, "  %-10s %s\n", kvmstat_source_name((enum kvmstat_source)s), kvmstat_state_name(source->state));
		if (*source->text)
			write_fact(memory.file, "", source->text);
	}
	fputs("\n'kvmstat doctor' reports more.\n", memory.file);
	return memory_finish(&memory);
}
