// SPDX-License-Identifier: MIT
/*
 * list.c - kvmstat baseline list, show, forget and rename: what is recorded, and what a guest is called in it
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "baseline/baseline.h"

/* ---- names -------------------------------------------------------------- */

static int is_name(const struct dirent *entry)
{
	return entry->d_name[0] != '.' && !strchr(entry->d_name, '.');
}

/* The names of a state directory's good cases, sorted; 0 also if it has none. Free each, and the array. */
static size_t list_names(const char *dir, struct dirent ***names)
{
	char path[PATH_MAX];
	int count;

	snprintf(path, sizeof(path), "%s/" KVMSTAT_GOOD_DIR, dir);
	count = scandir(path, names, is_name, alphasort);
	if (count >= 0)
		return (size_t)count;
	if (errno != ENOENT)
		complain("%s cannot be read: %s", path, strerror(errno));
	*names = NULL;
	return 0;
}

static void free_names(struct dirent **names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(names[i]);
	free(names);
}

/* ---- list --------------------------------------------------------------- */

enum { LIST_NAME, LIST_SAVED, LIST_SAVED_TEXT, LIST_KERNEL, LIST_GUESTS, LIST_PROBLEM, NLIST };

static const struct heading list_headings[NLIST] = {
	[LIST_NAME] = { .key = "name", .title = "NAME", .left = true },
	[LIST_SAVED] = { .key = "saved" },
	[LIST_SAVED_TEXT] = { .title = "SAVED", .left = true },
	[LIST_KERNEL] = { .key = "kernel", .title = "KERNEL", .left = true },
	[LIST_GUESTS] = { .key = "guests", .title = "GUESTS" },
	[LIST_PROBLEM] = { .key = "problem", .title = "PROBLEM", .left = true },
};

struct listed {
	struct state state;
	char saved[STATE_TIME_SIZE];
	char saved_text[STATE_TIME_SIZE];
};

static void list_one(struct table *table, struct listed *listed, const char *dir, const char *name)
{
	struct kvmstat_learnt guest;
	struct cell cells[NLIST];
	size_t guests = 0;

	for (size_t i = 0; i < NLIST; i++)
		cells[i] = cell_none();
	cells[LIST_NAME] = cell_string(name);
	if (good_read(&listed->state, dir, name) == STATE_READ) {
		while (kvmstat_diagnosis_guest(listed->state.diagnosis, guests, &guest))
			guests++;
		state_utc(kvmstat_diagnosis_time(listed->state.diagnosis), listed->saved);
		state_local(kvmstat_diagnosis_time(listed->state.diagnosis), listed->saved_text);
		cells[LIST_SAVED] = cell_string(listed->saved);
		cells[LIST_SAVED_TEXT] = cell_string(listed->saved_text);
		cells[LIST_KERNEL] = cell_string(kvmstat_diagnosis_release(listed->state.diagnosis));
		cells[LIST_GUESTS] = cell_count(guests);
	} else {
		cells[LIST_PROBLEM] = cell_string(listed->state.reason);
	}
	table_add(table, cells);
}

int baseline_list(const struct options *options, char *const *words)
{
	struct table table = { .headings = list_headings, .ncolumns = NLIST };
	struct dirent **names;
	struct listed *listed;
	char dir[PATH_MAX];
	size_t count;

	(void)words;
	if (good_state_dir(options, dir))
		return EXIT_FAILURE;
	count = list_names(dir, &names);
	listed = get_memory(count, sizeof(*listed));
	for (size_t i = 0; i < count; i++)
		list_one(&table, &listed[i], dir, names[i]->d_name);
	table_report(&table, options->format, "baselines", NULL, "No good case is recorded; 'kvmstat baseline save' records one.");
	for (size_t i = 0; i < count; i++)
		state_free(&listed[i].state);
	free(listed);
	free_names(names, count);
	table_free(&table);
	return EXIT_SUCCESS;
}

/* ---- show --------------------------------------------------------------- */

enum { SHOW_GUEST, SHOW_KEY, SHOW_VCPUS, SHOW_EVENT, SHOW_NUMBER, SHOW_TWO, SHOW_MINUTE, NSHOW };

static const struct heading show_headings[NSHOW] = {
	[SHOW_GUEST] = { .key = "guest", .title = "GUEST", .left = true, .wraps = true },
	[SHOW_KEY] = { .key = "key" },
	[SHOW_VCPUS] = { .key = "vcpus", .title = "VCPU" },
	[SHOW_EVENT] = { .key = "event", .title = "EVENT", .left = true },
	[SHOW_NUMBER] = { .key = "number" },
	[SHOW_TWO] = { .key = "two_samples", .title = "2 SAMPLES", .narrow = true },
	[SHOW_MINUTE] = { .key = "minute", .title = "MINUTE", .narrow = true },
};

static void show_guest(struct table *table, const struct state *good, size_t i, const struct kvmstat_learnt *guest)
{
	struct kvmstat_level level;

	for (size_t l = 0; kvmstat_diagnosis_level(good->diagnosis, i, l, &level); l++) {
		struct cell cells[NSHOW];

		cells[SHOW_GUEST] = cell_string(guest->name);
		cells[SHOW_KEY] = cell_string(guest->key);
		cells[SHOW_VCPUS] = guest->vcpus ? cell_count(guest->vcpus) : cell_none();
		cells[SHOW_EVENT] = cell_string(level.judged->name);
		cells[SHOW_NUMBER] = cell_count(level.judged->number);
		cells[SHOW_TWO] = cell_number(level.two);
		cells[SHOW_MINUTE] = cell_number(level.minute);
		table_add(table, cells);
	}
}

int baseline_show(const struct options *options, char *const *words)
{
	struct table table = { .headings = show_headings, .ncolumns = NSHOW };
	struct kvmstat_learnt guest;
	struct state good;
	char dir[PATH_MAX];
	bool found = !words[1];

	if (good_state_dir(options, dir))
		return EXIT_FAILURE;
	if (good_read(&good, dir, words[0]) != STATE_READ) {
		complain("%s", good.reason);
		return EXIT_FAILURE;
	}
	for (size_t i = 0; kvmstat_diagnosis_guest(good.diagnosis, i, &guest); i++) {
		if (words[1] && !state_matches(guest.key, guest.name, words[1]))
			continue;
		found = true;
		show_guest(&table, &good, i, &guest);
	}
	if (found)
		table_report(&table, options->format, "levels", NULL, "It has no guests that did anything.");
	else
		complain("there is no guest '%s' in %s", words[1], good.path);
	table_free(&table);
	state_free(&good);
	return found ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* ---- forget ------------------------------------------------------------- */

int baseline_forget(const struct options *options, char *const *words)
{
	char dir[PATH_MAX], path[PATH_MAX + 128];

	if (good_state_dir(options, dir))
		return EXIT_FAILURE;
	snprintf(path, sizeof(path), "%s/" KVMSTAT_GOOD_DIR "/%s", dir, words[0]);
	if (!unlink(path))
		return EXIT_SUCCESS;
	complain("%s cannot be removed: %s", path, strerror(errno));
	return EXIT_FAILURE;
}

/* ---- rename ------------------------------------------------------------- */

static bool is_uuid(const char *word)
{
	static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

	for (size_t i = 0; i < sizeof(form) - 1; i++)
		if (form[i] == 'x' ? !isxdigit((unsigned char)word[i]) : word[i] != form[i])
			return false;
	return !word[sizeof(form) - 1];
}

/* The key of a guest that nobody has seen yet. UUIDs are in lower case. */
static char *key_of(const char *word)
{
	bool uuid = is_uuid(word) || (!strncmp(word, "uuid:", 5) && is_uuid(word + 5));
	const char *prefix = !strncmp(word, "uuid:", 5) || !strncmp(word, "name:", 5) ? "" : uuid ? "uuid:" : "name:";
	char *key;

	if (asprintf(&key, "%s%s", prefix, word) < 0)
		out_of_memory();
	for (char *c = key; uuid && *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return key;
}

/* The key of the guest that a word selects in a file. Returns how many it selects. */
static size_t find_key(const struct state *good, const char *word, const char **key)
{
	struct kvmstat_learnt guest;
	size_t count = 0;

	for (size_t i = 0; kvmstat_diagnosis_guest(good->diagnosis, i, &guest); i++) {
		if (!state_matches(guest.key, guest.name, word))
			continue;
		*key = guest.key;
		count++;
	}
	return count;
}

static int refuse_rename(const struct state *good, int rc, char *const *words)
{
	if (rc == -ENOMEM)
		out_of_memory();
	complain("%s keeps the guest '%s' as it is: %s", good->path, words[0],
		 rc == -EEXIST ? "the other one is there already" :
		 rc == -EBUSY  ? "it has an alarm; rename it when the alarm is over" :
				 "several guests have this name; specify its UUID");
	return EXIT_FAILURE;
}

/* In one file. 0, also if it does not have the guest; else an exit status, with a message. */
static int rename_in(const char *dir, const char *file, char *const *words, size_t *renamed)
{
	struct state good;
	const char *key = "";
	char *new_key = key_of(words[1]);
	int status = EXIT_SUCCESS, rc;
	size_t count;

	if (state_read_file(&good, dir, file) != STATE_READ) {
		complain("%s", good.reason);
		free(new_key);
		return EXIT_FAILURE;
	}
	count = find_key(&good, words[0], &key);
	if (count) {
		rc = count > 1 ? -ENOTUNIQ : kvmstat_diagnosis_rename(good.diagnosis, key, new_key);
		status = rc ? refuse_rename(&good, rc, words) : good_write(good.diagnosis, dir, file);
	}
	if (count && !status) {
		printf("%s: renamed\n", good.path);
		++*renamed;
	}
	state_free(&good);
	free(new_key);
	return status;
}

int baseline_rename(const struct options *options, char *const *words)
{
	struct dirent **names;
	char dir[PATH_MAX], file[128];
	size_t count, renamed = 0;
	int status = EXIT_SUCCESS;

	if (good_state_dir(options, dir))
		return EXIT_FAILURE;
	count = list_names(dir, &names);
	for (size_t i = 0; i < count; i++) {
		snprintf(file, sizeof(file), KVMSTAT_GOOD_DIR "/%.64s", names[i]->d_name);
		status |= rename_in(dir, file, words, &renamed);
	}
	free_names(names, count);
	if (options->learnt)
		status |= rename_in(dir, KVMSTAT_BASELINE, words, &renamed);
	if (!status && !renamed) {
		complain("no good case in %s has a guest '%s'%s", dir, words[0],
			 options->learnt ? ", and nothing was learnt of it" : "; --learnt also looks at what a front end has learnt");
		return EXIT_FAILURE;
	}
	return status;
}
