// SPDX-License-Identifier: MIT
/* histogram.c - kvmstat histogram: the distribution of an event's values in a guest */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "detail.h"
#include "report.h"
#include "since.h"
#include "tables.h"

enum { BAR_WIDTH = 20, BOUND_SIZE = 24 };

enum column {
	COLUMN_TIME,
	COLUMN_GUEST,
	COLUMN_EVENT,
	COLUMN_BUCKET,
	COLUMN_UNIT,
	COLUMN_FROM,
	COLUMN_BELOW,
	COLUMN_FROM_TEXT,
	COLUMN_BELOW_TEXT,
	COLUMN_VALUE,
	COLUMN_RATE,
	COLUMN_PERCENT,
	COLUMN_CUMULATIVE,
	COLUMN_BAR,
	NCOLUMNS,
};

const struct order histogram_order = {
	.id = COLUMN_BUCKET,
	.parent = NOWHERE,
	.group = NOWHERE,
	.name = COLUMN_FROM_TEXT,
	.rate = COLUMN_RATE,
	.total = COLUMN_VALUE,
	.alarm = NOWHERE,
};

static const struct heading headings[NCOLUMNS] = {
	[COLUMN_TIME] = { .key = "time", .csv_only = true },
	[COLUMN_GUEST] = { .key = "guest" },
	[COLUMN_EVENT] = { .key = "event" },
	[COLUMN_BUCKET] = { .key = "bucket" },
	[COLUMN_UNIT] = { .key = "unit" },
	[COLUMN_FROM] = { .key = "from" },
	[COLUMN_BELOW] = { .key = "below" },
	[COLUMN_FROM_TEXT] = { .title = "FROM" },
	[COLUMN_BELOW_TEXT] = { .title = "BELOW" },
	[COLUMN_VALUE] = { .key = "value", .title = "TOTAL" },
	[COLUMN_RATE] = { .key = "rate", .title = "PER SECOND" },
	[COLUMN_PERCENT] = { .key = "percent", .title = "%" },
	[COLUMN_CUMULATIVE] = { .key = "cumulative_percent", .title = "UP TO %" },
	[COLUMN_BAR] = { .title = "SHARE", .left = true },
};

/* One bucket on its way to its line. */
struct bucket {
	uint32_t number;
	uint64_t value;
	double rate;
	bool bounded;		/* from and below are known */
	uint64_t from;
	uint64_t below;		/* UINT64_MAX: no end */
	char from_text[BOUND_SIZE];
	char below_text[BOUND_SIZE];
	char bar[BAR_WIDTH + 1];
};

struct histogram {
	const struct kvmstat_column *column;
	struct bucket *buckets;	/* [column->cells] */
	double total;
	uint64_t highest;
};

/* ---- which one ---- */

/* The histograms that can be read on this host, each after a blank; malloc'ed, "" if there are none. */
static char *list_histograms(const struct kvmstat_sample *sample)
{
	size_t size = 0;
	char *list = NULL;
	FILE *file = open_memstream(&list, &size);

	if (!file)
		out_of_memory();
	for (uint32_t i = 0; i < sample->ncolumns; i++)
		if (kvmstat_is_histogram(sample->columns[i].event->class))
			fprintf(file, " %s", sample->columns[i].event->name);
	if (fclose(file))
		out_of_memory();
	return list;
}

/* Print why there is no such histogram, and list the others. Returns an exit status. */
static int complain_of(const struct watch *watch, const char *word, const struct kvmstat_column *column)
{
	char *list = list_histograms(watch->now), suggestion[128] = "";
	int status = EXIT_USAGE;

	if (column) {
		complain("'%s' is not a histogram", word);
	} else if (!watch->kvmstat) {
		complain("there is no '%s' in this recording", word);
		status = EXIT_FAILURE;
	} else if (kvmstat_event_unknown(watch->kvmstat, word, suggestion, sizeof(suggestion))) {
		complain("there is no event '%s'%s%s%s", word, *suggestion ? ", did you mean '" : "", suggestion,
			 *suggestion ? "'?" : "");
	} else {
		complain("cannot read '%s' on this host", word);
		status = EXIT_FAILURE;
	}
	if (*list) {
		complain("the histograms of this host are:%s", list);
	} else if (!watch->kvmstat) {
		complain("it was recorded without histograms; 'kvmstat record' needs -o ReportHistograms=true");
	} else {
		complain("cannot read any histogram: debugfs and kernels before 5.15 have none; use "
			 "the source bpf or statsfd; see 'kvmstat doctor':");
		detail_print_sources(watch);
	}
	free(list);
	return status;
}

static int find_histogram(const struct watch *watch, const char *word, const struct kvmstat_column **column)
{
	*column = NULL;
	for (uint32_t i = 0; !*column && i < watch->now->ncolumns; i++)
		if (!strcmp(watch->now->columns[i].event->name, word))
			*column = &watch->now->columns[i];
	return *column && kvmstat_is_histogram((*column)->event->class) ? EXIT_SUCCESS : complain_of(watch, word, *column);
}

/* ---- what is in it ---- */

static void write_bound(char *text, uint64_t bound, const struct kvmstat_event *event)
{
	static const char *const times[] = { "ns", "us", "ms", "s" };
	double number = (double)bound;
	size_t unit = 0;

	if (event->unit != KVMSTAT_NS) {
		snprintf(text, BOUND_SIZE, "%.0f", number);
		return;
	}
	while (number >= 999.5 && unit + 1 < sizeof(times) / sizeof(*times)) {
		number /= 1000;
		unit++;
	}
	snprintf(text, BOUND_SIZE, "%.*f %s", !unit || number >= 99.95 ? 0 : number >= 9.995 ? 1 : 2, number,
		 times[unit]);
}

static void read_bucket(struct bucket *bucket, const struct watch *watch, uint32_t row,
			const struct kvmstat_column *column)
{
	since_value(watch, row, column, bucket->number, &bucket->value);
	bucket->rate = kvmstat_rate(watch->rates, row, column->first_cell + bucket->number);
	bucket->bounded = kvmstat_bucket(column, bucket->number, &bucket->from, &bucket->below);
	write_bound(bucket->from_text, bucket->from, column->event);
	write_bound(bucket->below_text, bucket->below, column->event);
}

static void draw_bar(struct bucket *bucket, uint64_t highest)
{
	double share = highest ? (double)bucket->value / (double)highest : 0;
	int width = (int)(share * BAR_WIDTH + 0.5);

	if (!width && bucket->value)
		width = 1;
	memset(bucket->bar, '#', (size_t)width);
}

static struct histogram read_histogram(struct table *table, const struct watch *watch, uint32_t row,
				       const struct kvmstat_column *column)
{
	struct histogram histogram = { .column = column };

	histogram.buckets = table_keep(table, column->cells * sizeof(*histogram.buckets));
	for (uint32_t i = 0; i < column->cells; i++) {
		struct bucket *bucket = &histogram.buckets[i];

		bucket->number = i;
		read_bucket(bucket, watch, row, column);
		histogram.total += (double)bucket->value;
		if (bucket->value > histogram.highest)
			histogram.highest = bucket->value;
	}
	for (uint32_t i = 0; i < column->cells; i++)
		draw_bar(&histogram.buckets[i], histogram.highest);
	return histogram;
}

static struct cell share(double part, double total)
{
	return cell_number(total > 0 ? 100 * part / total : NAN);
}

static void fill(struct cell *cells, const struct histogram *histogram, const struct bucket *bucket, double sum)
{
	bool ends = bucket->bounded && bucket->below != UINT64_MAX;

	cells[COLUMN_BUCKET] = cell_count(bucket->number);
	cells[COLUMN_FROM] = bucket->bounded ? cell_count(bucket->from) : cell_none();
	cells[COLUMN_BELOW] = ends ? cell_count(bucket->below) : cell_none();
	cells[COLUMN_FROM_TEXT] = bucket->bounded ? cell_string(bucket->from_text) : cell_count(bucket->number);
	cells[COLUMN_BELOW_TEXT] = ends ? cell_string(bucket->below_text) : cell_none();
	cells[COLUMN_VALUE] = cell_count(bucket->value);
	cells[COLUMN_RATE] = cell_number(bucket->rate);
	cells[COLUMN_PERCENT] = share((double)bucket->value, histogram->total);
	cells[COLUMN_CUMULATIVE] = share(sum, histogram->total);
	cells[COLUMN_BAR] = cell_string(bucket->bar);
}

/* The buckets from the first to the last that is not empty, or all. */
static void add_buckets(struct table *table, struct cell *cells, const struct histogram *histogram, bool all)
{
	uint32_t first = 0, end = histogram->column->cells;
	double sum = 0;

	while (!all && first < end && !histogram->buckets[first].value)
		first++;
	while (!all && first < end && !histogram->buckets[end - 1].value)
		end--;
	for (uint32_t i = first; i < end; i++) {
		sum += (double)histogram->buckets[i].value;
		fill(cells, histogram, &histogram->buckets[i], sum);
		table_add(table, cells);
	}
}

/* An event that no source can read has no cells. */
static int check(const struct kvmstat_row *row, const struct kvmstat_column *column)
{
	if (column->source != KVMSTAT_ABSENT && row->from[column->first_cell] != KVMSTAT_ABSENT)
		return EXIT_SUCCESS;
	complain("cannot read %s of '%s'; see 'kvmstat doctor'", column->event->name, row->guest->name);
	return EXIT_FAILURE;
}

void histogram_table(struct table *table, const struct watch *watch, const struct options *options, const struct kvmstat_row *row,
		     const struct kvmstat_column *column)
{
	struct histogram histogram = read_histogram(table, watch, (uint32_t)(row - watch->now->rows), column);
	char *time = table_keep(table, REPORT_TIME_SIZE);
	struct cell cells[NCOLUMNS] = { 0 };

	table->headings = headings;
	table->ncolumns = NCOLUMNS;
	report_time(watch, time);
	cells[COLUMN_TIME] = cell_string(time);
	cells[COLUMN_GUEST] = cell_string(row->guest->name);
	cells[COLUMN_EVENT] = cell_string(column->event->name);
	cells[COLUMN_UNIT] = cell_string(kvmstat_unit_name(column->event->unit));
	add_buckets(table, cells, &histogram, options->all);
}

static int report(const struct watch *watch, const struct options *options)
{
	const struct kvmstat_row *row = detail_guest(watch, options);
	struct table table = { .headings = NULL };
	const struct kvmstat_column *column;
	int status;

	status = row ? find_histogram(watch, options->event, &column) : EXIT_FAILURE;
	if (!status)
		status = check(row, column);
	if (status)
		return status;
	histogram_table(&table, watch, options, row, column);
	report_print(watch, options, &table, "buckets");
	table_free(&table);
	return EXIT_SUCCESS;
}

int histogram_command(const struct options *options)
{
	return watch_all(options, report);
}
