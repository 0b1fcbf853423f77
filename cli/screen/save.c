// SPDX-License-Identifier: MIT
/* save.c - write what is seen to a file */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "screen/screen.h"

static bool is_csv(const char *path)
{
	size_t length = strlen(path);

	return length >= 4 && !strcmp(path + length - 4, ".csv");
}

/* The table with its rows as the screen has them. */
static struct table seen(const struct screen *screen)
{
	struct table table = { .headings = screen->table.headings, .ncolumns = screen->table.ncolumns };

	for (size_t i = 0; i < screen->grid.nrows; i++)
		table_add(&table, grid_cell(&screen->grid, i, 0));
	return table;
}

static void print(const struct screen *screen, FILE *file, bool csv)
{
	const struct level *level = &screen->levels[screen->depth - 1];
	struct table table;

	if (level->kind == LEVEL_TEXT) {
		fputs(level->text, file);
		return;
	}
	table = seen(screen);
	if (csv)
		table_print_csv_head(&table, file);
	if (csv)
		table_print_csv(&table, file);
	else if (table.nrows)
		table_print_text(&table, file);
	else
		fprintf(file, "%s\n", screen->nothing);
	table_free(&table);
}

/* Nothing is replaced, and no link is followed: root may write into a directory where others may write. */
void save_view(struct screen *screen, const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
	bool failed;

	if (!file) {
		screen_say(screen, errno == EEXIST ? "cannot write %s: it exists; choose another name" : "cannot write %s: %m", path);
		if (fd >= 0)
			close(fd);
		return;
	}
	print(screen, file, is_csv(path));
	failed = ferror(file);
	failed |= fclose(file) != 0;
	if (failed)
		screen_say(screen, "cannot write all of %s: %m", path);
	else
		screen_say(screen, "written to %s", path);
}
