/* SPDX-License-Identifier: MIT */
/*
 * sources.h - the list of sources
 */
#ifndef KVMSTAT_SOURCES_H
#define KVMSTAT_SOURCES_H

#include "core/source.h"

/* The best first, in the order of Source auto; NULL ends it. */
extern const struct source_ops *const source_list[];

/* Does it read events that another source may have as well? Only such a source has a place in the option Source. */
bool source_may_be_chosen(const struct source_ops *ops);

#endif
