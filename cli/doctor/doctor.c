// SPDX-License-Identifier: MIT
/*
 * doctor.c - kvmstat doctor: what can be read here, what not, why, and what to do
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctor/doctor.h"

const struct capability capabilities[] = {
	{ "CAP_BPF", 39, "the source bpf cannot load its program" },
	{ "CAP_PERFMON", 38, "the source bpf cannot read the kernel's statistics" },
	{ "CAP_SYS_PTRACE", 19,
	  "cannot see the open files of other users' guests: their number of vCPUs is unknown, and "
	  "they are not found where no other source finds them; the source statsfd cannot borrow "
	  "their descriptors" },
	{ "CAP_DAC_READ_SEARCH", 2,
	  "cannot read files of other users: the open files of guests, and debugfs unless the "
	  "process runs as root" },
};
const size_t ncapabilities = sizeof(capabilities) / sizeof(*capabilities);

bool event_is_missing(const struct kvmstat_column *column)
{
	return column->source == KVMSTAT_ABSENT && !column->event->dead;
}

bool guest_is_unnamed(const struct kvmstat_guest *guest)
{
	return !*guest->key || !strncmp(guest->key, "dir:", 4);
}

bool has_capability(const struct diagnosis *diagnosis, const struct capability *capability)
{
	return diagnosis->effective >> capability->bit & 1;
}

/* The capabilities of this process, which always runs on the real host, whatever the root. */
static bool read_effective(uint64_t *effective)
{
	FILE *file = fopen("/proc/self/status", "re");
	char line[256];
	bool found = false;

	while (file && !found && fgets(line, sizeof(line), file))
		found = sscanf(line, "CapEff: %" SCNx64, effective) == 1;
	if (file)
		fclose(file);
	return found;
}

void diagnose(struct diagnosis *diagnosis, const struct kvmstat_sample *sample)
{
	bool problem = false;

	diagnosis->has_effective = !diagnosis->root && read_effective(&diagnosis->effective);
	diagnosis->sample = sample;
	for (uint32_t i = 0; i < sample->nrows; i++) {
		diagnosis->vcpus += sample->rows[i].vcpu_count;
		diagnosis->unnamed += guest_is_unnamed(sample->rows[i].guest);
	}
	for (uint32_t i = 0; i < sample->ncolumns; i++) {
		diagnosis->readable += sample->columns[i].source != KVMSTAT_ABSENT;
		diagnosis->absent += event_is_missing(&sample->columns[i]);
	}
	for (int p = 0; p < KVMSTAT_NPROBLEMS; p++)
		problem |= sample->problems[p].active;
	diagnosis->healthy = !problem && !diagnosis->absent;
}

int doctor_command(const struct options *options)
{
	struct diagnosis diagnosis = { .root = options->root };
	struct watch watch;
	int status;

	status = watch_start(&watch, options);
	/* The first pass also opens the sources: only the second one has a typical duration. */
	if (!status)
		status = watch_again(&watch);
	if (!status) {
		diagnose(&diagnosis, watch.now);
		if (options->format == FORMAT_JSON)
			doctor_print_json(&diagnosis);
		else
			doctor_print_text(&diagnosis);
		status = diagnosis.healthy ? EXIT_SUCCESS : EXIT_FAILURE;
	}
	watch_stop(&watch);
	return status;
}
