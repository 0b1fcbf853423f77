/* SPDX-License-Identifier: MIT */
#include "expect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

struct received *expect(struct master *master, uint8_t type)
{
	static struct received received;

	master_turn(master);
	assert_true(master_receive(master, &received));
	assert_int_equal(received.header.type, type);
	return &received;
}

void expect_nothing(struct master *master)
{
	struct received received;

	master_turn(master);
	assert_false(master_receive(master, &received));
}
