/* SPDX-License-Identifier: MIT */
#include "util/filter.h"

#include <errno.h>
#include <regex.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kvmstat.h"

/*
 * Limits for regcomp(): it recurses for each parenthesis and copies what is repeated, so a long or
 * deeply repeated expression would crash the process instead of returning an error.
 */
enum {
	REGEX_MAX_LEN = 2048,
	REGEX_MAX_REPEATS = 100000,
};

struct word {
	struct word *next;
	bool exclude;
	bool is_regex;
	regex_t regex;
	char text[]; /* as it was added */
};

struct filter {
	struct word *words;
	bool invert;
};

struct filter *filter_new(void)
{
	return calloc(1, sizeof(struct filter));
}

void filter_free(struct filter *filter)
{
	if (!filter)
		return;
	while (filter->words) {
		struct word *word = filter->words;

		filter->words = word->next;
		if (word->is_regex)
			regfree(&word->regex);
		free(word);
	}
	free(filter);
}

static int no_memory(char *error, size_t size)
{
	snprintf(error, size, "out of memory");
	return -ENOMEM;
}

/* Does it repeat a part of itself too often, taking all its {N,M} as nested in each other? */
static bool repeats_too_much(const char *regex)
{
	uint64_t product = 1;

	for (const char *s = strchr(regex, '{'); s; s = strchr(s + 1, '{')) {
		const char *end = s + 1 + strspn(s + 1, "0123456789");
		uint64_t low = strtoull(s + 1, NULL, 10);
		uint64_t high = *end == ',' ? strtoull(end + 1, NULL, 10) : 0;
		uint64_t most = low > high ? low : high;

		if (most > REGEX_MAX_REPEATS)
			return true;
		product *= most ? most : 1;
		if (product > REGEX_MAX_REPEATS)
			return true;
	}
	return false;
}

/* word->text is "/REGEX/". */
static int word_compile(struct word *word, char *error, size_t size)
{
	size_t len = strlen(word->text) - 2;
	char pattern[REGEX_MAX_LEN + 1], reason[128];
	int rc;

	if (len > REGEX_MAX_LEN) {
		snprintf(error, size, "%s: the regular expression has %zu bytes; expected at most %d",
			 kvmstat_quote(word->text).text, len, REGEX_MAX_LEN);
		return -EINVAL;
	}
	memcpy(pattern, word->text + 1, len);
	pattern[len] = '\0';
	if (repeats_too_much(pattern)) {
		snprintf(error, size,
			 "%s: the regular expression repeats too much; use smaller numbers in {}",
			 kvmstat_quote(word->text).text);
		return -EINVAL;
	}
	rc = regcomp(&word->regex, pattern, REG_EXTENDED | REG_NOSUB);
	if (rc == REG_ESPACE)
		return no_memory(error, size);
	if (rc) {
		regerror(rc, &word->regex, reason, sizeof(reason));
		snprintf(
			error, size,
			"%s: invalid regular expression: %s; correct it, or put a backslash before "
			"literal characters",
			kvmstat_quote(word->text).text, reason);
		return -EINVAL;
	}
	word->is_regex = true;
	return 0;
}

/* Is it well-formed? 0 for a plain name, 1 for an expression, or -EINVAL. */
static int word_kind(const char *text, char *error, size_t size)
{
	size_t len = strlen(text);

	if (!len) {
		snprintf(error, size,
			 "empty word; expected a name or a /regular expression/, or omit the option");
		return -EINVAL;
	}
	if (text[0] != '/')
		return 0;
	if (len == 2 && text[1] == '/') {
		snprintf(error, size,
			 "//: empty regular expression; omit the option to select everything");
		return -EINVAL;
	}
	if (len < 2 || text[len - 1] != '/') {
		snprintf(error, size,
			 "%s: begins with / but does not end with /; expected a regular expression "
			 "as /.../ (for a name that begins with a slash, /^\\/.../)",
			 kvmstat_quote(text).text);
		return -EINVAL;
	}
	return 1;
}

int filter_add(struct filter *filter, bool exclude, const char *text, char *error, size_t size)
{
	int kind = word_kind(text, error, size);
	struct word *word;
	int rc;

	if (kind < 0)
		return kind;
	word = calloc(1, sizeof(*word) + strlen(text) + 1);
	if (!word)
		return no_memory(error, size);
	memcpy(word->text, text, strlen(text));
	word->exclude = exclude;
	rc = kind ? word_compile(word, error, size) : 0;
	if (rc) {
		free(word);
		return rc;
	}
	word->next = filter->words;
	filter->words = word;
	return 0;
}

struct filter *filter_copy(const struct filter *filter)
{
	struct filter *copy = filter_new();
	char error[256];

	if (!copy)
		return NULL;
	copy->invert = filter->invert;
	for (const struct word *word = filter->words; word; word = word->next) {
		if (filter_add(copy, word->exclude, word->text, error, sizeof(error))) {
			filter_free(copy);
			return NULL;
		}
	}
	return copy;
}

void filter_invert(struct filter *filter, bool invert)
{
	filter->invert = invert;
}

int filter_translate(struct filter *filter, const char *(*translate)(const char *word))
{
	char error[256];

	/* New words are put in front, so this loop sees only earlier ones. */
	for (const struct word *word = filter->words; word; word = word->next) {
		const char *other = word->is_regex ? NULL : translate(word->text);

		if (other && filter_add(filter, word->exclude, other, error, sizeof(error)) < 0)
			return -ENOMEM;
	}
	return 0;
}

static bool word_matches(const struct word *word, const char *name)
{
	if (!name)
		return false;
	if (word->is_regex)
		return regexec(&word->regex, name, 0, NULL, 0) == 0;
	return strcmp(word->text, name) == 0;
}

bool filter_pass(const struct filter *filter, const char *name, const char *other)
{
	bool any_included = false, included = false;

	for (const struct word *word = filter->words; word; word = word->next) {
		bool excludes = word->exclude || filter->invert;
		bool matches = word_matches(word, name) || word_matches(word, other);

		if (excludes && matches)
			return false;
		any_included |= !excludes;
		included |= matches;
	}
	return included || !any_included;
}
