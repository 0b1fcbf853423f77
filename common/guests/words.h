/* SPDX-License-Identifier: MIT */
/* words.h - shared by the parsers of vmm.h */
#ifndef KVMSTAT_VMM_PARSE_H
#define KVMSTAT_VMM_PARSE_H

#include "guests/vmm.h"

enum {
	MIB = 1 << 20,
};

/* A position in a command line: consecutive strings, each ended by NUL. */
struct args {
	const char *at, *end;
};

/* The next argument, without or with moving on to it; NULL at the end. */
const char *args_peek(const struct args *args);
const char *args_next(struct args *args);

/*
 * The value of a key in a QEMU option string, "a,,b,key=value,flag": its last value, with ",," made ",". A
 * first part without '=' is the value of the key called implied. malloc'ed; NULL if the key is not there.
 */
char *opts_value(const char *opts, const char *implied, const char *key);

/*
 * Parse a size: "2048", "1.5G", "2097152k". The suffixes are b, k, m, g, t, p and e in any case,
 * powers of 1024; without a suffix the unit is unit bytes.
 * Returns false if it is not a size, or above 2^64 - 1.
 */
bool parse_size(const char *text, uint64_t unit, uint64_t *bytes);

/* Replace the name; the identity frees it. NULL changes nothing. */
void identity_take_name(struct identity *identity, char *name);

/* Replace the UUID, if the text is one. */
void identity_set_uuid(struct identity *identity, const char *uuid);

/* The arguments after argv[0] of a QEMU. */
void identity_from_qemu(struct identity *identity, struct args *args);

#endif
