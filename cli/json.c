// SPDX-License-Identifier: MIT
/*
 * json.c - JSON to standard output
 */
#include <inttypes.h>
#include <stdio.h>

#include "json.h"
#include "kvmstat.h"

static bool needs_comma;	/* before the next key, or the next value that has none */

static void begin_value(void)
{
	if (needs_comma)
		putchar(',');
	needs_comma = true;
}

void json_open(char bracket)
{
	begin_value();
	putchar(bracket);
	needs_comma = false;
}

void json_close(char bracket)
{
	putchar(bracket);
	needs_comma = true;
}

void json_key(const char *key)
{
	begin_value();
	printf("\"%s\":", key);
	needs_comma = false;
}

void json_string(const char *bytes)
{
	uint32_t c;

	begin_value();
	putchar('"');
	while (*bytes) {
		size_t length = kvmstat_utf8(bytes, &c);

		if (!length)
			printf("\\\\x%02x", (unsigned char)*bytes++);
		else if (c < 0x20 || c == 0x7f)
			printf("\\u%04x", (unsigned int)c);
		else if (c == '\\')
			fputs("\\\\\\\\", stdout);
		else if (c == '"')
			fputs("\\\"", stdout);
		else
			fwrite(bytes, 1, length, stdout);
		bytes += length;
	}
	putchar('"');
}

void json_number(uint64_t number)
{
	begin_value();
	printf("%" PRIu64, number);
}

void json_decimal(double number)
{
	begin_value();
	printf("%.3f", number);
}

void json_bool(bool truth)
{
	begin_value();
	fputs(truth ? "true" : "false", stdout);
}

void json_null(void)
{
	begin_value();
	fputs("null", stdout);
}

void json_pair(const char *key, const char *bytes)
{
	json_key(key);
	json_string(bytes);
}

void json_count(const char *key, uint64_t number)
{
	json_key(key);
	json_number(number);
}

void json_end(void)
{
	putchar('\n');
	needs_comma = false;
}
