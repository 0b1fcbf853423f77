/* SPDX-License-Identifier: MIT */
/* picture.h - the lines of the screen, before any terminal */
#ifndef KVMSTAT_PICTURE_H
#define KVMSTAT_PICTURE_H

#include "screen/screen.h"

enum style {
	STYLE_PLAIN,
	STYLE_TOP,		/* the host */
	STYLE_PATH,		/* where the user is */
	STYLE_HEAD,
	STYLE_CURSOR,
	STYLE_ALARM,
	STYLE_CURSOR_ALARM,
	STYLE_KEYS,
	STYLE_MESSAGE,
	NSTYLES
};

struct line {
	char *text;		/* printable, no wider than the screen; NULL: empty */
	enum style style;
	size_t from, to;	/* columns that stand out */
};

struct picture {
	size_t height;
	size_t width;
	struct line *lines;	/* [height] */
	size_t cursor_y, cursor_x; /* where the terminal's cursor belongs */
};

/* Rows for a table on a screen of this height. */
size_t picture_rows(size_t height);

/* Lines of a refreshed screen; sizes are 1 or more. */
void picture_make(struct picture *picture, struct screen *screen, size_t height, size_t width);
void picture_free(struct picture *picture);

/* heading.c: the two lines above the table, malloc'ed; they may be wider than the screen. */
char *picture_host(const struct screen *screen);
char *picture_path(const struct screen *screen, size_t width);

#endif
