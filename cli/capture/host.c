// SPDX-License-Identifier: MIT
/* host.c - files of the host, and the values in the format of debugfs */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/capture.h"

enum { MAX_FILE = 4 << 20 };

#define DEBUGFS "sys/kernel/debug"

/* The whole of an open file, up to MAX_FILE bytes. */
static char *read_whole(int fd, size_t *len)
{
	size_t size = 4096, have = 0;
	char *data = NULL;
	ssize_t got = 1;

	while (got > 0 && have < MAX_FILE) {
		char *bigger = realloc(data, size + 1);

		if (!bigger)
			out_of_memory();
		data = bigger;
		got = read(fd, data + have, size - have);
		if (got < 0 && errno != EINTR) {
			free(data);
			return NULL;
		}
		have += got > 0 ? (size_t)got : 0;
		got = got < 0 ? 1 : got;
		size = have == size ? size * 2 : size;
	}
	data[have] = '\0';
	if (len)
		*len = have;
	return data;
}

char *host_read(const struct capture *capture, size_t *len, const char *format, ...)
{
	char path[512], *data;
	va_list args;
	int fd, error;

	va_start(args, format);
	vsnprintf(path, sizeof(path), format, args);
	va_end(args);
	fd = openat(capture->root, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	data = read_whole(fd, len);
	error = errno;
	close(fd);
	errno = error;
	return data;
}

static bool host_has(const struct capture *capture, const char *path)
{
	return faccessat(capture->root, path, F_OK, 0) == 0;
}

static void copy_file(struct capture *capture, const char *path)
{
	size_t len;
	char *data = host_read(capture, &len, "%s", path);

	if (data)
		tree_write(&capture->tree, 0444, data, len, "%s", path);
	free(data);
}

void capture_host(struct capture *capture)
{
	static const char boot_id[] = "proc/sys/kernel/random/boot_id", made_up[] = "00000000-0000-4000-8000-000000000000\n";

	tree_make(&capture->tree, "proc");
	tree_make(&capture->tree, "sys");
	copy_file(capture, "sys/kernel/security/lockdown");
	copy_file(capture, "sys/devices/system/cpu/online");
	if (capture->options->scrub)
		tree_write(&capture->tree, 0444, made_up, strlen(made_up), "%s", boot_id);
	else
		copy_file(capture, boot_id);
	if (host_has(capture, "dev/kvm"))
		tree_write(&capture->tree, 0600, "", 0, "dev/kvm");
	if (host_has(capture, "sys/module/kvm"))
		tree_make(&capture->tree, "sys/module/kvm");
	if (host_has(capture, DEBUGFS))
		tree_make(&capture->tree, DEBUGFS);
}

/* ---- KVM's directories ---- */

static mode_t default_mode(const struct kvmstat_column *column)
{
	return column->event->class == KVMSTAT_INSTANT ? 0444 : 0644;
}

bool fits_tree(const struct kvmstat_column *column)
{
	return column->cells == 1 && !kvmstat_is_histogram(column->event->class);
}

static void add_base(struct capture *capture, const char *name, bool is_seen)
{
	const struct kvmstat_sample *sample = capture->sample;
	struct base *base = &capture->bases[capture->nbases++];

	snprintf(base->name, sizeof(base->name), "%s", name);
	base->is_seen = is_seen;
	base->modes = get_memory(sample->ncolumns, sizeof(*base->modes));
	for (uint32_t i = 0; i < sample->ncolumns; i++) {
		char path[512];
		struct stat st;

		snprintf(path, sizeof(path), DEBUGFS "/%s/%s", name, sample->columns[i].kernel_name);
		if (!fits_tree(&sample->columns[i]))
			continue;
		if (!is_seen)
			base->modes[i] = default_mode(&sample->columns[i]);
		else if (fstatat(capture->root, path, &st, 0) == 0 && S_ISREG(st.st_mode))
			base->modes[i] = st.st_mode & 0777;
	}
}

void find_bases(struct capture *capture)
{
	int fd = openat(capture->root, DEBUGFS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	while (dir && capture->nbases < MAX_BASES && (entry = readdir(dir)))
		if ((strcmp(entry->d_name, "kvm") == 0 || strncmp(entry->d_name, "kvm-", 4) == 0) &&
		    strlen(entry->d_name) < BASE_SIZE)
			add_base(capture, entry->d_name, true);
	if (dir)
		closedir(dir);
	if (!capture->nbases && capture->sample->ncolumns)
		add_base(capture, "kvm", false);
}

struct base *find_base(struct capture *capture, const struct subject *subject)
{
	for (size_t i = 0; i < capture->nbases; i++) {
		char path[512];
		struct base *base = &capture->bases[i];
		struct stat st;

		snprintf(path, sizeof(path), DEBUGFS "/%s/%s", base->name, subject->dir);
		if (!subject->ino || !base->is_seen ||
		    (fstatat(capture->root, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_ino == subject->ino))
			return base;
	}
	return NULL;
}

/* ---- values ---- */

/*
 * The lockdown is captured, too, and a replay obeys it as on the host: it opens no writable file.
 * So counters that bpf read despite lockdown get a mode that lockdown permits, but that is not the
 * mode of an instant value.
 */
static mode_t mode_of(const struct capture *capture, const struct base *base, uint32_t i)
{
	enum kvmstat_lockdown lockdown = capture->sample->lockdown;
	bool locked = lockdown == KVMSTAT_LOCKDOWN_INTEGRITY || lockdown == KVMSTAT_LOCKDOWN_CONFIDENTIALITY;

	if (locked && (base->modes[i] & ~0444u) && capture->sample->columns[i].source != KVMSTAT_ABSENT)
		return 0440;
	return base->modes[i];
}

void capture_values(struct capture *capture, const struct subject *subject)
{
	const struct kvmstat_sample *sample = capture->sample;
	struct base *base = subject->base;

	if (!base)
		return;
	tree_make(&capture->tree, DEBUGFS "/%s/%s", base->name, subject->dir);
	for (uint32_t i = 0; i < sample->ncolumns; i++) {
		const struct kvmstat_column *column = &sample->columns[i];
		char text[32];

		if (!fits_tree(column) || subject->row->from[column->first_cell] == KVMSTAT_ABSENT)
			continue;
		if (!base->modes[i])
			base->modes[i] = default_mode(column);
		snprintf(text, sizeof(text), "%llu\n", (unsigned long long)subject->row->value[column->first_cell]);
		tree_write(&capture->tree, mode_of(capture, base, i), text, strlen(text), DEBUGFS "/%s/%s/%s", base->name,
			   subject->dir, column->kernel_name);
	}
	if (subject->guest->created_ns)
		tree_set_time(&capture->tree, subject->guest->created_ns, DEBUGFS "/%s/%s", base->name, subject->dir);
}

void capture_names(struct capture *capture)
{
	for (size_t b = 0; b < capture->nbases; b++) {
		const struct base *base = &capture->bases[b];

		tree_make(&capture->tree, DEBUGFS "/%s", base->name);
		for (uint32_t i = 0; i < capture->sample->ncolumns; i++)
			if (base->modes[i])
				tree_write(&capture->tree, mode_of(capture, base, i), "", 0, DEBUGFS "/%s/%s", base->name,
					   capture->sample->columns[i].kernel_name);
	}
}
