/* SPDX-License-Identifier: MIT */
/*
 * pass.h - what a source fills in one pass: guests, vCPUs and their cells
 */
#ifndef KVMSTAT_PASS_H
#define KVMSTAT_PASS_H

#include "core/context.h"

/* One pass while it goes on. */
struct pass {
	struct context *context;
	struct sample *sample;
	uint64_t number;
	uint64_t quiet_since;	/* no VM began or ended since a look at everything, this one (uevents.h); 0: maybe one did */
	uint32_t seen;		/* guests */
	bool finds_guests;	/* the source that runs now is the one that finds the guests */
};

/*
 * A guest was seen. It is marked, gets a row if it is wanted, and is returned; *first: not seen before in
 * this pass. NULL without memory, which ends the pass.
 */
struct guest *pass_see(struct pass *pass, const struct sighting *sighting, bool *first);

/* No VM began or ended: every guest that the last pass saw is seen. 0 or -ENOMEM. */
int pass_see_known(struct pass *pass);

/* Cells of a guest that is wanted and was seen in this pass. */
uint64_t *pass_values(const struct pass *pass, const struct guest *guest);
uint8_t *pass_from(const struct pass *pass, const struct guest *guest);

/*
 * A vCPU of a guest that is wanted and was seen, by whichever source; NULL without memory. With ReportVcpus it gets a row
 * of its own, whose cells are absent until a source fills them. Valid until the next vCPU of the guest is seen.
 */
struct vcpu *pass_see_vcpu(struct pass *pass, struct guest *guest, uint32_t id);

/* Are vCPUs reported? Only then they have cells. */
bool pass_reports_vcpus(const struct pass *pass);

/* Cells of a vCPU that was seen in this pass. */
uint64_t *pass_vcpu_values(const struct pass *pass, const struct vcpu *vcpu);
uint8_t *pass_vcpu_from(const struct pass *pass, const struct vcpu *vcpu);

/* May this source fill a cell that filled has filled, or nobody (KVMSTAT_ABSENT)? Only if it comes before it in the order. */
bool pass_may_fill(const struct pass *pass, enum kvmstat_source source, uint8_t filled);

/* A guest that was seen turned out to have gone: it is not shown. */
void pass_drop(struct pass *pass, struct guest *guest);

#endif
