/* SPDX-License-Identifier: MIT */
#include <math.h>

#include "octets.h"
#include "value.h"

enum { NAME_MAX_OCTETS = 255, TEXT_MAX_OCTETS = VALUE_MAX - 1 };

bool value_number(struct value *value, uint64_t n)
{
	value->number = n;
	return true;
}

bool value_gauge(struct value *value, uint64_t n)
{
	return value_number(value, n < UINT32_MAX ? n : UINT32_MAX);
}

bool value_rate(struct value *value, double n)
{
	if (isnan(n))
		return false;
	return value_number(value, n <= 0 ? 0 : n < UINT32_MAX ? (uint64_t)(n + 0.5) : UINT32_MAX);
}

bool value_whole(struct value *value, double n)
{
	return value_rate(value, floor(n));
}

bool value_known(struct value *value, uint64_t n)
{
	return n != 0 && value_gauge(value, n);
}

static bool string(struct value *value, const char *bytes, size_t max, bool ascii)
{
	value->len = octets_clean(value->text, max + 1, bytes, ascii);
	value->data = value->text;
	return true;
}

bool value_display(struct value *value, const char *bytes)
{
	return string(value, bytes, NAME_MAX_OCTETS, true);
}

bool value_name(struct value *value, const char *bytes)
{
	return string(value, bytes, NAME_MAX_OCTETS, false);
}

bool value_text(struct value *value, const char *bytes)
{
	return string(value, bytes, TEXT_MAX_OCTETS, false);
}

bool value_date(struct value *value, uint64_t realtime_ns)
{
	if (!realtime_ns)
		return false;
	octets_date((uint8_t *)value->text, realtime_ns);
	value->data = value->text;
	value->len = DATE_SIZE;
	return true;
}
