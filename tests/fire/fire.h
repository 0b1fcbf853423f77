/* SPDX-License-Identifier: MIT */
/*
 * fire.h - how long a part of tests/fire is to take: some seconds in make check, some minutes in make check-fire
 */
#ifndef FIRE_H
#define FIRE_H

#include <stdbool.h>
#include <stdlib.h>

static inline bool fire(void)
{
	return getenv("FIRE") != NULL;
}

#endif
