/* SPDX-License-Identifier: MIT */
/* text.h - the nearest name to a misspelt word */
#ifndef KVMSTAT_TEXT_H
#define KVMSTAT_TEXT_H

#include <stddef.h>

/* The nearest of many names to a word; name is "" as long as none is near enough to be meant. */
struct nearest {
	const char *word;
	size_t distance;
	const char *name;
};

void nearest_init(struct nearest *nearest, const char *word);
void nearest_try(struct nearest *nearest, const char *name);

#endif
