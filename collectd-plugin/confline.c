/* SPDX-License-Identifier: MIT */
/*
 * confline.c - where in the daemon's configuration an option stands
 */
#include "confline.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <glob.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_DEPTH = 8, MAX_TOKENS = 64 };

struct search {
	const char *plugin;
	const char *key;
	const char *value;
	unsigned int skip;
	int depth;	    /* of inclusion */
	const char *filter; /* of the files of this inclusion, or NULL */
	char *place;
	size_t size;
};

/* One line, in pieces: <Plugin "kvmstat"> is a block of two tokens, </Plugin> an end. */
struct line {
	bool block;
	bool end;
	int ntokens;
	char *token[MAX_TOKENS];
};

/* The first flag of an argument that takes a value, with the value behind it; "" if it takes none. */
static const char *valued_flag(const char *argument)
{
	if (argument[0] != '-' || argument[1] == '-')
		return "";
	return argument + strcspn(argument, "CP");
}

const char *confline_argument(const char *cmdline, size_t len)
{
	const char *arg = cmdline + strnlen(cmdline, len) + 1, *end = cmdline + len, *path = NULL;

	while (arg < end) {
		const char *flag = valued_flag(arg), *value = flag + 1;

		arg += strlen(arg) + 1;
		if (!*flag)
			continue;
		if (!*value) {
			value = arg;
			if (arg >= end)
				break;
			arg += strlen(arg) + 1;
		}
		if (*flag == 'C')
			path = value;
	}
	return path;
}

int confline_file(char *path, size_t size)
{
	static const char *const defaults[] = {"/etc/collectd/collectd.conf", "/etc/collectd.conf"};
	char cmdline[8192], *real;
	const char *given = NULL;
	ssize_t len;
	int fd;

	fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
	len = fd < 0 ? -1 : read(fd, cmdline, sizeof(cmdline) - 1);
	if (fd >= 0)
		close(fd);
	if (len > 0) {
		cmdline[len] = '\0';
		given = confline_argument(cmdline, (size_t)len);
	}
	if (!given)
		given = defaults[access(defaults[0], F_OK) != 0];
	real = realpath(given, NULL);
	if (!real)
		return -errno;
	len = snprintf(path, size, "%s", real);
	free(real);
	return (size_t)len < size ? 0 : -ENAMETOOLONG;
}

/* Cut one token out of text, in place, as the daemon's own parser does. Returns what follows it. */
static char *token_cut(char *text, char **token)
{
	char *out = *token = text;
	bool quoted = *text == '"';

	if (quoted)
		text++;
	while (*text && (quoted ? *text != '"' : !isspace((unsigned char)*text) && *text != '>')) {
		if (quoted && *text == '\\' && text[1])
			text++;
		*out++ = *text++;
	}
	if (*text)
		text++;
	*out = '\0';
	return text;
}

static void line_split(struct line *line, char *text)
{
	*line = (struct line){0};
	text += strspn(text, " \t\r\n");
	if (*text == '<') {
		line->block = text[1] != '/';
		line->end = !line->block;
		text += 1 + line->end;
	}
	while (line->ntokens < MAX_TOKENS) {
		text += strspn(text, " \t\r\n>");
		if (!*text || *text == '#')
			return;
		text = token_cut(text, &line->token[line->ntokens++]);
	}
}

/* true, yes and on are one value to the daemon; 1 if so, 0 for their opposites, else -1. */
static int truth(const char *word)
{
	static const char *const words[] = {"false", "no", "off", "true", "yes", "on"};

	for (int i = 0; i < 6; i++)
		if (!strcasecmp(word, words[i]))
			return i >= 3;
	return -1;
}

static bool same_value(const char *a, const char *b)
{
	char *a_end, *b_end;
	double x, y;

	if (!strcmp(a, b) || (truth(a) >= 0 && truth(a) == truth(b)))
		return true;
	x = strtod(a, &a_end);
	y = strtod(b, &b_end);
	return a_end != a && b_end != b && !*a_end && !*b_end && x == y;
}

/* Is value one of the line's, or all of them with blanks between? */
static bool has_value(const struct line *line, const char *value)
{
	size_t at = 0, len;

	for (int i = 1; i < line->ntokens; i++)
		if (same_value(line->token[i], value))
			return true;
	for (int i = 1; i < line->ntokens; i++) {
		len = strlen(line->token[i]);
		if (strncmp(value + at, line->token[i], len))
			return false;
		at += len;
		if (i + 1 < line->ntokens && value[at++] != ' ')
			return false;
	}
	return !value[at];
}

static bool matches(const struct search *search, const struct line *line)
{
	if (line->end || !line->ntokens || strcasecmp(line->token[0], search->key))
		return false;
	return !search->value || has_value(line, search->value);
}

/* A line, with those that continue it behind a backslash. Lines read, 0 at the end. */
static unsigned int read_line(FILE *file, char **text, size_t *size)
{
	size_t used = 0, more_size = 0;
	unsigned int lines = 0;
	char *more = NULL;
	ssize_t len;

	while ((len = getline(lines ? &more : text, lines ? &more_size : size, file)) > 0) {
		if (lines++) {
			char *longer = realloc(*text, used + (size_t)len + 1);

			if (!longer)
				break;
			*text = longer;
			*size = used + (size_t)len + 1;
			memcpy(*text + used, more, (size_t)len + 1);
		}
		used += (size_t)len;
		if (used < 2 || strcmp(*text + used - 2, "\\\n"))
			break;
		used -= 2;
		(*text)[used] = '\0';
	}
	free(more);
	return lines;
}

static bool search_path(struct search *search, const char *path);

static bool search_include(struct search *search, const char *pattern, const char *filter)
{
	const char *outer = search->filter;
	glob_t found = {0};
	bool hit = false;

	if (search->depth >= MAX_DEPTH)
		return false;
	search->depth++;
	search->filter = filter;
	if (!glob(pattern, GLOB_BRACE | GLOB_TILDE, NULL, &found))
		for (size_t i = 0; i < found.gl_pathc && !hit; i++)
			hit = search_path(search, found.gl_pathv[i]);
	globfree(&found);
	search->filter = outer;
	search->depth--;
	return hit;
}

/* <Include "DIRECTORY">, Filter "*.conf" and </Include> are three lines; so that only the last one includes.
 */
struct inclusion {
	char *path;
	char *filter;
};

static void inclusion_end(struct inclusion *inclusion)
{
	free(inclusion->path);
	free(inclusion->filter);
	*inclusion = (struct inclusion){0};
}

/* Is this line part of an Include? Then *hit says whether what it includes has the option. */
static bool include_line(struct search *search, struct inclusion *inclusion, const struct line *line,
			 bool *hit)
{
	if (line->ntokens && !strcasecmp(line->token[0], "Include")) {
		if (line->block && line->ntokens > 1 && !inclusion->path)
			inclusion->path = strdup(line->token[1]);
		else if (line->end && inclusion->path)
			*hit = search_include(search, inclusion->path, inclusion->filter);
		else if (!line->end && line->ntokens > 1)
			*hit = search_include(search, line->token[1], NULL);
		if (line->end)
			inclusion_end(inclusion);
		return true;
	}
	if (inclusion->path && !inclusion->filter && line->ntokens > 1 &&
	    !strcasecmp(line->token[0], "Filter"))
		inclusion->filter = strdup(line->token[1]);
	return inclusion->path != NULL;
}

static bool starts(const struct line *line, const char *what)
{
	return line->ntokens > 1 && !strcasecmp(line->token[0], what);
}

static bool search_file(struct search *search, const char *path, FILE *file)
{
	unsigned int number = 1, lines, inside = 0;
	struct inclusion inclusion = {0};
	struct line line;
	char *text = NULL;
	size_t size = 0;
	bool hit = false;

	for (; !hit && (lines = read_line(file, &text, &size)); number += lines) {
		line_split(&line, text);
		if (!inside && include_line(search, &inclusion, &line, &hit))
			continue;
		if (!inside) {
			inside = line.block && starts(&line, "Plugin") &&
				 !strcasecmp(line.token[1], search->plugin);
		} else {
			if (matches(search, &line) && !search->skip--) {
				snprintf(search->place, search->size, "%s:%u", path, number);
				hit = true;
			}
			inside += line.block;
			inside -= line.end;
		}
	}
	inclusion_end(&inclusion);
	free(text);
	return hit;
}

static bool search_path(struct search *search, const char *path)
{
	struct stat st;
	const char *name;
	char *pattern;
	FILE *file;
	bool hit;

	/* Never wait for a pipe that somebody put there. */
	if (stat(path, &st) || !(S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)))
		return false;
	if (S_ISDIR(st.st_mode)) {
		if (asprintf(&pattern, "%s/*", path) < 0)
			return false;
		hit = search_include(search, pattern, search->filter);
		free(pattern);
		return hit;
	}
	name = strrchr(path, '/');
	if (search->filter && fnmatch(search->filter, name ? name + 1 : path, FNM_PERIOD))
		return false;
	file = fopen(path, "re");
	if (!file)
		return false;
	hit = search_file(search, path, file);
	fclose(file);
	return hit;
}

int confline_find(const char *file, const char *plugin, const char *key, const char *value, unsigned int skip,
		  char *place, size_t size)
{
	struct search search = {
		.plugin = plugin, .key = key, .value = value, .skip = skip, .place = place, .size = size};

	place[0] = '\0';
	return search_path(&search, file) ? 0 : -ENOENT;
}
