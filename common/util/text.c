/* SPDX-License-Identifier: MIT */
#include "util/text.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "kvmstat.h"

enum { NEAREST_MAX_LEN = 127 };

/*
 * Control characters, characters without width or that change the writing direction, and unusual
 * spaces.
 */
static bool is_unseen(uint32_t c)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {
		{0, 0x1f}, {0x7f, 0xa0}, {0xad, 0xad}, {0x61c, 0x61c}, {0x2000, 0x200f}, {0x2028, 0x202f},
		{0x205f, 0x206f}, {0x3000, 0x3000}, {0xfeff, 0xfeff}, {0xe0000, 0xe0fff},
	};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		if (c >= ranges[i].first && c <= ranges[i].last)
			return true;
	return false;
}

/* First bytes of characters of two, three and four bytes. */
static size_t length_of(unsigned char first)
{
	if (first < 0x80)
		return 1;
	if (first >= 0xc2 && first <= 0xdf)
		return 2;
	if (first >= 0xe0 && first <= 0xef)
		return 3;
	return first >= 0xf0 && first <= 0xf4 ? 4 : 0;
}

size_t kvmstat_utf8(const char *text, uint32_t *character)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t length = length_of((unsigned char)*text);
	uint32_t c = (unsigned char)*text;

	if (length > 1)
		c &= 0xffu >> (length + 1);
	for (size_t i = 1; i < length; i++) {
		if (((unsigned char)text[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | ((unsigned char)text[i] & 0x3f);
	}
	if (!length || c < least[length] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*character = c;
	return length;
}

/* Number of bytes of the character, 0 if it is invisible or not valid UTF-8. */
static size_t visible(const char *text)
{
	uint32_t c;
	size_t len = kvmstat_utf8(text, &c);

	return len && !is_unseen(c) ? len : 0;
}

struct kvmstat_quoted kvmstat_quote(const char *word)
{
	static const char more[] = "...";
	struct kvmstat_quoted quoted;
	size_t used = 0;

	while (*word) {
		size_t n = visible(word);
		size_t take = n ? n : sizeof("\\xHH") - 1;

		if (used + take > sizeof(quoted.text) - sizeof(more)) {
			memcpy(quoted.text + used, more, sizeof(more) - 1);
			used += sizeof(more) - 1;
			break;
		}
		if (n)
			memcpy(quoted.text + used, word, n);
		else
			snprintf(quoted.text + used, take + 1, "\\x%02x", (unsigned char)*word);
		used += take;
		word += n ? n : 1;
	}
	quoted.text[used] = '\0';
	return quoted;
}

static size_t minimum(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Insertions, deletions and replacements from a to b, whatever the case; b at most NEAREST_MAX_LEN long. */
static size_t edit_distance(const char *a, const char *b)
{
	size_t row[NEAREST_MAX_LEN + 1];
	size_t len = strlen(b);

	for (size_t j = 0; j <= len; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1]; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= len; j++) {
			bool same = tolower((unsigned char)a[i - 1]) == tolower((unsigned char)b[j - 1]);
			size_t replaced = diagonal + !same;

			diagonal = row[j];
			row[j] = minimum(replaced, minimum(row[j], row[j - 1]) + 1);
		}
	}
	return row[len];
}

void nearest_init(struct nearest *nearest, const char *word)
{
	size_t len = strnlen(word, NEAREST_MAX_LEN + 1);

	nearest->word = word;
	nearest->distance = len <= NEAREST_MAX_LEN ? len / 3 + 1 : 0;
	nearest->name = "";
}

void nearest_try(struct nearest *nearest, const char *name)
{
	size_t distance;

	if (!nearest->distance || strnlen(name, NEAREST_MAX_LEN + 1) > NEAREST_MAX_LEN)
		return;
	distance = edit_distance(nearest->word, name);
	if (distance < nearest->distance) {
		nearest->distance = distance;
		nearest->name = name;
	}
}

bool kvmstat_parse_bool(const char *value, bool *result)
{
	static const char *const words[] = { "false", "no", "off", "true", "yes", "on" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcasecmp(words[i], value))
			continue;
		*result = i >= 3;
		return true;
	}
	return false;
}
