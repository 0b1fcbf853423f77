/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "kvmstat.h"
#include "octets.h"

/* Length of the UTF-8 character at s that is no control character, 0 if there is none. */
static size_t character(const char *s)
{
	uint32_t c;
	size_t len = kvmstat_utf8(s, &c);

	return len && c >= 0x20 && (c < 0x7f || c > 0x9f) ? len : 0;
}

size_t octets_clean(char *out, size_t size, const char *bytes, bool ascii)
{
	size_t used = 0;

	while (*bytes) {
		size_t len = character(bytes), need;
		char escape[5];

		if (ascii && len > 1)
			len = 0;
		need = len ? len : 4;
		if (used + need + 1 > size)
			break;
		snprintf(escape, sizeof(escape), "\\x%02x", (unsigned char)*bytes);
		memcpy(out + used, len ? bytes : escape, need);
		used += need;
		bytes += len ? len : 1;
	}
	out[used] = '\0';
	return used;
}

/* Year, month (1..12) and day of a day since 1970-01-01, without the C library's time zone files. */
static void civil(uint64_t day, unsigned int *year, unsigned int *month, unsigned int *mday)
{
	uint64_t shifted = day + 719468;		/* days since 0000-03-01 */
	uint64_t era = shifted / 146097, in_era = shifted % 146097;
	uint64_t in_400 = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
	uint64_t in_year = in_era - (365 * in_400 + in_400 / 4 - in_400 / 100);
	uint64_t from_march = (5 * in_year + 2) / 153;

	*mday = (unsigned int)(in_year - (153 * from_march + 2) / 5 + 1);
	*month = (unsigned int)(from_march < 10 ? from_march + 3 : from_march - 9);
	*year = (unsigned int)(in_400 + era * 400 + (*month <= 2));
}

void octets_date(uint8_t out[DATE_SIZE], uint64_t realtime_ns)
{
	uint64_t tenths = realtime_ns / 100000000, seconds = tenths / 10;
	unsigned int year, month, mday;

	civil(seconds / 86400, &year, &month, &mday);
	out[0] = (uint8_t)(year >> 8);
	out[1] = (uint8_t)year;
	out[2] = (uint8_t)month;
	out[3] = (uint8_t)mday;
	out[4] = (uint8_t)(seconds / 3600 % 24);
	out[5] = (uint8_t)(seconds / 60 % 60);
	out[6] = (uint8_t)(seconds % 60);
	out[7] = (uint8_t)(tenths % 10);
	out[8] = '+';
	out[9] = 0;
	out[10] = 0;
}
