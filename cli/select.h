/* SPDX-License-Identifier: MIT */
/*
 * select.h - the rows of a sample that a command is about
 */
#ifndef KVMSTAT_SELECT_H
#define KVMSTAT_SELECT_H

#include "cli.h"

struct selection {
	uint32_t first;
	uint32_t end;		/* behind the last */
};

/*
 * The guest of this name, UUID, name:NAME, uuid:UUID, pid:NUMBER or pid:NUMBER/FD; all guests if word is NULL.
 * Not exactly one: says so, and what there is, and returns EXIT_FAILURE.
 */
int select_guest(struct selection *selection, const struct watch *watch, const char *word);

#endif
