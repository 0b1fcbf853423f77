/* SPDX-License-Identifier: MIT */
#include "guests/words.h"

#include <stdlib.h>
#include <string.h>

const char *args_peek(const struct args *args)
{
	return args->at < args->end ? args->at : NULL;
}

const char *args_next(struct args *args)
{
	const char *arg = args_peek(args);

	if (arg)
		args->at += strlen(arg) + 1;
	return arg;
}

/* Copy a value up to a single comma, ",," as ",". Returns what comes after the comma. */
static const char *copy_value(char *to, const char *from)
{
	while (*from && !(from[0] == ',' && from[1] != ',')) {
		if (*from == ',')
			from++;
		*to++ = *from++;
	}
	*to = '\0';
	return *from ? from + 1 : from;
}

static bool is_key(const char *text, size_t len, const char *key)
{
	return len == strlen(key) && memcmp(text, key, len) == 0;
}

/*
 * Split off the first part of opts; *rest is the remainder.
 * Returns true if the part has this key, with its value in value, which has room for all of opts.
 */
static bool take_part(const char *opts, const char *implied, const char *key, char *value, const char **rest)
{
	size_t len = strcspn(opts, "=,");

	if (opts[len] == '=') {
		*rest = copy_value(value, opts + len + 1);
		return is_key(opts, len, key);
	}
	if (implied) {
		*rest = copy_value(value, opts);
		return strcmp(implied, key) == 0;
	}
	/* A flag: "key" is key=on, and "nokey" is key=off. */
	*rest = opts + len + (opts[len] == ',');
	if (strncmp(opts, "no", 2) == 0) {
		strcpy(value, "off");
		return is_key(opts + 2, len - 2, key);
	}
	strcpy(value, "on");
	return is_key(opts, len, key);
}

char *opts_value(const char *opts, const char *implied, const char *key)
{
	const size_t size = strlen(opts) + sizeof("off");
	char *value = malloc(size), *part = malloc(size);
	bool found = false;

	while (value && part && *opts) {
		if (take_part(opts, implied, key, part, &opts)) {
			strcpy(value, part);
			found = true;
		}
		implied = NULL;
	}
	free(part);
	if (found)
		return value;
	free(value);
	return NULL;
}

/* Bytes of a unit suffix, 0 if it is not one. */
static uint64_t suffix_unit(char suffix)
{
	static const char suffixes[] = "bkmgtpe";
	const char *at = suffix ? strchr(suffixes, suffix | 0x20) : NULL;

	return at ? (uint64_t)1 << (10 * (at - suffixes)) : 0;
}

/* ".5" of a unit; moves *text past it. */
static double parse_fraction(const char **text)
{
	double fraction = 0, weight = 0.1;

	for (; **text >= '0' && **text <= '9'; (*text)++, weight /= 10)
		fraction += (**text - '0') * weight;
	return fraction;
}

bool parse_size(const char *text, uint64_t unit, uint64_t *bytes)
{
	uint64_t whole = 0, sum;
	double fraction = 0;

	if (*text < '0' || *text > '9')
		return false;
	for (; *text >= '0' && *text <= '9'; text++) {
		if (__builtin_mul_overflow(whole, 10, &whole) ||
		    __builtin_add_overflow(whole, *text - '0', &whole))
			return false;
	}
	if (*text == '.') {
		text++;
		fraction = parse_fraction(&text);
	}
	if (*text)
		unit = suffix_unit(*text++);
	if (!unit || *text || __builtin_mul_overflow(whole, unit, &sum))
		return false;
	return !__builtin_add_overflow(sum, (uint64_t)(fraction * (double)unit), bytes);
}

void identity_take_name(struct identity *identity, char *name)
{
	if (!name)
		return;
	free(identity->name);
	identity->name = name;
}

static char lower_hex(char c)
{
	if (c >= 'A' && c <= 'F')
		return (char)(c | 0x20);
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') ? c : '\0';
}

void identity_set_uuid(struct identity *identity, const char *uuid)
{
	static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
	char lower[sizeof(form)];

	/* Including the NUL at the end, so that the length is compared. */
	for (size_t i = 0; i < sizeof(form); i++) {
		lower[i] = form[i] == 'x' ? lower_hex(uuid[i]) : form[i];
		if (form[i] == 'x' ? !lower[i] : uuid[i] != form[i])
			return;
	}
	memcpy(identity->uuid, lower, sizeof(lower));
}
