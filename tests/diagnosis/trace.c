// SPDX-License-Identifier: MIT
#include "trace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "events/registry.h"

enum { MAX_EVENTS = 512, MAX_GUESTS = 4096, MAX_VCPUS = 4096, MAX_FIELDS = 8 };

/* CLOCK_BOOTTIME of the first sample. */
#define BOOT_NS UINT64_C(1000000000000)
#define S UINT64_C(1000000000)

/* What a guest counts, or one of its vCPUs. */
struct counters {
	uint64_t cpu_ns;
	uint64_t wait_ns;
	uint64_t *value;	/* [MAX_EVENTS] by cell */
};

struct counted {
	struct kvmstat_guest guest;
	uint32_t vcpus;
	bool there;
	struct counters sum;
	struct counters *vcpu;	/* [nvcpus] */
	uint32_t nvcpus;	/* 0 as long as nothing was told of single ones */
};

/* A sample of its own memory. */
struct kept {
	struct kvmstat_sample sample;
	struct kvmstat_row *rows;
	struct kvmstat_guest *guests;
	struct kvmstat_vcpu *vcpus;
	uint64_t *value;	/* of rows, then of vCPUs */
	size_t rows_room;
	size_t vcpus_room;
};

struct trace {
	FILE *file;
	char *line;
	size_t line_room;
	unsigned long number;
	char host[128];
	char arch[32];
	uint32_t cpus;
	struct registry *registry;
	int cell[MAX_EVENTS];	/* of an INDEX; -1 cpu_ns, -2 wait_ns, -3 none */
	struct kvmstat_column columns[MAX_EVENTS];
	uint32_t ncolumns;
	uint8_t from[MAX_EVENTS];
	uint8_t vcpu_from[MAX_EVENTS]; /* what was ever told of a vCPU */
	bool vcpu_has_cpu;
	struct counted *guests;	/* [MAX_GUESTS] */
	uint32_t *order;	/* those that are there, by id */
	uint32_t norder;
	uint64_t last_id;
	uint64_t generation;
	struct kept kept[2];
	double first;		/* TIME of the first sample */
	double time;		/* of the sample under way; 0 before the first */
	bool restart;
	bool ended;
};

enum { CELL_CPU = -1, CELL_WAIT = -2, CELL_NONE = -3 };

struct trace *trace_open(FILE *file)
{
	struct trace *trace = calloc(1, sizeof(*trace));

	if (!trace)
		return NULL;
	trace->file = file;
	trace->registry = registry_new();
	trace->guests = calloc(MAX_GUESTS, sizeof(*trace->guests));
	trace->order = calloc(MAX_GUESTS, sizeof(*trace->order));
	memset(trace->from, KVMSTAT_BPF, sizeof(trace->from));
	for (int i = 0; i < MAX_EVENTS; i++)
		trace->cell[i] = CELL_NONE;
	trace->number = 1;
	if (!trace->registry || !trace->guests || !trace->order ||
	    getline(&trace->line, &trace->line_room, file) < 0 || strcmp(trace->line, "kvmstat-trace 1\n") != 0) {
		trace_close(trace);
		return NULL;
	}
	return trace;
}

static void forget_guest(struct counted *guest)
{
	free((char *)guest->guest.name);
	free((char *)guest->guest.key);
	free((char *)guest->guest.incarnation);
	free(guest->sum.value);
	for (uint32_t i = 0; i < guest->nvcpus; i++)
		free(guest->vcpu[i].value);
	free(guest->vcpu);
	memset(guest, 0, sizeof(*guest));
}

void trace_close(struct trace *trace)
{
	for (uint32_t i = 0; trace->guests && i < MAX_GUESTS; i++)
		forget_guest(&trace->guests[i]);
	for (int i = 0; i < 2; i++) {
		free(trace->kept[i].rows);
		free(trace->kept[i].guests);
		free(trace->kept[i].vcpus);
		free(trace->kept[i].value);
	}
	registry_free(trace->registry);
	free(trace->guests);
	free(trace->order);
	free(trace->line);
	free(trace);
}

const char *trace_host(const struct trace *trace)
{
	return trace->host;
}

unsigned long trace_line(const struct trace *trace)
{
	return trace->number;
}

/* ---- records ------------------------------------------------------------ */

static bool read_host(struct trace *trace, char **field, int n)
{
	if (n < 4)
		return false;
	snprintf(trace->host, sizeof(trace->host), "%s", field[1]);
	snprintf(trace->arch, sizeof(trace->arch), "%s", !strcmp(field[2], "s390x") ? "s390" : field[2]);
	trace->cpus = (uint32_t)strtoul(field[3], NULL, 10);
	return true;
}

/* Columns are in order of number; cells as they come. */
static bool read_event(struct trace *trace, char **field, int n)
{
	struct event_hint hint = { .class = KVMSTAT_CUMULATIVE, .unit = KVMSTAT_COUNT, .scope = KVMSTAT_VCPU };
	unsigned long index = n > 2 ? strtoul(field[1], NULL, 10) : MAX_EVENTS;
	const struct kvmstat_event *event;
	uint32_t at = trace->ncolumns;

	if (index >= MAX_EVENTS || at == MAX_EVENTS)
		return false;
	if (!strcmp(field[2], "cpu_ns") || !strcmp(field[2], "wait_ns")) {
		trace->cell[index] = field[2][0] == 'c' ? CELL_CPU : CELL_WAIT;
		return true;
	}
	event = registry_intern(trace->registry, trace->arch, field[2], &hint);
	if (!event)
		return false;
	trace->cell[index] = (int)trace->ncolumns;
	for (; at > 0 && trace->columns[at - 1].event->number > event->number; at--)
		trace->columns[at] = trace->columns[at - 1];
	trace->columns[at] =
		(struct kvmstat_column){ .event = event, .first_cell = trace->ncolumns++, .cells = 1, .reason = "" };
	return true;
}

static struct counted *guest_of(struct trace *trace, const char *word)
{
	unsigned long i = strtoul(word, NULL, 10);

	return i < MAX_GUESTS ? &trace->guests[i] : NULL;
}

static void leave(struct trace *trace, const struct counted *guest)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < trace->norder; i++)
		if (&trace->guests[trace->order[i]] != guest)
			trace->order[kept++] = trace->order[i];
	trace->norder = kept;
}

static bool read_guest(struct trace *trace, char **field, int n)
{
	struct counted *guest = n > 5 ? guest_of(trace, field[1]) : NULL;
	double since = trace->time - trace->first;

	if (!guest)
		return false;
	leave(trace, guest);
	forget_guest(guest);
	guest->sum.value = calloc(MAX_EVENTS, sizeof(*guest->sum.value));
	guest->guest = (struct kvmstat_guest){ .id = ++trace->last_id, .name = strdup(field[2]), .uuid = "",
					       .key = strdup(field[3]), .incarnation = strdup(field[5]), .vmm = "qemu" };
	if (since > 0) {
		guest->guest.began_ns = guest->guest.created_ns = BOOT_NS + (uint64_t)(since * 1e9);
		guest->guest.began_realtime_ns = (uint64_t)(trace->time * 1e9);
	}
	guest->vcpus = (uint32_t)strtoul(field[4], NULL, 10);
	guest->there = true;
	trace->order[trace->norder++] = (uint32_t)(guest - trace->guests);
	trace->generation++;
	return guest->sum.value && guest->guest.name && guest->guest.key && guest->guest.incarnation;
}

static bool read_gone(struct trace *trace, char **field, int n)
{
	struct counted *guest = n > 1 ? guest_of(trace, field[1]) : NULL;

	if (!guest)
		return false;
	leave(trace, guest);
	guest->there = false;
	trace->generation++;
	return true;
}

/* vCPUs 0 to id of a guest. */
static bool make_vcpus(struct trace *trace, struct counted *guest, uint32_t id)
{
	uint32_t n = id < guest->vcpus ? guest->vcpus : id + 1;
	struct counters *vcpu;

	if (id < guest->nvcpus)
		return true;
	vcpu = reallocarray(guest->vcpu, n, sizeof(*vcpu));
	if (!vcpu)
		return false;
	guest->vcpu = vcpu;
	while (guest->nvcpus < n) {
		vcpu[guest->nvcpus] = (struct counters){ .value = calloc(MAX_EVENTS, sizeof(*vcpu->value)) };
		if (!vcpu[guest->nvcpus++].value)
			return false;
	}
	trace->generation++;
	return true;
}

/* The number after a tab; strtoul() would take most of the time of a trace. */
static uint64_t next_number(const char **at)
{
	const char *digit = *at;
	uint64_t number = 0;

	if (*digit == '\t')
		digit++;
	for (; *digit >= '0' && *digit <= '9'; digit++)
		number = 10 * number + (uint64_t)(*digit - '0');
	*at = digit;
	return number;
}

/* "C\tGUEST\tINDEX\tCOUNTER\n", "V\tGUEST\tVCPU\tINDEX\tCOUNTER\n": most of a trace, so no fields are made of them. */
static bool read_counter(struct trace *trace, bool single)
{
	const char *end = trace->line + 1;
	uint64_t guest = next_number(&end), vcpu = single ? next_number(&end) : 0, index = next_number(&end);
	uint64_t value = next_number(&end);
	struct counters *counters;

	if (*end != '\n' || guest >= MAX_GUESTS || vcpu >= MAX_VCPUS || index >= MAX_EVENTS ||
	    trace->cell[index] == CELL_NONE || !trace->guests[guest].sum.value)
		return false;
	if (single && !make_vcpus(trace, &trace->guests[guest], (uint32_t)vcpu))
		return false;
	counters = single ? &trace->guests[guest].vcpu[vcpu] : &trace->guests[guest].sum;
	if (trace->cell[index] == CELL_CPU)
		counters->cpu_ns = value;
	else if (trace->cell[index] == CELL_WAIT)
		counters->wait_ns = value;
	else
		counters->value[trace->cell[index]] = value;
	if (single && trace->cell[index] < 0)
		trace->vcpu_has_cpu = true;
	else if (single)
		trace->vcpu_from[trace->cell[index]] = KVMSTAT_BPF;
	return true;
}

/* ---- samples ------------------------------------------------------------ */

static uint32_t count_vcpus(const struct trace *trace)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < trace->norder; i++)
		n += trace->guests[trace->order[i]].nvcpus;
	return n;
}

static bool make_room(struct trace *trace, struct kept *kept)
{
	size_t rows = trace->norder + 1, vcpus = count_vcpus(trace);

	if (rows <= kept->rows_room && vcpus <= kept->vcpus_room)
		return true;
	kept->rows = reallocarray(kept->rows, rows, sizeof(*kept->rows));
	kept->guests = reallocarray(kept->guests, rows, sizeof(*kept->guests));
	kept->vcpus = reallocarray(kept->vcpus, vcpus + 1, sizeof(*kept->vcpus));
	kept->value = reallocarray(kept->value, (rows + vcpus) * MAX_EVENTS, sizeof(*kept->value));
	kept->rows_room = rows;
	kept->vcpus_room = vcpus;
	return kept->rows && kept->guests && kept->vcpus && kept->value;
}

/* The vCPUs of a guest, from the n-th of the sample on. */
static void publish_vcpus(const struct trace *trace, const struct counted *guest, struct kept *kept, uint32_t n)
{
	for (uint32_t i = 0; i < guest->nvcpus; i++) {
		uint64_t *value = kept->value + (kept->rows_room + n + i) * MAX_EVENTS;

		memcpy(value, guest->vcpu[i].value, trace->ncolumns * sizeof(*value));
		kept->vcpus[n + i] = (struct kvmstat_vcpu){
			.id = i, .value = value, .from = trace->vcpu_from, .has_cpu = trace->vcpu_has_cpu,
			.cpu_ns = guest->vcpu[i].cpu_ns, .wait_ns = guest->vcpu[i].wait_ns,
		};
	}
}

static bool publish(struct trace *trace, const struct kvmstat_sample *other, const struct kvmstat_sample **sample)
{
	struct kept *kept = &trace->kept[other == &trace->kept[0].sample];
	uint32_t n = 0;

	if (!make_room(trace, kept))
		return false;
	for (uint32_t i = 0; i < trace->norder; i++) {
		const struct counted *guest = &trace->guests[trace->order[i]];
		uint64_t *value = kept->value + (size_t)i * MAX_EVENTS;

		kept->guests[i] = guest->guest;
		memcpy(value, guest->sum.value, trace->ncolumns * sizeof(*value));
		publish_vcpus(trace, guest, kept, n);
		kept->rows[i] = (struct kvmstat_row){
			.guest = &kept->guests[i], .value = value, .from = trace->from, .vcpu_count = guest->vcpus,
			.has_cpu = true, .cpu_ns = guest->sum.cpu_ns, .wait_ns = guest->sum.wait_ns,
			.vcpus = kept->vcpus + n, .nvcpus = guest->nvcpus,
		};
		n += guest->nvcpus;
	}
	kept->sample = (struct kvmstat_sample){
		.time_ns = BOOT_NS + (uint64_t)((trace->time - trace->first) * 1e9),
		.realtime_ns = (uint64_t)(trace->time * 1e9), .guest_generation = trace->generation,
		.event_generation = 1, .nguests = trace->norder, .nrows = trace->norder, .ncolumns = trace->ncolumns,
		.ncells = trace->ncolumns, .cpus = trace->cpus, .rows = kept->rows, .columns = trace->columns,
		.vcpus = kept->vcpus, .nvcpus = n,
	};
	kept->sample.sources[KVMSTAT_BPF].state = KVMSTAT_ACTIVE;
	*sample = &kept->sample;
	return true;
}

/* The sample that begins here. */
static bool begin(struct trace *trace, char **field, int n)
{
	if (n < 2)
		return false;
	trace->time = strtod(field[1], NULL);
	if (!trace->first)
		trace->first = trace->time;
	trace->restart = n > 2 && !strcmp(field[2], "restart");
	return trace->time > 0;
}

static int split(char *line, char **field)
{
	int n = 0;

	line[strcspn(line, "\n")] = '\0';
	while (line && n < MAX_FIELDS)
		field[n++] = strsep(&line, "\t");
	return n;
}

static bool read_record(struct trace *trace)
{
	char *field[MAX_FIELDS];
	int n = split(trace->line, field);

	switch (field[0][1] ? '\0' : field[0][0]) {
	case 'H':
		return read_host(trace, field, n);
	case 'E':
		return read_event(trace, field, n);
	case 'G':
		return read_guest(trace, field, n);
	case 'X':
		return read_gone(trace, field, n);
	default:
		return true;
	}
}

int trace_next(struct trace *trace, const struct kvmstat_sample *kept, const struct kvmstat_sample **sample,
	       bool *restarted)
{
	if (trace->ended)
		return 0;
	while (getline(&trace->line, &trace->line_room, trace->file) > 0) {
		bool due = trace->time > 0;
		char *field[MAX_FIELDS];

		trace->number++;
		if (trace->line[0] == 'C' || trace->line[0] == 'V') {
			if (!read_counter(trace, trace->line[0] == 'V'))
				return -1;
			continue;
		}
		if (trace->line[0] != 'S') {
			if (!read_record(trace))
				return -1;
			continue;
		}
		*restarted = trace->restart;
		if (due && !publish(trace, kept, sample))
			return -1;
		if (!begin(trace, field, split(trace->line, field)))
			return -1;
		if (due)
			return 1;
	}
	trace->ended = true;
	*restarted = trace->restart;
	return trace->time > 0 ? publish(trace, kept, sample) ? 1 : -1 : 0;
}
