/* SPDX-License-Identifier: MIT */
/*
 * escape.h - print names, which may be any bytes
 *
 * In all outputs a byte that is not valid UTF-8 becomes \xHH and a backslash \\, so that no two
 * names look the same. For a terminal each byte of an invisible character becomes \xHH as well.
 */
#ifndef KVMSTAT_ESCAPE_H
#define KVMSTAT_ESCAPE_H

#include <stddef.h>
#include <stdio.h>

/* For a terminal; malloc'ed. *width: columns it takes. */
char *escape_printable(const char *bytes, size_t *width);

void print_csv_string(const char *bytes, FILE *to);

/* Words of a paragraph, broken at column 79; column is where the cursor is. */
void print_wrapped(const char *bytes, size_t column, size_t indent);

#endif
