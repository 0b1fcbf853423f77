/* SPDX-License-Identifier: MIT */
/* files.c - the events in debugfs, and which of them may be read */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "guests/guest_dir.h"
#include "host/refusal.h"
#include "sources/debugfs/debugfs.h"
#include "util/array.h"

static bool is_kvm_dir(const char *name)
{
	return strcmp(name, "kvm") == 0 || strncmp(name, "kvm-", 4) == 0;
}

/* List the current kvm directories. Returns their number, or -errno if debugfs cannot be listed. */
static int list_kvm_dirs(const struct sysroot *root, char *entries, struct kvm_dir kvm_dirs[MAX_KVM_DIRS])
{
	struct dir_reader reader;
	const struct dir_entry *entry;
	int count = 0;
	int rc = dir_begin(&reader, root, entries, "sys/kernel/debug");

	if (rc < 0)
		return rc;
	while ((entry = dir_next(&reader))) {
		if (!is_kvm_dir(entry->name) || strlen(entry->name) >= GUEST_BASE_SIZE || count == MAX_KVM_DIRS ||
		    !dir_is(&reader, entry, S_IFDIR))
			continue;
		kvm_dirs[count] = (struct kvm_dir){ .ino = entry->ino };
		strcpy(kvm_dirs[count++].name, entry->name);
	}
	dir_end(&reader);
	return count;
}

/* debugfs_refuses: EPERM was returned although no lockdown is known. */
static bool is_refused(const struct context *context, mode_t mode)
{
	bool locked = context->host.lockdown == KVMSTAT_LOCKDOWN_INTEGRITY ||
		      context->host.lockdown == KVMSTAT_LOCKDOWN_CONFIDENTIALITY ||
		      context->host.debugfs_refuses;

	return locked && (mode & 0777 & ~0444) != 0;
}

/* The files of histograms show their first bucket only. */
static bool is_histogram(const struct kvmstat_event *event)
{
	size_t len = strlen(event->name);

	return kvmstat_is_histogram(event->class) ||
	       (!event->known && len > 5 && strcmp(event->name + len - 5, "_hist") == 0);
}

static int add_file(struct context *context, struct source *source, const char *arch, struct file *file,
		    mode_t mode)
{
	struct event_hint hint = {
		.class = (mode & 0777) == 0444 ? KVMSTAT_INSTANT : KVMSTAT_CUMULATIVE,
		.unit = KVMSTAT_COUNT,
		.scope = KVMSTAT_VM,
		.guessed = true,
	};
	const struct kvmstat_event *event = registry_intern(context->registry, arch, file->name, &hint);
	int found, rc;

	file->offer = NO_CELL;
	if (!event)
		return errno == ENOMEM ? -ENOMEM : 0;
	if (is_histogram(event))
		return 0;
	found = source_find_offer(source, event);
	if (found < 0) {
		rc = source_offer(source, event, file->name, 1, is_refused(context, mode));
		if (rc < 0)
			return rc;
		found = (int)source->noffers - 1;
	}
	file->offer = (uint32_t)found;
	return 0;
}

static int list_files(const struct sysroot *root, char *entries, struct kvm_dir *kvm_dir)
{
	struct dir_reader reader;
	const struct dir_entry *entry;
	int rc = dir_begin(&reader, root, entries, "sys/kernel/debug/%s", kvm_dir->name);

	while (rc == 0 && (entry = dir_next(&reader))) {
		if (!dir_is(&reader, entry, S_IFREG))
			continue;
		rc = array_resize(&kvm_dir->files, kvm_dir->nfiles + 1);
		if (rc == 0) {
			kvm_dir->files[kvm_dir->nfiles].name = strdup(entry->name);
			rc = kvm_dir->files[kvm_dir->nfiles++].name ? 0 : -ENOMEM;
		}
	}
	dir_end(&reader);
	return rc;
}

static int offer_kvm_dir(struct context *context, struct source *source, struct kvm_dir *kvm_dir)
{
	const char **names = calloc(kvm_dir->nfiles + 1, sizeof(char *));
	const char *arch;
	struct stat st;
	int rc = names ? 0 : -ENOMEM;

	for (size_t i = 0; rc == 0 && i < kvm_dir->nfiles; i++)
		names[i] = kvm_dir->files[i].name;
	arch = names ? registry_arch(names, kvm_dir->nfiles, "") : "";
	for (size_t i = 0; rc == 0 && i < kvm_dir->nfiles; i++) {
		kvm_dir->files[i].offer = NO_CELL;
		if (sysroot_stat(&context->root, &st, "sys/kernel/debug/%s/%s", kvm_dir->name, kvm_dir->files[i].name) == 0)
			rc = add_file(context, source, arch, &kvm_dir->files[i], st.st_mode);
	}
	free(names);
	return rc;
}

void debugfs_close(struct source *source)
{
	struct debugfs_state *state = source->state;

	for (size_t i = 0; i < state->nkvm_dirs; i++) {
		for (size_t j = 0; j < state->kvm_dirs[i].nfiles; j++)
			free(state->kvm_dirs[i].files[j].name);
		free(state->kvm_dirs[i].files);
	}
	free(state);
	source->state = NULL;
}

static bool is_mounted(const struct sysroot *root)
{
	struct statfs fs;
	int fd = sysroot_open(root, O_PATH | O_DIRECTORY, "sys/kernel/debug");
	bool mounted = fd >= 0 && fstatfs(fd, &fs) == 0 && fs.f_type == DEBUGFS_MAGIC;

	if (fd >= 0)
		close(fd);
	return mounted;
}

/* Set the status for a host without KVM directories. */
static int none_found(const struct context *context, struct source *source, int rc)
{
	if (rc < 0 && rc != -ENOENT && rc != -ENOTDIR)
		refusal_report(&source->status, &context->root, CALL_DEBUGFS, rc);
	else if (!sysroot_exists(&context->root, "sys/kernel/debug/."))
		source_status(source, KVMSTAT_MISSING,
			      "there is no /sys/kernel/debug: this kernel or container has no debugfs");
	else if (context->root.live && !is_mounted(&context->root))
		source_status(source, KVMSTAT_MISSING,
			      "debugfs is not mounted: mount -t debugfs none /sys/kernel/debug");
	else if (sysroot_exists(&context->root, "sys/module/kvm"))
		source_status(source, KVMSTAT_MISSING,
			      "the module kvm is loaded, but there is no /sys/kernel/debug/kvm: the "
			      "processor's module is not loaded (kvm_intel, kvm_amd), or the kernel "
			      "has no statistics in debugfs");
	else if (context->host.has_kvm)
		source_status(source, KVMSTAT_MISSING,
			      "/dev/kvm exists, but there is no /sys/kernel/debug/kvm: the module is "
			      "not loaded (modprobe kvm), or the kernel has no statistics in debugfs");
	else
		source_status(source, KVMSTAT_MISSING,
			      "there is no /sys/kernel/debug/kvm: KVM is not loaded (modprobe kvm)");
	return rc < 0 ? rc : -ENOENT;
}

static void report_state(const struct context *context, struct source *source)
{
	size_t refused = 0;

	for (size_t i = 0; i < source->noffers; i++)
		refused += source->offers[i].refused;
	if (!refused)
		source_status(source, KVMSTAT_ACTIVE, "%s", "");
	else
		source_status(source, KVMSTAT_PARTIAL,
			      "the kernel refuses %zu of %zu events (lockdown=%s); %sthe sources "
			      "statsfd and libvirt can read those of vCPUs",
			      refused, source->noffers, kvmstat_lockdown_name(context->host.lockdown),
			      context->host.lockdown == KVMSTAT_LOCKDOWN_CONFIDENTIALITY ? "" : "the source bpf can read them, and ");
}

int debugfs_open(struct context *context, struct source *source)
{
	struct debugfs_state *state = calloc(1, sizeof(*state));
	int rc;

	if (!state)
		return -ENOMEM;
	source->state = state;
	state->fd_limit = guests_fd_limit();
	rc = list_kvm_dirs(&context->root, state->entries, state->kvm_dirs);
	if (rc <= 0) {
		rc = none_found(context, source, rc);
		debugfs_close(source);
		return rc;
	}
	state->nkvm_dirs = (size_t)rc;
	rc = 0;
	for (size_t i = 0; rc == 0 && i < state->nkvm_dirs; i++) {
		rc = list_files(&context->root, state->entries, &state->kvm_dirs[i]);
		if (rc == 0)
			rc = offer_kvm_dir(context, source, &state->kvm_dirs[i]);
	}
	if (rc < 0) {
		refusal_report(&source->status, &context->root, CALL_DEBUGFS, rc);
		debugfs_close(source);
		return rc;
	}
	report_state(context, source);
	return 0;
}

bool debugfs_has_changed(struct debugfs_state *state, const struct sysroot *root)
{
	struct kvm_dir kvm_dirs[MAX_KVM_DIRS];
	int count = list_kvm_dirs(root, state->entries, kvm_dirs);

	if (count != (int)state->nkvm_dirs)
		return true;
	for (int i = 0; i < count; i++)
		if (kvm_dirs[i].ino != state->kvm_dirs[i].ino || strcmp(kvm_dirs[i].name, state->kvm_dirs[i].name) != 0)
			return true;
	return false;
}
