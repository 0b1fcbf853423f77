/* SPDX-License-Identifier: MIT */
/*
 * filter.h - which guests and which events: plain names and regular expressions, to include and to exclude
 */
#ifndef KVMSTAT_FILTER_H
#define KVMSTAT_FILTER_H

#include <stdbool.h>
#include <stddef.h>

struct filter;

/* Make a filter that everything passes; NULL without memory. */
struct filter *filter_new(void);
void filter_free(struct filter *filter);
struct filter *filter_copy(const struct filter *filter);

/*
 * Add a word: a plain name, or /REGEX/ (POSIX extended, unanchored).
 * 0, -ENOMEM, or -EINVAL with a message in error: the word, what is wrong with it, and what is
 * expected.
 */
int filter_add(struct filter *filter, bool exclude, const char *word, char *error, size_t size);

/* Words that were added to be included now exclude, as collectd's IgnoreSelected does. */
void filter_invert(struct filter *filter, bool invert);

/*
 * For each plain word that translate() gives another name for, add that name too. 0 or -ENOMEM.
 */
int filter_translate(struct filter *filter, const char *(*translate)(const char *word));

/*
 * Does something with this name (or with this other name; NULL: none) pass? Plain names and expressions are
 * matched against both. Passes if no word excludes it, and one includes it or there is none to include.
 */
bool filter_pass(const struct filter *filter, const char *name, const char *other);

#endif
