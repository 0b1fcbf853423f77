/* SPDX-License-Identifier: MIT */
/* When does the iterator look at the files of known VMMs only? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sources/bpf/walk.h"

enum { VMMS = 3, FILES = 10000 };

/* A walk over all files. */
static void walk_all(struct bpf_walk *walk)
{
	bpf_walk_begin(walk);
	for (pid_t pid = 1; pid <= VMMS; pid++)
		for (int fd = 0; fd < 2; fd++)
			assert_int_equal(bpf_walk_note(walk, pid), 0);
	assert_int_equal(walk->count, VMMS);
	walk->files_of_all = FILES;
}

static void test_worth_it(void **state)
{
	struct bpf_walk walk = {0};

	(void)state;
	/* Before the first one nobody knows. */
	assert_false(bpf_walk_is_limited(&walk));
	walk_all(&walk);
	assert_true(bpf_walk_is_limited(&walk));
	walk.files_of_vmms = FILES - 1;
	assert_false(bpf_walk_is_limited(&walk));
	walk.files_of_vmms = FILES / 2;
	assert_true(bpf_walk_is_limited(&walk));
	bpf_walk_exit(&walk);
}

static void test_cannot(void **state)
{
	struct bpf_walk walk = {.cannot = true};

	(void)state;
	walk_all(&walk);
	assert_false(bpf_walk_is_limited(&walk));
	bpf_walk_exit(&walk);
	assert_true(walk.cannot);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_worth_it),
		cmocka_unit_test(test_cannot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
