// SPDX-License-Identifier: MIT
/*
 * baseline.c - kvmstat baseline: its actions, and the files of good cases
 */
#include "baseline/baseline.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct action {
	const char *name;
	int (*run)(const struct options *options, char *const *words);
	size_t least;		/* words */
	size_t most;
	const char *form;
	bool time;		/* has --for */
	bool all;
	bool csv;		/* has --csv and --json */
} actions[] = {
	{ .name = "save", .run = baseline_save, .form = "save [GUEST]...", .most = SIZE_MAX, .time = true },
	{ .name = "compare", .run = baseline_compare, .form = "compare [GUEST]...", .most = SIZE_MAX, .time = true, .all = true,
	  .csv = true },
	{ .name = "list", .run = baseline_list, .form = "list", .csv = true },
	{ .name = "show", .run = baseline_show, .form = "show NAME [GUEST]", .least = 1, .most = 2, .csv = true },
	{ .name = "forget", .run = baseline_forget, .form = "forget NAME", .least = 1, .most = 1 },
	{ .name = "rename", .run = baseline_rename, .form = "rename OLD NEW", .least = 2, .most = 2 },
};

static const struct action *find_action(const char *word)
{
	for (size_t i = 0; word && i < sizeof(actions) / sizeof(*actions); i++)
		if (!strcmp(actions[i].name, word))
			return &actions[i];
	complain("'kvmstat baseline' does one of save, compare, list, show, forget and rename%s%s%s", word ? ", not '" : "",
		 word ? word : "", word ? "'" : "");
	return NULL;
}

static int check_options(const struct action *action, const struct options *options)
{
	const char *option = NULL;

	if (options->record > 0 && !action->time)
		option = "--for";
	if (options->all && !action->all)
		option = "--all";
	if (options->format != FORMAT_TEXT && !action->csv)
		option = options->format == FORMAT_CSV ? "--csv" : "--json";
	if (options->learnt && action->run != baseline_rename)
		option = "--learnt";
	if (options->name && action->run != baseline_save && action->run != baseline_compare)
		option = "--name";
	if (option)
		complain("'kvmstat baseline %s' does not accept %s; try 'kvmstat --help'", action->name, option);
	return option ? EXIT_USAGE : EXIT_SUCCESS;
}

/* A file of this name is made, so it is a plain one. */
static int check_name(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
	size_t length = strlen(name);

	if (length && length <= 64 && strspn(name, allowed) == length)
		return EXIT_SUCCESS;
	complain("'%s' is not the name of a good case; expected up to 64 letters, digits, '_' and '-'", name);
	return EXIT_USAGE;
}

int baseline_command(const struct options *options)
{
	const struct action *action = find_action(options->arguments[0]);
	char *const *words = options->arguments + 1;
	size_t count = 0;
	int status;

	if (!action)
		return EXIT_USAGE;
	while (words[count])
		count++;
	if (count < action->least || count > action->most) {
		complain("expected 'kvmstat baseline %s'", action->form);
		return EXIT_USAGE;
	}
	status = check_options(action, options);
	if (!status && options->name)
		status = check_name(options->name);
	if (!status && (action->run == baseline_show || action->run == baseline_forget))
		status = check_name(words[0]);
	/* Whoever the front ends run as must be able to read what is made. */
	umask(022);
	return status ? status : action->run(options, words);
}

/* ---- files -------------------------------------------------------------- */

int good_state_dir(const struct options *options, char dir[PATH_MAX])
{
	if (!state_dir(options, dir))
		return EXIT_SUCCESS;
	complain("there is no state directory to keep good cases in; start collectd with its plugin, or kvmstat-agentx, or name "
		 "a directory with --state-dir");
	return EXIT_FAILURE;
}

enum state_found good_read(struct state *good, const char *dir, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), KVMSTAT_GOOD_DIR "/%s", name);
	return state_read_file(good, dir, path);
}

static int refuse_to_write(const char *dir, const char *name, int error)
{
	complain("%s/%s cannot be written: %s%s", dir, name, strerror(error),
		 error == EACCES || error == EPERM ? "; run the command as root, or as the owner of the directory" : "");
	return EXIT_FAILURE;
}

int good_prepare(const char *dir)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/" KVMSTAT_GOOD_DIR, dir);
	if ((mkdir(path, 0755) < 0 && errno != EEXIST) || access(path, W_OK | X_OK) < 0)
		return refuse_to_write(dir, KVMSTAT_GOOD_DIR, errno);
	return EXIT_SUCCESS;
}

static int replace(const char *path, const char *text, size_t size)
{
	const char *slash = strrchr(path, '/');
	char *dir = strndup(path, (size_t)(slash - path));
	int fd, rc;

	if (!dir)
		out_of_memory();
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	rc = fd < 0 ? -errno : kvmstat_file_replace(fd, slash + 1, text, size);
	if (fd >= 0)
		close(fd);
	free(dir);
	return rc;
}

int good_write(const struct kvmstat_diagnosis *diagnosis, const char *dir, const char *name)
{
	char path[PATH_MAX], *text;
	size_t size;
	int rc;

	if (kvmstat_diagnosis_write(diagnosis, &text, &size))
		out_of_memory();
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	rc = replace(path, text, size);
	free(text);
	return rc ? refuse_to_write(dir, name, -rc) : EXIT_SUCCESS;
}

/* ---- guests and events of a sample -------------------------------------- */

int good_rows(const struct watch *watch, char *const *words, bool *meant)
{
	struct selection selection = { 0, watch->now->nrows };

	do {
		if (select_guest(&selection, watch, *words))
			return EXIT_FAILURE;
		for (uint32_t i = selection.first; i < selection.end; i++)
			meant[i] = watch->now->rows[i].guest->id != 0 && *watch->now->rows[i].guest->key;
	} while (*words && *++words);
	return EXIT_SUCCESS;
}

bool good_event(const struct watch *watch, uint32_t row, uint32_t i, const struct kvmstat_judged **judged, double *rate)
{
	const struct kvmstat_sample *sample = watch->now;

	if (i < sample->ncolumns) {
		*judged = kvmstat_judged(sample->columns[i].event->number);
		*rate = kvmstat_rate(watch->rates, row, sample->columns[i].first_cell);
	} else if (i == sample->ncolumns) {
		*judged = kvmstat_judged(KVMSTAT_NUMBER_CPU);
		*rate = kvmstat_rate_cpu(watch->rates, row);
	} else {
		*judged = kvmstat_judged(KVMSTAT_NUMBER_WAIT);
		*rate = kvmstat_rate_wait(watch->rates, row);
	}
	return i <= sample->ncolumns + 1;
}
