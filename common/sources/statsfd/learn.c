/* SPDX-License-Identifier: MIT */
/* learn.c - read the layout of the statistics of a VM or vCPU, once per guest */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sources/statsfd/statsfd.h"
#include "util/array.h"

/* Keep the kernel's name as long as the source is open. */
static const char *keep_name(struct statsfd_state *state, const struct kvmstat_event *event, const char *name)
{
	if (strcmp(name, event->name) == 0)
		return event->name;
	if (array_resize(&state->names, state->nnames + 1) < 0)
		return NULL;
	state->names[state->nnames] = strdup(name);
	return state->names[state->nnames] ? state->names[state->nnames++] : NULL;
}

static int add_offer(struct source *source, const struct kvmstat_event *event, const struct stats_desc *desc)
{
	const char *name = keep_name(source->state, event, desc->name);

	return name ? source_offer(source, event, name, desc->cells, false) : -ENOMEM;
}

/* Add one event of the block, if it can be collected. 0 or -ENOMEM. */
static int learn_desc(struct reading *reading, enum kvmstat_scope scope, const char *arch,
		      const struct stats_desc *desc)
{
	struct stats_block *block = &reading->fds->blocks[scope];
	struct event_hint hint = { .class = desc->class, .unit = desc->unit, .scope = scope };
	const struct kvmstat_event *event;
	int offer, rc;

	if (desc->cells > 1 && !reading->context->config->histograms)
		return 0;
	event = registry_intern(reading->context->registry, arch, desc->name, &hint);
	if (!event)
		return errno == ENOMEM ? -ENOMEM : 0;
	offer = source_find_offer(reading->source, event);
	if (offer < 0) {
		rc = add_offer(reading->source, event, desc);
		if (rc < 0)
			return rc;
		offer = (int)reading->source->noffers - 1;
	}
	if (reading->source->offers[offer].cells == desc->cells)
		block->terms[block->nterms++] = (struct stats_term){
			.number = desc->offset / (uint32_t)sizeof(uint64_t),
			.cells = desc->cells,
			.offer = (uint32_t)offer,
			.cell = reading->source->offers[offer].cell,
			.is_peak = event->class == KVMSTAT_PEAK,
		};
	return 0;
}

static int learn_descs(struct reading *reading, enum kvmstat_scope scope, const struct stats_desc *descs, int count)
{
	struct stats_block *block = &reading->fds->blocks[scope];
	const char **names = calloc((size_t)count + 1, sizeof(char *));
	const char *arch;
	int rc = 0;

	block->terms = calloc((size_t)count + 1, sizeof(*block->terms));
	if (!names || !block->terms)
		rc = -ENOMEM;
	for (int i = 0; rc == 0 && i < count; i++)
		names[i] = descs[i].name;
	arch = rc == 0 ? registry_arch(names, (size_t)count, "") : "";
	for (int i = 0; rc == 0 && i < count; i++)
		rc = learn_desc(reading, scope, arch, &descs[i]);
	free(names);
	return rc;
}

int statsfd_learn(struct reading *reading, enum kvmstat_scope scope, int fd, const struct stats_header *header)
{
	struct stats_block *block = &reading->fds->blocks[scope];
	size_t len = stats_descs_size(header);
	struct stats_desc *descs = calloc(header->num_desc + 1u, sizeof(*descs));
	char *text = malloc(len + 1);
	int rc = descs && text ? statsfd_read_all(fd, text, len, header->desc_offset) : -ENOMEM;

	if (rc == 0)
		rc = stats_parse_descs(header, text, len, descs, &block->size);
	if (rc >= 0)
		rc = learn_descs(reading, scope, descs, rc);
	if (rc == 0) {
		block->header = *header;
		block->known = true;
	} else {
		free(block->terms);
		*block = (struct stats_block){ 0 };
	}
	free(text);
	free(descs);
	return rc;
}
