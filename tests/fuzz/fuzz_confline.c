/* SPDX-License-Identifier: MIT */
/*
 * collectd's configuration as text: where an option stands. The first two lines are the option and its value, the
 * rest is the file. What it includes lies beside it and does not go on from there; nothing else may be included.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <unistd.h>

#include "confline.h"
#include "fuzz.h"

static int file = -1, home, here;
static char dir[] = "/tmp/kvmstat-fuzz-XXXXXX";

static void put(const char *name, const char *text)
{
	FILE *out = fopen(name, "we");

	must(out && fputs(text, out) >= 0 && fclose(out) == 0);
}

static void clean(void)
{
	if (fchdir(here) == 0 && unlink("a.conf") == 0 && unlink("b.conf") == 0)
		rmdir(dir);
}

static void prepare(void)
{
	must(mkdtemp(dir) && atexit(clean) == 0);
	home = open(".", O_PATH | O_CLOEXEC);
	here = open(dir, O_PATH | O_CLOEXEC);
	must(home >= 0 && fchdir(here) == 0);
	put("a.conf", "<Plugin kvmstat>\n  Guest \"web\" \\\n  db\n</Plugin>\n");
	put("b.conf", "Include \"a.conf\"\n");
	file = memfd_create("conf", MFD_CLOEXEC);
	must(file >= 0 && fchdir(home) == 0);
}

/* Behind the word that includes, could that lead out of here, or take for ever? The word may go on in the next line. */
static bool leads_away(const char *text, size_t len)
{
	char *joined = malloc(len + 1), *found = joined;
	size_t used = 0;
	bool away = false;

	must(joined != NULL);
	for (size_t i = 0; i < len; i++)
		if (strncmp(text + i, "\\\n", 2) == 0)
			i++;
		else
			joined[used++] = text[i] ? text[i] : ' ';
	joined[used] = '\0';
	while (!away && (found = strcasestr(found, "include"))) {
		found += strlen("include");
		away = strpbrk(found, "/~{*?[") || strstr(found, "..");
	}
	free(joined);
	return away;
}

static void check_place(const char *place, const char *path, const char *rest)
{
	const char *colon = strrchr(place, ':');
	unsigned long lines = 1;

	must(colon && isdigit((unsigned char)colon[1]));
	for (; *rest; rest++)
		lines += *rest == '\n';
	if (strncmp(place, path, (size_t)(colon - place)) == 0)
		must(strtoul(colon + 1, NULL, 10) >= 1 && strtoul(colon + 1, NULL, 10) <= lines);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = fuzz_copy(data, size), *rest = copy, *key, *value, path[64], place[128];

	if (file < 0)
		prepare();
	key = strsep(&rest, "\n");
	value = strsep(&rest, "\n");
	if (rest && !leads_away(rest, size - (size_t)(rest - copy))) {
		size_t len = size - (size_t)(rest - copy);

		must(ftruncate(file, 0) == 0 && pwrite(file, rest, len, 0) == (ssize_t)len);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
		must(fchdir(here) == 0);
		for (unsigned int skip = 0; skip < 3; skip++) {
			int rc = confline_find(path, "kvmstat", key, *value ? value : NULL, skip, place, sizeof(place));

			must(rc == 0 || rc == -ENOENT);
			must((rc == 0) == (place[0] != '\0'));
			if (rc == 0 && strlen(rest) == len)
				check_place(place, path, rest);
		}
		must(fchdir(home) == 0);
	}
	confline_argument(copy, size);
	free(copy);
	return 0;
}
