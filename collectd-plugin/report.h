/* SPDX-License-Identifier: MIT */
/* report.h - pure: texts of the plugin's log messages */
#ifndef KVMSTAT_REPORT_H
#define KVMSTAT_REPORT_H

#include "options.h"
#include "history.h"

/* Number of events in this sample that a source reads. */
uint32_t report_events(const struct kvmstat_sample *sample);

/* "version 1.0, 3 guests, 57 events, source bpf" */
void report_start(char *text, size_t size, const struct kvmstat_sample *sample);

/* The text when a problem is over. */
const char *report_over(enum kvmstat_problem problem);

/*
 * Are the requested values available?
 * 1: none; text is the reason
 * 0: yes; text reports it
 * -1: not requested, or unknown yet
 */
int report_request(char *text, size_t size, const struct kvmstat_sample *sample, const struct options *options,
		   enum request request);

/* suggestion "": there is no suggestion. */
void report_unknown_event(char *text, size_t size, const struct event_word *word, const char *suggestion);

/*
 * Report that a guest's label differs from its name. Does not print the name, which may contain any
 * bytes.
 */
void report_label(char *text, size_t size, const struct kvmstat_guest *guest, const struct label *label);

#endif
