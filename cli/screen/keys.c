// SPDX-License-Identifier: MIT
/* keys.c - what keys do */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "screen/screen.h"

enum { FAR = 1 << 30 };	/* rows: to the end */

/* ---- under the cursor --------------------------------------------------- */

static bool has_row(const struct screen *screen)
{
	return screen->levels[screen->depth - 1].kind != LEVEL_TEXT && screen->grid.nrows;
}

/* Of the row under the cursor: a guest, an event, an alarm. */
static uint64_t current_id(struct screen *screen)
{
	return grid_id(&screen->grid, screen_level(screen)->cursor.at);
}

/* The guest that the user looks at, or NULL. */
static const struct kvmstat_row *current_guest(struct screen *screen)
{
	struct level *level = screen_level(screen);

	if (level->kind == LEVEL_GUESTS)
		return has_row(screen) ? select_row(screen->watch->now, current_id(screen)) : NULL;
	return level->guest == ALL_GUESTS ? NULL : level_row(screen, level);
}

/* ---- going ------------------------------------------------------------- */

void screen_open_guest(struct screen *screen, const struct kvmstat_guest *guest)
{
	uint32_t event = screen_level(screen)->event;
	struct level *level = level_enter(screen, LEVEL_EVENTS);

	if (!level)
		return;
	level_of_guest(level, guest);
	if (!event)
		return;
	/* It may be part of another one. */
	screen->unfolded = true;
	cursor_put(&level->cursor, event);
}

static void enter_details(struct screen *screen, enum kind kind, const struct kvmstat_guest *guest, uint32_t event)
{
	struct level *level = level_enter(screen, kind);

	if (!level)
		return;
	if (guest)
		level_of_guest(level, guest);
	level->event = event;
}

static void enter_vcpus(struct screen *screen, const struct kvmstat_row *row, uint32_t event)
{
	enter_details(screen, LEVEL_VCPUS, row->guest, event);
	if (row->nvcpus && vcpus_are_only_summed(screen->watch, row))
		screen_say(screen, "events of single vCPUs cannot be read: there are only sums over them ('!' shows why)");
}

static void enter_text(struct screen *screen, const char *name, char *text)
{
	struct level *level = level_enter(screen, LEVEL_TEXT);

	if (!level) {
		free(text);
		return;
	}
	level->name = get_copy(name);
	level->text = text;
}

static void enter_event(struct screen *screen)
{
	const struct kvmstat_column *column = kvmstat_sample_column(screen->watch->now, (uint32_t)current_id(screen));
	const struct kvmstat_row *row = current_guest(screen);
	bool of_all = screen_level(screen)->guest == ALL_GUESTS;

	if (!column || (!row && !of_all))
		return;
	if (of_all)
		enter_details(screen, LEVEL_GUESTS, NULL, column->event->number);
	else if (kvmstat_is_histogram(column->event->class))
		enter_details(screen, LEVEL_HISTOGRAM, row->guest, column->event->number);
	else if (column->event->scope == KVMSTAT_VM)
		screen_say(screen, "%s is of the guest, not of its vCPUs", column->event->name);
	else
		enter_vcpus(screen, row, column->event->number);
}

static void key_enter(struct screen *screen)
{
	enum kind kind = screen_level(screen)->kind;

	if (!has_row(screen))
		return;
	if (kind == LEVEL_GUESTS)
		screen_open_guest(screen, current_guest(screen)->guest);
	else if (kind == LEVEL_EVENTS)
		enter_event(screen);
	else if (kind == LEVEL_ALARMS)
		enter_text(screen, "alarm", page_alarm(screen, current_id(screen)));
}

static void key_back(struct screen *screen)
{
	level_leave(screen);
}

static void key_vcpus(struct screen *screen)
{
	const struct kvmstat_row *row = current_guest(screen);

	if (row && screen_level(screen)->kind != LEVEL_VCPUS)
		enter_vcpus(screen, row, 0);
	else if (!row)
		screen_say(screen, "choose a guest first");
}

static void key_alarms(struct screen *screen)
{
	if (screen_level(screen)->kind != LEVEL_ALARMS)
		level_enter(screen, LEVEL_ALARMS);
}

static void key_by_guest(struct screen *screen)
{
	level_restart(screen, screen_level(screen)->kind == LEVEL_GUESTS ? LEVEL_EVENTS : LEVEL_GUESTS);
}

static void key_describe(struct screen *screen)
{
	const struct kvmstat_row *row = current_guest(screen);
	struct level *level = screen_level(screen);
	uint32_t number = level->kind == LEVEL_EVENTS && has_row(screen) ? (uint32_t)current_id(screen) : level->event;
	const struct kvmstat_column *column = number ? kvmstat_sample_column(screen->watch->now, number) : NULL;

	if (level->kind == LEVEL_ALARMS)
		key_enter(screen);
	else if (column)
		enter_text(screen, "event", page_event(screen, column, row));
	else if (row)
		enter_text(screen, "guest", page_guest(row));
}

static void key_help(struct screen *screen)
{
	if (screen_level(screen)->kind != LEVEL_TEXT)
		enter_text(screen, "help", page_help());
}

static void key_problems(struct screen *screen)
{
	if (screen_level(screen)->kind != LEVEL_TEXT)
		enter_text(screen, "problems and sources", page_problems(screen->watch));
}

static void key_quit(struct screen *screen)
{
	if (screen_level(screen)->kind == LEVEL_TEXT)
		level_leave(screen);
	else
		screen->quit = true;
}

/* ---- what is shown ------------------------------------------------------ */

static void key_clear(struct screen *screen)
{
	filter_set(&screen->filter, "");
	*screen->search = '\0';
	level_restart(screen, LEVEL_GUESTS);
}

static void key_drill_down(struct screen *screen)
{
	screen->unfolded = !screen->unfolded;
}

static void forget_orders(struct screen *screen)
{
	for (size_t i = 0; i < screen->depth; i++)
		screen->levels[i].sorted = false;
}

static void key_order(struct screen *screen)
{
	screen->by_total = !screen->by_total;
	forget_orders(screen);
}

/* The next column that the screen shows; a histogram and what has no columns stay as they are. */
static void order_by(struct screen *screen, int step)
{
	struct level *level = screen_level(screen);
	int count = (int)screen->table.ncolumns, column = level->sorting.column;

	if (level->kind == LEVEL_TEXT || level->kind == LEVEL_HISTOGRAM || !count)
		return;
	do
		column = column == NOWHERE && step < 0 ? count - 1 : (column + step + count) % count;
	while (!screen->table.headings[column].title);
	level->sorting.column = column;
	level->sorted = true;
}

static void key_order_right(struct screen *screen)
{
	order_by(screen, 1);
}

static void key_order_left(struct screen *screen)
{
	order_by(screen, -1);
}

static void key_reverse(struct screen *screen)
{
	struct level *level = screen_level(screen);

	level->sorted = level->sorting.column != NOWHERE;
	level->sorting.reverse = !level->sorting.reverse;
}

static void key_reset(struct screen *screen)
{
	struct kvmstat_sample *mark = screen->watch->mark;

	screen->watch->mark = mark ? NULL : kvmstat_sample_get(screen->watch->now);
	kvmstat_sample_put(mark);
	screen_say(screen, mark ? "totals count since each guest began" : "totals count from now on; the kernel's counters go on");
}

static void key_freeze(struct screen *screen)
{
	screen->frozen = !screen->frozen;
}

/* ---- moving ------------------------------------------------------------- */

static void move(struct screen *screen, long rows)
{
	struct level *level = screen_level(screen);

	if (level->kind != LEVEL_TEXT)
		cursor_move(&level->cursor, &screen->grid, rows, screen->height);
	else if (rows < 0 && (size_t)-rows > level->cursor.first)
		level->cursor.first = 0;
	else
		level->cursor.first += (size_t)rows;
}

static void key_up(struct screen *screen)
{
	move(screen, -1);
}

static void key_down(struct screen *screen)
{
	move(screen, 1);
}

static void key_page_up(struct screen *screen)
{
	move(screen, -(long)screen->height);
}

static void key_page_down(struct screen *screen)
{
	move(screen, (long)screen->height);
}

static void key_top(struct screen *screen)
{
	move(screen, -FAR);
}

static void key_bottom(struct screen *screen)
{
	move(screen, FAR);
}

static void search(struct screen *screen, bool after)
{
	struct level *level = screen_level(screen);

	if (!has_row(screen) || !*screen->search)
		return;
	if (!cursor_find(&level->cursor, &screen->grid, screen->search, after, screen->height))
		screen_say(screen, "nothing here contains '%s'", screen->search);
}

static void key_search_on(struct screen *screen)
{
	search(screen, true);
}

/* ---- asking ------------------------------------------------------------- */

static void ask(struct screen *screen, enum ask what, const char *text)
{
	screen->ask = what;
	prompt_begin(&screen->prompt, text);
}

static void key_filter(struct screen *screen)
{
	strcpy(screen->kept_filter, screen->filter.text);
	ask(screen, ASK_FILTER, screen->filter.text);
}

static void key_guest(struct screen *screen)
{
	level_restart(screen, LEVEL_GUESTS);
	ask(screen, ASK_GUEST, "");
}

static void key_pid(struct screen *screen)
{
	level_restart(screen, LEVEL_GUESTS);
	ask(screen, ASK_PID, "");
}

static void key_search(struct screen *screen)
{
	ask(screen, ASK_SEARCH, "");
}

static void key_interval(struct screen *screen)
{
	char text[32];

	snprintf(text, sizeof(text), "%g", screen->options.interval);
	ask(screen, ASK_INTERVAL, text);
}

static void key_write(struct screen *screen)
{
	ask(screen, ASK_FILE, "kvmstat.txt");
}

/* The text so far is already in use; what is not a regular expression yet is not. */
static void typed(struct screen *screen)
{
	if (screen->ask == ASK_FILTER && !filter_set(&screen->filter, screen->prompt.text))
		screen_say(screen, "not a regular expression yet");
	else if (screen->ask == ASK_SEARCH) {
		strcpy(screen->search, screen->prompt.text);
		search(screen, false);
	}
}

static void set_interval(struct screen *screen, const char *text)
{
	char *end;
	double seconds = strtod(text, &end);

	if (end == text || *end || !(seconds >= INTERVAL_MIN && seconds <= INTERVAL_MAX))
		screen_say(screen, "'%s' is not a number of seconds from %g to %g", text, INTERVAL_MIN, INTERVAL_MAX);
	else
		screen->options.interval = seconds;
}

/* The guest under the cursor, among those that what was typed leaves. */
static void take_guest(struct screen *screen, const char *text)
{
	if (!*text)
		return;
	if (!has_row(screen))
		screen_say(screen, "there is no such guest: %s", text);
	else
		screen_open_guest(screen, current_guest(screen)->guest);
}

static void accept(struct screen *screen)
{
	enum ask what = screen->ask;
	const char *text = screen->prompt.text;

	screen->ask = ASK_NOTHING;
	if (what == ASK_FILTER && !filter_set(&screen->filter, text))
		screen_say(screen, "'%s' is not a regular expression", text);
	else if (what == ASK_INTERVAL)
		set_interval(screen, text);
	else if (what == ASK_FILE && *text)
		save_view(screen, text);
	else if (what == ASK_GUEST || what == ASK_PID)
		take_guest(screen, text);
}

static void cancel(struct screen *screen)
{
	if (screen->ask == ASK_FILTER)
		filter_set(&screen->filter, screen->kept_filter);
	screen->ask = ASK_NOTHING;
}

static void answer(struct screen *screen, int key)
{
	if (key == K_RETURN)
		accept(screen);
	else if (key == K_ESC)
		cancel(screen);
	else if (key == K_UP || key == K_DOWN)
		move(screen, key == K_UP ? -1 : 1);
	else if (prompt_type(&screen->prompt, key))
		typed(screen);
}

/* ---- the keys ----------------------------------------------------------- */

static const struct {
	int key;
	void (*press)(struct screen *screen);
} keys[] = {
	{ K_UP, key_up },
	{ K_DOWN, key_down },
	{ K_PAGE_UP, key_page_up },
	{ K_PAGE_DOWN, key_page_down },
	{ K_TOP, key_top },
	{ K_BOTTOM, key_bottom },
	{ K_RETURN, key_enter },
	{ K_RIGHT, key_enter },
	{ K_ESC, key_back },
	{ K_LEFT, key_back },
	{ K_RUBOUT, key_back },
	{ '/', key_search },
	{ 'n', key_search_on },
	{ '<', key_order_left },
	{ '>', key_order_right },
	{ 'R', key_reverse },
	{ ' ', key_freeze },
	{ '!', key_problems },
	{ '?', key_help },
	{ 'a', key_alarms },
	{ 'b', key_by_guest },
	{ 'c', key_clear },
	{ 'd', key_describe },
	{ 'f', key_filter },
	{ 'g', key_guest },
	{ 'h', key_help },
	{ 'o', key_order },
	{ 'p', key_pid },
	{ 'q', key_quit },
	{ 'r', key_reset },
	{ 's', key_interval },
	{ 'v', key_vcpus },
	{ 'w', key_write },
	{ 'x', key_drill_down },
};

void screen_key(struct screen *screen, int key)
{
	free(screen->message);
	screen->message = NULL;
	if (screen->ask != ASK_NOTHING) {
		answer(screen, key);
	} else {
		for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
			if (keys[i].key == key)
				keys[i].press(screen);
	}
	screen_refresh(screen);
}
