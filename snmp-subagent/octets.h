/* SPDX-License-Identifier: MIT */
/* octets.h - bytes from the host in SNMP's textual conventions */
#ifndef KVMSTAT_AGENTX_OCTETS_H
#define KVMSTAT_AGENTX_OCTETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DATE_SIZE = 11 };

/*
 * Copy bytes as valid UTF-8 (or, if ascii, as printable ASCII): anything else, and every control character,
 * becomes \xHH. What does not fit into size is cut off between two characters. Bytes written, without the
 * NUL after them.
 */
size_t octets_clean(char *out, size_t size, const char *bytes, bool ascii);

/* DateAndTime in UTC from CLOCK_REALTIME. */
void octets_date(uint8_t out[DATE_SIZE], uint64_t realtime_ns);

#endif
