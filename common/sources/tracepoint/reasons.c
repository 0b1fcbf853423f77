/* SPDX-License-Identifier: MIT */
#include "sources/tracepoint/reasons.h"

#include <stdlib.h>

#include "events/reason_table.h"

static uint32_t mask_of(uint32_t format, uint32_t class)
{
	for (size_t i = 0; i < isa_table_count; i++)
		if (isa_table[i].format == format && isa_table[i].class == class)
			return isa_table[i].mask;
	return UINT32_MAX;
}

static int compare_reasons(const void *a, const void *b)
{
	const struct known_reason *x = a, *y = b;

	if (x->format != y->format)
		return x->format < y->format ? -1 : 1;
	if (x->class != y->class)
		return x->class < y->class ? -1 : 1;
	return x->code < y->code ? -1 : x->code > y->code;
}

uint16_t tracepoint_event(uint32_t format, uint32_t class, uint32_t code)
{
	struct known_reason key = { .format = (uint8_t)format, .class = (uint8_t)class, .code = code & mask_of(format, class) };
	const struct known_reason *found =
		bsearch(&key, reason_table, reason_table_count, sizeof(reason_table[0]), compare_reasons);

	return found ? found->event : format_table[format].other;
}
