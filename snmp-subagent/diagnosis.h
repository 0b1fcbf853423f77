/* SPDX-License-Identifier: MIT */
/*
 * diagnosis.h - the diagnosis from sample to sample: it is fed, shown in a view, kept in a file, and its alarms are
 * handed over to be sent
 *
 * Everything here belongs to the sampling thread. NULL for a diagnosis: the option Diagnose is false, nothing is done.
 */
#ifndef KVMSTAT_AGENTX_DIAGNOSIS_H
#define KVMSTAT_AGENTX_DIAGNOSIS_H

#include "outbox.h"
#include "settings.h"
#include "view/rowview.h"

struct diagnosis;

/*
 * Begin, with what is kept in the state directory; or with what another one knows, which is saved and which the caller
 * frees. *diagnosis is NULL without the option Diagnose. 0 or -ENOMEM.
 */
int diagnosis_begin(struct diagnosis **diagnosis, const struct settings *settings, struct outbox *outbox);
int diagnosis_continue(struct diagnosis **diagnosis, struct diagnosis *other, const struct settings *settings,
		       struct outbox *outbox);

/* Save it. */
void diagnosis_end(struct diagnosis *diagnosis);
void diagnosis_free(struct diagnosis *diagnosis);

/* Judge the sample of a view that is not published yet, and fill in what the view shows of it. */
void diagnosis_judge(struct diagnosis *diagnosis, struct view *view);

/* After its publication, since managers look up what a notification is about: hand over what is to be sent, and save. */
void diagnosis_report(struct diagnosis *diagnosis, const struct view *view);

#endif
