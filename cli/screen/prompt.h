/* SPDX-License-Identifier: MIT */
/* prompt.h - a line that is typed */
#ifndef KVMSTAT_PROMPT_H
#define KVMSTAT_PROMPT_H

#include <stdbool.h>
#include <stddef.h>

enum { PROMPT_SIZE = 256 };

struct prompt {
	char text[PROMPT_SIZE];
	size_t length;
};

void prompt_begin(struct prompt *prompt, const char *text);

/* A byte that was typed: part of a character, or one that deletes. Returns whether the text is another. */
bool prompt_type(struct prompt *prompt, int byte);

#endif
