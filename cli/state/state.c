// SPDX-License-Identifier: MIT
/*
 * state.c - find and read what a front end keeps; nothing is written, moved or renamed
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "escape.h"
#include "state/state.h"

/* A thousand guests with every event take 2.3 MB. */
enum { SIZE_MAX_READ = 64 << 20 };

/* Of the subagent, and of collectd where BaseDir is the usual one. */
static const char *const places[] = { STATEDIR, "/var/lib/collectd/kvmstat" };

/* When the file there was written; 0: there is a directory, but no file; -1: not even that. */
static double written(const char *dir)
{
	char path[PATH_MAX];
	struct stat st;

	snprintf(path, sizeof(path), "%s/" KVMSTAT_BASELINE, dir);
	if (!lstat(path, &st))
		return (double)st.st_mtim.tv_sec + (double)st.st_mtim.tv_nsec / 1e9;
	return stat(dir, &st) ? -1 : 0;
}

int state_dir(const struct options *options, char dir[PATH_MAX])
{
	const char *best = options->state_dir;
	double newest = -1;

	for (size_t i = 0; !options->state_dir && !options->root && i < sizeof(places) / sizeof(*places); i++) {
		double when = written(places[i]);

		if (when > newest) {
			newest = when;
			best = places[i];
		}
	}
	if (!best)
		return -ENOENT;
	snprintf(dir, PATH_MAX, "%s", best);
	return 0;
}

static int read_text(const char *dir, const char *name, char **text, size_t *size)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc;

	if (fd < 0)
		return -errno;
	rc = kvmstat_file_read(fd, name, SIZE_MAX_READ + 1, text, size);
	close(fd);
	return rc;
}

static enum state_found refuse(struct state *state, int rc)
{
	const char *why = rc == -ENXIO || rc == -ELOOP ? "it is not a regular file" : strerror(-rc);

	if (rc == -ENOENT)
		snprintf(state->reason, sizeof(state->reason), "%s does not exist", state->path);
	else
		snprintf(state->reason, sizeof(state->reason), "%s cannot be read: %s%s", state->path, why,
			 rc == -EACCES ? "; run the command as root, or as a user who may read it" : "");
	return rc == -ENOENT ? STATE_NONE : STATE_BAD;
}

static enum state_found parse(struct state *state, const char *text, size_t size)
{
	static const struct kvmstat_diagnosis_config config;
	char error[256] = "";
	int rc;

	state->diagnosis = kvmstat_diagnosis_new(&config);
	if (!state->diagnosis)
		out_of_memory();
	rc = kvmstat_diagnosis_read(state->diagnosis, text, size, error, sizeof(error));
	if (rc == -ENOMEM)
		out_of_memory();
	if (!rc)
		return STATE_READ;
	snprintf(state->reason, sizeof(state->reason), "%s is damaged: %s", state->path, error);
	state_free(state);
	return STATE_BAD;
}

enum state_found state_read_file(struct state *state, const char *dir, const char *name)
{
	enum state_found found;
	size_t size;
	char *text;
	int rc;

	*state = (struct state){ .diagnosis = NULL };
	snprintf(state->path, sizeof(state->path), "%s/%s", dir, name);
	rc = read_text(dir, name, &text, &size);
	if (rc)
		return refuse(state, rc);
	found = size > SIZE_MAX_READ ? refuse(state, -EFBIG) : parse(state, text, size);
	free(text);
	return found;
}

enum state_found state_read(struct state *state, const struct options *options)
{
	char dir[PATH_MAX];

	if (!state_dir(options, dir))
		return state_read_file(state, dir, KVMSTAT_BASELINE);
	*state = (struct state){ .diagnosis = NULL };
	snprintf(state->reason, sizeof(state->reason),
		 options->root ? "a captured host keeps nothing; --state-dir names a directory" :
				 "no front end keeps anything in %s or %s; start collectd with its plugin, or kvmstat-agentx, or "
				 "name another directory with --state-dir",
		 places[0], places[1]);
	return STATE_NONE;
}

void state_free(struct state *state)
{
	kvmstat_diagnosis_free(state->diagnosis);
	state->diagnosis = NULL;
}

/* ---- times -------------------------------------------------------------- */

double state_age(const struct state *state)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9 - (double)kvmstat_diagnosis_time(state->diagnosis) / 1e9;
}

void state_span(double seconds, char text[STATE_TIME_SIZE])
{
	if (seconds < 120)
		snprintf(text, STATE_TIME_SIZE, "%.0f s", seconds > 0 ? seconds : 0);
	else if (seconds < 7200)
		snprintf(text, STATE_TIME_SIZE, "%.0f min", seconds / 60);
	else if (seconds < 2 * 86400)
		snprintf(text, STATE_TIME_SIZE, "%.0f h", seconds / 3600);
	else
		snprintf(text, STATE_TIME_SIZE, "%.0f days", seconds / 86400);
}

void state_utc(uint64_t realtime_ns, char text[STATE_TIME_SIZE])
{
	time_t seconds = (time_t)(realtime_ns / 1000000000);
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(text, STATE_TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

void state_local(uint64_t realtime_ns, char text[STATE_TIME_SIZE])
{
	time_t seconds = (time_t)(realtime_ns / 1000000000);
	struct tm tm;

	localtime_r(&seconds, &tm);
	strftime(text, STATE_TIME_SIZE, "%Y-%m-%d %H:%M:%S", &tm);
}

/* ---- guests ------------------------------------------------------------- */

static bool same_name(const char *name, const char *word)
{
	size_t width;
	char *shown = escape_printable(name, &width);
	bool same = !strcmp(name, word) || !strcmp(shown, word);

	free(shown);
	return same;
}

bool state_matches(const char *key, const char *name, const char *word)
{
	const char *uuid = strncmp(key, "uuid:", 5) ? "" : key + 5;

	if (!strncmp(word, "name:", 5) && same_name(name, word + 5))
		return true;
	return !strcasecmp(key, word) || same_name(name, word) || (*word && !strcasecmp(uuid, word));
}
