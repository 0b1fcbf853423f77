// SPDX-License-Identifier: MIT
/*
 * escape.c - names and sentences to a terminal, to CSV and to JSON
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "cli.h"
#include "escape.h"

enum { LINE_END = 79 };

/* Characters without width, or that change the writing direction: they make two names look alike. */
static bool unseen(uint32_t c)
{
	return (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) ||
	       c == 0xad || c == 0x61c || c == 0xfeff;
}

/* Columns of a character, or -1 if a terminal would not show it. */
static int columns_of(uint32_t c)
{
	if (c < 0x20 || (c >= 0x7f && c <= 0x9f) || unseen(c))
		return -1;
	return c < 0x7f ? 1 : wcwidth((wchar_t)c);
}

char *escape_printable(const char *bytes, size_t *width)
{
	char *text = get_memory(4 * strlen(bytes) + 1, 1), *to = text;

	*width = 0;
	while (*bytes) {
		uint32_t c = 0;
		size_t length = kvmstat_utf8(bytes, &c);
		int columns = length ? columns_of(c) : -1;

		if (c == '\\') {
			to = stpcpy(to, "\\\\");
			columns = 2;
			bytes++;
		} else if (columns >= 0) {
			to = mempcpy(to, bytes, length);
			bytes += length;
		} else {
			to += sprintf(to, "\\x%02x", (unsigned char)*bytes++);
			columns = 4;
		}
		*width += (size_t)columns;
	}
	*to = '\0';
	return text;
}

void print_csv_string(const char *bytes, FILE *to)
{
	bool quoted = bytes[strcspn(bytes, "\",\r\n")] || *bytes == ' ' ||
		      (*bytes && bytes[strlen(bytes) - 1] == ' ');
	uint32_t c;

	if (quoted)
		putc('"', to);
	while (*bytes) {
		size_t length = kvmstat_utf8(bytes, &c);

		if (!length)
			fprintf(to, "\\x%02x", (unsigned char)*bytes++);
		else if (*bytes == '"' || *bytes == '\\')
			fprintf(to, "%c%c", *bytes, *bytes);
		else
			fwrite(bytes, 1, length, to);
		bytes += length;
	}
	if (quoted)
		putc('"', to);
}

void print_wrapped(const char *bytes, size_t column, size_t indent)
{
	char *text, *word, *save;
	size_t width;

	text = escape_printable(bytes, &width);
	for (word = strtok_r(text, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		size_t length = strlen(word);

		if (column > indent && column + 1 + length > LINE_END) {
			printf("\n%*s", (int)indent, "");
			column = indent;
		} else if (column > indent) {
			putchar(' ');
			column++;
		} else {
			printf("%*s", (int)(indent - column), "");
			column = indent;
		}
		fputs(word, stdout);
		column += length;
	}
	putchar('\n');
	free(text);
}
