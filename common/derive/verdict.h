/* SPDX-License-Identifier: MIT */
/*
 * verdict.h - what is abnormal becomes an alarm, or ends one
 */
#ifndef KVMSTAT_VERDICT_H
#define KVMSTAT_VERDICT_H

#include "derive/watch.h"

/* After the guest's cells were updated with the rates and levels of this step. */
void verdict_of_guest(struct kvmstat_diagnosis *diagnosis, struct watched *guest, const struct manner *manner,
		      uint32_t cpus);

/* After all guests. */
void verdict_of_host(struct kvmstat_diagnosis *diagnosis, uint32_t cpus);

/* Guests with an alarm that are not in the sample, or of which it has no values. */
void verdict_of_absent(struct kvmstat_diagnosis *diagnosis, const struct kvmstat_sample *sample);

#endif
