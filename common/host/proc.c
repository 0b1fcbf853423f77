/* SPDX-License-Identifier: MIT */
#include "host/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/array.h"
#include "util/clock.h"

/* A growing array of numbers. */
struct ints {
	int *at;
	uint32_t count, room;
};

static int ints_add(struct ints *ints, int value)
{
	if (array_reserve(&ints->at, &ints->room, ints->count + 1) < 0)
		return -ENOMEM;
	ints->at[ints->count++] = value;
	return 0;
}

static int compare_ints(const void *a, const void *b)
{
	int x = *(const int *)a, y = *(const int *)b;

	return (x > y) - (x < y);
}

static void ints_sort(struct ints *ints)
{
	if (ints->count)
		qsort(ints->at, ints->count, sizeof(*ints->at), compare_ints);
}

static uint32_t ints_distinct(const struct ints *sorted)
{
	uint32_t distinct = 0;

	for (size_t i = 0; i < sorted->count; i++)
		distinct += i == 0 || sorted->at[i] != sorted->at[i - 1];
	return distinct;
}

/* A decimal number without sign or space, up to the byte *end says. 0 or -EINVAL. */
static int parse_u64(const char *text, const char **end, uint64_t *value)
{
	char *stop;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	*value = strtoull(text, &stop, 10);
	*end = stop;
	return errno ? -EINVAL : 0;
}

/* The whole text as an int that is not negative, or -EINVAL. */
static int parse_int(const char *text)
{
	const char *end;
	uint64_t value;

	if (parse_u64(text, &end, &value) < 0 || *end || value > INT_MAX)
		return -EINVAL;
	return (int)value;
}

pid_t proc_tgid(const struct sysroot *root, pid_t tid)
{
	const char *tgid, *end;
	uint64_t value;
	char buf[1024];
	ssize_t len;

	len = sysroot_read(root, buf, sizeof(buf), "proc/%d/status", (int)tid);
	if (len < 0)
		return (pid_t)len;
	tgid = strstr(buf, "\nTgid:\t");
	if (!tgid || parse_u64(tgid + strlen("\nTgid:\t"), &end, &value) < 0)
		return -EINVAL;
	return *end == '\n' && value > 0 && value <= INT_MAX ? (pid_t)value : -EINVAL;
}

/* The field of a stat line (numbered from 1 as in proc(5), 3 or later), or NULL. */
static const char *stat_field(const char *stat, int number)
{
	/* comm, the second field, may hold anything, even ") R 1"; nothing after it holds a parenthesis. */
	const char *field = strrchr(stat, ')');

	for (int i = 2; field && i < number; i++) {
		field = strchr(field, ' ');
		if (field)
			field++;
	}
	return field;
}

int proc_start(const struct sysroot *root, pid_t pid, uint64_t *ns)
{
	const uint64_t tick = tick_ns();
	const char *field, *end;
	uint64_t ticks;
	char buf[2048];
	ssize_t len;

	len = sysroot_read(root, buf, sizeof(buf), "proc/%d/stat", (int)pid);
	if (len < 0)
		return (int)len;
	field = stat_field(buf, 22);
	/* A number at the very end may be a piece of one that was cut off. */
	if (!field || parse_u64(field, &end, &ticks) < 0 || *end != ' ' || ticks > UINT64_MAX / tick)
		return -EINVAL;
	*ns = ticks * tick;
	return 0;
}

/* Note what fd of the directory is, if it is KVM's. 0 or -errno. */
static int note_fd(int dirfd, const char *fd, struct ints *vms, struct ints *vcpus)
{
	const size_t prefix = strlen(KVM_VCPU_LINK);
	int number = parse_int(fd), id;
	char target[64];
	ssize_t len;

	if (number < 0)
		return 0;
	len = readlinkat(dirfd, fd, target, sizeof(target) - 1);
	if (len < 0)
		return errno == ENOENT ? 0 : -errno;
	target[len] = '\0';
	if (strcmp(target, KVM_VM_LINK) == 0)
		return ints_add(vms, number);
	if (strncmp(target, KVM_VCPU_LINK, prefix) != 0)
		return 0;
	id = parse_int(target + prefix);
	return id < 0 ? 0 : ints_add(vcpus, id);
}

/* Call note_fd() for each entry of the directory. */
static int note_fds(DIR *dir, struct ints *vms, struct ints *vcpus)
{
	struct dirent *entry;
	int rc = 0;

	while (rc == 0) {
		errno = 0;
		entry = readdir(dir);
		if (!entry)
			return -errno;
		rc = note_fd(dirfd(dir), entry->d_name, vms, vcpus);
	}
	return rc;
}

int proc_kvm(const struct sysroot *root, pid_t pid, struct proc_kvm *kvm)
{
	struct ints vms = { 0 }, vcpus = { 0 };
	DIR *dir = sysroot_opendir(root, "proc/%d/fd", (int)pid);
	int rc;

	if (!dir)
		return -errno;
	rc = note_fds(dir, &vms, &vcpus);
	closedir(dir);
	if (rc < 0) {
		free(vms.at);
	} else {
		ints_sort(&vms);
		ints_sort(&vcpus);
		kvm->vms = vms.at;
		kvm->nvms = (uint32_t)vms.count;
		kvm->vcpus = vms.count > 1 ? 0 : ints_distinct(&vcpus);
	}
	free(vcpus.at);
	return rc;
}

void proc_kvm_free(struct proc_kvm *kvm)
{
	free(kvm->vms);
	*kvm = (struct proc_kvm){ 0 };
}

/* Is this a VMM's name of a vCPU thread, and of which vCPU? */
static bool is_vcpu_thread(const char *comm, uint32_t *id)
{
	static const struct {
		const char *before, *after;
	} names[] = {
		{ "CPU ", "/KVM" },	/* QEMU with debug-threads=on */
		{ "fc_vcpu ", "" },	/* firecracker */
		{ "vcpu", "" },		/* cloud-hypervisor */
		{ "crosvm_vcpu", "" },
		{ "kvm-vcpu-", "" },	/* kvmtool */
	};
	const char *end;
	uint64_t number;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t len = strlen(names[i].before);

		if (strncmp(comm, names[i].before, len) != 0 || parse_u64(comm + len, &end, &number) < 0 ||
		    strcmp(end, names[i].after) != 0 || number > UINT32_MAX)
			continue;
		*id = (uint32_t)number;
		return true;
	}
	return false;
}

/*
 * 1: a vCPU thread
 * 0: another thread, or one that has ended
 * -errno
 */
static int check_thread(const struct sysroot *root, pid_t pid, int tid, uint32_t *id)
{
	char comm[64];
	ssize_t len;

	len = sysroot_read(root, comm, sizeof(comm), "proc/%d/task/%d/comm", (int)pid, tid);
	if (len == -ENOENT || len == -ESRCH)
		return 0;
	if (len < 0)
		return (int)len;
	if (len > 0 && comm[len - 1] == '\n')
		comm[len - 1] = '\0';
	return is_vcpu_thread(comm, id);
}

/* A growing array of threads. */
struct threads {
	struct vcpu_thread *at;
	uint32_t count, room;
};

static int threads_add(struct threads *threads, int tid, uint32_t id)
{
	if (array_reserve(&threads->at, &threads->room, threads->count + 1) < 0)
		return -ENOMEM;
	threads->at[threads->count++] = (struct vcpu_thread){ tid, id };
	return 0;
}

static int compare_tids(const void *a, const void *b)
{
	const struct vcpu_thread *x = a, *y = b;

	return (x->tid > y->tid) - (x->tid < y->tid);
}

static int list_vcpu_threads(const struct sysroot *root, pid_t pid, DIR *task, struct threads *threads)
{
	struct dirent *entry;
	int rc = 0;

	while (rc == 0) {
		uint32_t id = 0;
		int tid;

		errno = 0;
		entry = readdir(task);
		if (!entry)
			return -errno;
		tid = parse_int(entry->d_name);
		if (tid < 0)
			continue;
		rc = check_thread(root, pid, tid, &id);
		if (rc > 0)
			rc = threads_add(threads, tid, id);
	}
	return rc;
}

int proc_vcpu_threads(const struct sysroot *root, pid_t pid, struct vcpu_thread **threads)
{
	DIR *task = sysroot_opendir(root, "proc/%d/task", (int)pid);
	struct threads found = { 0 };
	int rc;

	if (!task)
		return -errno;
	rc = list_vcpu_threads(root, pid, task, &found);
	closedir(task);
	if (rc < 0 || found.count == 0) {
		free(found.at);
		return rc;
	}
	qsort(found.at, found.count, sizeof(*found.at), compare_tids);
	*threads = found.at;
	return (int)found.count;
}

int proc_schedstat(const struct sysroot *root, pid_t pid, pid_t tid, uint64_t *cpu_ns, uint64_t *wait_ns)
{
	uint64_t value[3];	/* CPU time, waiting time, number of time slices */
	const char *end;
	char buf[128];
	ssize_t len;

	len = sysroot_read(root, buf, sizeof(buf), "proc/%d/task/%d/schedstat", (int)pid, (int)tid);
	if (len < 0)
		return (int)len;
	end = buf;
	for (int i = 0; i < 3; i++) {
		if (parse_u64(end, &end, &value[i]) < 0 || *end != (i < 2 ? ' ' : '\n'))
			return -EINVAL;
		end++;
	}
	/* A thread with a name has run; if all is 0, the kernel keeps no account. */
	if (!value[0] && !value[1] && !value[2])
		return -ENODATA;
	*cpu_ns = value[0];
	*wait_ns = value[1];
	return 0;
}
