/* SPDX-License-Identifier: MIT */
/*
 * learnt.h - what the diagnosis knows of the guests of a view
 */
#ifndef KVMSTAT_AGENTX_LEARNT_H
#define KVMSTAT_AGENTX_LEARNT_H

#include "view/rowview.h"

/* Fill in what is learnt. The diagnosis has judged the view's sample, and nothing after it. 0 or -ENOMEM. */
int learnt_fill(struct view *view, const struct kvmstat_diagnosis *diagnosis);

#endif
