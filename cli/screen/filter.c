// SPDX-License-Identifier: MIT
/* filter.c - which events and guests are shown */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "escape.h"
#include "screen/screen.h"

bool filter_set(struct event_filter *filter, const char *text)
{
	regex_t regex;

	if (*text && regcomp(&regex, text, REG_EXTENDED | REG_NOSUB))
		return false;
	if (filter->compiled)
		regfree(&filter->regex);
	filter->compiled = *text;
	if (*text)
		filter->regex = regex;
	memmove(filter->text, text, strnlen(text, sizeof(filter->text) - 1) + 1);
	return true;
}

bool filter_matches(const struct event_filter *filter, const char *event)
{
	return !filter->compiled || !regexec(&filter->regex, event, 0, NULL, 0);
}

static bool matches_event(const struct table *table, size_t row, const void *context)
{
	const struct screen *screen = context;

	return filter_matches(&screen->filter, table->cells[row * table->ncolumns + (size_t)screen->order->name].string);
}

static const struct kvmstat_guest *guest_of(const struct screen *screen, const struct table *table, size_t row)
{
	return select_row(screen->watch->now, table->cells[row * table->ncolumns + (size_t)screen->order->id].count)->guest;
}

/* Is what is being typed part of the guest's name, or the beginning of its UUID? */
static bool matches_name(const struct table *table, size_t row, const void *context)
{
	const struct screen *screen = context;
	const struct kvmstat_guest *guest = guest_of(screen, table, row);
	const char *typed = screen->prompt.text;
	size_t width;
	char *name = escape_printable(guest->name, &width);
	bool found = strcasestr(name, typed) || (*typed && !strncasecmp(guest->uuid, typed, strlen(typed)));

	free(name);
	return found;
}

static bool matches_pid(const struct table *table, size_t row, const void *context)
{
	const struct screen *screen = context;
	char pid[24];

	snprintf(pid, sizeof(pid), "%d", (int)guest_of(screen, table, row)->pid);
	return !strncmp(pid, screen->prompt.text, strlen(screen->prompt.text));
}

struct pick filter_pick(const struct screen *screen)
{
	enum kind kind = screen->levels[screen->depth - 1].kind;
	struct pick pick = { .context = screen };

	if (kind == LEVEL_EVENTS) {
		pick.folded = !screen->unfolded;
		pick.matches = screen->filter.compiled ? matches_event : NULL;
	} else if (kind == LEVEL_GUESTS && screen->ask == ASK_GUEST) {
		pick.matches = matches_name;
	} else if (kind == LEVEL_GUESTS && screen->ask == ASK_PID) {
		pick.matches = matches_pid;
	}
	return pick;
}
