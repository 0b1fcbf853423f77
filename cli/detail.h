/* SPDX-License-Identifier: MIT */
/* detail.h - shared by the commands for one guest */
#ifndef KVMSTAT_DETAIL_H
#define KVMSTAT_DETAIL_H

#include "cli.h"

/* The row of the selected guest, or NULL: errors have been printed. */
const struct kvmstat_row *detail_guest(const struct watch *watch, const struct options *options);

/* Print on standard error why the sources with vCPUs and histograms cannot read here. */
void detail_print_sources(const struct watch *watch);

#endif
