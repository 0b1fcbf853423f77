/* SPDX-License-Identifier: MIT */
#include "guests/sighting.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "guests/guest_index.h"
#include "util/clock.h"

int sighting_is_vm(const struct sysroot *root, pid_t pid, int fd)
{
	char target[32];
	ssize_t len = sysroot_readlink(root, target, sizeof(target), "proc/%d/fd/%d", pid, fd);

	if (len == -EACCES || len == -EPERM)
		return -EACCES;
	return len > 0 && strcmp(target, KVM_VM_LINK) == 0;
}

static bool holds_vm(const struct sysroot *root, pid_t pid, int fd)
{
	return sighting_is_vm(root, pid, fd) > 0;
}

/*
 * The thread that created the VM has ended: find the process that has the VM at that fd now. 0:
 * there is none.
 */
static pid_t search_owner(const struct guests *guests, const struct sysroot *root, const char *base, int fd)
{
	DIR *dir = sysroot_opendir(root, "proc");
	struct dirent *entry;
	pid_t owner = 0;

	if (!dir)
		return -errno;
	while ((entry = readdir(dir))) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (pid <= 0 || !holds_vm(root, pid, fd) || index_has_fd(&guests->by_process, pid, fd) ||
		    sysroot_exists(root, "sys/kernel/debug/%s/%d-%d", base, pid, fd))
			continue;
		if (owner) {
			owner = 0;
			break;
		}
		owner = pid;
	}
	closedir(dir);
	return owner;
}

/*
 * Complete a sighting. The directory's number is that of the thread that created the VM: any thread
 * of the process, which may have ended, and its number may have been reused.
 * 0, or the -errno of a shortage.
 */
static int find_process(const struct guests *guests, const struct sysroot *root, struct sighting *s)
{
	int tid = 0, fd = -1;
	pid_t tgid, owner;

	if (sscanf(s->dir, "%d-%d", &tid, &fd) != 2)
		return 0;
	if (s->fd < 0)
		s->fd = fd;
	if (guests->other_pid_namespace) {
		s->tgid = 0;
		return 0;
	}
	tgid = proc_tgid(root, tid);
	if (tgid > 0 && (s->tgid == tgid || holds_vm(root, tgid, fd))) {
		s->tgid = tgid;
		s->fd = fd;
		return 0;
	}
	if (s->tgid || is_shortage(tgid))
		return s->tgid ? 0 : tgid;
	/* If /proc/PID/fd may not be read, use the thread's process. */
	owner = search_owner(guests, root, s->base, fd);
	s->tgid = owner > 0 ? owner : tgid > 0 ? tgid : 0;
	return is_shortage(owner) ? owner : 0;
}

/* /proc shows starts in ticks, the kernel has them in ns: keep the coarser value. 0, or as above. */
static int find_start(const struct sysroot *root, struct sighting *s)
{
	uint64_t ns = s->start_ns;
	int rc = 0;

	if (!ns && s->tgid)
		rc = proc_start(root, s->tgid, &ns);
	s->start_ns = whole_ticks(ns);
	return is_shortage(rc) ? rc : 0;
}

int sighting_complete(const struct guests *guests, const struct sysroot *root, struct sighting *s)
{
	int rc = find_process(guests, root, s), start_rc = find_start(root, s);

	return rc < 0 ? rc : start_rc;
}
