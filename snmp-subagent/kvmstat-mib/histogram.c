/* SPDX-License-Identifier: MIT */

#include "kvmstat-mib/columns.h"

static uint32_t bucket_count(const struct view *view)
{
	return view->nbuckets;
}

static uint32_t bucket_event(const struct view *view, uint32_t position)
{
	return view->buckets[position].column->event->number;
}

static uint32_t bucket_number(const struct view *view, uint32_t position)
{
	return view->buckets[position].number;
}

static const struct grid *cells(const struct view *view)
{
	return &view->bucket_cells;
}

static uint32_t cell_of(const struct ask *ask, struct view_place place)
{
	const struct view_bucket *bucket = &ask->view->buckets[place.item];

	return bucket->column->first_cell + bucket->number;
}

VALUE(histogram_lower)
{
	return value_number(value, ask->view->buckets[place.item].lower);
}

VALUE(histogram_upper)
{
	return value_number(value, ask->view->buckets[place.item].upper);
}

VALUE(histogram_count)
{
	return value_number(value, ask->view->guests[place.row].data->value[cell_of(ask, place)]);
}

VALUE(histogram_rate)
{
	return value_rate(value, kvmstat_rate(ask->view->rates, ask->view->guests[place.row].row,
					cell_of(ask, place)));
}

static const struct column histogram_columns[] = {
	{ 2, TYPE_COUNTER64, histogram_lower, VIEW_BUCKET_LOWER },
	{ 3, TYPE_COUNTER64, histogram_upper, VIEW_BUCKET_UPPER },
	{ 4, TYPE_COUNTER64, histogram_count, VIEW_BUCKET_COUNT },
	{ 5, TYPE_GAUGE, histogram_rate, VIEW_BUCKET_RATE },
};

const struct table table_histogram = {
	.name = "kvmHistogramTable",
	.group = 13,
	COLUMNS(histogram_columns),
	.rows = AXIS_OF_ONE(guest_rows, guest_index),
	.items = { .len = 2, .count = bucket_count, .subid = { bucket_event, bucket_number } },
	.grid = cells,
};
