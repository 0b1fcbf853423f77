/* SPDX-License-Identifier: MIT */
/*
 * since.h - totals: since the guest began, or since a mark that the user has set
 */
#ifndef KVMSTAT_SINCE_H
#define KVMSTAT_SINCE_H

#include "cli.h"

/*
 * A cell of the later sample. With a mark, what was added to it since then, if it is one that only grows; all of it if
 * the guest or vCPU is younger than the mark. cell < column->cells.
 * Returns false if there is no such value, or if it fell since the mark.
 */
bool since_value(const struct watch *watch, uint32_t row, const struct kvmstat_column *column, uint32_t cell, uint64_t *value);
bool since_value_of_vcpu(const struct watch *watch, uint32_t row, const struct kvmstat_vcpu *vcpu,
			 const struct kvmstat_column *column, uint64_t *value);

/* The same of a guest's categories; rates are those of now. */
void since_activity(const struct watch *watch, uint32_t row, struct kvmstat_activity activity[KVMSTAT_NCATEGORIES]);

#endif
