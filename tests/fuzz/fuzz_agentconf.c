/* SPDX-License-Identifier: MIT */
/*
 * The subagent's configuration: a file; and behind a line of "--", one an argument, its command line.
 */
#include <getopt.h>
#include <stdarg.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"

#define main agent_main
int agent_main(int argc, char *argv[]);
#include "../../snmp-subagent/main.c"
#undef main

enum { MAX_ARGS = 32 };

static void check_settings(const struct settings *settings)
{
	must(settings->interval >= 1 && settings->interval <= 3600);
	must(settings->ping_interval >= 1 && settings->ping_interval <= 60);
	must(settings->socket && settings->socket[0] == '/');
	must(!settings->state_dir || settings->state_dir[0] == '/');
	must(settings->root.len >= 4 && settings->root.len <= OID_MAX);
	must(settings->root.subid[0] == 1 && settings->root.subid[1] == 3);
	for (size_t i = 0; i < settings->nwords; i++)
		must(settings->words[i].word && settings->words[i].place && strlen(settings->words[i].place) > 0);
}

/* Only those options that are no reason to end at once. */
static void take_arguments(struct settings *settings, char *text)
{
	char *argv[MAX_ARGS + 2] = { "kvmstat-agentx" }, *line;
	int argc = 1;

	while (argc <= MAX_ARGS && (line = strsep(&text, "\n")))
		argv[argc++] = line;
	opterr = 0;
	other_options(settings, argc, argv);
}

static void read_file(struct settings *settings, const char *text, size_t len)
{
	static int file = -1;
	char path[64];

	if (file < 0)
		file = memfd_create("conf", MFD_CLOEXEC);
	must(file >= 0 && ftruncate(file, 0) == 0 && pwrite(file, text, len, 0) == (ssize_t)len);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	settings_read(settings, path, true);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = fuzz_copy(data, size), *arguments = strstr(copy, "\n--\n");
	size_t len = arguments ? (size_t)(arguments - copy) : size;
	struct settings settings;

	/* A repetition of repetitions takes the C library's regcomp() for ever. */
	if (!memchr(copy, '{', size) && !memchr(copy, '+', size) && settings_init(&settings) == 0) {
		read_file(&settings, copy, len);
		check_settings(&settings);
		if (arguments)
			take_arguments(&settings, arguments + 4);
		check_settings(&settings);
		settings_free(&settings);
	}
	free(copy);
	return 0;
}

/* In the place of log.c's: what is told is only made, as long as it is. */
__attribute__((format(printf, 1, 0))) static void format_only(const char *format, va_list args)
{
	char line[2048];

	must(vsnprintf(line, sizeof(line), format, args) >= 0);
}

void message(int priority, const char *format, ...)
{
	va_list args;

	(void)priority;
	va_start(args, format);
	format_only(format, args);
	va_end(args);
}

void complain(struct complaint *complaint, const char *format, ...)
{
	va_list args;

	(void)complaint;
	va_start(args, format);
	format_only(format, args);
	va_end(args);
}

void complaint_over(struct complaint *complaint, const char *format, ...)
{
	va_list args;

	(void)complaint;
	va_start(args, format);
	format_only(format, args);
	va_end(args);
}

void log_setup(bool debug)
{
	(void)debug;
}
