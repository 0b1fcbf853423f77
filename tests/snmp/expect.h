/* SPDX-License-Identifier: MIT */
/*
 * expect.h - what a session sends to the master by hand, where it is a test's to fail
 */
#ifndef EXPECT_H
#define EXPECT_H

#include "master.h"

/* After a turn: the next PDU is of this type, or there is none. Valid until the next call. */
struct received *expect(struct master *master, uint8_t type);
void expect_nothing(struct master *master);

#endif
