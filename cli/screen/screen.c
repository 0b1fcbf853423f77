// SPDX-License-Identifier: MIT
/* screen.c - the state of the screen from sample to sample */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "escape.h"
#include "screen/screen.h"
#include "state/state.h"

void screen_begin(struct screen *screen, struct watch *watch, const struct options *options)
{
	memset(screen, 0, sizeof(*screen));
	screen->options = *options;
	screen->watch = watch;
	screen->by_total = options->totals;
	screen->height = 1;
	level_restart(screen, LEVEL_GUESTS);
	screen_sampled(screen);
}

void screen_end(struct screen *screen)
{
	level_restart(screen, LEVEL_GUESTS);
	filter_set(&screen->filter, "");
	grid_free(&screen->grid);
	table_free(&screen->table);
	kvmstat_diagnosis_free(screen->marks);
	free(screen->message);
}

void screen_say(struct screen *screen, const char *format, ...)
{
	va_list args;
	char *message;
	size_t width;

	va_start(args, format);
	message = format_text(format, args);
	va_end(args);
	free(screen->message);
	screen->message = escape_printable(message, &width);
	free(message);
}

/* A front end may begin or end to judge guests at any time. */
void screen_sampled(struct screen *screen)
{
	kvmstat_diagnosis_free(screen->marks);
	screen->marks = marks_of(screen->watch, &screen->options);
	screen->options.marked = screen->marks != NULL;
}

void screen_refresh(struct screen *screen)
{
	struct level *level = screen_level(screen);
	struct pick pick = filter_pick(screen);

	if (level->kind == LEVEL_TEXT)
		return;
	view_make(screen);
	if (!level->sorted)
		level->sorting = (struct sorting){ .column = view_usual_order(screen) };
	grid_free(&screen->grid);
	grid_make(&screen->grid, &screen->table, screen->order, &level->sorting, &pick);
	cursor_follow(&level->cursor, &screen->grid, screen->height);
}
