/* SPDX-License-Identifier: MIT */
/*
 * select.h - the rows of a sample that a command is about
 */
#ifndef KVMSTAT_SELECT_H
#define KVMSTAT_SELECT_H

#include "cli.h"

struct selection {
	uint32_t first;
	uint32_t end;		/* after the last */
};

/*
 * Select the guest of this name, UUID, name:NAME, uuid:UUID, pid:NUMBER or pid:NUMBER/FD; all
 * guests if word is NULL.
 * If it is not exactly one, prints an error and the guests, and returns EXIT_FAILURE.
 */
int select_guest(struct selection *selection, const struct watch *watch, const char *word);

/* The row of the guest with this id, or NULL: it is not there. */
const struct kvmstat_row *select_row(const struct kvmstat_sample *sample, uint64_t id);

#endif
