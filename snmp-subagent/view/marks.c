/* SPDX-License-Identifier: MIT */
#include <math.h>

#include "view/marks.h"

/* The owner of cells: a row of the sample, and where its rates are. */
struct owner {
	const uint8_t *from;
	double (*rate)(const struct kvmstat_rates *rates, uint32_t row, uint32_t cell);
	uint32_t row;
};

static bool has_rate(const struct view *view, const struct owner *owner, uint32_t cell)
{
	return !isnan(owner->rate(view->rates, owner->row, cell));
}

static void mark_events(struct grid *grid, const struct view *view, uint32_t row, const struct owner *owner)
{
	struct view_place place = { row, 0 };

	for (; place.item < view->nevents; place.item++) {
		const struct kvmstat_column *column = view->events[place.item];

		if (owner->from[column->first_cell] == KVMSTAT_ABSENT)
			continue;
		switch (column->event->class) {
		case KVMSTAT_CUMULATIVE:
			grid_add(grid, VIEW_COUNT, place);
			if (has_rate(view, owner, column->first_cell))
				grid_add(grid, VIEW_RATE, place);
			break;
		case KVMSTAT_INSTANT:
		case KVMSTAT_PEAK:
			grid_add(grid, VIEW_LEVEL, place);
			break;
		default:
			break;
		}
	}
}

/* What is usual is known of cumulative events only. */
static void mark_usual(struct view *view)
{
	for (uint32_t i = 0; view->njudged && i < view->nguests; i++)
		for (uint32_t j = 0; j < view->nevents; j++)
			if (!isnan(view_usual(view, (struct view_place){ i, j })))
				grid_add(&view->cells, VIEW_USUAL, (struct view_place){ i, j });
}

static int mark_guests(struct view *view)
{
	int rc = grid_reset(&view->cells, view->nguests, view->nevents, VIEW_NKINDS);

	for (uint32_t i = 0; i < view->nguests && !rc; i++) {
		const struct view_guest *guest = &view->guests[i];

		mark_events(&view->cells, view, i, &(struct owner){ guest->data->from, kvmstat_rate, guest->row });
	}
	if (!rc)
		mark_usual(view);
	grid_close(&view->cells);
	return rc;
}

static int mark_vcpus(struct view *view)
{
	int rc = grid_reset(&view->vcpu_cells, view->nvcpus, view->nevents, VIEW_VCPU_NKINDS);

	for (uint32_t i = 0; i < view->nvcpus && !rc; i++) {
		const struct view_vcpu *vcpu = &view->vcpus[i];

		mark_events(&view->vcpu_cells, view, i,
			    &(struct owner){ vcpu->data->from, kvmstat_rate_of_vcpu, vcpu->row });
	}
	grid_close(&view->vcpu_cells);
	return rc;
}

static int mark_facts(struct view *view)
{
	int rc = grid_reset(&view->vcpu_facts, view->nvcpus, 1, VIEW_NFACTS);

	for (uint32_t i = 0; i < view->nvcpus && !rc; i++) {
		const struct view_vcpu *vcpu = &view->vcpus[i];
		const bool known[VIEW_NFACTS] = {
			[VIEW_STATE] = true,
			[VIEW_THREAD] = vcpu->data->tid > 0,
			[VIEW_TIME] = vcpu->data->has_cpu,
			[VIEW_CPU_RATE] = !isnan(kvmstat_rate_vcpu_cpu(view->rates, vcpu->row)),
			[VIEW_WAIT_RATE] = !isnan(kvmstat_rate_vcpu_wait(view->rates, vcpu->row)),
		};

		for (uint32_t fact = 0; fact < VIEW_NFACTS; fact++)
			if (known[fact])
				grid_add(&view->vcpu_facts, fact, (struct view_place){ i, 0 });
	}
	grid_close(&view->vcpu_facts);
	return rc;
}

static void mark_bucket(struct view *view, struct view_place place)
{
	const struct view_guest *guest = &view->guests[place.row];
	const struct view_bucket *bucket = &view->buckets[place.item];
	struct owner owner = { guest->data->from, kvmstat_rate, guest->row };
	uint32_t cell = bucket->column->first_cell + bucket->number;

	if (owner.from[cell] == KVMSTAT_ABSENT)
		return;
	grid_add(&view->bucket_cells, VIEW_BUCKET_COUNT, place);
	if (bucket->bounded)
		grid_add(&view->bucket_cells, VIEW_BUCKET_LOWER, place);
	if (bucket->bounded && bucket->upper != UINT64_MAX)
		grid_add(&view->bucket_cells, VIEW_BUCKET_UPPER, place);
	if (has_rate(view, &owner, cell))
		grid_add(&view->bucket_cells, VIEW_BUCKET_RATE, place);
}

static int mark_buckets(struct view *view)
{
	int rc = grid_reset(&view->bucket_cells, view->nguests, view->nbuckets, VIEW_NBUCKET_KINDS);

	for (uint32_t i = 0; i < view->nguests && !rc; i++)
		for (uint32_t j = 0; j < view->nbuckets; j++)
			mark_bucket(view, (struct view_place){ i, j });
	grid_close(&view->bucket_cells);
	return rc;
}

int marks_make(struct view *view)
{
	int rc = mark_guests(view);

	if (!rc)
		rc = mark_vcpus(view);
	if (!rc)
		rc = mark_facts(view);
	return rc ? rc : mark_buckets(view);
}
