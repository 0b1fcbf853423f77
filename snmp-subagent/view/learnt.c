/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>

#include "view/learnt.h"

/* Which events are judged: there is room for them alone. */
static void number_judged(struct view *view)
{
	for (uint32_t i = 0; i < view->nevents; i++) {
		const struct kvmstat_event *event = view->events[i]->event;
		bool judged = event->class == KVMSTAT_CUMULATIVE && kvmstat_judged(event->number);

		view->judged[i] = judged ? view->njudged++ : VIEW_NOT_JUDGED;
	}
}

static int make_room(struct view *view)
{
	size_t cells = (size_t)view->nguests * view->njudged;

	if (cells <= view->usual_size)
		return 0;
	free(view->usual);
	view->usual = calloc(cells, sizeof(*view->usual));
	view->usual_size = view->usual ? (uint32_t)cells : 0;
	return view->usual ? 0 : -ENOMEM;
}

static void fill_guest(struct view *view, uint32_t guest, const struct kvmstat_diagnosis *diagnosis)
{
	struct view_guest *out = &view->guests[guest];
	float *usual = view->usual + (size_t)guest * view->njudged;

	out->alarm = (uint32_t)kvmstat_diagnosis_row_alarm(diagnosis, out->row);
	out->learnt = (float)kvmstat_diagnosis_row_learnt(diagnosis, out->row);
	for (uint32_t i = 0; i < view->nevents; i++)
		if (view->judged[i] != VIEW_NOT_JUDGED)
			usual[view->judged[i]] = (float)kvmstat_diagnosis_row_usual(diagnosis, out->row, view->events[i]->event->number);
}

int learnt_fill(struct view *view, const struct kvmstat_diagnosis *diagnosis)
{
	number_judged(view);
	if (make_room(view) < 0) {
		view->njudged = 0;
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < view->nguests; i++)
		fill_guest(view, i, diagnosis);
	return 0;
}
