// SPDX-License-Identifier: MIT
/* level.c - where the user is: guests, then events, then vCPUs, and the way back */
#include <stdlib.h>
#include <string.h>

#include "screen/screen.h"

static void free_level(struct level *level)
{
	free(level->name);
	free(level->key);
	free(level->text);
	memset(level, 0, sizeof(*level));
}

struct level *screen_level(struct screen *screen)
{
	return &screen->levels[screen->depth - 1];
}

struct level *level_enter(struct screen *screen, enum kind kind)
{
	struct level *level;

	if (screen->depth == LEVELS_MAX) {
		screen_say(screen, "cannot go further: go back first (Esc)");
		return NULL;
	}
	level = &screen->levels[screen->depth++];
	level->kind = kind;
	level->guest = ALL_GUESTS;
	level->sorting.column = NOWHERE;
	return level;
}

void level_leave(struct screen *screen)
{
	if (screen->depth > 1)
		free_level(&screen->levels[--screen->depth]);
}

struct level *level_restart(struct screen *screen, enum kind kind)
{
	while (screen->depth)
		free_level(&screen->levels[--screen->depth]);
	return level_enter(screen, kind);
}

void level_of_guest(struct level *level, const struct kvmstat_guest *guest)
{
	level->guest = guest->id;
	level->name = get_copy(guest->name);
	level->key = get_copy(guest->key);
}

static const struct kvmstat_row *find_key(const struct watch *watch, const char *key)
{
	for (uint32_t i = 0; key && *key && i < watch->now->nrows; i++)
		if (!strcmp(watch->now->rows[i].guest->key, key))
			return &watch->now->rows[i];
	return NULL;
}

const struct kvmstat_row *level_row(const struct screen *screen, struct level *level)
{
	const struct kvmstat_row *row = select_row(screen->watch->now, level->guest);

	if (!row)
		row = find_key(screen->watch, level->key);
	if (row)
		level->guest = row->guest->id;
	return row;
}
