// SPDX-License-Identifier: MIT
/*
 * capture.c - kvmstat capture: this host as files, for support
 *
 * Everything is written to a temporary directory next to the destination and moved there in one
 * step when it is complete. The values are those of the collector's sample, whatever the source, in
 * the format of debugfs.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/capture.h"
#include "doctor/doctor.h"
#include "escape.h"

static volatile sig_atomic_t interrupted;

static void interrupt(int number)
{
	interrupted = number;
}

/*
 * Catch signals, so that an incomplete tree is removed. SIGXFSZ: the write error is reported like
 * any other.
 */
static void catch_signals(void)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = interrupt };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		sigaction(numbers[i], &action, NULL);
	signal(SIGXFSZ, SIG_IGN);
}

/* 1: the directory is empty, 0: it is not, or -errno. */
static int is_empty(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	int empty = 1;

	if (!dir)
		return -errno;
	while (empty && (entry = readdir(dir)))
		empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
	closedir(dir);
	return empty;
}

/* The absolute path of the tree, malloc'ed; NULL: it cannot be there, and a message was printed. */
static char *find_place(const char *word)
{
	char *place = realpath(word, NULL);
	int empty = place ? is_empty(place) : -errno;

	if (empty == -ENOENT && *word) {
		place = strdup(word);
		if (!place)
			out_of_memory();
		for (size_t len = strlen(place); len > 1 && place[len - 1] == '/'; len--)
			place[len - 1] = '\0';
		return place;
	}
	if (empty == 1)
		return place;
	if (empty == 0)
		complain("%s is not empty; specify a new directory", word);
	else
		complain("cannot capture to '%s': %s", word, strerror(-empty));
	free(place);
	return NULL;
}

/* "BOOT/TID-FD/INODE/CTIME" */
static void parse_incarnation(struct subject *subject)
{
	char *copy = strdup(subject->guest->incarnation), *slash = copy ? strrchr(copy, '/') : NULL;

	if (!copy)
		out_of_memory();
	for (int i = 0; i < 2 && slash; i++) {
		*slash = '\0';
		if (i == 0 && (slash = strrchr(copy, '/')))
			subject->ino = strtoull(slash + 1, NULL, 10);
		else if (slash && (slash = strrchr(copy, '/')))
			snprintf(subject->dir, sizeof(subject->dir), "%s", slash + 1);
	}
	free(copy);
}

static void make_subjects(struct capture *capture)
{
	capture->subjects = get_memory(capture->sample->nrows, sizeof(*capture->subjects));
	for (uint32_t i = 0; i < capture->sample->nrows; i++) {
		struct subject *subject = &capture->subjects[i];

		subject->row = &capture->sample->rows[i];
		subject->guest = subject->row->guest;
		subject->name = subject->guest->name;
		subject->uuid = subject->guest->uuid;
		subject->unnamed = guest_is_unnamed(subject->guest);
		parse_incarnation(subject);
		subject->base = find_base(capture, subject);
	}
	if (capture->options->scrub)
		scrub_subjects(capture);
}

static void leave_out(struct capture *capture, struct subject *subject)
{
	size_t width;
	char *name = escape_printable(subject->guest->name, &width);

	complain("guest %s, process %d, is left out: it ended during the capture", name, (int)subject->guest->pid);
	free(name);
	subject->left_out = true;
	capture->left_out++;
}

static void capture_guests(struct capture *capture)
{
	for (uint32_t i = 0; i < capture->sample->nrows && !capture->tree.error; i++) {
		struct subject *subject = &capture->subjects[i];

		if (interrupted)
			capture->tree.error = -EINTR;
		else if ((subject->ino && !subject->base) || !capture_process(capture, subject))
			leave_out(capture, subject);
		else
			capture_values(capture, subject);
	}
	for (uint32_t i = 0; i < capture->sample->nrows; i++)
		if (!capture->subjects[i].left_out)
			capture_creator(capture, &capture->subjects[i]);
}

/* Returns an exit status; errors have been printed. */
static int write_tree(struct capture *capture, const char *partial)
{
	capture->tree.fd = open(partial, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (capture->tree.fd < 0) {
		complain("cannot open %s: %s", partial, strerror(errno));
		return EXIT_FAILURE;
	}
	find_bases(capture);
	make_subjects(capture);
	capture_host(capture);
	capture_guests(capture);
	capture_names(capture);
	capture_report(capture);
	close(capture->tree.fd);
	if (capture->tree.error == -EINTR)
		complain("interrupted; nothing was kept");
	else if (capture->tree.error)
		complain("cannot write %s: %s; nothing was kept", capture->tree.path, strerror(-capture->tree.error));
	return capture->tree.error ? EXIT_FAILURE : EXIT_SUCCESS;
}

static void release(struct capture *capture)
{
	for (size_t i = 0; i < capture->nbases; i++)
		free(capture->bases[i].modes);
	free(capture->subjects);
	if (capture->root >= 0)
		close(capture->root);
	watch_stop(&capture->watch);
}

/* Take the sample, and write it to the directory partial. */
static int take(const struct options *options, const char *partial)
{
	struct capture capture = { .options = options, .root = -1 };
	int status = watch_start(&capture.watch, options);

	/* As with doctor, use the second sample: the first pass opens the sources. */
	if (!status)
		status = watch_again(&capture.watch);
	if (!status) {
		capture.sample = capture.watch.now;
		capture.root = open(options->root ? options->root : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
		status = write_tree(&capture, partial);
	}
	if (!status)
		status = capture_check(&capture, partial);
	if (!status)
		printf("captured %u guests and %u events%s\n", capture.sample->nrows - capture.left_out,
		       capture.sample->ncolumns, options->scrub ? ", scrubbed" : "");
	release(&capture);
	return status;
}

/* Every guest gets a row, and the times of its vCPUs' threads are reported one by one. */
static void want_all(struct kvmstat_config *config)
{
	char error[512];

	if (kvmstat_config_set(config, "TopGuests", "0", error, sizeof(error)) ||
	    kvmstat_config_set(config, "ReportVcpus", "true", error, sizeof(error)))
		out_of_memory();
}

int capture_command(const struct options *options)
{
	char *place = find_place(options->directory), *partial;
	int status;

	if (!place)
		return EXIT_FAILURE;
	want_all(options->config);
	catch_signals();
	if (asprintf(&partial, "%s.partial.XXXXXX", place) < 0)
		out_of_memory();
	if (!mkdtemp(partial)) {
		complain("cannot create a directory next to %s: %s", options->directory, strerror(errno));
		status = EXIT_FAILURE;
	} else {
		status = take(options, partial);
		if (!status && rename(partial, place) < 0) {
			complain("cannot move the capture to %s: %s", options->directory, strerror(errno));
			status = EXIT_FAILURE;
		}
		if (status)
			tree_remove(AT_FDCWD, partial);
	}
	free(partial);
	free(place);
	return status;
}
