// SPDX-License-Identifier: MIT
#include "derive/watch.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What shows that a guest does something: it idles, sets timers, does I/O. Each category's total, so none twice. */
#define ALIVE                                                                                                \
	(1u << KVMSTAT_IDLE | 1u << KVMSTAT_INSTRUCTION | 1u << KVMSTAT_INTERRUPT | 1u << KVMSTAT_IO)

uint64_t watch_hash(const char *key)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (; *key; key++)
		hash = (hash ^ (unsigned char)*key) * 0x100000001b3u;
	return hash;
}

/* Room for one more. 0 or -ENOMEM. */
static int grow(void *array, size_t *room, size_t used, size_t item)
{
	size_t more = *room ? 2 * *room : 16;
	void *bigger;

	if (used < *room)
		return 0;
	bigger = reallocarray(*(void **)array, more, item);
	if (!bigger)
		return -ENOMEM;
	*(void **)array = bigger;
	*room = more;
	return 0;
}

void watched_free(struct watched *guest)
{
	if (!guest)
		return;
	free(guest->key);
	free(guest->name);
	free(guest->cells);
	free(guest->good);
	free(guest->sums);
	spin_free(&guest->spin);
	free(guest);
}

/* ---- slots -------------------------------------------------------------- */

int watch_slot_of(const struct kvmstat_diagnosis *diagnosis, uint32_t number)
{
	for (uint32_t i = 0; i < diagnosis->nslots; i++)
		if (diagnosis->slots[i].judged->number == number)
			return (int)i;
	return -ENOENT;
}

static int make_slot_room(struct kvmstat_diagnosis *diagnosis)
{
	uint32_t room = diagnosis->slots_room ? 2 * diagnosis->slots_room : 32;
	struct slot *slots;
	double *rate;
	uint16_t *level;

	if (diagnosis->nslots < diagnosis->slots_room)
		return 0;
	slots = reallocarray(diagnosis->slots, room, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	diagnosis->slots = slots;
	rate = reallocarray(diagnosis->rate, room, sizeof(*rate));
	if (!rate)
		return -ENOMEM;
	diagnosis->rate = rate;
	level = reallocarray(diagnosis->level, room, sizeof(*level));
	if (!level)
		return -ENOMEM;
	diagnosis->level = level;
	diagnosis->slots_room = room;
	return 0;
}

int watch_slot(struct kvmstat_diagnosis *diagnosis, uint32_t number)
{
	const struct kvmstat_judged *judged = kvmstat_judged(number);
	int i = watch_slot_of(diagnosis, number);
	bool time = number >= KVMSTAT_NUMBER_CPU;

	if (i >= 0 || !judged)
		return i;
	if (make_slot_room(diagnosis) < 0)
		return -ENOMEM;
	diagnosis->slots[diagnosis->nslots] = (struct slot){
		.judged = judged, .cell = SLOT_ABSENT, .floor = level_of(judged->floor, time), .time = time,
		.pressure = judged->judge == KVMSTAT_PRESSURE, .sum = (uint8_t)daily_sum(judged),
	};
	return (int)diagnosis->nslots++;
}

/* One array of a guest, the new part cleared. */
static int widen(void *array, size_t from, size_t to, size_t item)
{
	char *bigger = reallocarray(*(void **)array, to, item);

	if (!bigger)
		return -ENOMEM;
	memset(bigger + from * item, 0, (to - from) * item);
	*(void **)array = bigger;
	return 0;
}

int watch_make_room(const struct kvmstat_diagnosis *diagnosis, struct watched *guest)
{
	uint32_t room = diagnosis->nslots;

	if (room <= guest->room)
		return 0;
	if (widen(&guest->cells, guest->room, room, sizeof(*guest->cells)) < 0 ||
	    (guest->good && widen(&guest->good, guest->room, room, sizeof(*guest->good)) < 0))
		return -ENOMEM;
	/* What is summed up has another size now. */
	free(guest->sums);
	guest->sums = NULL;
	guest->summed = 0;
	guest->room = room;
	return 0;
}

static int map_alive(struct kvmstat_diagnosis *diagnosis, const struct kvmstat_column *column)
{
	size_t room = diagnosis->alive_room;

	if (!(column->event->adds_to & ALIVE) || column->event->class != KVMSTAT_CUMULATIVE)
		return 0;
	if (grow(&diagnosis->alive, &room, diagnosis->nalive, sizeof(*diagnosis->alive)) < 0)
		return -ENOMEM;
	diagnosis->alive_room = (uint32_t)room;
	diagnosis->alive[diagnosis->nalive++] = column->first_cell;
	return 0;
}

/* What a vCPU counts when its guest's processor has nothing to do: on s390, x86 and powerpc, arm64 and riscv. */
static bool is_halt(const char *name)
{
	return !strcmp(name, "exit_wait_state") || !strcmp(name, "halt_exits") || !strcmp(name, "wfi_exit_stat");
}

int watch_map(struct kvmstat_diagnosis *diagnosis, const struct kvmstat_sample *sample)
{
	int cpu, wait;

	if (diagnosis->mapped && diagnosis->event_generation == sample->event_generation)
		return 0;
	diagnosis->mapped = false;
	diagnosis->nalive = 0;
	diagnosis->halts = SLOT_ABSENT;
	cpu = watch_slot(diagnosis, KVMSTAT_NUMBER_CPU);
	wait = watch_slot(diagnosis, KVMSTAT_NUMBER_WAIT);
	if (cpu < 0 || wait < 0)
		return -ENOMEM;
	diagnosis->cpu_slot = (uint32_t)cpu;
	diagnosis->wait_slot = (uint32_t)wait;
	for (uint32_t i = 0; i < diagnosis->nslots; i++)
		diagnosis->slots[i].cell = SLOT_ABSENT;
	for (uint32_t i = 0; i < sample->ncolumns; i++) {
		int slot = watch_slot(diagnosis, sample->columns[i].event->number);

		if (slot == -ENOMEM || map_alive(diagnosis, &sample->columns[i]) < 0)
			return -ENOMEM;
		if (slot >= 0)
			diagnosis->slots[slot].cell = sample->columns[i].first_cell;
		if (is_halt(sample->columns[i].event->name))
			diagnosis->halts = sample->columns[i].first_cell;
	}
	for (size_t i = 0; i < diagnosis->nguests; i++)
		if (watch_make_room(diagnosis, diagnosis->guests[i]) < 0)
			return -ENOMEM;
	diagnosis->event_generation = sample->event_generation;
	diagnosis->mapped = true;
	return 0;
}

/* ---- guests ------------------------------------------------------------- */

struct watched *watch_find(const struct kvmstat_diagnosis *diagnosis, const char *key)
{
	uint64_t hash = watch_hash(key);

	for (size_t i = 0; i < diagnosis->nguests; i++) {
		struct watched *guest = diagnosis->guests[i];

		if (!guest->id && guest->hash == hash && !strcmp(guest->key, key))
			return guest;
	}
	return NULL;
}

struct watched *watch_add(struct kvmstat_diagnosis *diagnosis, const char *key, const char *name)
{
	struct watched *guest = calloc(1, sizeof(*guest));

	if (!guest)
		return NULL;
	guest->key = strdup(key);
	guest->name = strdup(name);
	guest->hash = watch_hash(key);
	guest->cpu = guest->wait = NAN;
	if (!guest->key || !guest->name || watch_make_room(diagnosis, guest) < 0 ||
	    grow(&diagnosis->guests, &diagnosis->guests_room, diagnosis->nguests, sizeof(struct watched *)) < 0) {
		watched_free(guest);
		return NULL;
	}
	diagnosis->guests[diagnosis->nguests++] = guest;
	return guest;
}

static int rename_guest(struct watched *guest, const char *name)
{
	char *copy;

	if (!strcmp(guest->name, name))
		return 0;
	copy = strdup(name);
	if (!copy)
		return -ENOMEM;
	free(guest->name);
	guest->name = copy;
	return 0;
}

static void watch_clear(struct kvmstat_diagnosis *diagnosis, struct watched *guest, enum kvmstat_ending ending)
{
	alarm_clear(&diagnosis->alarms, guest->subject.alarm, ending, &diagnosis->now);
	guest->subject.alarm = NULL;
}

/* A guest that has no row yet. NULL without memory. */
static struct watched *meet(struct kvmstat_diagnosis *diagnosis, const struct kvmstat_row *row)
{
	const struct kvmstat_guest *guest = row->guest;
	struct watched *watched = watch_find(diagnosis, guest->key);

	if (!watched)
		watched = watch_add(diagnosis, guest->key, guest->name);
	if (!watched || rename_guest(watched, guest->name) < 0)
		return NULL;
	if (watched->subject.alarm && !watched->subject.alarm->restored_until)
		watch_clear(diagnosis, watched, KVMSTAT_GUEST_RESTARTED);
	watched->id = guest->id;
	watched->source = KVMSTAT_ABSENT;
	watched->seen_ns = diagnosis->now.time_ns;
	/* Where that is not known, a discontinuity says that it came just now. */
	watched->grace_until = guest->began_ns ? guest->began_ns + (uint64_t)(diagnosis->config.grace_s * NS_PER_S) : 0;
	quiet_forget(&watched->quiet);
	watched_forget(diagnosis, watched);
	if (!watched->first_s)
		watched->first_s = diagnosis->now.realtime_ns / 1000000000u;
	return watched;
}

/* The row of others is no guest, and one without a key is not known yet: 0. */
static uint64_t id_of(const struct kvmstat_guest *guest)
{
	return guest->key[0] ? guest->id : 0;
}

/* Are the rows those of the sample before? */
static bool rows_are_same(const struct kvmstat_diagnosis *diagnosis, const struct kvmstat_sample *sample)
{
	if (diagnosis->nrows != sample->nrows)
		return false;
	for (size_t i = 0; i < diagnosis->nrows; i++)
		if (diagnosis->row_ids[i] != id_of(sample->rows[i].guest))
			return false;
	return true;
}

/* Both in ascending order of id. */
static void leave_gone(struct kvmstat_diagnosis *diagnosis, const struct kvmstat_sample *sample)
{
	uint32_t at = 0;

	for (size_t i = 0; i < diagnosis->nrows; i++) {
		struct watched *guest = diagnosis->rows[i];

		if (!guest)
			continue;
		while (at < sample->nrows && sample->rows[at].guest->id < guest->id)
			at++;
		if (at == sample->nrows || sample->rows[at].guest->id != guest->id)
			guest->id = 0;
	}
}

static int make_row_room(struct kvmstat_diagnosis *diagnosis, size_t nrows)
{
	if (nrows <= diagnosis->rows_room)
		return 0;
	if (widen(&diagnosis->rows, diagnosis->rows_room, nrows, sizeof(*diagnosis->rows)) < 0 ||
	    widen(&diagnosis->row_ids, diagnosis->rows_room, nrows, sizeof(*diagnosis->row_ids)) < 0)
		return -ENOMEM;
	diagnosis->rows_room = nrows;
	return 0;
}

static struct watched *with_id(const struct kvmstat_diagnosis *diagnosis, uint64_t id)
{
	for (size_t i = 0; i < diagnosis->nguests; i++)
		if (diagnosis->guests[i]->id == id)
			return diagnosis->guests[i];
	return NULL;
}

static bool is_judged_by_name(const struct kvmstat_diagnosis *diagnosis, const char *name, const char *uuid)
{
	return !diagnosis->config.guests || filter_pass(diagnosis->config.guests, name, uuid);
}

bool watch_spares(const struct kvmstat_diagnosis *diagnosis, const struct watched *guest)
{
	const char *uuid = strncmp(guest->key, "uuid:", 5) ? NULL : guest->key + 5;

	return !is_judged_by_name(diagnosis, guest->name, uuid);
}

/* Who is in a row: NULL and 0 if nobody is watched there. -ENOMEM. */
static int match(struct kvmstat_diagnosis *diagnosis, const struct kvmstat_row *row, struct watched **watched)
{
	const struct kvmstat_guest *guest = row->guest;

	*watched = NULL;
	if (!id_of(guest) || !is_judged_by_name(diagnosis, guest->name, guest->uuid))
		return 0;
	*watched = with_id(diagnosis, guest->id);
	if (!*watched)
		*watched = meet(diagnosis, row);
	return *watched ? 0 : -ENOMEM;
}

int watch_match(struct kvmstat_diagnosis *diagnosis, const struct kvmstat_sample *sample)
{
	if (rows_are_same(diagnosis, sample))
		return 0;
	if (make_row_room(diagnosis, sample->nrows) < 0)
		return -ENOMEM;
	leave_gone(diagnosis, sample);
	diagnosis->nrows = 0;
	for (uint32_t i = 0; i < sample->nrows; i++) {
		if (match(diagnosis, &sample->rows[i], &diagnosis->rows[i]) < 0)
			return -ENOMEM;
		diagnosis->row_ids[i] = id_of(sample->rows[i].guest);
		diagnosis->nrows++;
	}
	return 0;
}

void watch_expire(struct kvmstat_diagnosis *diagnosis)
{
	uint64_t now = diagnosis->now.realtime_ns / 1000000000u;
	size_t kept = 0;

	for (size_t i = 0; i < diagnosis->nguests; i++) {
		struct watched *guest = diagnosis->guests[i];

		if (!guest->id && !guest->good && !guest->subject.alarm && (double)now > (double)guest->last_s + parameters.unseen)
			watched_free(guest);
		else
			diagnosis->guests[kept++] = guest;
	}
	diagnosis->nguests = kept;
}

void watched_forget(const struct kvmstat_diagnosis *diagnosis, struct watched *guest)
{
	for (uint32_t i = 0; i < diagnosis->nslots; i++) {
		cell_forget(&guest->cells[i]);
		guest->cells[i].prev = guest->cells[i].block = 0;
	}
	for (unsigned int i = 0; i < DAILY_SUMS; i++)
		daily_forget(&guest->daily[i]);
	spin_forget(&guest->spin);
	guest->suspected = false;
	guest->subject.held = 0;
	guest->summed = 0;
}

/* ---- how to judge ------------------------------------------------------- */

static double young_margin(const struct watched *guest)
{
	if (!guest->good && guest->age < parameters.first_day)
		return parameters.margin_first_day;
	return guest->age < parameters.first_week ? parameters.margin_first_week : 0;
}

static bool is_judged(const struct watched *guest, bool pressure)
{
	if (guest->good)
		return true;
	return guest->age >= (pressure ? parameters.unjudged : parameters.first_day);
}

struct manner watched_manner(const struct kvmstat_diagnosis *diagnosis, const struct watched *guest)
{
	unsigned int sensitivity = diagnosis->config.sensitivity;
	double young = young_margin(guest);

	return (struct manner){
		.work = { .margin = LEVEL_OF_LOG2(parameters.margin_work[sensitivity] + young),
			  .ceiling = LEVEL_MAX,
			  .judged = is_judged(guest, false) },
		.pressure = { .margin = LEVEL_OF_LOG2(parameters.margin_pressure[sensitivity] + young),
			      .ceiling = LEVEL_MAX,
			      .judged = is_judged(guest, true),
			      .pressure = true },
		.grows = guest->vcpus > 1 ? LEVEL_OF_LOG2(0.5f * fast_log2((float)guest->vcpus)) : 0,
	};
}

double watched_usual(const struct kvmstat_diagnosis *diagnosis, const struct watched *guest, uint32_t slot)
{
	return guest->age < parameters.minute ? NAN : level_rate(guest->cells[slot].minute, diagnosis->slots[slot].time);
}
