// SPDX-License-Identifier: MIT
/* vcpus.c - kvmstat vcpus: one row per vCPU of a guest, with its busiest events */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli.h"
#include "detail.h"
#include "report.h"
#include "tables.h"

enum { BUSIEST = 3 };

enum column {
	COLUMN_TIME,
	COLUMN_GUEST,
	COLUMN_VCPU,
	COLUMN_BUSIEST = COLUMN_VCPU + VCPU_CELLS,
	COLUMN_EVENTS,		/* name and rate of each */
	NCOLUMNS = COLUMN_EVENTS + 2 * BUSIEST,
};

const struct order vcpus_order = {
	.id = COLUMN_VCPU,
	.parent = NOWHERE,
	.group = NOWHERE,
	.name = COLUMN_BUSIEST,
	.rate = COLUMN_VCPU + VCPU_CPU,
	.total = NOWHERE,
	.alarm = NOWHERE,
};

static const struct heading headings[NCOLUMNS] = {
	[COLUMN_TIME] = { .key = "time", .csv_only = true },
	[COLUMN_GUEST] = { .key = "guest" },
	VCPU_HEADINGS(COLUMN_VCPU),
	[COLUMN_BUSIEST] = { .title = "BUSIEST EVENTS, PER SECOND", .left = true },
	[COLUMN_EVENTS] = { .key = "event_1" },
	[COLUMN_EVENTS + 1] = { .key = "rate_1" },
	[COLUMN_EVENTS + 2] = { .key = "event_2" },
	[COLUMN_EVENTS + 3] = { .key = "rate_2" },
	[COLUMN_EVENTS + 4] = { .key = "event_3" },
	[COLUMN_EVENTS + 5] = { .key = "rate_3" },
};

/* An event of a vCPU that happened between the samples. */
struct busy {
	const char *event;	/* NULL: none */
	double rate;
};

struct line {
	bool known;		/* an event of it has a rate */
	struct busy busiest[BUSIEST];
	char text[320];
};

static bool is_count(const struct kvmstat_event *event)
{
	return event->class == KVMSTAT_CUMULATIVE && event->unit == KVMSTAT_COUNT;
}

/* Before those with a smaller rate; of equal ones the first stays the first. */
static void insert(struct busy *busiest, struct busy new)
{
	for (int i = 0; i < BUSIEST; i++) {
		struct busy old = busiest[i];

		if (old.event && old.rate >= new.rate)
			continue;
		busiest[i] = new;
		new = old;
	}
}

static void find_busiest(struct line *line, const struct watch *watch, uint32_t vcpu)
{
	for (uint32_t i = 0; i < watch->now->ncolumns; i++) {
		const struct kvmstat_column *column = &watch->now->columns[i];
		double rate = kvmstat_rate_of_vcpu(watch->rates, vcpu, column->first_cell);

		if (!is_count(column->event) || isnan(rate))
			continue;
		line->known = true;
		if (rate > 0)
			insert(line->busiest, (struct busy){ column->event->name, rate });
	}
}

static void describe(struct line *line)
{
	int used = 0;

	snprintf(line->text, sizeof(line->text), line->known ? "none" : "-");
	for (int i = 0; i < BUSIEST && line->busiest[i].event; i++)
		used += snprintf(line->text + used, sizeof(line->text) - (size_t)used, "%s%.60s %.*f",
				 i ? ", " : "", line->busiest[i].event, line->busiest[i].rate < 9.95,
				 line->busiest[i].rate);
}

void vcpu_fill(struct cell cells[VCPU_CELLS], const struct watch *watch, const struct kvmstat_vcpu *vcpu)
{
	uint32_t index = (uint32_t)(vcpu - watch->now->vcpus);

	cells[VCPU_ID] = cell_count(vcpu->id);
	cells[VCPU_THREAD] = vcpu->tid ? cell_count((uint64_t)vcpu->tid) : cell_none();
	cells[VCPU_STATE] = cell_string(kvmstat_vcpu_state_name(vcpu->state));
	cells[VCPU_CPU] = cell_number(kvmstat_rate_vcpu_cpu(watch->rates, index) / 1e7);
	cells[VCPU_WAIT] = cell_number(kvmstat_rate_vcpu_wait(watch->rates, index) / 1e7);
}

static void fill(struct cell *cells, const struct watch *watch, const struct kvmstat_vcpu *vcpu,
		 const struct line *line)
{
	vcpu_fill(&cells[COLUMN_VCPU], watch, vcpu);
	cells[COLUMN_BUSIEST] = cell_string(line->text);
	for (int i = 0; i < BUSIEST; i++) {
		const struct busy *busy = &line->busiest[i];

		cells[COLUMN_EVENTS + 2 * i] = busy->event ? cell_string(busy->event) : cell_none();
		cells[COLUMN_EVENTS + 2 * i + 1] = busy->event ? cell_number(busy->rate) : cell_none();
	}
}

bool vcpus_are_only_summed(const struct watch *watch, const struct kvmstat_row *row)
{
	bool sums = false;

	for (uint32_t i = 0; i < watch->now->ncolumns; i++) {
		const struct kvmstat_column *column = &watch->now->columns[i];

		sums |= column->event->scope == KVMSTAT_VCPU && row->from[column->first_cell] != KVMSTAT_ABSENT;
		for (uint32_t v = 0; v < row->nvcpus; v++)
			if (row->vcpus[v].from[column->first_cell] != KVMSTAT_ABSENT)
				return false;
	}
	return sums;
}

static int check(const struct watch *watch, const struct kvmstat_row *row)
{
	if (!row->guest->id) {
		complain("'%s' is the sum of all guests that TopGuests leaves out; specify a guest", row->guest->name);
		return EXIT_FAILURE;
	}
	if (!row->nvcpus && !watch->kvmstat) {
		complain("the vCPUs of '%s' were not recorded; 'kvmstat record' needs -o ReportVcpus=true", row->guest->name);
		return EXIT_FAILURE;
	}
	if (!row->nvcpus) {
		complain("cannot see the vCPUs of '%s'; these sources see vCPUs:", row->guest->name);
		detail_print_sources(watch);
		return EXIT_FAILURE;
	}
	if (!watch->reports && vcpus_are_only_summed(watch, row)) {
		complain("cannot read events of single vCPUs of '%s': debugfs has only the sum over "
			 "all vCPUs; use the source bpf or statsfd; see 'kvmstat doctor':",
			 row->guest->name);
		detail_print_sources(watch);
	}
	return EXIT_SUCCESS;
}

void vcpus_table(struct table *table, const struct watch *watch, const struct kvmstat_row *row)
{
	struct line *lines = table_keep(table, row->nvcpus * sizeof(*lines));
	char *time = table_keep(table, REPORT_TIME_SIZE);
	struct cell cells[NCOLUMNS] = { 0 };

	table->headings = headings;
	table->ncolumns = NCOLUMNS;
	report_time(watch, time);
	cells[COLUMN_TIME] = cell_string(time);
	cells[COLUMN_GUEST] = cell_string(row->guest->name);
	for (uint32_t i = 0; i < row->nvcpus; i++) {
		find_busiest(&lines[i], watch, (uint32_t)(&row->vcpus[i] - watch->now->vcpus));
		describe(&lines[i]);
		fill(cells, watch, &row->vcpus[i], &lines[i]);
		table_add(table, cells);
	}
}

static int report(const struct watch *watch, const struct options *options)
{
	const struct kvmstat_row *row = detail_guest(watch, options);
	struct table table = { .headings = NULL };
	int status;

	status = row ? check(watch, row) : EXIT_FAILURE;
	if (status)
		return status;
	vcpus_table(&table, watch, row);
	report_print(watch, options, &table, "vcpus");
	table_free(&table);
	return EXIT_SUCCESS;
}

int vcpus_command(const struct options *options)
{
	return watch_all(options, report);
}
