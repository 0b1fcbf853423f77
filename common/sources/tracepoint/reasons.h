/* SPDX-License-Identifier: MIT */
/*
 * reasons.h - which event a code is (reasons.tsv)
 */
#ifndef KVMSTAT_TRACEPOINT_REASONS_H
#define KVMSTAT_TRACEPOINT_REASONS_H

#include <stdint.h>

/* In event_table: the reason's own, or the "other" of its tracepoint. format: in format_table. */
uint16_t tracepoint_event(uint32_t format, uint32_t class, uint32_t code);

#endif
