/* SPDX-License-Identifier: MIT */
/* label.c - pure: the names of a guest in collectd */
#include "label.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Limit of bytes of the name; the rest is for a hash and a suffix. */
enum { LABEL_NAME_MAX = 100, FNV_BASIS = 2166136261u, FNV_PRIME = 16777619u };

struct word {
	const char *word;
	int field;
};

static const struct word host_words[] = {
	{"hostname", LABEL_HOSTNAME}, {"name", LABEL_NAME}, {"uuid", LABEL_UUID}, {NULL, 0}};

static const struct word instance_words[] = {{"name", LABEL_NAME}, {"uuid", LABEL_UUID}, {NULL, 0}};

static const struct word *word_find(const struct word *words, const char *text, size_t len)
{
	for (; words->word; words++)
		if (strlen(words->word) == len && !strncmp(words->word, text, len))
			return words;
	return NULL;
}

static int format_parse(struct label_format *format, const struct word *words, const char *text)
{
	struct label_format parsed = {0};

	for (text += strspn(text, " \t"); *text; text += strspn(text, " \t")) {
		size_t len = strcspn(text, " \t");
		const struct word *word = word_find(words, text, len);

		if (!word || parsed.n == LABEL_FIELDS)
			return -EINVAL;
		parsed.field[parsed.n++] = (uint8_t)word->field;
		text += len;
	}
	if (!parsed.n)
		return -EINVAL;
	*format = parsed;
	return 0;
}

int label_format_host(struct label_format *format, const char *words, char *error, size_t size)
{
	if (!format_parse(format, host_words, words))
		return 0;
	snprintf(error, size, "expected hostname, name or uuid, or up to %d of them separated by "
			      "blanks",
		 LABEL_FIELDS);
	return -EINVAL;
}

int label_format_instance(struct label_format *format, const char *words, char *error, size_t size)
{
	if (!strcmp(words, "none")) {
		format->n = 0;
		return 0;
	}
	if (!format_parse(format, instance_words, words))
		return 0;
	snprintf(error, size, "expected name, uuid or none, or \"name uuid\" for both");
	return -EINVAL;
}

static bool names_guest(const struct label_format *format)
{
	for (uint8_t i = 0; i < format->n; i++)
		if (format->field[i] != LABEL_HOSTNAME)
			return true;
	return false;
}

bool label_distinguishes_guests(const struct naming *naming)
{
	return names_guest(&naming->host) || names_guest(&naming->instance);
}

/* A part that is being written; the hash is of the original bytes. */
struct writer {
	char *out;
	size_t len;
	uint32_t hash;
	bool host;
	bool changed;
};

/* A host is the first directory of csv and rrdtool: it must not be "..", nor hidden. */
static bool legal(const struct writer *writer, char c)
{
	if (c == '.')
		return !writer->host || writer->len > 0;
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
	       c == ':' || c == '-';
}

static void put(struct writer *writer, const char *text)
{
	for (; *text; text++) {
		bool keep = legal(writer, *text);

		writer->hash = (writer->hash ^ (unsigned char)*text) * FNV_PRIME;
		if (!keep || writer->len == LABEL_NAME_MAX)
			writer->changed = true;
		if (writer->len < LABEL_NAME_MAX)
			writer->out[writer->len++] = keep ? *text : '_';
	}
}

static void finish(struct writer *writer)
{
	if (!writer->len) {
		writer->len = (size_t)snprintf(writer->out, LABEL_SIZE, "unnamed");
		writer->changed = true;
	}
	if (writer->changed)
		snprintf(writer->out + writer->len, LABEL_SIZE - writer->len, "-%08x", writer->hash);
	else
		writer->out[writer->len] = '\0';
}

static bool part_make(char *out, bool host, const struct label_format *format, const char *const text[])
{
	struct writer writer = {.out = out, .hash = FNV_BASIS, .host = host};

	for (uint8_t i = 0; i < format->n; i++) {
		const char *field = text[format->field[i]];

		if (writer.len && *field)
			put(&writer, ":");
		put(&writer, field);
	}
	/* Without a UUID, use the name. */
	if (!writer.len)
		put(&writer, text[LABEL_NAME]);
	finish(&writer);
	return writer.changed;
}

bool label_make(struct label *label, const struct naming *naming, const char *name, const char *uuid)
{
	const char *const text[] = {
		[LABEL_HOSTNAME] = naming->hostname, [LABEL_NAME] = name, [LABEL_UUID] = uuid};
	bool changed = false;

	if (names_guest(&naming->host))
		changed |= part_make(label->host, true, &naming->host, text);
	else
		snprintf(label->host, sizeof(label->host), "%s", naming->hostname);
	if (naming->instance.n)
		changed |= part_make(label->instance, false, &naming->instance, text);
	else
		label->instance[0] = '\0';
	return changed;
}

void label_append(struct label *label, const struct naming *naming, const char *suffix)
{
	char *part = names_guest(&naming->instance) ? label->instance : label->host;
	size_t len = strlen(part);

	snprintf(part + len, LABEL_SIZE - len, "-%s", suffix);
}

bool label_same(const struct label *a, const struct label *b)
{
	return !strcmp(a->instance, b->instance) && !strcmp(a->host, b->host);
}
