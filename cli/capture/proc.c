// SPDX-License-Identifier: MIT
/* proc.c - the files of a guest in /proc that are read to name it and to find its vCPUs */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/capture.h"

static bool has_gone(int error)
{
	return error == ENOENT || error == ESRCH;
}

/* Is it still the process of this guest? Its number may have been reused. */
static bool is_same(const struct subject *subject, const char *stat)
{
	const unsigned long long tick = 1000000000ull / (unsigned long long)sysconf(_SC_CLK_TCK);
	const char *field = strrchr(stat, ')');
	unsigned long long start;

	for (int i = 2; field && i < 22; i++) {
		field = strchr(field, ' ');
		field = field ? field + 1 : NULL;
	}
	if (!field || !subject->guest->start_ns)
		return true;
	start = strtoull(field, NULL, 10) * tick;
	return start == subject->guest->start_ns - subject->guest->start_ns % tick;
}

static void write_text(struct capture *capture, const struct subject *subject, const char *file, const char *text, size_t len)
{
	if (text)
		tree_write(&capture->tree, 0444, text, len, "proc/%d/%s", (int)subject->guest->pid, file);
}

static void write_status(struct capture *capture, const struct subject *subject, int tid)
{
	char text[256];

	snprintf(text, sizeof(text), "Name:\t%s\nTgid:\t%d\nPid:\t%d\n",
		 capture->options->scrub ? scrubbed_comm(subject) : subject->guest->vmm, (int)subject->guest->pid, tid);
	tree_write(&capture->tree, 0444, text, strlen(text), "proc/%d/status", tid);
}

static void copy_cmdline(struct capture *capture, const struct subject *subject)
{
	char *cmdline;
	ssize_t len = kvmstat_read_cmdline(capture->watch.kvmstat, subject->guest, &cmdline);

	if (len >= 0) {
		write_text(capture, subject, "cmdline", cmdline, (size_t)len);
		free(cmdline);
	} else if (len == -ETIMEDOUT || len == -EBUSY) {
		complain("the command line of process %d is left out: reading it does not return", (int)subject->guest->pid);
	}
}

/* As it is. */
static void copy_files(struct capture *capture, const struct subject *subject)
{
	static const char *const files[] = { "comm", "stat", "status", "cgroup" };

	copy_cmdline(capture, subject);
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		size_t len;
		char *text = host_read(capture, &len, "proc/%d/%s", (int)subject->guest->pid, files[i]);

		write_text(capture, subject, files[i], text, len);
		free(text);
	}
	/* Without it the directory in debugfs could not be assigned to a process. */
	if (!tree_has(&capture->tree, "proc/%d/status", (int)subject->guest->pid))
		write_status(capture, subject, (int)subject->guest->pid);
}

/* Made from what the sample knows. */
static void make_files(struct capture *capture, const struct subject *subject, const char *stat)
{
	char *made = stat ? scrubbed_stat(subject, stat) : NULL, *cmdline, comm[64];
	size_t len;

	write_status(capture, subject, (int)subject->guest->pid);
	if (made)
		write_text(capture, subject, "stat", made, strlen(made));
	free(made);
	if (!stat)
		return;
	snprintf(comm, sizeof(comm), "%s\n", scrubbed_comm(subject));
	write_text(capture, subject, "comm", comm, strlen(comm));
	cmdline = scrubbed_cmdline(subject, &len);
	write_text(capture, subject, "cmdline", cmdline, len);
	free(cmdline);
}

static DIR *open_directory(const struct capture *capture, int pid, const char *name)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "proc/%d/%s", pid, name);
	fd = openat(capture->root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? NULL : fdopendir(fd);
}

/* KVM's files among those that it has open; not the guest's disks. */
static void copy_links(struct capture *capture, int pid, DIR *dir)
{
	static const char prefix[] = "anon_inode:kvm-";
	struct dirent *entry;

	while ((entry = readdir(dir))) {
		char target[64];
		ssize_t len = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);

		target[len < 0 ? 0 : len] = '\0';
		if (strncmp(target, prefix, strlen(prefix)) == 0)
			tree_link(&capture->tree, target, "proc/%d/fd/%s", pid, entry->d_name);
	}
}

/* If they may not be seen, the sample has their number. */
static void make_links(struct capture *capture, const struct subject *subject)
{
	int pid = (int)subject->guest->pid, fd = subject->guest->fd;

	for (uint32_t i = 0; i < subject->row->vcpu_count; i++) {
		char target[32];

		while (++fd && tree_has(&capture->tree, "proc/%d/fd/%d", pid, fd))
			;
		snprintf(target, sizeof(target), "anon_inode:kvm-vcpu:%u", i);
		tree_link(&capture->tree, target, "proc/%d/fd/%d", pid, fd);
	}
}

static void capture_links(struct capture *capture, const struct subject *subject)
{
	int pid = (int)subject->guest->pid;
	DIR *dir = open_directory(capture, pid, "fd");

	if (dir)
		copy_links(capture, pid, dir);
	else if (!has_gone(errno))
		make_links(capture, subject);
	if (dir)
		closedir(dir);
}

/* Of a vCPU the times are the sample's; the number of time slices behind them is the host's. */
static void write_times(struct capture *capture, const struct subject *subject, int tid, const char *times)
{
	const char *slices = strrchr(times, ' ');
	char text[96];

	for (uint32_t i = 0; slices && i < subject->row->nvcpus; i++) {
		const struct kvmstat_vcpu *vcpu = &subject->row->vcpus[i];

		if (vcpu->tid != tid || !vcpu->has_cpu)
			continue;
		snprintf(text, sizeof(text), "%llu %llu%s", (unsigned long long)vcpu->cpu_ns, (unsigned long long)vcpu->wait_ns, slices);
		times = text;
		break;
	}
	tree_write(&capture->tree, 0444, times, strlen(times), "proc/%d/task/%d/schedstat", (int)subject->guest->pid, tid);
}

/* comm, status and schedstat of one thread, if it is there to the end. */
static void capture_thread(struct capture *capture, const struct subject *subject, int tid)
{
	int pid = (int)subject->guest->pid;
	char *comm = host_read(capture, NULL, "proc/%d/task/%d/comm", pid, tid);
	char *times = host_read(capture, NULL, "proc/%d/task/%d/schedstat", pid, tid);
	char status[64];

	if (comm && (times || !has_gone(errno))) {
		const char *name = capture->options->scrub ? scrubbed_thread(comm) : comm;

		tree_write(&capture->tree, 0444, name, strlen(name), "proc/%d/task/%d/comm", pid, tid);
		snprintf(status, sizeof(status), "Tgid:\t%d\nPid:\t%d\n", pid, tid);
		tree_write(&capture->tree, 0444, status, strlen(status), "proc/%d/task/%d/status", pid, tid);
		if (times)
			write_times(capture, subject, tid, times);
	}
	free(comm);
	free(times);
}

static void capture_threads(struct capture *capture, const struct subject *subject)
{
	DIR *dir = open_directory(capture, (int)subject->guest->pid, "task");
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (isdigit((unsigned char)entry->d_name[0]))
			capture_thread(capture, subject, atoi(entry->d_name));
	if (dir)
		closedir(dir);
}

/* *stat, malloc'ed, is NULL if it may not be seen. false: the process has ended. */
static bool look(const struct capture *capture, const struct subject *subject, char **stat)
{
	*stat = host_read(capture, NULL, "proc/%d/stat", (int)subject->guest->pid);
	if (*stat)
		return is_same(subject, *stat);
	/* With hidepid, what may not be seen is not there. The collector did not see it either. */
	return !has_gone(errno) || (subject->unnamed && strncmp(subject->guest->name, "pid-", 4) == 0);
}

bool capture_process(struct capture *capture, const struct subject *subject)
{
	int pid = (int)subject->guest->pid;
	bool other = tree_has(&capture->tree, "proc/%d", pid), there;
	char *stat, name[24];

	if (!pid)
		return true;
	there = look(capture, subject, &stat);
	if (there && !other) {
		if (capture->options->scrub)
			make_files(capture, subject, stat);
		else
			copy_files(capture, subject);
		capture_links(capture, subject);
		capture_threads(capture, subject);
		free(stat);
		there = look(capture, subject, &stat);
	}
	free(stat);
	if (there && !tree_has(&capture->tree, "proc/%d/fd/%d", pid, subject->guest->fd))
		tree_link(&capture->tree, "anon_inode:kvm-vm", "proc/%d/fd/%d", pid, subject->guest->fd);
	if (!there && !other) {
		snprintf(name, sizeof(name), "proc/%d", pid);
		tree_remove(capture->tree.fd, name);
	}
	return there;
}

void capture_creator(struct capture *capture, const struct subject *subject)
{
	int tid = atoi(subject->dir);

	if (subject->guest->pid && tid > 0 && !tree_has(&capture->tree, "proc/%d", tid))
		write_status(capture, subject, tid);
}
