/* SPDX-License-Identifier: MIT */
/* doctor.h - the findings of kvmstat doctor */
#ifndef KVMSTAT_DOCTOR_H
#define KVMSTAT_DOCTOR_H

#include "cli.h"

struct capability {
	const char *name;
	unsigned int bit;
	const char *use;	/* what is lost without it, as a message */
};

extern const struct capability capabilities[];
extern const size_t ncapabilities;

struct diagnosis {
	const struct kvmstat_sample *sample;
	const char *root;		/* NULL: the running host */
	bool has_effective;
	uint64_t effective;		/* capabilities of this process */
	uint64_t vcpus;
	uint32_t unnamed;		/* guests */
	uint32_t readable;		/* events */
	uint32_t absent;
	bool healthy;			/* everything that can be read is */
};

/* Is a value missing that could be expected? */
bool event_is_missing(const struct kvmstat_column *column);
bool guest_is_unnamed(const struct kvmstat_guest *guest);
bool has_capability(const struct diagnosis *diagnosis, const struct capability *capability);

/* Fill all members but root, which the caller sets. */
void diagnose(struct diagnosis *diagnosis, const struct kvmstat_sample *sample);

/* Call print for each piece of advice; both words are valid until it returns. */
void doctor_advise(const struct diagnosis *diagnosis, void (*print)(const char *name, const char *text));

void doctor_print_text(const struct diagnosis *diagnosis);
void doctor_print_json(const struct diagnosis *diagnosis);

#endif
