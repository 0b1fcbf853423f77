// SPDX-License-Identifier: MIT
/*
 * message.c - messages, and the end of a program that has no memory or nobody to print for
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "escape.h"

static char *last_message;

const char *last_complaint(void)
{
	return last_message;
}

char *format_text(const char *format, va_list args)
{
	char *text;

	if (vasprintf(&text, format, args) < 0)
		out_of_memory();
	return text;
}

void complain(const char *format, ...)
{
	char *message, *shown;
	va_list args;
	size_t width;

	va_start(args, format);
	message = format_text(format, args);
	va_end(args);
	shown = escape_printable(message, &width);
	fprintf(stderr, "kvmstat: %s\n", shown);
	free(shown);
	free(last_message);
	last_message = message;
}

void out_of_memory(void)
{
	fputs("kvmstat: out of memory\n", stderr);
	exit(EXIT_FAILURE);
}

void *get_memory(size_t count, size_t size)
{
	void *memory = calloc(count ? count : 1, size);

	if (!memory)
		out_of_memory();
	return memory;
}

char *get_copy(const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		out_of_memory();
	return copy;
}

void flush_report(void)
{
	if (!fflush(stdout) && !ferror(stdout))
		return;
	if (errno != EPIPE)
		complain("cannot write to standard output: %s", strerror(errno));
	_exit(EXIT_FAILURE);
}
