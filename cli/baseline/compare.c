// SPDX-License-Identifier: MIT
/*
 * compare.c - kvmstat baseline compare: what guests do now, beside their good case
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "baseline/baseline.h"

#define COMPARE_INTERVAL 2.0
#define TIMES_ABOVE 2.0

enum column {
	COLUMN_GUEST,
	COLUMN_EVENT,
	COLUMN_NUMBER,
	COLUMN_GOOD,
	COLUMN_NOW,
	COLUMN_TIMES,
	COLUMN_ABOVE,
	COLUMN_MARK,
	NCOLUMNS,
};

static const struct heading headings[NCOLUMNS] = {
	[COLUMN_GUEST] = { .key = "guest", .title = "GUEST", .left = true, .wraps = true },
	[COLUMN_EVENT] = { .key = "event", .title = "EVENT", .left = true },
	[COLUMN_NUMBER] = { .key = "number" },
	[COLUMN_GOOD] = { .key = "good", .title = "GOOD", .narrow = true },
	[COLUMN_NOW] = { .key = "now", .title = "NOW", .narrow = true },
	[COLUMN_TIMES] = { .key = "times", .title = "TIMES" },
	[COLUMN_ABOVE] = { .key = "above" },
	[COLUMN_MARK] = { .title = "", .left = true },
};

/* A judged event of the guest at hand. */
struct item {
	const struct kvmstat_judged *judged;
	double good;		/* 0: the good case does not have it */
	double now;
	bool above;
	bool shown;
};

struct comparison {
	const struct options *options;
	const struct watch *watch;
	const struct kvmstat_diagnosis *good;
	struct table table;
	struct item *items;	/* of the guest at hand */
	size_t nitems;
	const char *guest;
	size_t compared;	/* guests */
	bool above;		/* anything is */
};

/* ---- one guest ---------------------------------------------------------- */

static bool find_guest(const struct kvmstat_diagnosis *good, const char *key, size_t *i)
{
	struct kvmstat_learnt guest;

	for (*i = 0; kvmstat_diagnosis_guest(good, *i, &guest); ++*i)
		if (!strcmp(guest.key, key))
			return true;
	return false;
}

static double good_of(const struct kvmstat_diagnosis *good, size_t guest, const struct kvmstat_judged *judged)
{
	struct kvmstat_level level;

	for (size_t i = 0; kvmstat_diagnosis_level(good, guest, i, &level); i++)
		if (level.judged == judged)
			return fmax(level.minute, level.two);
	return 0;
}

/* Above twice the good case, and above the rate below which nobody acts. */
static bool is_above(const struct item *item, uint32_t vcpus)
{
	return item->now > TIMES_ABOVE * item->good && item->now > item->judged->floor * sqrt(fmax(vcpus, 1));
}

static void make_items(struct comparison *comparison, uint32_t row, size_t guest)
{
	const struct kvmstat_row *r = &comparison->watch->now->rows[row];
	const struct kvmstat_judged *judged;
	double now;

	comparison->nitems = 0;
	for (uint32_t i = 0; good_event(comparison->watch, row, i, &judged, &now); i++) {
		struct item *item = &comparison->items[comparison->nitems];

		if (!judged || isnan(now))
			continue;
		*item = (struct item){ .judged = judged, .good = good_of(comparison->good, guest, judged), .now = now };
		item->above = is_above(item, r->vcpu_count);
		item->shown = item->above || (comparison->options->all && (item->good > 0 || item->now > 0));
		comparison->above |= item->above;
		comparison->nitems++;
	}
}

static const struct item *parent_of(const struct comparison *comparison, const struct item *item)
{
	for (size_t i = 0; *item->judged->parent && i < comparison->nitems; i++)
		if (comparison->items[i].shown && !strcmp(comparison->items[i].judged->name, item->judged->parent))
			return &comparison->items[i];
	return NULL;
}

static void add_item(struct comparison *comparison, const struct item *item, unsigned int depth)
{
	struct cell cells[NCOLUMNS];

	cells[COLUMN_GUEST] = cell_string(comparison->guest);
	cells[COLUMN_EVENT] = cell_string(item->judged->name);
	cells[COLUMN_EVENT].indent = 2 * depth;
	cells[COLUMN_NUMBER] = cell_count(item->judged->number);
	cells[COLUMN_GOOD] = cell_number(item->good);
	cells[COLUMN_NOW] = cell_number(item->now);
	cells[COLUMN_TIMES] = cell_number(item->good > 0 ? item->now / item->good : NAN);
	cells[COLUMN_ABOVE] = cell_count(item->above);
	cells[COLUMN_MARK] = cell_string(item->above ? "above" : "");
	table_add(&comparison->table, cells);
}

/* Each event below the one that it is part of. */
static void add_items(struct comparison *comparison, const struct item *parent, unsigned int depth)
{
	for (size_t i = 0; i < comparison->nitems; i++) {
		const struct item *item = &comparison->items[i];

		if (!item->shown || parent_of(comparison, item) != parent)
			continue;
		add_item(comparison, item, depth);
		add_items(comparison, item, depth + 1);
	}
}

/* ---- all of them -------------------------------------------------------- */

static void compare_row(struct comparison *comparison, uint32_t row, bool named)
{
	const struct kvmstat_guest *guest = comparison->watch->now->rows[row].guest;
	size_t i;

	if (!find_guest(comparison->good, guest->key, &i)) {
		if (named)
			complain("the baseline has no guest '%s'", guest->name);
		return;
	}
	comparison->guest = guest->name;
	comparison->compared++;
	make_items(comparison, row, i);
	add_items(comparison, NULL, 0);
}

static int compare_rows(struct comparison *comparison, char *const *words)
{
	uint32_t count = comparison->watch->now->nrows;
	bool *meant = get_memory(count, sizeof(*meant));
	int status = good_rows(comparison->watch, words, meant);

	comparison->items = get_memory(comparison->watch->now->ncolumns + 2, sizeof(*comparison->items));
	for (uint32_t i = 0; !status && i < count; i++)
		if (meant[i])
			compare_row(comparison, i, *words != NULL);
	free(comparison->items);
	free(meant);
	if (status || comparison->compared)
		return status ? status : comparison->above ? EXIT_FAILURE : EXIT_SUCCESS;
	complain("the baseline has none of the guests that run now");
	return EXIT_NO_BASELINE;
}

/* The good case that is asked for; if none is, the one of the default name, or what a front end has learnt. */
static int read_baseline(struct state *good, const struct options *options)
{
	char dir[PATH_MAX];
	enum state_found found;

	if (good_state_dir(options, dir))
		return EXIT_NO_BASELINE;
	found = good_read(good, dir, options->name ? options->name : KVMSTAT_GOOD);
	if (found == STATE_NONE && !options->name)
		found = state_read_file(good, dir, KVMSTAT_BASELINE);
	if (found == STATE_READ)
		return EXIT_SUCCESS;
	complain("%s", good->reason);
	return EXIT_NO_BASELINE;
}

static void print(const struct comparison *comparison, const struct state *good)
{
	char time[STATE_TIME_SIZE];

	state_local(kvmstat_diagnosis_time(good->diagnosis), time);
	if (comparison->options->format == FORMAT_TEXT)
		printf("Now and in %s of %s, a second:\n", good->path, time);
	table_report(&comparison->table, comparison->options->format, "events", NULL, "Nothing is above twice the good case.");
}

int baseline_compare(const struct options *options, char *const *words)
{
	struct options twice = *options;
	struct state good;
	struct watch watch;
	struct comparison comparison = { .options = options, .watch = &watch,
					 .table = { .headings = headings, .ncolumns = NCOLUMNS } };
	int status = read_baseline(&good, options);

	if (status)
		return status;
	comparison.good = good.diagnosis;
	twice.interval = options->record > 0 ? options->record : COMPARE_INTERVAL;
	status = watch_start(&watch, &twice);
	if (!status)
		status = watch_next(&watch, &twice);
	/* A failure is not what 1 stands for here. */
	status = status ? EXIT_NO_BASELINE : compare_rows(&comparison, words);
	if (comparison.compared)
		print(&comparison, &good);
	watch_stop(&watch);
	table_free(&comparison.table);
	state_free(&good);
	return status;
}
