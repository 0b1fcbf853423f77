/* SPDX-License-Identifier: MIT */
/*
 * player.h - the samples of a recording, one after the other
 */
#ifndef KVMSTAT_PLAYER_H
#define KVMSTAT_PLAYER_H

#include "record/sample.h"

struct player;

/*
 * Open a recording at the first sample that is not before at: "+SECONDS" from its beginning, or a time as in
 * "2026-03-29T04:00:00Z" (UTC) or "2026-03-29 04:00" (local); NULL: its beginning.
 * Returns an exit status; errors have been printed.
 */
int player_open(struct player **player, const char *file, const char *at);
void player_close(struct player *player);

/*
 * The next sample that is whole, with a reference, or NULL: there are no more.
 * Damaged bytes that were left out are reported on standard error.
 */
struct played *player_next(struct player *player);

#endif
