/* SPDX-License-Identifier: MIT */
/*
 * baseline.h - good cases: what guests did while all was well, recorded as a file in a state directory
 */
#ifndef KVMSTAT_BASELINE_H
#define KVMSTAT_BASELINE_H

#include "select.h"
#include "state/state.h"

enum { EXIT_NO_BASELINE = 3 };

/* The actions; their words follow, ended by NULL. They return exit statuses. */
int baseline_save(const struct options *options, char *const *words);
int baseline_compare(const struct options *options, char *const *words);
int baseline_list(const struct options *options, char *const *words);
int baseline_show(const struct options *options, char *const *words);
int baseline_forget(const struct options *options, char *const *words);
int baseline_rename(const struct options *options, char *const *words);

/* The state directory. 0 or an exit status: there is none, and a message was printed. */
int good_state_dir(const struct options *options, char dir[PATH_MAX]);

/* A good case by its name. */
enum state_found good_read(struct state *good, const char *dir, const char *name);

/* Make the directory of good cases, unless it is there. 0 or an exit status: nothing can be written, with a message. */
int good_prepare(const char *dir);

/* Replace a file of the state directory; name may be "baselines/NAME". 0 or an exit status, with a message. */
int good_write(const struct kvmstat_diagnosis *diagnosis, const char *dir, const char *name);

/* Mark the rows that words select, or all without words; the row of others is none. 0 or an exit status, with a message. */
int good_rows(const struct watch *watch, char *const *words, bool *meant);

/* How judged events of a sample are walked: the i-th and its rate in a row; false: there are no more. */
bool good_event(const struct watch *watch, uint32_t row, uint32_t i, const struct kvmstat_judged **judged, double *rate);

#endif
