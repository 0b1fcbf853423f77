// SPDX-License-Identifier: MIT
/*
 * encode.c - a sample as the body of a block
 *
 * Every number and text is written as its change since the sample before, so that what stays the same is a zero byte.
 */
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "record/sample.h"

static void put_statuses(struct bytes *to, const struct kvmstat_sample *before, const struct kvmstat_sample *now)
{
	bytes_put_number(to, KVMSTAT_NSOURCES);
	for (int s = 0; s < KVMSTAT_NSOURCES; s++) {
		bytes_put_number(to, now->sources[s].state);
		bytes_put_text(to, before->sources[s].text, now->sources[s].text);
	}
	bytes_put_number(to, KVMSTAT_NPROBLEMS);
	for (int p = 0; p < KVMSTAT_NPROBLEMS; p++) {
		bytes_put_number(to, now->problems[p].active);
		bytes_put_change(to, before->problems[p].count, now->problems[p].count);
		bytes_put_text(to, before->problems[p].text, now->problems[p].text);
	}
}

/* Events in an order in which parents come first. */
struct dictionary {
	const struct kvmstat_event **events;
	size_t count;
	size_t room;
};

static size_t place_of(struct dictionary *dictionary, const struct kvmstat_event *event)
{
	size_t i = 0;

	while (i < dictionary->count && dictionary->events[i] != event)
		i++;
	return i;
}

static void add_event(struct dictionary *dictionary, const struct kvmstat_event *event)
{
	if (event->parent)
		add_event(dictionary, event->parent);
	if (place_of(dictionary, event) < dictionary->count)
		return;
	if (dictionary->count == dictionary->room) {
		dictionary->room = dictionary->room * 2 + 64;
		dictionary->events = reallocarray(dictionary->events, dictionary->room, sizeof(*dictionary->events));
		if (!dictionary->events)
			out_of_memory();
	}
	dictionary->events[dictionary->count++] = event;
}

static void put_event(struct bytes *to, struct dictionary *dictionary, const struct kvmstat_event *event)
{
	bytes_put_text(to, NULL, event->name);
	bytes_put_text(to, NULL, event->text);
	bytes_put_number(to, event->parent ? place_of(dictionary, event->parent) + 1 : 0);
	bytes_put_number(to, event->number);
	bytes_put_number(to, event->class);
	bytes_put_number(to, event->unit);
	bytes_put_number(to, event->scope);
	bytes_put_number(to, event->category);
	bytes_put_number(to, event->adds_to);
	bytes_put_number(to, event->known);
	bytes_put_number(to, event->dead);
}

static void put_columns(struct bytes *to, const struct kvmstat_sample *now)
{
	struct dictionary dictionary = { .events = NULL };

	for (uint32_t c = 0; c < now->ncolumns; c++)
		add_event(&dictionary, now->columns[c].event);
	bytes_put_number(to, dictionary.count);
	for (size_t i = 0; i < dictionary.count; i++)
		put_event(to, &dictionary, dictionary.events[i]);
	bytes_put_number(to, now->ncolumns);
	for (uint32_t c = 0; c < now->ncolumns; c++) {
		const struct kvmstat_column *column = &now->columns[c];

		bytes_put_number(to, place_of(&dictionary, column->event));
		bytes_put_number(to, column->cells);
		bytes_put_number(to, column->source);
		bytes_put_text(to, NULL, column->reason);
		bytes_put_text(to, column->event->name, column->kernel_name);
	}
	free(dictionary.events);
}

static void put_guest(struct bytes *to, const struct kvmstat_guest *before, const struct kvmstat_guest *now)
{
	bytes_put_text(to, before->name, now->name);
	bytes_put_text(to, before->uuid, now->uuid);
	bytes_put_text(to, before->key, now->key);
	bytes_put_text(to, before->incarnation, now->incarnation);
	bytes_put_text(to, before->vmm, now->vmm);
	bytes_put_change(to, (uint64_t)before->pid, (uint64_t)now->pid);
	bytes_put_change(to, (uint64_t)before->fd, (uint64_t)now->fd);
	bytes_put_change(to, before->start_ns, now->start_ns);
	bytes_put_change(to, before->created_ns, now->created_ns);
	bytes_put_change(to, before->began_ns, now->began_ns);
	bytes_put_change(to, before->began_realtime_ns, now->began_realtime_ns);
	bytes_put_change(to, before->memory, now->memory);
}

/* Where the cells come from: 0 if that stays the same, else 1 and runs of the same source. */
static void put_from(struct bytes *to, const uint8_t *before, const uint8_t *now, uint32_t ncells)
{
	bool same = before && (!ncells || !memcmp(before, now, ncells));

	bytes_put_number(to, !same);
	for (uint32_t i = 0, end; !same && i < ncells; i = end) {
		for (end = i; end < ncells && now[end] == now[i]; end++)
			;
		bytes_put_number(to, end - i);
		bytes_put_number(to, now[i]);
	}
}

struct cells {
	const uint64_t *value;
	const uint8_t *from;	/* NULL: there are none */
};

static void put_cells(struct bytes *to, struct cells before, struct cells now, uint32_t ncells)
{
	put_from(to, before.from, now.from, ncells);
	for (uint32_t i = 0; i < ncells; i++) {
		bool had = before.from && before.from[i] != KVMSTAT_ABSENT;

		if (now.from[i] != KVMSTAT_ABSENT)
			bytes_put_change(to, had ? before.value[i] : 0, now.value[i]);
	}
}

static void put_vcpus(struct bytes *to, const struct kvmstat_row *before, const struct kvmstat_row *now, uint32_t ncells)
{
	uint32_t at = 0, last = 0;

	bytes_put_number(to, now->nvcpus);
	for (uint32_t v = 0; v < now->nvcpus; v++) {
		const struct kvmstat_vcpu *vcpu = &now->vcpus[v], *old = sample_find_vcpu(before, &at, vcpu->id);

		bytes_put_number(to, vcpu->id - last);
		last = vcpu->id;
		bytes_put_number(to, vcpu->state);
		bytes_put_change(to, (uint64_t)old->tid, (uint64_t)vcpu->tid);
		bytes_put_number(to, vcpu->has_cpu);
		bytes_put_change(to, old->cpu_ns, vcpu->cpu_ns);
		bytes_put_change(to, old->wait_ns, vcpu->wait_ns);
		put_cells(to, (struct cells){ old->value, old->from }, (struct cells){ vcpu->value, vcpu->from }, ncells);
	}
}

static void put_rows(struct bytes *to, const struct kvmstat_sample *before, const struct kvmstat_sample *now)
{
	uint64_t last = 0;
	uint32_t at = 0;

	for (uint32_t r = 0; r < now->nrows; r++) {
		const struct kvmstat_row *row = &now->rows[r], *old = sample_find_row(before, &at, row->guest->id);

		bytes_put_number(to, row->guest->id - last);
		last = row->guest->id;
		put_guest(to, old->guest, row->guest);
		bytes_put_number(to, row->vcpu_count);
		bytes_put_number(to, row->has_cpu);
		bytes_put_change(to, old->cpu_ns, row->cpu_ns);
		bytes_put_change(to, old->wait_ns, row->wait_ns);
		put_cells(to, (struct cells){ old->value, old->from }, (struct cells){ row->value, row->from }, now->ncells);
		put_vcpus(to, old, row, now->ncells);
	}
}

void sample_encode(struct bytes *to, const struct kvmstat_sample *before, const struct kvmstat_sample *now, uint64_t session)
{
	const struct kvmstat_sample *old = before ? before : &sample_empty;

	bytes_put_number(to, session);
	bytes_put_change(to, old->number, now->number);
	bytes_put_change(to, old->time_ns, now->time_ns);
	bytes_put_change(to, old->realtime_ns, now->realtime_ns);
	bytes_put_number(to, now->duration_ns);
	bytes_put_change(to, old->guest_generation, now->guest_generation);
	bytes_put_number(to, now->event_generation);
	bytes_put_number(to, now->nguests);
	bytes_put_number(to, now->cpus);
	bytes_put_number(to, now->lockdown);
	put_statuses(to, old, now);
	if (!before)
		put_columns(to, now);
	bytes_put_number(to, now->nrows);
	bytes_put_number(to, now->nvcpus);
	put_rows(to, old, now);
}
