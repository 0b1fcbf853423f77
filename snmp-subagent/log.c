/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"

/* Set once, before there is a second thread. */
static bool debugging;
static bool to_journal;

void log_setup(bool debug)
{
	debugging = debug;
	to_journal = getenv("JOURNAL_STREAM") != NULL;
}

static void write_line(int priority, const char *format, va_list args) __attribute__((format(printf, 2, 0)));

/* One write(2) a line: lines of two threads do not mix. */
static void write_line(int priority, const char *format, va_list args)
{
	char line[2048];
	int start, len;

	start = to_journal ? snprintf(line, sizeof(line), "<%d>", priority)
			   : snprintf(line, sizeof(line), "kvmstat-agentx: ");
	len = vsnprintf(line + start, sizeof(line) - (size_t)start - 1, format, args);
	if (len < 0)
		return;
	len = (int)strlen(line);
	for (int i = start; i < len; i++)
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
			line[i] = '?';
	line[len++] = '\n';
	if (write(STDERR_FILENO, line, (size_t)len) < 0)
		return;
}

void message(int priority, const char *format, ...)
{
	va_list args;

	if (priority >= LOG_DEBUG && !debugging)
		return;
	va_start(args, format);
	write_line(priority, format, args);
	va_end(args);
}

void complain(struct complaint *complaint, const char *format, ...)
{
	va_list args;

	if (complaint->active)
		return;
	complaint->active = true;
	va_start(args, format);
	write_line(LOG_WARNING, format, args);
	va_end(args);
}

void complaint_over(struct complaint *complaint, const char *format, ...)
{
	va_list args;

	if (!complaint->active)
		return;
	complaint->active = false;
	va_start(args, format);
	write_line(LOG_NOTICE, format, args);
	va_end(args);
}
