/* SPDX-License-Identifier: MIT */
/*
 * keys.h - keys as the screen knows them: characters, and these
 */
#ifndef KVMSTAT_KEYS_H
#define KVMSTAT_KEYS_H

enum key {
	K_KILL = 0x15,	/* ^U */
	K_ESC = 0x1b,
	K_FIRST_SPECIAL = 0x100,
	K_UP = K_FIRST_SPECIAL,
	K_DOWN,
	K_LEFT,
	K_RIGHT,
	K_PAGE_UP,
	K_PAGE_DOWN,
	K_TOP,
	K_BOTTOM,
	K_RETURN,
	K_RUBOUT,
};

#endif
