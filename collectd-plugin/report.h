/* SPDX-License-Identifier: MIT */
/*
 * report.h - pure: what the plugin says in the log, as text
 */
#ifndef KVMSTAT_REPORT_H
#define KVMSTAT_REPORT_H

#include "options.h"
#include "history.h"

/* Events of this sample that some source serves. */
uint32_t report_events(const struct kvmstat_sample *sample);

/* "version 1.0, 3 guests, 57 events, source bpf" */
void report_start(char *text, size_t size, const struct kvmstat_sample *sample);

/* What is so when a problem is over. */
const char *report_over(enum kvmstat_problem problem);

/*
 * Is there what an option asked for? 1: nothing of it, and why; 0: it is there, which text says as well; -1:
 * nobody can tell yet, or it was not asked for.
 */
int report_request(char *text, size_t size, const struct kvmstat_sample *sample, const struct options *options,
		   enum request request);

/* suggestion "": there is none. */
void report_unknown_event(char *text, size_t size, const struct event_word *word, const char *suggestion);

/* That a guest is not called by its name. The name itself is not told: it is not fit for a log either. */
void report_label(char *text, size_t size, const struct kvmstat_guest *guest, const struct label *label);

#endif
