// SPDX-License-Identifier: MIT
/*
 * select.c - which guest a word on the command line means
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "select.h"
#include "escape.h"

/* As a name is given, or as a text shows it. */
static bool same_name(const char *name, const char *word)
{
	size_t width;
	char *shown;
	bool same;

	if (!strcmp(name, word))
		return true;
	shown = escape_printable(name, &width);
	same = !strcmp(shown, word);
	free(shown);
	return same;
}

static bool matches(const struct kvmstat_guest *guest, const char *word)
{
	if (!strncmp(word, "name:", 5))
		return same_name(guest->name, word + 5);
	if (!strncmp(word, "uuid:", 5))
		return !strcasecmp(guest->uuid, word + 5);
	if (!strncmp(word, "pid:", 4))
		return strtol(word + 4, NULL, 10) == guest->pid;
	return same_name(guest->name, word) || (*word && !strcasecmp(guest->uuid, word));
}

static void list_guests(const struct watch *watch, const char *word, uint32_t found)
{
	size_t width;

	for (uint32_t i = 0; i < watch->now->nrows; i++) {
		const struct kvmstat_guest *guest = watch->now->rows[i].guest;
		char *name;

		if (found && !matches(guest, word))
			continue;
		name = escape_printable(guest->name, &width);
		fprintf(stderr, "  pid:%d  %s  %s\n", (int)guest->pid, *guest->uuid ? guest->uuid : "-",
			name);
		free(name);
	}
}

int select_guest(struct selection *selection, const struct watch *watch, const char *word)
{
	uint32_t found = 0;

	*selection = (struct selection){ 0, watch->now->nrows };
	if (!word)
		return EXIT_SUCCESS;
	for (uint32_t i = 0; i < watch->now->nrows; i++) {
		if (!matches(watch->now->rows[i].guest, word))
			continue;
		*selection = (struct selection){ i, i + 1 };
		found++;
	}
	if (found == 1)
		return EXIT_SUCCESS;
	if (found)
		complain("%u guests match '%s'; name one by its UUID or as pid:NUMBER:", found, word);
	else if (watch->now->nrows)
		complain("no guest is called '%s'; these are running:", word);
	else
		complain("no guest is called '%s', and there is none to choose from; 'kvmstat doctor' tells more", word);
	list_guests(watch, word, found);
	return EXIT_FAILURE;
}
