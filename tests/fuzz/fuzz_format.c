/* SPDX-License-Identifier: MIT */
/* A tracepoint's file "format": whatever it says, the program is told only of members that it can load. */
#include "fuzz.h"
#include "sources/tracepoint/format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = { "exit_reason", "isa", "icptcode", "reason", "x" };
	char *copy = fuzz_copy(data, size);

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		int member = tracepoint_find_member(copy, names[i]);
		int offset = member >> 8, bytes = member & 0xff;

		if (member < 0)
			continue;
		must(bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8);
		must(offset >= TRACEPOINT_FIRST && offset + bytes <= TRACEPOINT_END && offset % bytes == 0);
	}
	free(copy);
	return 0;
}
