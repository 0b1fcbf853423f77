/* SPDX-License-Identifier: MIT */
#include "sources/statsfd/borrow.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host/proc.h"

/* The same on every architecture but alpha; older headers do not have them. */
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif

static int open_process(pid_t pid)
{
	long pidfd = syscall(SYS_pidfd_open, pid, 0);

	return pidfd < 0 ? -errno : (int)pidfd;
}

int statsfd_may_borrow(pid_t pid, enum refusal_call *call)
{
	int pidfd = open_process(pid);
	long fd;
	int rc;

	*call = CALL_PIDFD_OPEN;
	if (pidfd < 0)
		return pidfd;
	*call = CALL_PIDFD_GETFD;
	/* The kernel checks permission before the number, and no process has this number. */
	fd = syscall(SYS_pidfd_getfd, pidfd, 0x7fffffff, 0);
	rc = fd >= 0 || errno == EBADF ? 0 : -errno;
	if (fd >= 0)
		close((int)fd);
	close(pidfd);
	return rc;
}

int loan_begin(struct loan *loan, pid_t pid)
{
	loan->count = 0;
	if (loan->pidfd < 0)
		loan->pidfd = open_process(pid);
	return loan->pidfd < 0 ? loan->pidfd : 0;
}

/* Newest first: a guard is closed after its statistics fd. */
static void close_each(const struct loan *loan, uint32_t first, uint32_t end)
{
	while (end-- > first)
		close(loan->fds[end]);
}

/*
 * Close consecutive numbers with one system call. All numbers between the first and the last belong
 * to this loan, so no fd of another thread is closed.
 */
void loan_return(struct loan *loan)
{
	uint32_t next;

	for (uint32_t first = 0; first < loan->count; first = next) {
		for (next = first + 1; next < loan->count && loan->fds[next] == loan->fds[next - 1] + 1;)
			next++;
		if (loan->guarded || next - first < 2 ||
		    syscall(SYS_close_range, loan->fds[first], loan->fds[next - 1], 0) < 0)
			close_each(loan, first, next);
	}
	loan->count = 0;
}

static int borrow(struct loan *loan, int number)
{
	long fd = syscall(SYS_pidfd_getfd, loan->pidfd, number, 0);

	/* The borrowed descriptors may be the ones that are short. */
	if (fd < 0 && errno == EMFILE && loan->count && !loan->guarded) {
		loan_return(loan);
		fd = syscall(SYS_pidfd_getfd, loan->pidfd, number, 0);
	}
	if (fd < 0)
		return errno == EBADF ? -ESTALE : -errno;
	loan->fds[loan->count++] = (int)fd;
	return (int)fd;
}

int loan_stats(struct loan *loan, int number)
{
	int fd = borrow(loan, number);

	return fd < 0 || (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY ? fd : -ESTALE;
}

int loan_guard(struct loan *loan, const struct sysroot *root, int number, int vcpu)
{
	int fd = borrow(loan, number);
	char expected[40] = KVM_VM_LINK, target[64];

	if (fd < 0)
		return fd;
	if (vcpu >= 0)
		snprintf(expected, sizeof(expected), KVM_VCPU_LINK "%d", vcpu);
	if (sysroot_readlink(root, target, sizeof(target), "proc/self/fd/%d", fd) > 0 && strcmp(target, expected) == 0)
		return fd;
	return -ESTALE;
}
