/* SPDX-License-Identifier: MIT */
/* memory.h - a text that is written bit by bit */
#ifndef KVMSTAT_MEMORY_H
#define KVMSTAT_MEMORY_H

#include <stdio.h>

struct memory {
	char *text;
	size_t size;
	FILE *file;		/* to write to */
};

void memory_begin(struct memory *memory);

/* What was written, malloc'ed. */
char *memory_finish(struct memory *memory);

#endif
