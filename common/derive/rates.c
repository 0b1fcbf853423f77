// SPDX-License-Identifier: MIT
/*
 * rates.c - what happened between two samples
 *
 * Both samples have their rows in order of guest id and their columns in order of event number, so
 * that one pass over both finds what they have in common.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "kvmstat.h"

#define NS_PER_S 1e9
#define NO_CELL UINT32_MAX

struct guest_rates {
	uint64_t id;
	uint64_t discontinuity;
	double cpu;
	double wait;
};

struct vcpu_rates {
	double cpu;
	double wait;
};

struct kvmstat_rates {
	uint32_t nrows;
	uint32_t nvcpus;
	uint32_t ncells;
	double *cell;			/* [(nrows + nvcpus) * ncells]: the rows, then the vCPUs */
	struct guest_rates *row;	/* [nrows] */
	struct guest_rates *spare;	/* the next pass writes here, since last->row may be row */
	struct vcpu_rates *vcpu;	/* [nvcpus] */
	uint32_t *earlier; /* [ncells] cell of the earlier sample that counts the same, or NO_CELL */
	size_t cell_room;
	size_t row_room;
	size_t spare_room;
	size_t vcpu_room;
	size_t earlier_room;
};

/* One pair of samples on its way through kvmstat_rates_update(). */
struct pair {
	const struct kvmstat_sample *before; /* NULL: none */
	const struct kvmstat_sample *now;
	double seconds;			/* NaN if the clock did not advance */
};

struct kvmstat_rates *kvmstat_rates_new(void)
{
	return calloc(1, sizeof(struct kvmstat_rates));
}

void kvmstat_rates_free(struct kvmstat_rates *rates)
{
	if (!rates)
		return;
	free(rates->cell);
	free(rates->row);
	free(rates->spare);
	free(rates->vcpu);
	free(rates->earlier);
	free(rates);
}

/* Room for count elements; what was in *array is kept. Returns the array, or NULL without memory. */
static void *grow(void *array, size_t *room, size_t count, size_t size)
{
	void *bigger;

	if (array && count <= *room)
		return array;
	if (!count)
		count = 1;
	bigger = reallocarray(array, count, size);
	if (bigger)
		*room = count;
	return bigger;
}

static int make_room(struct kvmstat_rates *rates, const struct kvmstat_sample *now)
{
	size_t cells = ((size_t)now->nrows + now->nvcpus) * now->ncells;
	struct guest_rates *row, *spare;
	struct vcpu_rates *vcpu;
	uint32_t *earlier;
	double *cell;

	cell = grow(rates->cell, &rates->cell_room, cells, sizeof(*cell));
	if (!cell)
		return -ENOMEM;
	rates->cell = cell;
	earlier = grow(rates->earlier, &rates->earlier_room, now->ncells, sizeof(*earlier));
	if (!earlier)
		return -ENOMEM;
	rates->earlier = earlier;
	row = grow(rates->row, &rates->row_room, now->nrows, sizeof(*row));
	if (!row)
		return -ENOMEM;
	rates->row = row;
	spare = grow(rates->spare, &rates->spare_room, now->nrows, sizeof(*spare));
	if (!spare)
		return -ENOMEM;
	rates->spare = spare;
	vcpu = grow(rates->vcpu, &rates->vcpu_room, now->nvcpus, sizeof(*vcpu));
	if (!vcpu)
		return -ENOMEM;
	rates->vcpu = vcpu;
	return 0;
}

static bool only_grows(const struct kvmstat_event *event)
{
	return event->class != KVMSTAT_INSTANT && event->class != KVMSTAT_PEAK;
}

/* Where each cell of now is to be found in before, which may have other columns or other places for them. */
static void map_cells(uint32_t *earlier, const struct kvmstat_sample *before,
		      const struct kvmstat_sample *now)
{
	uint32_t b = 0;

	for (uint32_t i = 0; i < now->ncells; i++)
		earlier[i] = NO_CELL;
	for (uint32_t n = 0; before && n < now->ncolumns; n++) {
		const struct kvmstat_column *column = &now->columns[n], *same;

		while (b < before->ncolumns && before->columns[b].event->number < column->event->number)
			b++;
		if (b == before->ncolumns)
			break;
		same = &before->columns[b];
		if (same->event->number != column->event->number || same->cells != column->cells ||
		    !only_grows(column->event))
			continue;
		for (uint32_t i = 0; i < column->cells; i++)
			earlier[column->first_cell + i] = same->first_cell + i;
	}
}

/* Rate of a value that only grows, or NaN and *fell. */
static double growth(uint64_t before, uint64_t now, double seconds, bool *fell)
{
	if (now < before) {
		*fell = true;
		return NAN;
	}
	return (double)(now - before) / seconds;
}

/* What grows of a guest, or of one of its vCPUs. */
struct counted {
	const uint64_t *value;
	const uint8_t *from;
	bool has_cpu;
	uint64_t cpu_ns;
	uint64_t wait_ns;
	uint32_t threads;	/* of vCPUs; 0 if unknown */
};

static struct counted of_guest(const struct kvmstat_row *row)
{
	return (struct counted){ row->value, row->from, row->has_cpu, row->cpu_ns, row->wait_ns, row->vcpu_count };
}

static struct counted of_vcpu(const struct kvmstat_vcpu *vcpu)
{
	return (struct counted){ vcpu->value, vcpu->from, vcpu->has_cpu, vcpu->cpu_ns, vcpu->wait_ns, 1 };
}

/*
 * The share of the time that threads waited for a CPU, in ns a second. The kernel adds a wait when it ends, so it may have begun
 * before the earlier sample. And from 6.12 on it counts the sleep of a thread that is moved to another CPU just after it fell
 * asleep: enqueue_task() notes the time although the thread is not runnable (sched_delayed).
 */
static double wait_growth(const struct counted *was, const struct counted *is, double seconds, bool *fell)
{
	double share = growth(was->wait_ns, is->wait_ns, seconds, fell), most = is->threads * NS_PER_S;

	return is->threads && share > most ? most : share;
}

/* Where the rates of it go. */
struct growth {
	double *cell;
	double *cpu;
	double *wait;
};

/* A newcomer has no rates. */
static void no_rates(const struct growth *to, const struct pair *pair)
{
	for (uint32_t i = 0; i < pair->now->ncells; i++)
		to->cell[i] = NAN;
	*to->cpu = *to->wait = NAN;
}

/* True if something of it fell. */
static bool rates_of(const struct kvmstat_rates *rates, const struct growth *to, const struct pair *pair,
		     const struct counted *was, const struct counted *is)
{
	bool fell = false;

	no_rates(to, pair);
	for (uint32_t i = 0; i < pair->now->ncells; i++) {
		uint32_t earlier = rates->earlier[i];

		if (earlier != NO_CELL && is->from[i] != KVMSTAT_ABSENT && was->from[earlier] != KVMSTAT_ABSENT)
			to->cell[i] = growth(was->value[earlier], is->value[i], pair->seconds, &fell);
	}
	if (was->has_cpu && is->has_cpu) {
		*to->cpu = growth(was->cpu_ns, is->cpu_ns, pair->seconds, &fell);
		*to->wait = wait_growth(was, is, pair->seconds, &fell);
	}
	return fell;
}

/* was: the guest's earlier row, or NULL. True if something of a vCPU fell. */
static bool vcpus_rates(struct kvmstat_rates *rates, const struct pair *pair, const struct kvmstat_row *was,
			const struct kvmstat_row *is)
{
	uint32_t first = (uint32_t)(is->vcpus - pair->now->vcpus), at = 0;
	bool fell = false;

	for (uint32_t i = 0; i < is->nvcpus; i++) {
		size_t row = (size_t)pair->now->nrows + first + i;
		struct growth to = { rates->cell + row * pair->now->ncells, &rates->vcpu[first + i].cpu,
				     &rates->vcpu[first + i].wait };
		struct counted before, now = of_vcpu(&is->vcpus[i]);

		while (was && at < was->nvcpus && was->vcpus[at].id < is->vcpus[i].id)
			at++;
		if (!was || at == was->nvcpus || was->vcpus[at].id != is->vcpus[i].id) {
			no_rates(&to, pair);
			continue;
		}
		before = of_vcpu(&was->vcpus[at]);
		fell |= rates_of(rates, &to, pair, &before, &now);
	}
	return fell;
}

/* True if something of the guest fell. was is NULL for a newcomer. */
static bool guest_rates(struct kvmstat_rates *rates, uint32_t row, const struct pair *pair,
			const struct kvmstat_row *was)
{
	const struct kvmstat_row *is = &pair->now->rows[row];
	struct growth to = { rates->cell + (size_t)row * pair->now->ncells, &rates->spare[row].cpu,
			     &rates->spare[row].wait };
	struct counted before, now = of_guest(is);
	bool fell = false;

	if (is->nvcpus)
		fell = vcpus_rates(rates, pair, was, is);
	if (!was) {
		no_rates(&to, pair);
		return false;
	}
	before = of_guest(was);
	fell |= rates_of(rates, &to, pair, &before, &now);
	return fell;
}

static const struct kvmstat_row *find_row(const struct kvmstat_sample *before, uint32_t *at, uint64_t id)
{
	while (before && *at < before->nrows && before->rows[*at].guest->id < id)
		++*at;
	if (!before || *at == before->nrows || before->rows[*at].guest->id != id)
		return NULL;
	return &before->rows[*at];
}

static uint64_t last_discontinuity(const struct kvmstat_rates *last, uint32_t *at, uint64_t id)
{
	while (last && *at < last->nrows && last->row[*at].id < id)
		++*at;
	if (!last || *at == last->nrows || last->row[*at].id != id)
		return 0;
	return last->row[*at].discontinuity;
}

/* The rows just written become current. */
static void swap_rows(struct kvmstat_rates *rates)
{
	struct guest_rates *row = rates->spare;
	size_t room = rates->spare_room;

	rates->spare = rates->row;
	rates->spare_room = rates->row_room;
	rates->row = row;
	rates->row_room = room;
}

int kvmstat_rates_update(struct kvmstat_rates *rates, const struct kvmstat_rates *last,
			 const struct kvmstat_sample *before, const struct kvmstat_sample *now)
{
	struct pair pair = { before, now, NAN };
	uint32_t at_row = 0, at_last = 0;
	int rc;

	rc = make_room(rates, now);
	if (rc)
		return rc;
	if (before && now->time_ns > before->time_ns)
		pair.seconds = (double)(now->time_ns - before->time_ns) / NS_PER_S;
	map_cells(rates->earlier, before, now);
	for (uint32_t i = 0; i < now->nrows; i++) {
		uint64_t id = now->rows[i].guest->id;
		uint64_t discontinuity = last_discontinuity(last, &at_last, id);
		const struct kvmstat_row *was = find_row(before, &at_row, id);
		/* Nothing else tells a new guest of the same process from the one before. */
		bool is_new = before && !was && !now->rows[i].guest->created_ns;

		if (guest_rates(rates, i, &pair, was) || is_new)
			discontinuity = now->time_ns;
		rates->spare[i].id = id;
		rates->spare[i].discontinuity = discontinuity;
	}
	swap_rows(rates);
	rates->nrows = now->nrows;
	rates->nvcpus = now->nvcpus;
	rates->ncells = now->ncells;
	return 0;
}

double kvmstat_rate(const struct kvmstat_rates *rates, uint32_t row, uint32_t cell)
{
	if (row >= rates->nrows || cell >= rates->ncells)
		return NAN;
	return rates->cell[(size_t)row * rates->ncells + cell];
}

const double *kvmstat_rates_of(const struct kvmstat_rates *rates, uint32_t row)
{
	return row < rates->nrows ? rates->cell + (size_t)row * rates->ncells : NULL;
}

double kvmstat_rate_of_vcpu(const struct kvmstat_rates *rates, uint32_t vcpu, uint32_t cell)
{
	if (vcpu >= rates->nvcpus || cell >= rates->ncells)
		return NAN;
	return rates->cell[((size_t)rates->nrows + vcpu) * rates->ncells + cell];
}

double kvmstat_rate_vcpu_cpu(const struct kvmstat_rates *rates, uint32_t vcpu)
{
	return vcpu < rates->nvcpus ? rates->vcpu[vcpu].cpu : NAN;
}

double kvmstat_rate_vcpu_wait(const struct kvmstat_rates *rates, uint32_t vcpu)
{
	return vcpu < rates->nvcpus ? rates->vcpu[vcpu].wait : NAN;
}

double kvmstat_rate_cpu(const struct kvmstat_rates *rates, uint32_t row)
{
	return row < rates->nrows ? rates->row[row].cpu : NAN;
}

double kvmstat_rate_wait(const struct kvmstat_rates *rates, uint32_t row)
{
	return row < rates->nrows ? rates->row[row].wait : NAN;
}

uint64_t kvmstat_discontinuity(const struct kvmstat_rates *rates, uint32_t row)
{
	return row < rates->nrows ? rates->row[row].discontinuity : 0;
}
