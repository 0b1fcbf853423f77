/* SPDX-License-Identifier: MIT */
/* terminal.h - the only part of the screen that knows curses */
#ifndef KVMSTAT_TERMINAL_H
#define KVMSTAT_TERMINAL_H

#include "screen/picture.h"

/* Can this terminal show a screen? Returns an exit status; an error has been printed. */
int terminal_check(void);

/* Print why there is no screen, with a name at the end of the reason or NULL, and what to do. Returns an exit status. */
int terminal_refuse(const char *why, const char *name);

/*
 * Take over the terminal, in colours if it has them and they are wanted. Signals that end the program then make
 * terminal_wait() return, and the terminal is as before when the program ends in whatever way.
 * Returns an exit status: an error has been printed, and the terminal is as it was.
 */
int terminal_begin(const struct options *options);
void terminal_end(void);

enum woken {
	WOKEN_BY_KEY = 1,
	WOKEN_BY_END = 2,	/* a signal, or the terminal was closed */
	WOKEN_BY_ROOM = 4,	/* the terminal takes output */
};

/* Wait for a key, a signal, these seconds, or, if room is set, until the terminal takes output; a set of enum woken. */
unsigned int terminal_wait(double seconds, bool room);

/* The signal that ends the program, or 0. */
int terminal_signal(void);

/* The next key that was typed, or -1. */
int terminal_key(void);

void terminal_size(size_t *height, size_t *width);

/* False: the terminal takes no output now, as one that was stopped with ^S; nothing was printed. */
bool terminal_draw(const struct picture *picture);

#endif
