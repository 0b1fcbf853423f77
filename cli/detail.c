// SPDX-License-Identifier: MIT
/* detail.c - shared by the commands for one guest */
#include "detail.h"
#include "select.h"

const struct kvmstat_row *detail_guest(const struct watch *watch, const struct options *options)
{
	struct selection selection;

	if (select_guest(&selection, watch, options->guest))
		return NULL;
	return &watch->now->rows[selection.first];
}

void detail_print_sources(const struct watch *watch)
{
	static const enum kvmstat_source able[] = { KVMSTAT_BPF, KVMSTAT_STATSFD };

	for (size_t i = 0; i < sizeof(able) / sizeof(*able); i++) {
		const struct kvmstat_source_status *source = &watch->now->sources[able[i]];

		complain("  %s: %s%s%s", kvmstat_source_name(able[i]), kvmstat_state_name(source->state),
			 *source->text ? " - " : "", source->text);
	}
}
