/* SPDX-License-Identifier: MIT */
/* Borrowing fds of a process, which is this one, and giving back those and no others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sources/statsfd/borrow.h"

static struct loan loan;
static int file = -1;

/* In which order they are closed one by one. */
static int closed[64];
static unsigned int nclosed;

int close(int fd)
{
	closed[nclosed++ % 64] = fd;
	return (int)syscall(SYS_close, fd);
}

static int setup(void **state)
{
	(void)state;
	loan = (struct loan){.pidfd = -1};
	file = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_true(file >= 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	loan_return(&loan);
	if (loan.pidfd >= 0)
		close(loan.pidfd);
	close(file);
	return 0;
}

static void begin(void)
{
	enum refusal_call call;
	int rc = statsfd_may_borrow(getpid(), &call);

	if (rc < 0) {
		print_message("fds cannot be borrowed: %s\n", strerror(-rc));
		skip();
	}
	assert_int_equal(loan_begin(&loan, getpid()), 0);
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void test_several(void **state)
{
	int lent[LOAN_MAX];

	(void)state;
	begin();
	for (int i = 0; i < LOAN_MAX; i++) {
		lent[i] = loan_stats(&loan, file);
		assert_true(lent[i] > file && is_open(lent[i]));
		assert_int_equal(fcntl(lent[i], F_GETFD), FD_CLOEXEC);
	}
	assert_int_equal(loan.count, LOAN_MAX);
	loan_return(&loan);
	assert_int_equal(loan.count, 0);
	for (int i = 0; i < LOAN_MAX; i++)
		assert_false(is_open(lent[i]));
	assert_true(is_open(file) && is_open(loan.pidfd));
}

/* Files that another thread opens in the meantime stay open, whatever their numbers. */
static void test_those_of_others(void **state)
{
	static const bool ours[] = {true, true, false, true, false, false, true, true, true, false};
	enum { COUNT = sizeof(ours) / sizeof(ours[0]) };
	int fds[COUNT];

	(void)state;
	begin();
	for (int i = 0; i < COUNT; i++) {
		fds[i] = ours[i] ? loan_stats(&loan, file) : open("/dev/null", O_RDONLY | O_CLOEXEC);
		assert_true(fds[i] > 0);
	}
	loan_return(&loan);
	for (int i = 0; i < COUNT; i++) {
		assert_int_equal(is_open(fds[i]), !ours[i]);
		if (!ours[i])
			close(fds[i]);
	}
}

/* A lower number may become free in the meantime. */
static void test_falling_numbers(void **state)
{
	int holes[3], lent[3];

	(void)state;
	begin();
	for (int i = 0; i < 3; i++)
		holes[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	for (int i = 0; i < 3; i++) {
		close(holes[2 - i]);
		lent[i] = loan_stats(&loan, file);
		assert_int_equal(lent[i], holes[2 - i]);
	}
	loan_return(&loan);
	for (int i = 0; i < 3; i++)
		assert_false(is_open(lent[i]));
}

/* What is open for writing is not to be read: it might be a device, or lose what is read from it. */
static void test_writable(void **state)
{
	static const int modes[] = {O_RDWR, O_WRONLY};

	(void)state;
	begin();
	for (size_t i = 0; i < 2; i++) {
		int fd = open("/dev/null", modes[i] | O_CLOEXEC);

		assert_int_equal(loan_stats(&loan, fd), -ESTALE);
		loan_return(&loan);
		close(fd);
	}
	assert_int_equal(loan_stats(&loan, 1 << 20), -ESTALE);
	assert_int_equal(loan.count, 0);
}

/* A guard must be what it was. */
static void test_guard(void **state)
{
	struct sysroot root;

	(void)state;
	begin();
	assert_int_equal(sysroot_init(&root, "/"), 0);
	assert_int_equal(loan_guard(&loan, &root, file, -1), -ESTALE);
	assert_int_equal(loan_guard(&loan, &root, file, 0), -ESTALE);
	sysroot_exit(&root);
}

/* With room for one more descriptor, one after the other is borrowed. */
static void test_scarce(void **state)
{
	struct rlimit before, few;
	int next;

	(void)state;
	begin();
	next = loan_stats(&loan, file);
	loan_return(&loan);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = (struct rlimit){(rlim_t)next + 1, before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(loan_stats(&loan, file), next);
		assert_int_equal(loan.count, 1);
	}
	/* With none at all, it cannot be. */
	few.rlim_cur--;
	loan_return(&loan);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	assert_int_equal(loan_stats(&loan, file), -EMFILE);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

/* A guard is given back after what it guards, and so one by one. */
static void test_guarded(void **state)
{
	struct rlimit before, few;
	int guard, stats;

	(void)state;
	begin();
	loan.guarded = true;
	guard = loan_stats(&loan, file);
	stats = loan_stats(&loan, file);
	assert_true(is_open(guard) && is_open(stats));
	/* Nor is it given back early, to make room. */
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = (struct rlimit){(rlim_t)stats + 1, before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	assert_int_equal(loan_stats(&loan, file), -EMFILE);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_true(is_open(guard) && is_open(stats));
	nclosed = 0;
	loan_return(&loan);
	assert_false(is_open(guard) || is_open(stats));
	assert_int_equal(nclosed, 2);
	assert_true(closed[0] == stats && closed[1] == guard);
}

static void test_nobody(void **state)
{
	(void)state;
	assert_int_equal(loan_begin(&loan, 0x3fffffff), -ESRCH);
	assert_int_equal(loan.pidfd, -ESRCH);
	loan.pidfd = -1;
}

#define borrow_test(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		borrow_test(test_several),	   borrow_test(test_those_of_others),
		borrow_test(test_falling_numbers), borrow_test(test_writable),
		borrow_test(test_guard),	   borrow_test(test_scarce),
		borrow_test(test_guarded),	   borrow_test(test_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
