// SPDX-License-Identifier: MIT
/* select.c - find the guest that a word on the command line selects */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "select.h"
#include "escape.h"

/* Compare with the name, and with the name as it is printed. */
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

/* NUMBER, or NUMBER/FD: the VM with this fd, if the process has several VMs. */
static bool is_of_process(const struct kvmstat_guest *guest, const char *word)
{
	char *end;
	long pid = strtol(word, &end, 10);

	if (end == word || pid != guest->pid)
		return false;
	return !*end || (*end == '/' && end[1] && strtol(end + 1, &end, 10) == guest->fd && !*end);
}

static bool matches(const struct kvmstat_guest *guest, const char *word)
{
	if (!strncmp(word, "name:", 5))
		return same_name(guest->name, word + 5);
	if (!strncmp(word, "uuid:", 5))
		return !strcasecmp(guest->uuid, word + 5);
	if (!strncmp(word, "pid:", 4))
		return is_of_process(guest, word + 4);
	return same_name(guest->name, word) || (*word && !strcasecmp(guest->uuid, word));
}

static bool is_alone(const struct watch *watch, const struct kvmstat_guest *guest)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < watch->now->nrows; i++)
		count += watch->now->rows[i].guest->pid == guest->pid;
	return count == 1;
}

/* First the word that selects only this guest. A guest without a process is named by its directory. */
static void list_guest(const struct watch *watch, const struct kvmstat_guest *guest)
{
	size_t width;
	char *name = escape_printable(guest->name, &width), word[64] = "name:";

	if (guest->pid && is_alone(watch, guest))
		snprintf(word, sizeof(word), "pid:%d", (int)guest->pid);
	else if (guest->pid)
		snprintf(word, sizeof(word), "pid:%d/%d", (int)guest->pid, guest->fd);
	fprintf(stderr, "  %s%s  %s  %s\n", word, guest->pid ? "" : name, *guest->uuid ? guest->uuid : "-", name);
	free(name);
}

static void list_guests(const struct watch *watch, const char *word, uint32_t found)
{
	for (uint32_t i = 0; i < watch->now->nrows; i++) {
		const struct kvmstat_guest *guest = watch->now->rows[i].guest;

		if (!found || matches(guest, word))
			list_guest(watch, guest);
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
		complain("%u guests match '%s'; select one by the first word of its line:", found, word);
	else if (watch->now->nrows)
		complain("there is no guest '%s'; these are running:", word);
	else
		complain("there is no guest '%s', and no other guest either; see 'kvmstat doctor'", word);
	list_guests(watch, word, found);
	return EXIT_FAILURE;
}

static int by_id(const void *key, const void *row)
{
	uint64_t id = *(const uint64_t *)key, other = ((const struct kvmstat_row *)row)->guest->id;

	return (id > other) - (id < other);
}

const struct kvmstat_row *select_row(const struct kvmstat_sample *sample, uint64_t id)
{
	return bsearch(&id, sample->rows, sample->nrows, sizeof(*sample->rows), by_id);
}
