/* SPDX-License-Identifier: MIT */
/*
 * screen.h - kvmstat top: what is on the screen, and what keys do to it
 *
 * Only terminal.c knows curses; the rest works without a terminal. keys.c changes the screen, view.c makes the table of
 * what it is at, picture.c makes lines of the table, and terminal.c prints the lines.
 */
#ifndef KVMSTAT_SCREEN_H
#define KVMSTAT_SCREEN_H

#include <regex.h>

#include "screen/grid.h"
#include "screen/keys.h"
#include "screen/prompt.h"

enum kind {
	LEVEL_GUESTS,		/* with an event or a filter: how often each guest has these events */
	LEVEL_EVENTS,
	LEVEL_VCPUS,
	LEVEL_HISTOGRAM,
	LEVEL_ALARMS,
	LEVEL_TEXT,
};

enum { LEVELS_MAX = 8, COLUMNS_MAX = 32 };
#define ALL_GUESTS UINT64_MAX

/* Where the user is. One was entered from the other. */
struct level {
	enum kind kind;
	uint64_t guest;		/* its id, or ALL_GUESTS */
	char *name;		/* of the guest or of the page; malloc'ed */
	char *key;		/* of the guest */
	uint32_t event;		/* its number; 0: no single one */
	struct sorting sorting;
	bool sorted;		/* the user has chosen the column */
	struct cursor cursor;
	size_t widths[COLUMNS_MAX]; /* of columns: they only grow */
	char *text;		/* LEVEL_TEXT: its lines; malloc'ed */
};

enum ask {
	ASK_NOTHING,
	ASK_FILTER,
	ASK_GUEST,
	ASK_PID,
	ASK_SEARCH,
	ASK_INTERVAL,
	ASK_FILE,
};

/* A regular expression over events' names. */
struct event_filter {
	char text[PROMPT_SIZE];	/* "": there is none */
	regex_t regex;
	bool compiled;
};

struct screen {
	struct options options;
	struct watch *watch;
	struct kvmstat_diagnosis *marks; /* what a front end knows, for this sample; or NULL */
	struct level levels[LEVELS_MAX];
	size_t depth;		/* levels[depth - 1] is shown */
	struct event_filter filter;
	char kept_filter[PROMPT_SIZE]; /* the filter before another one is typed */
	char search[PROMPT_SIZE];
	bool unfolded;		/* events that are part of others are shown */
	bool by_total;
	bool frozen;
	bool quit;
	enum ask ask;
	struct prompt prompt;
	char *message;		/* until the next key; malloc'ed, printable, or NULL */
	size_t height;		/* of the part with rows */
	struct table table;	/* of the level */
	const struct order *order;
	struct grid grid;
	char nothing[1024];	/* why there are no rows */
};

/* Options are copied. The watch must outlive the screen. */
void screen_begin(struct screen *screen, struct watch *watch, const struct options *options);
void screen_end(struct screen *screen);

/* Enter the guest's events. */
void screen_open_guest(struct screen *screen, const struct kvmstat_guest *guest);

/* After a sample was taken: read what a front end knows of it. */
void screen_sampled(struct screen *screen);

/* Make the table of the level again. Cells refer to samples: call it after each sample, and after each key. */
void screen_refresh(struct screen *screen);

/* A key was typed: a byte, or a K_. */
void screen_key(struct screen *screen, int key);

void screen_say(struct screen *screen, const char *format, ...) __attribute__((format(printf, 2, 3)));

struct level *screen_level(struct screen *screen);

/* ---- level.c ------------------------------------------------------------ */

/* Enter a level; it is zeroed except for what is given here. Without room for it there is a message, and NULL. */
struct level *level_enter(struct screen *screen, enum kind kind);
void level_leave(struct screen *screen);

/* To the first level, of this kind. */
struct level *level_restart(struct screen *screen, enum kind kind);

void level_of_guest(struct level *level, const struct kvmstat_guest *guest);

/* The guest's row in the later sample, or NULL: it has ended. One with its key that came back is followed. */
const struct kvmstat_row *level_row(const struct screen *screen, struct level *level);

/* ---- view.c ------------------------------------------------------------- */

/* Fills screen->table, screen->order, screen->nothing. */
void view_make(struct screen *screen);

/* The column that rows are sorted by unless the user chose one. */
int view_usual_order(const struct screen *screen);

/* ---- chosen.c: how often a guest or vCPU has certain events ------------- */

extern const struct order chosen_guests_order, chosen_vcpus_order;

void chosen_guests_table(struct table *table, const struct screen *screen, const struct level *level);
void chosen_vcpus_table(struct table *table, const struct screen *screen, const struct kvmstat_row *row,
			const struct kvmstat_column *column);

/* ---- filter.c ----------------------------------------------------------- */

/* "" removes the filter. False: not a regular expression; the filter is as before. */
bool filter_set(struct event_filter *filter, const char *text);
bool filter_matches(const struct event_filter *filter, const char *event);

/* Which rows of the level are shown. */
struct pick filter_pick(const struct screen *screen);

/* ---- page.c ------------------------------------------------------------- */

/* Texts to read, malloc'ed. */
char *page_help(void);
char *page_event(const struct screen *screen, const struct kvmstat_column *column, const struct kvmstat_row *row);
char *page_guest(const struct kvmstat_row *row);
char *page_alarm(const struct screen *screen, uint64_t number);
char *page_problems(const struct watch *watch);

/* ---- save.c ------------------------------------------------------------- */

/* Write what is seen to a new file: CSV if its name ends so, else text. Sets a message. */
void save_view(struct screen *screen, const char *path);

#endif
