/* SPDX-License-Identifier: MIT */
/*
 * marks.h - which places of a view's matrices have a value
 */
#ifndef KVMSTAT_AGENTX_MARKS_H
#define KVMSTAT_AGENTX_MARKS_H

#include "view/rowview.h"

/* Fill the grids of a view whose other members are set. 0 or -ENOMEM. */
int marks_make(struct view *view);

#endif
