/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "view/marks.h"

struct views {
	struct view *newest;		/* atomic; published and not taken yet */
	struct view *last;		/* of the sampling thread, for the next rates */
	struct view *all;		/* all views; one is reused when there is no reference to it */
	uint32_t *order;		/* rows in ascending order of index; first those that are left out */
	uint32_t order_size, nrows, first;
	uint64_t generation;		/* of the assignment that order is for */
};

struct views *views_new(void)
{
	return calloc(1, sizeof(struct views));
}

static void free_view(struct view *view)
{
	kvmstat_rates_free(view->rates);
	free(view->guests);
	free(view->events);
	free(view->vcpus);
	free(view->buckets);
	free(view->judged);
	free(view->usual);
	alarmlist_exit(&view->alarms);
	grid_exit(&view->cells);
	grid_exit(&view->vcpu_cells);
	grid_exit(&view->vcpu_facts);
	grid_exit(&view->bucket_cells);
	free(view);
}

void views_free(struct views *views)
{
	if (!views)
		return;
	view_put(views_take(views));
	view_put(views->last);
	while (views->all) {
		struct view *view = views->all;

		views->all = view->next_view;
		free_view(view);
	}
	free(views->order);
	free(views);
}

struct view *view_get(struct view *view)
{
	__atomic_add_fetch(&view->refs, 1, __ATOMIC_RELAXED);
	return view;
}

/* The last reference gives the sample back; at refs == 0 the sampling thread may reuse the view. */
void view_put(struct view *view)
{
	struct kvmstat_sample *sample;

	if (!view)
		return;
	sample = view->sample;
	if (__atomic_sub_fetch(&view->refs, 1, __ATOMIC_ACQ_REL) == 0)
		kvmstat_sample_put(sample);
}

struct view *views_take(struct views *views)
{
	return __atomic_exchange_n(&views->newest, NULL, __ATOMIC_ACQ_REL);
}

static struct view *unused_view(struct views *views)
{
	struct view *view;

	for (view = views->all; view; view = view->next_view)
		if (__atomic_load_n(&view->refs, __ATOMIC_ACQUIRE) == 0)
			return view;
	view = calloc(1, sizeof(*view));
	if (!view)
		return NULL;
	view->rates = kvmstat_rates_new();
	if (!view->rates) {
		free(view);
		return NULL;
	}
	view->next_view = views->all;
	views->all = view;
	return view;
}

/* Make room for at least n items of this size; the old content is lost. 0 or -ENOMEM. */
static int room(void *array, uint32_t *size, uint32_t n, size_t item)
{
	if (n <= *size)
		return 0;
	free(*(void **)array);
	*size = 0;
	*(void **)array = calloc(n, item);
	if (!*(void **)array)
		return -ENOMEM;
	*size = n;
	return 0;
}

static uint32_t count_buckets(const struct kvmstat_sample *sample)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < sample->ncolumns; i++)
		if (kvmstat_is_histogram(sample->columns[i].event->class))
			count += sample->columns[i].cells;
	return count;
}

static int view_room(struct view *view, const struct kvmstat_sample *sample)
{
	int rc = room(&view->guests, &view->guests_size, sample->nrows, sizeof(*view->guests));

	if (!rc)
		rc = room(&view->events, &view->events_size, sample->ncolumns, sizeof(*view->events));
	if (!rc)
		rc = room(&view->judged, &view->judged_size, sample->ncolumns, sizeof(*view->judged));
	if (!rc)
		rc = room(&view->vcpus, &view->vcpus_size, sample->nvcpus, sizeof(*view->vcpus));
	return rc ? rc : room(&view->buckets, &view->buckets_size, count_buckets(sample), sizeof(*view->buckets));
}

/* ---- order -------------------------------------------------------------- */

static int by_index(const void *a, const void *b, void *context)
{
	const uint32_t *left = a, *right = b, *index = context;

	return (index[*left] > index[*right]) - (index[*left] < index[*right]);
}

static int sort_rows(struct views *views, uint32_t nrows, const struct assignment *assignment)
{
	if (views->generation == assignment->generation && views->nrows == nrows)
		return 0;
	if (room(&views->order, &views->order_size, nrows, sizeof(*views->order)) < 0)
		return -ENOMEM;
	for (uint32_t row = 0; row < nrows; row++)
		views->order[row] = row;
	if (nrows)
		qsort_r(views->order, nrows, sizeof(*views->order), by_index, (void *)assignment->guest);
	views->first = 0;
	while (views->first < nrows && assignment->guest[views->order[views->first]] == 0)
		views->first++;
	views->nrows = nrows;
	views->generation = assignment->generation;
	return 0;
}

/* ---- building ----------------------------------------------------------- */

static void fill_guest(struct view *view, struct view_guest *out, uint32_t row, uint32_t index)
{
	const struct kvmstat_row *data = &view->sample->rows[row];
	const struct kvmstat_guest *guest = data->guest;
	uint64_t fell = kvmstat_discontinuity(view->rates, row);

	out->index = index;
	out->row = row;
	out->data = data;
	out->since_ns = fell ? fell : guest->began_ns;
	out->alarm = 0;
	out->learnt = NAN;
	kvmstat_activity(view->sample, view->rates, row, out->activity);
}

static void fill_vcpus(struct view *view, uint32_t guest)
{
	const struct kvmstat_row *row = view->guests[guest].data;

	for (uint32_t i = 0; i < row->nvcpus; i++)
		view->vcpus[view->nvcpus++] = (struct view_vcpu){
			.guest = guest,
			.row = (uint32_t)(&row->vcpus[i] - view->sample->vcpus),
			.data = &row->vcpus[i],
		};
}

static void fill_event(struct view *view, const struct kvmstat_column *column)
{
	view->events[view->nevents++] = column;
	for (uint32_t i = 0; kvmstat_is_histogram(column->event->class) && i < column->cells; i++) {
		struct view_bucket *bucket = &view->buckets[view->nbuckets++];

		bucket->column = column;
		bucket->number = i;
		bucket->bounded = kvmstat_bucket(column, i, &bucket->lower, &bucket->upper);
	}
}

static void fill(const struct views *views, struct view *view, const struct assignment *assignment)
{
	const struct kvmstat_sample *sample = view->sample;

	view->nguests = 0;
	view->nevents = 0;
	view->nvcpus = 0;
	view->nbuckets = 0;
	view->host_vcpus = 0;
	view->njudged = 0;
	view->alarms.judged = false;
	view->alarms.count = 0;
	for (uint32_t i = 0; i < sample->ncolumns; i++)
		if (assignment->event[i])
			fill_event(view, &sample->columns[i]);
	for (uint32_t i = views->first; i < sample->nrows; i++) {
		uint32_t row = views->order[i];

		fill_guest(view, &view->guests[view->nguests], row, assignment->guest[row]);
		fill_vcpus(view, view->nguests++);
	}
	for (uint32_t row = 0; row < sample->nrows; row++)
		view->host_vcpus += sample->rows[row].vcpu_count;
}

double view_usual(const struct view *view, struct view_place place)
{
	uint32_t judged = view->njudged ? view->judged[place.item] : VIEW_NOT_JUDGED;

	return judged == VIEW_NOT_JUDGED ? NAN : view->usual[(size_t)place.row * view->njudged + judged];
}

int views_build(struct views *views, struct kvmstat_sample *sample, const struct assignment *assignment,
		struct view **built)
{
	struct view *view = unused_view(views), *last = views->last;
	int rc;

	if (!view)
		return -ENOMEM;
	rc = kvmstat_rates_update(view->rates, last ? last->rates : NULL, last ? last->sample : NULL, sample);
	if (!rc)
		rc = sort_rows(views, sample->nrows, assignment);
	if (!rc)
		rc = view_room(view, sample);
	if (rc < 0)
		return rc;
	view->sample = sample;
	fill(views, view, assignment);
	*built = view;
	return 0;
}

int views_show(struct views *views, struct view *view)
{
	struct view *last = views->last;
	int rc = marks_make(view);

	if (rc < 0)
		return rc;
	kvmstat_sample_get(view->sample);
	view->refs = 2;
	views->last = view;
	view_put(__atomic_exchange_n(&views->newest, view, __ATOMIC_ACQ_REL));
	view_put(last);
	return 0;
}

int views_publish(struct views *views, struct kvmstat_sample *sample, const struct assignment *assignment)
{
	struct view *view;
	int rc = views_build(views, sample, assignment, &view);

	return rc < 0 ? rc : views_show(views, view);
}
