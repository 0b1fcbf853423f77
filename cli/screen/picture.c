// SPDX-License-Identifier: MIT
/* picture.c - the lines of the screen, before any terminal */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "escape.h"
#include "screen/layout.h"
#include "screen/picture.h"

enum { ABOVE = 3, BELOW = 1 };	/* the table's rows */
enum { ROOM_FOR_QUESTIONS = 60 };

size_t picture_rows(size_t height)
{
	return height > ABOVE + BELOW ? height - ABOVE - BELOW : 1;
}

/* Takes over the text, and cuts what is wider than the screen. */
static void set_line(struct picture *picture, size_t y, char *text, enum style style)
{
	if (y >= picture->height) {
		free(text);
		return;
	}
	text[layout_cut(text, picture->width)] = '\0';
	free(picture->lines[y].text);
	picture->lines[y] = (struct line){ .text = text, .style = style };
}

static char *copy_line(const char *text, size_t length)
{
	char *copied = strndup(text, length);

	if (!copied)
		out_of_memory();
	return copied;
}

/* ---- the table ---------------------------------------------------------- */

static bool is_abnormal(const struct screen *screen, size_t at)
{
	int alarm = screen->order->alarm;

	return alarm != NOWHERE && (size_t)alarm < screen->table.ncolumns && grid_cell(&screen->grid, at, alarm)->kind != CELL_NONE;
}

static enum style style_of(const struct screen *screen, size_t at, bool current)
{
	if (is_abnormal(screen, at))
		return current ? STYLE_CURSOR_ALARM : STYLE_ALARM;
	return current ? STYLE_CURSOR : STYLE_PLAIN;
}

/* Is anything part of this row, and not shown below it? */
static bool hides_others(const struct screen *screen, size_t at)
{
	const struct grid *grid = &screen->grid;
	int parent = screen->order->parent;

	if (parent == NOWHERE)
		return false;
	if (at + 1 < grid->nrows && grid_cell(grid, at + 1, parent)->kind == CELL_COUNT &&
	    grid_cell(grid, at + 1, parent)->count == grid_id(grid, at))
		return false;
	for (size_t i = 0; i < screen->table.nrows; i++) {
		const struct cell *cell = &screen->table.cells[i * screen->table.ncolumns + (size_t)parent];

		if (cell->kind == CELL_COUNT && cell->count == grid_id(grid, at))
			return true;
	}
	return false;
}

static void add_row(struct picture *picture, struct screen *screen, const struct layout *layout, size_t at)
{
	const struct cursor *cursor = &screen_level(screen)->cursor;
	size_t y = ABOVE + at - cursor->first;
	bool current = at == cursor->at;

	set_line(picture, y, layout_row(layout, at, hides_others(screen, at)), style_of(screen, at, current));
	if (current)
		picture->cursor_y = y;
}

/* ---- texts -------------------------------------------------------------- */

/* Bytes of a paragraph that fit, to the last blank if there is one. */
static size_t wrap(const char *text, size_t length, size_t width)
{
	size_t fits = layout_cut(text, width);

	if (fits >= length)
		return length;
	for (size_t i = fits; i > 0; i--)
		if (text[i] == ' ')
			return i;
	return fits ? fits : 1;
}

/* The n-th line of a text in this width, or NULL: there are no more. */
static const char *find_line(const char *text, size_t width, size_t n, size_t *length)
{
	while (*text) {
		size_t paragraph = strcspn(text, "\n");

		*length = wrap(text, paragraph, width);
		if (!n--)
			return text;
		text += *length;
		if (*text == '\n')
			text++;
		else
			text += strspn(text, " ");
	}
	return NULL;
}

static size_t count_lines(const char *text, size_t width)
{
	size_t n = 0, length;

	while (find_line(text, width, n, &length))
		n++;
	return n;
}

static void add_text(struct picture *picture, const char *text, size_t first, enum style style)
{
	size_t rows = picture_rows(picture->height), length;

	for (size_t i = 0; i < rows; i++) {
		const char *line = find_line(text, picture->width, first + i, &length);

		if (line)
			set_line(picture, ABOVE + i, copy_line(line, length), style);
	}
}

static void add_page(struct picture *picture, struct level *level)
{
	size_t lines = count_lines(level->text, picture->width), rows = picture_rows(picture->height);

	if (level->cursor.first + rows > lines)
		level->cursor.first = lines > rows ? lines - rows : 0;
	add_text(picture, level->text, level->cursor.first, STYLE_PLAIN);
}

static void add_table(struct picture *picture, struct screen *screen)
{
	struct level *level = screen_level(screen);
	size_t from, to, end = level->cursor.first + picture_rows(picture->height);
	struct layout layout;

	layout_make(&layout, &screen->grid, level->widths, picture->width);
	set_line(picture, ABOVE - 1, layout_head(&layout, level->sorting.column, &from, &to), STYLE_HEAD);
	if (picture->height >= ABOVE) {
		picture->lines[ABOVE - 1].from = from;
		picture->lines[ABOVE - 1].to = to;
	}
	for (size_t at = level->cursor.first; at < end && at < screen->grid.nrows; at++)
		add_row(picture, screen, &layout, at);
	layout_free(&layout);
}

/* ---- the last line ------------------------------------------------------ */

static const char *const keys[] = {
	[LEVEL_GUESTS] = "h help  Enter events  b all events  v vcpus  a alarms  f filter  o order  q quit",
	[LEVEL_EVENTS] = "h help  Enter more  Esc back  x drill  f filter  d describe  o order  q quit",
	[LEVEL_VCPUS] = "h help  Esc back  > order by another column  w write  q quit",
	[LEVEL_HISTOGRAM] = "h help  Esc back  d describe  w write  q quit",
	[LEVEL_ALARMS] = "h help  Enter why, and what to do  Esc back  q quit",
	[LEVEL_TEXT] = "Esc back  arrows, PgUp, PgDn  w write",
};

static const char *const questions[] = {
	[ASK_FILTER] = "events (regular expression): ",
	[ASK_GUEST] = "guest (part of its name, or UUID): ",
	[ASK_PID] = "process: ",
	[ASK_SEARCH] = "search: ",
	[ASK_INTERVAL] = "seconds between samples: ",
	[ASK_FILE] = "write to (.csv for CSV): ",
};

/* What is typed, with the cursor after it; of a long text its end. */
static void add_prompt(struct picture *picture, const struct screen *screen)
{
	const char *question = picture->width < ROOM_FOR_QUESTIONS ? "> " : questions[screen->ask];
	size_t width, skip = 0;
	char *typed = escape_printable(screen->prompt.text, &width), *line;

	while (strlen(question) + width >= picture->width && typed[skip]) {
		skip += layout_cut(typed + skip, 2);
		width -= width < 2 ? width : 2;
	}
	if (asprintf(&line, "%s%s%s%s", question, typed + skip, screen->message ? "  - " : "",
		     screen->message ? screen->message : "") < 0)
		out_of_memory();
	free(typed);
	picture->cursor_y = picture->height - 1;
	picture->cursor_x = strlen(question) + width;
	if (picture->cursor_x >= picture->width)
		picture->cursor_x = picture->width - 1;
	set_line(picture, picture->height - 1, line, STYLE_MESSAGE);
}

static void add_last(struct picture *picture, struct screen *screen)
{
	if (screen->ask != ASK_NOTHING)
		add_prompt(picture, screen);
	else if (screen->message)
		set_line(picture, picture->height - 1, get_copy(screen->message), STYLE_MESSAGE);
	else
		set_line(picture, picture->height - 1, get_copy(keys[screen_level(screen)->kind]), STYLE_KEYS);
}

void picture_make(struct picture *picture, struct screen *screen, size_t height, size_t width)
{
	struct level *level = screen_level(screen);

	*picture = (struct picture){ height, width, get_memory(height, sizeof(*picture->lines)), 0, 0 };
	set_line(picture, 0, picture_host(screen), STYLE_TOP);
	set_line(picture, 1, picture_path(screen, picture->width), STYLE_PATH);
	if (level->kind == LEVEL_TEXT)
		add_page(picture, level);
	else if (screen->grid.nrows)
		add_table(picture, screen);
	else
		add_text(picture, screen->nothing, 0, STYLE_PLAIN);
	add_last(picture, screen);
}

void picture_free(struct picture *picture)
{
	for (size_t y = 0; y < picture->height; y++)
		free(picture->lines[y].text);
	free(picture->lines);
	*picture = (struct picture){ .height = 0 };
}
