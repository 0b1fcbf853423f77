/* SPDX-License-Identifier: MIT */
#include "sources/tracepoint/count.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/pass.h"
#include "core/source.h"
#include "events/event_table.h"
#include "events/reason_table.h"

struct tracepoint_counts *tracepoint_counts_new(void)
{
	struct tracepoint_counts *counts = calloc(1, sizeof(*counts));

	if (!counts)
		return NULL;
	counts->offer_of = malloc(event_table_count * sizeof(*counts->offer_of));
	if (!counts->offer_of) {
		free(counts);
		return NULL;
	}
	memset(counts->offer_of, 0xff, event_table_count * sizeof(*counts->offer_of));
	return counts;
}

void tracepoint_counts_free(struct tracepoint_counts *counts)
{
	claims_exit(&counts->claims);
	free(counts->offer_of);
	free(counts);
}

/* ---- offers ---- */

int tracepoint_offer(struct tracepoint_counts *counts, struct context *context, struct source *source, uint16_t event,
		     uint32_t *number)
{
	if (counts->offer_of[event] == NO_CELL) {
		const struct kvmstat_event *known = registry_find(context->registry, event_table[event].name);

		if (source_offer(source, known, known->name, 1, false) < 0)
			return -ENOMEM;
		counts->offer_of[event] = (uint32_t)source->noffers - 1;
	}
	*number = counts->offer_of[event];
	return 0;
}

int tracepoint_offer_totals(struct tracepoint_counts *counts, struct context *context, struct source *source)
{
	uint32_t number;
	int rc = 0;

	for (int i = 0; i < counts->ntracepoints && rc == 0; i++)
		rc = tracepoint_offer(counts, context, source, format_table[counts->tracepoints[i].config.format].total, &number);
	return rc;
}

/* ---- cells ---- */

static void clear_cells(const struct source *source, uint64_t *values, uint8_t *from)
{
	for (size_t i = 0; i < source->noffers; i++) {
		if (source->offers[i].cell == NO_CELL)
			continue;
		values[source->offers[i].cell] = 0;
		from[source->offers[i].cell] = KVMSTAT_TRACEPOINT;
	}
}

void tracepoint_clear(struct tracepoint_counts *counts, const struct source *source, struct pass *pass)
{
	const struct guests *guests = &pass->context->guests;

	counts->unknown = counts->contested = (struct fault){ 0 };
	counts->seen = 0;
	for (uint32_t i = 0; i < guests->count; i++) {
		const struct guest *guest = guests->list[i];
		uint8_t claimant = counts->claims.guests[i];

		if (claimant == CLAIMANT_UNSEEN || !guest->wanted)
			continue;
		counts->seen++;
		if (claimant != CLAIMANT_KNOWN) {
			fault_add(claimant == CLAIMANT_CONTESTED ? &counts->contested : &counts->unknown, guest, 0);
			continue;
		}
		clear_cells(source, pass_values(pass, guest), pass_from(pass, guest));
		for (uint32_t k = 0; pass_reports_vcpus(pass) && k < guest->nvcpu; k++)
			if (guest->vcpu[k].pass == pass->number)
				clear_cells(source, pass_vcpu_values(pass, &guest->vcpu[k]),
					    pass_vcpu_from(pass, &guest->vcpu[k]));
	}
}

static void add_cell(const struct source *source, uint32_t offer, uint64_t count, uint64_t *values)
{
	uint32_t cell = source->offers[offer].cell;

	if (cell != NO_CELL)
		values[cell] += count;
}

void tracepoint_add(const struct tracepoint_counts *counts, const struct source *source, const struct pass *pass,
		    const struct tracepoint_hits *hits)
{
	const struct guest *guest = pass->context->guests.list[hits->guest];
	const struct claim *claim;

	if (!guest->wanted || counts->claims.guests[hits->guest] != CLAIMANT_KNOWN)
		return;
	add_cell(source, hits->offer, hits->count, pass_values(pass, guest));
	if (!pass_reports_vcpus(pass))
		return;
	claim = claims_find(&counts->claims, hits->tid);
	if (claim && claim->guest == hits->guest && claim->vcpu != NO_VCPU)
		add_cell(source, hits->offer, hits->count, pass_vcpu_values(pass, &guest->vcpu[claim->vcpu]));
}
