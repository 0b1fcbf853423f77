// SPDX-License-Identifier: MIT
/*
 * decode.c - the body of a block as a sample; the inverse of encode.c
 *
 * The bytes may come from anywhere: every count is bounded by the bytes that are left before memory is taken for it.
 */
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "record/sample.h"

enum { CELLS_MAX = 1 << 26 };	/* of all rows and vCPUs; 600 MB */

/* A body on its way to be a sample. */
struct reader {
	struct input input;
	struct played *played;
	const struct played *before;		/* or NULL */
	const struct kvmstat_sample *old;	/* of before, or an empty one */
	char *room;				/* for the next text */
	uint64_t *value;			/* of the next row or vCPU */
	uint8_t *from;
	uint32_t vcpus;				/* read so far */
};

/* A count of things that take a byte each, at least. */
static uint32_t read_count(struct input *input)
{
	return input_small(input, (uint32_t)(input->end - input->at));
}

static void read_text(struct input *input, const char *before, char *text, size_t size, char *room)
{
	const char *read = input_text(input, before, &room);

	if (strlen(read) >= size)
		input->bad = true;
	else
		strcpy(text, read);
}

/* A later version may know more of them. */
static void read_statuses(struct reader *reader)
{
	struct kvmstat_sample *sample = &reader->played->sample;
	struct kvmstat_source_status source;
	struct kvmstat_problem_status problem;
	uint32_t count = read_count(&reader->input);

	for (uint32_t s = 0; s < count; s++) {
		bool known = s < KVMSTAT_NSOURCES;

		source.state = (enum kvmstat_source_state)input_small(&reader->input, KVMSTAT_NSTATES - 1);
		read_text(&reader->input, known ? reader->old->sources[s].text : NULL, source.text, sizeof(source.text), reader->room);
		if (known && !reader->input.bad)
			sample->sources[s] = source;
	}
	count = read_count(&reader->input);
	for (uint32_t p = 0; p < count; p++) {
		bool known = p < KVMSTAT_NPROBLEMS;

		problem.active = input_small(&reader->input, 1);
		problem.count = input_change(&reader->input, known ? reader->old->problems[p].count : 0);
		read_text(&reader->input, known ? reader->old->problems[p].text : NULL, problem.text, sizeof(problem.text), reader->room);
		if (known && !reader->input.bad)
			sample->problems[p] = problem;
	}
}

static void read_event(struct reader *reader, uint32_t place)
{
	struct input *input = &reader->input;
	struct kvmstat_event *event = &reader->played->events[place];
	uint32_t parent;

	event->name = input_text(input, NULL, &reader->room);
	event->text = input_text(input, NULL, &reader->room);
	parent = input_small(input, place);
	event->parent = parent ? event - place + parent - 1 : NULL;
	event->number = input_small(input, INT32_MAX);
	event->class = (enum kvmstat_class)input_small(input, KVMSTAT_NCLASSES - 1);
	event->unit = (enum kvmstat_unit)input_small(input, KVMSTAT_NUNITS - 1);
	event->scope = (enum kvmstat_scope)input_small(input, KVMSTAT_NSCOPES - 1);
	event->category = (enum kvmstat_category)input_small(input, KVMSTAT_NCATEGORIES - 1);
	event->adds_to = input_small(input, UINT32_MAX);
	event->known = input_small(input, 1);
	event->dead = input_small(input, 1);
}

/* Columns are in ascending order of their events' numbers. */
static void read_column(struct reader *reader, uint32_t place)
{
	struct input *input = &reader->input;
	struct kvmstat_sample *sample = &reader->played->sample;
	struct kvmstat_column *column = &reader->played->columns[place];

	column->event = &reader->played->events[input_small(input, reader->played->nevents - 1)];
	column->first_cell = sample->ncells;
	column->cells = input_small(input, 1024);
	column->source = (uint8_t)input_small(input, KVMSTAT_NSOURCES - 1);
	column->reason = input_text(input, NULL, &reader->room);
	column->kernel_name = input_text(input, column->event->name, &reader->room);
	sample->ncells += column->cells;
	if (!column->cells || (place && column[-1].event->number >= column->event->number))
		input->bad = true;
}

static void read_columns(struct reader *reader)
{
	struct played *played = reader->played;
	uint32_t columns;

	played->nevents = read_count(&reader->input);
	played->events = get_memory(played->nevents, sizeof(*played->events));
	for (uint32_t i = 0; i < played->nevents && !reader->input.bad; i++)
		read_event(reader, i);
	columns = input_small(&reader->input, played->nevents);
	played->columns = get_memory(columns, sizeof(*played->columns));
	for (uint32_t i = 0; i < columns && !reader->input.bad; i++)
		read_column(reader, i);
	played->sample.ncolumns = columns;
}

static const char *copy_text(struct reader *reader, const char *text)
{
	char *copy = reader->room;

	reader->room = stpcpy(copy, text) + 1;
	return copy;
}

/* The columns of the sample before, whose texts this one does not share. */
static void copy_columns(struct reader *reader)
{
	struct played *to = reader->played;
	const struct played *from = reader->before;

	to->nevents = from->nevents;
	to->events = get_memory(from->nevents, sizeof(*to->events));
	for (uint32_t i = 0; i < from->nevents; i++) {
		const struct kvmstat_event *event = &from->events[i];

		to->events[i] = *event;
		to->events[i].name = copy_text(reader, event->name);
		to->events[i].text = copy_text(reader, event->text);
		to->events[i].parent = event->parent ? to->events + (event->parent - from->events) : NULL;
	}
	to->columns = get_memory(from->sample.ncolumns, sizeof(*to->columns));
	for (uint32_t i = 0; i < from->sample.ncolumns; i++) {
		const struct kvmstat_column *column = &from->columns[i];

		to->columns[i] = *column;
		to->columns[i].event = to->events + (column->event - from->events);
		to->columns[i].reason = copy_text(reader, column->reason);
		to->columns[i].kernel_name = copy_text(reader, column->kernel_name);
	}
	to->sample.ncolumns = from->sample.ncolumns;
	to->sample.ncells = from->sample.ncells;
}

static void read_guest(struct reader *reader, struct kvmstat_guest *guest, const struct kvmstat_guest *old)
{
	struct input *input = &reader->input;

	guest->name = input_text(input, old->name, &reader->room);
	guest->uuid = input_text(input, old->uuid, &reader->room);
	guest->key = input_text(input, old->key, &reader->room);
	guest->incarnation = input_text(input, old->incarnation, &reader->room);
	guest->vmm = input_text(input, old->vmm, &reader->room);
	guest->pid = (pid_t)input_change(input, (uint64_t)old->pid);
	guest->fd = (int)input_change(input, (uint64_t)old->fd);
	guest->start_ns = input_change(input, old->start_ns);
	guest->created_ns = input_change(input, old->created_ns);
	guest->began_ns = input_change(input, old->began_ns);
	guest->began_realtime_ns = input_change(input, old->began_realtime_ns);
	guest->memory = input_change(input, old->memory);
}

static void read_from(struct reader *reader, const uint8_t *old)
{
	uint32_t ncells = reader->played->sample.ncells;

	if (!input_small(&reader->input, 1)) {
		if (!old)
			reader->input.bad = true;
		else if (ncells)
			memcpy(reader->from, old, ncells);
		return;
	}
	for (uint32_t i = 0; i < ncells && !reader->input.bad;) {
		uint32_t run = input_small(&reader->input, ncells - i);
		uint8_t source = (uint8_t)input_small(&reader->input, KVMSTAT_NSOURCES - 1);

		memset(reader->from + i, source, run);
		i += run;
		reader->input.bad |= !run;
	}
}

/* The cells of the next row or vCPU; old_from: NULL if it had none. */
static void read_cells(struct reader *reader, const uint64_t *old_value, const uint8_t *old_from)
{
	uint32_t ncells = reader->played->sample.ncells;

	read_from(reader, old_from);
	for (uint32_t i = 0; i < ncells && !reader->input.bad; i++) {
		bool had = old_from && old_from[i] != KVMSTAT_ABSENT;

		if (reader->from[i] != KVMSTAT_ABSENT)
			reader->value[i] = input_change(&reader->input, had ? old_value[i] : 0);
	}
	reader->value += ncells;
	reader->from += ncells;
}

static void read_vcpu(struct reader *reader, const struct kvmstat_row *old_row, uint32_t *at, uint32_t last)
{
	struct input *input = &reader->input;
	struct kvmstat_vcpu *vcpu = &reader->played->vcpus[reader->vcpus++];
	const struct kvmstat_vcpu *old;

	vcpu->id = input_small(input, UINT32_MAX - last) + last;
	old = sample_find_vcpu(old_row, at, vcpu->id);
	vcpu->state = (enum kvmstat_vcpu_state)input_small(input, KVMSTAT_NVCPU_STATES - 1);
	vcpu->tid = (pid_t)input_change(input, (uint64_t)old->tid);
	vcpu->has_cpu = input_small(input, 1);
	vcpu->cpu_ns = input_change(input, old->cpu_ns);
	vcpu->wait_ns = input_change(input, old->wait_ns);
	vcpu->value = reader->value;
	vcpu->from = reader->from;
	read_cells(reader, old->value, old->from);
}

static void read_vcpus(struct reader *reader, struct kvmstat_row *row, const struct kvmstat_row *old)
{
	uint32_t at = 0, last = 0;

	row->nvcpus = input_small(&reader->input, reader->played->sample.nvcpus - reader->vcpus);
	row->vcpus = reader->played->vcpus + reader->vcpus;
	for (uint32_t v = 0; v < row->nvcpus && !reader->input.bad; v++) {
		read_vcpu(reader, old, &at, last);
		reader->input.bad |= v && row->vcpus[v].id == last;
		last = row->vcpus[v].id;
	}
}

/* Rows are in ascending order of their guests' ids; only the row of others has id 0. */
static void read_row(struct reader *reader, uint32_t place, uint32_t *at)
{
	struct input *input = &reader->input;
	struct kvmstat_row *row = &reader->played->rows[place];
	struct kvmstat_guest *guest = &reader->played->guests[place];
	uint64_t last = place ? guest[-1].id : 0;
	const struct kvmstat_row *old;

	guest->id = last + input_number(input);
	input->bad |= place && guest->id <= last;
	old = sample_find_row(reader->old, at, guest->id);
	read_guest(reader, guest, old->guest);
	row->guest = guest;
	row->vcpu_count = input_small(input, UINT32_MAX);
	row->has_cpu = input_small(input, 1);
	row->cpu_ns = input_change(input, old->cpu_ns);
	row->wait_ns = input_change(input, old->wait_ns);
	row->value = reader->value;
	row->from = reader->from;
	read_cells(reader, old->value, old->from);
	read_vcpus(reader, row, old);
}

static void read_rows(struct reader *reader)
{
	struct played *played = reader->played;
	struct kvmstat_sample *sample = &played->sample;
	uint32_t rows = read_count(&reader->input), vcpus = read_count(&reader->input), at = 0;
	size_t cells = ((size_t)rows + vcpus) * sample->ncells;

	reader->input.bad |= cells > CELLS_MAX;
	if (reader->input.bad)
		return;
	sample->nrows = rows;
	sample->nvcpus = vcpus;
	sample->rows = played->rows = get_memory(rows, sizeof(*played->rows));
	sample->vcpus = played->vcpus = get_memory(vcpus, sizeof(*played->vcpus));
	played->guests = get_memory(rows, sizeof(*played->guests));
	reader->value = played->values = get_memory(cells, sizeof(*played->values));
	reader->from = played->from = get_memory(cells, sizeof(*played->from));
	for (uint32_t r = 0; r < rows && !reader->input.bad; r++)
		read_row(reader, r, &at);
	reader->input.bad |= reader->vcpus != vcpus;
}

static void read_head(struct reader *reader)
{
	struct input *input = &reader->input;
	struct kvmstat_sample *sample = &reader->played->sample;
	const struct kvmstat_sample *old = reader->old;

	reader->played->session = input_number(input);
	sample->number = input_change(input, old->number);
	sample->time_ns = input_change(input, old->time_ns);
	sample->realtime_ns = input_change(input, old->realtime_ns);
	sample->duration_ns = input_number(input);
	sample->guest_generation = input_change(input, old->guest_generation);
	sample->event_generation = input_number(input);
	sample->nguests = input_small(input, UINT32_MAX);
	sample->cpus = input_small(input, UINT32_MAX);
	sample->lockdown = (enum kvmstat_lockdown)input_small(input, KVMSTAT_LOCKDOWN_CONFIDENTIALITY);
	input->bad |= reader->before && reader->before->session != reader->played->session;
}

static void read_sample(struct reader *reader)
{
	read_head(reader);
	read_statuses(reader);
	if (reader->before)
		copy_columns(reader);
	else
		read_columns(reader);
	reader->played->sample.columns = reader->played->columns;
	read_rows(reader);
	reader->input.bad |= reader->input.at != reader->input.end;
}

struct played *sample_decode(const struct bytes *body, const struct played *before)
{
	struct played *played = get_memory(1, sizeof(*played));
	struct reader reader = {
		.input = { body->data, body->data + body->size, false },
		.played = played,
		.before = before,
		.old = before ? &before->sample : &sample_empty,
	};

	played->refs = 1;
	/* A text of the body is preceded by its length, which leaves room for its NUL. Each text of before is copied once. */
	played->texts_size = 2 * body->size + sizeof(struct kvmstat_problem_status) + (before ? before->texts_size : 0);
	reader.room = played->texts = get_memory(played->texts_size, 1);
	read_sample(&reader);
	played->texts_size = (size_t)(reader.room - played->texts);
	if (!reader.input.bad)
		return played;
	played_put(played);
	return NULL;
}
