/* SPDX-License-Identifier: MIT */
/* reasons.h - the event of a code (reasons.tsv) */
#ifndef KVMSTAT_TRACEPOINT_REASONS_H
#define KVMSTAT_TRACEPOINT_REASONS_H

#include <stdint.h>

/*
 * Index in event_table of the reason's event, or of the "other" event of its tracepoint. format:
 * index in format_table.
 */
uint16_t tracepoint_event(uint32_t format, uint32_t class, uint32_t code);

#endif
