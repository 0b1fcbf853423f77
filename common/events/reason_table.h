/* SPDX-License-Identifier: MIT */
/*
 * reason_table.h - reasons.tsv, compiled in (scripts/reasons.awk makes the tables)
 */
#ifndef KVMSTAT_REASON_TABLE_H
#define KVMSTAT_REASON_TABLE_H

#include <stddef.h>
#include <stdint.h>

/* A tracepoint of kvm, as one architecture has it: its record has these members. */
struct known_format {
	const char *tracepoint;
	const char *code;
	const char *class; /* the member that says whose codes they are, or "errno", or NULL */
	uint16_t total;	   /* in event_table: every hit */
	uint16_t other;	   /* hits whose code has no name */
};

/* A class of codes: which bits of a code count. */
struct known_isa {
	uint8_t format; /* in format_table */
	uint8_t class;
	uint32_t mask;
};

/* Sorted by format, class, code. */
struct known_reason {
	uint8_t format; /* in format_table */
	uint8_t class;	/* 0 where the format has none */
	uint32_t code;
	uint16_t event; /* in event_table */
};

extern const struct known_format format_table[];
extern const size_t format_table_count;
extern const struct known_isa isa_table[];
extern const size_t isa_table_count;
extern const struct known_reason reason_table[];
extern const size_t reason_table_count;

#endif
