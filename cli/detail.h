/* SPDX-License-Identifier: MIT */
/*
 * detail.h - what the commands that look into one guest have in common
 */
#ifndef KVMSTAT_DETAIL_H
#define KVMSTAT_DETAIL_H

#include "cli.h"

/* The row of the guest that the command is about, or NULL: what is wrong has been told. */
const struct kvmstat_row *detail_guest(const struct watch *watch, const struct options *options);

/* To standard error, what keeps those sources from reading here that have vCPUs and histograms. */
void detail_print_sources(const struct watch *watch);

bool detail_first_report(const struct watch *watch);

#endif
