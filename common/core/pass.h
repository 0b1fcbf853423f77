/* SPDX-License-Identifier: MIT */
/*
 * pass.h - what a source fills in one pass: guests, vCPUs and their cells
 */
#ifndef KVMSTAT_PASS_H
#define KVMSTAT_PASS_H

#include "core/context.h"

/* The current pass. */
struct pass {
	struct context *context;
	struct sample *sample;
	uint64_t number;
	uint64_t quiet_since;	/* id of the last full scan, if no VM began or ended since (uevents.h); else 0 */
	uint32_t seen;		/* guests */
	bool finds_guests;	/* the source that runs now is the one that finds the guests */
};

/*
 * Mark a guest as seen and give it a row if it is wanted.
 * *first: this pass has not seen it before.
 * Returns the guest, or NULL without memory, which ends the pass.
 */
struct guest *pass_see(struct pass *pass, const struct sighting *sighting, bool *first);

/* No VM began or ended: mark every guest of the last pass as seen. 0 or -ENOMEM. */
int pass_see_known(struct pass *pass);

/* Cells of a guest that is wanted and was seen in this pass. */
uint64_t *pass_values(const struct pass *pass, const struct guest *guest);
uint8_t *pass_from(const struct pass *pass, const struct guest *guest);

/*
 * Mark a vCPU as seen; its guest must be wanted and seen in this pass, by any source.
 * With ReportVcpus the vCPU gets a row, whose cells are absent until a source fills them.
 * Returns the vCPU, valid until the next vCPU of the guest is seen, or NULL without memory.
 */
struct vcpu *pass_see_vcpu(struct pass *pass, struct guest *guest, uint32_t id);

/* Are vCPUs reported? Only then they have cells. */
bool pass_reports_vcpus(const struct pass *pass);

/* Cells of a vCPU that was seen in this pass. */
uint64_t *pass_vcpu_values(const struct pass *pass, const struct vcpu *vcpu);
uint8_t *pass_vcpu_from(const struct pass *pass, const struct vcpu *vcpu);

/*
 * May this source fill a cell that the source filled has filled (KVMSTAT_ABSENT: none)?
 * Only if this source comes first in the order.
 */
bool pass_may_fill(const struct pass *pass, enum kvmstat_source source, uint8_t filled);

/* Do not show a guest that was seen in this pass but has ended. */
void pass_drop(struct pass *pass, struct guest *guest);

#endif
