/* SPDX-License-Identifier: MIT */
/*
 * tree.c - a small captured host
 */
#include "tree.h"

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEBUGFS "sys/kernel/debug/kvm"

static char tree_root[PATH_MAX / 2];
static const char *const events[] = {"exits", "halt_exits", "halt_wait_ns", "io_exits", "pages_4k"};

static void must(int good, const char *path)
{
	if (good)
		return;
	perror(path);
	exit(1);
}

static const char *path_of(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The path with all directories above it made. */
static const char *path_of(const char *format, ...)
{
	static char path[PATH_MAX];
	size_t len = (size_t)snprintf(path, sizeof(path), "%s/", tree_root);
	va_list ap;

	va_start(ap, format);
	vsnprintf(path + len, sizeof(path) - len, format, ap);
	va_end(ap);
	for (char *slash = path + len; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		mkdir(path, 0755);
		*slash = '/';
	}
	return path;
}

static void write_bytes(const char *path, const char *data, size_t len, mode_t mode)
{
	int fd;

	/* What is there may be of mode 0444. */
	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	must(fd >= 0 && write(fd, data, len) == (ssize_t)len && close(fd) == 0, path);
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static void remove_all(const char *path)
{
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static mode_t mode_of(const char *event)
{
	return strcmp(event, "pages_4k") ? 0644 : 0444;
}

void tree_new(const char *root)
{
	snprintf(tree_root, sizeof(tree_root), "%s", root);
	remove_all(tree_root);
	must(mkdir(tree_root, 0755) == 0, tree_root);
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		write_bytes(path_of(DEBUGFS "/%s", events[i]), "0\n", 2, mode_of(events[i]));
	write_bytes(path_of("sys/kernel/security/lockdown"), "[none] integrity confidentiality\n", 33, 0644);
	write_bytes(path_of("sys/devices/system/cpu/online"), "0-3\n", 4, 0644);
	write_bytes(path_of("proc/sys/kernel/random/boot_id"), "6f1c2a3e-7d64-4a2b-9c58-0b1e2d3f4a55\n", 37,
		    0644);
	write_bytes(path_of("dev/kvm"), "", 0, 0600);
}

static void write_proc(int pid)
{
	char text[512];
	int len;

	write_bytes(path_of("proc/%d/comm", pid), "qemu-system-x86\n", 16, 0644);
	len = snprintf(text, sizeof(text), "Name:\tqemu-system-x86\nTgid:\t%d\nPid:\t%d\n", pid, pid);
	write_bytes(path_of("proc/%d/status", pid), text, (size_t)len, 0644);
	len = snprintf(text, sizeof(text),
		       "%d (qemu-system-x86) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 5 0 1000 0 0 0 0 0\n", pid);
	write_bytes(path_of("proc/%d/stat", pid), text, (size_t)len, 0644);
	must(symlink("anon_inode:kvm-vm", path_of("proc/%d/fd/9", pid)) == 0, "fd/9");
	must(symlink("anon_inode:kvm-vcpu:0", path_of("proc/%d/fd/10", pid)) == 0, "fd/10");
}

/* A comma in a name is doubled on QEMU's command line. */
static size_t put_name(char *out, const char *name, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		if (name[i] == ',')
			out[n++] = ',';
		out[n++] = name[i];
	}
	return n;
}

void tree_guest(int pid, const char *name, size_t len, const char *uuid)
{
	char cmdline[2048] = "qemu-system-x86_64\0-name\0guest=";
	size_t n = sizeof("qemu-system-x86_64\0-name\0guest=") - 1;

	n += put_name(cmdline + n, name, len) + 1;
	if (uuid[0])
		n += (size_t)snprintf(cmdline + n, sizeof(cmdline) - n, "-uuid%c%s", '\0', uuid) + 1;
	write_proc(pid);
	write_bytes(path_of("proc/%d/cmdline", pid), cmdline, n, 0644);
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		tree_value(pid, events[i], 0);
}

void tree_guest_gone(int pid)
{
	remove_all(path_of("proc/%d", pid));
	remove_all(path_of(DEBUGFS "/%d-9", pid));
}

void tree_value(int pid, const char *event, uint64_t value)
{
	char text[32];
	int len = snprintf(text, sizeof(text), "%llu\n", (unsigned long long)value);

	write_bytes(path_of(DEBUGFS "/%d-9/%s", pid, event), text, (size_t)len, mode_of(event));
}
