/* SPDX-License-Identifier: MIT */
/*
 * json.h - JSON to standard output, as it is made: brackets, keys and values in their order, without the commas
 */
#ifndef KVMSTAT_JSON_H
#define KVMSTAT_JSON_H

#include <stdbool.h>
#include <stdint.h>

/* '{' and '}', or '[' and ']'. */
void json_open(char bracket);
void json_close(char bracket);

/* Of the value that follows; plain ASCII. */
void json_key(const char *key);

/* A name: see escape.h. */
void json_string(const char *bytes);
void json_number(uint64_t number);
void json_decimal(double number);	/* three digits after the point */
void json_bool(bool truth);
void json_null(void);

/* A key and its value. */
void json_pair(const char *key, const char *bytes);
void json_count(const char *key, uint64_t number);

/* The end of the document, and of its line. */
void json_end(void);

#endif
