/* SPDX-License-Identifier: MIT */
#include "guests/proc_helper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* The same on every architecture but alpha; older headers do not have it. */
#ifndef SYS_close_range
#define SYS_close_range 436
#endif

enum {
	MAX_CMDLINE = 2 << 20,
	MAX_CLOSED = 1 << 16,	/* descriptors, one by one, before Linux 5.9 */
	STARVED_POLL_MS = 20,	/* between two checks of a helper that gets no processor */
	PROMPT_NS = 20000000,	/* every read gets this time, even after one that hangs, and it does not count */
};

#define STARVED_NS UINT64_C(10000000000)	/* after this, even a helper that gets no processor is given up */

struct proc_answer {
	char cmdline[MAX_CMDLINE + 1];
};

/* ---- in the helper: what it calls must be safe after a fork of a process with threads ---- */

static void close_from_to(unsigned int first, unsigned int last)
{
	struct rlimit limit = { MAX_CLOSED, MAX_CLOSED };

	if (first > last || syscall(SYS_close_range, first, last, 0) == 0)
		return;
	getrlimit(RLIMIT_NOFILE, &limit);
	if (last >= limit.rlim_cur)
		last = limit.rlim_cur < MAX_CLOSED ? (unsigned int)limit.rlim_cur : MAX_CLOSED;
	for (unsigned int fd = first; fd <= last; fd++)
		close((int)fd);
}

/*
 * Close the program's locks, connections and pipes, so that a helper that hangs does not keep them
 * open.
 */
static void close_others(int one, int other)
{
	unsigned int low = (unsigned int)(one < other ? one : other), high = (unsigned int)(one < other ? other : one);

	if (low)
		close_from_to(0, low - 1);
	close_from_to(low + 1, high - 1);
	close_from_to(high + 1, ~0u);
}

static _Noreturn void serve(int sock, const struct sysroot *root, struct proc_answer *answer)
{
	pid_t pid;

	prctl(PR_SET_NAME, "kvmstat-helper");
	/* If the parent has already ended, the other end of the socket is closed. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	close_others(sock, root->fd);
	while (recv(sock, &pid, sizeof(pid), 0) == sizeof(pid)) {
		ssize_t len = sysroot_read(root, answer->cmdline, sizeof(answer->cmdline), "proc/%d/cmdline", (int)pid);

		if (send(sock, &len, sizeof(len), MSG_NOSIGNAL) != sizeof(len))
			break;
	}
	_exit(0);
}

/* ---- in the collector ---- */

/*
 * Like fork(), but the host program gets no SIGCHLD, and its wait() does not return the child.
 * Emulators of user programs do not support that.
 */
static pid_t fork_silently(void)
{
	pid_t pid = (pid_t)syscall(SYS_clone, 0, 0, 0, 0, 0);

	return pid < 0 && errno == EINVAL ? fork() : pid;
}

/* Signals are for the front end: the helper blocks all of them. */
static int start_process(struct proc_helper *helper, int sock, const struct sysroot *root)
{
	sigset_t all, before;
	int rc = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	helper->pid = fork_silently();
	if (helper->pid == 0)
		serve(sock, root, helper->answer);
	if (helper->pid < 0)
		rc = -errno;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc;
}

static int start(struct proc_helper *helper, const struct sysroot *root)
{
	void *shared;
	int socks[2], rc;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, socks) < 0)
		return -errno;
	shared = mmap(NULL, sizeof(struct proc_answer), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	rc = shared == MAP_FAILED ? -errno : 0;
	if (rc == 0) {
		helper->answer = shared;
		rc = start_process(helper, socks[1], root);
		if (rc < 0)
			munmap(shared, sizeof(struct proc_answer));
	}
	close(socks[1]);
	if (rc < 0) {
		helper->pid = 0;
		close(socks[0]);
		return rc;
	}
	helper->sock = socks[0];
	return 0;
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Is the helper runnable? Then it waits only because this host is busy. */
static bool is_starved(const struct proc_helper *helper)
{
	struct sysroot live = { .fd = AT_FDCWD };
	const char *name_end;
	char stat[128];

	if (sysroot_read(&live, stat, sizeof(stat), "/proc/%d/stat", (int)helper->pid) <= 0)
		return false;
	name_end = strrchr(stat, ')');
	return name_end && name_end[1] && name_end[2] == 'R';
}

/*
 * Wait for an answer until the deadline, or while the helper is starved. Returns as poll(2). *now:
 * the time of return.
 */
static int poll_helper(const struct proc_helper *helper, uint64_t *now, uint64_t deadline)
{
	struct pollfd poll_fd = { .fd = helper->sock, .events = POLLIN };
	uint64_t limit = deadline + STARVED_NS;
	int ready;

	do {
		ready = poll(&poll_fd, 1, *now < deadline ? (int)((deadline - *now) / 1000000) : STARVED_POLL_MS);
		*now = now_ns();
	} while ((ready < 0 && errno == EINTR && *now < limit) || (ready == 0 && *now < limit && is_starved(helper)));
	return ready;
}

/*
 * Read the answer, and subtract its delay from the remaining time.
 * 0, -ETIMEDOUT, or -EPIPE: the helper was killed
 */
static int wait_for_answer(struct proc_helper *helper, ssize_t *len)
{
	uint64_t now = now_ns(), prompt = now + PROMPT_NS, deadline = prompt + helper->patience_ns;
	int ready = poll_helper(helper, &now, deadline);

	if (now > prompt)
		helper->patience_ns = now < deadline ? deadline - now : 0;
	if (ready <= 0)
		return -ETIMEDOUT;
	return recv(helper->sock, len, sizeof(*len), MSG_DONTWAIT) == sizeof(*len) ? 0 : -EPIPE;
}

/* Reap helpers that have died. */
static void bury(struct proc_helper *helper)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < helper->nhung; i++)
		if (waitpid(helper->hung[i].pid, NULL, __WALL | WNOHANG) == 0)
			helper->hung[kept++] = helper->hung[i];
	helper->nhung = kept;
}

static pid_t leave(struct proc_helper *helper)
{
	pid_t pid = helper->pid;

	kill(pid, SIGKILL);
	close(helper->sock);
	munmap(helper->answer, sizeof(*helper->answer));
	helper->pid = 0;
	return pid;
}

/* A helper that waits for a question dies at once. */
static void end(struct proc_helper *helper)
{
	waitpid(leave(helper), NULL, __WALL);
}

static void give_up(struct proc_helper *helper, pid_t asked)
{
	helper->hung[helper->nhung].pid = leave(helper);
	helper->hung[helper->nhung++].asked = asked;
}

static bool hangs_for(const struct proc_helper *helper, pid_t pid)
{
	for (uint32_t i = 0; i < helper->nhung; i++)
		if (helper->hung[i].asked == pid)
			return true;
	return false;
}

void proc_helper_init(struct proc_helper *helper)
{
	*helper = (struct proc_helper){ .pass_patience_ns = PROC_PATIENCE_MS * 1000000ull };
}

void proc_helper_begin(struct proc_helper *helper)
{
	helper->patience_ns = helper->pass_patience_ns;
	bury(helper);
}

void proc_helper_end(struct proc_helper *helper)
{
	if (helper->pid)
		end(helper);
	bury(helper);
}

ssize_t proc_helper_cmdline(struct proc_helper *helper, const struct sysroot *root, pid_t pid, const char **cmdline)
{
	ssize_t len;
	int rc;

	if (hangs_for(helper, pid))
		return -ETIMEDOUT;
	/* Each question may need a new helper. */
	if (helper->nhung == PROC_MAX_HUNG)
		return -EBUSY;
	rc = helper->pid ? 0 : start(helper, root);
	if (rc < 0)
		return rc;
	rc = -EPIPE;
	if (send(helper->sock, &pid, sizeof(pid), MSG_NOSIGNAL) == sizeof(pid))
		rc = wait_for_answer(helper, &len);
	if (rc == 0) {
		*cmdline = helper->answer->cmdline;
		return len;
	}
	if (rc == -ETIMEDOUT)
		give_up(helper, pid);
	else
		end(helper);
	return rc == -ETIMEDOUT ? rc : -EAGAIN;
}
