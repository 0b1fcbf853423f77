// SPDX-License-Identifier: MIT
/* memory.c - a text that is written bit by bit */
#include "cli.h"
#include "screen/memory.h"

void memory_begin(struct memory *memory)
{
	memory->file = open_memstream(&memory->text, &memory->size);
	if (!memory->file)
		out_of_memory();
}

char *memory_finish(struct memory *memory)
{
	if (fclose(memory->file))
		out_of_memory();
	return memory->text;
}
