/* SPDX-License-Identifier: MIT */
/*
 * debugfs.c - the classic source: one small file per guest and event
 *
 * An open file pins a dead guest, so each file is opened, read and closed within the pass; only one
 * O_PATH descriptor of each guest's directory stays open, which pins nothing. Only files that also
 * exist at the top of the kvm directory are read: others in a guest's directory may take locks that
 * its vCPUs need.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guests/guest_dir.h"
#include "host/proc.h"
#include "host/refusal.h"
#include "util/clock.h"
#include "sources/debugfs/debugfs.h"

/* Errors of a pass, reported at its end. */
struct trouble {
	uint64_t unreadable, malformed;
	int error;			/* of the last unreadable file */
	char file[160];
};

/* ---- pass: find guests ---- */

/* "TID-FD", both numbers. */
static bool is_guest_dir(const char *name)
{
	size_t tid = strspn(name, "0123456789");
	size_t fd = name[tid] == '-' ? strspn(name + tid + 1, "0123456789") : 0;

	return tid && fd && !name[tid + 1 + fd] && tid + 1 + fd < GUEST_DIR_SIZE;
}

static int see_guest(struct pass *pass, const struct dir_reader *reader, const struct kvm_dir *kvm_dir,
		     const struct dir_entry *entry)
{
	struct sighting sighting = { .ino = entry->ino, .fd = -1 };
	struct stat st;
	bool first;

	strcpy(sighting.dir, entry->name);
	strcpy(sighting.base, kvm_dir->name);
	/* Only newcomers need the time of creation. */
	if (!guests_known(&pass->context->guests, &sighting)) {
		if (fstatat(reader->fd, entry->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return 0;
		sighting.ctime_ns = timespec_ns(&st.st_ctim);
	}
	return pass_see(pass, &sighting, &first) ? 0 : -ENOMEM;
}

static int see_guests(struct pass *pass, struct debugfs_state *state, const struct kvm_dir *kvm_dir)
{
	struct dir_reader reader;
	const struct dir_entry *entry;
	int rc = dir_begin(&reader, &pass->context->root, state->entries, "sys/kernel/debug/%s", kvm_dir->name);

	while (rc == 0 && (entry = dir_next(&reader)))
		if (is_guest_dir(entry->name) && dir_is(&reader, entry, S_IFDIR))
			rc = see_guest(pass, &reader, kvm_dir, entry);
	dir_end(&reader);
	return rc;
}

/* ---- pass: read ---- */

/* One decimal number, optionally followed by a newline. */
static bool parse_number(const char *text, ssize_t len, uint64_t *value)
{
	uint64_t number = 0;
	ssize_t i;

	for (i = 0; i < len && text[i] >= '0' && text[i] <= '9'; i++) {
		uint64_t digit = (uint64_t)(text[i] - '0');

		if (number > (UINT64_MAX - digit) / 10)
			return false;
		number = number * 10 + digit;
	}
	*value = number;
	return i > 0 && (i == len || (text[i] == '\n' && i + 1 == len));
}

/* 0; -EBADMSG: no number; or -errno. */
static int read_number(int dirfd, const char *name, uint64_t *value)
{
	char text[32];
	ssize_t len;
	int error;
	int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0)
		return -errno;
	len = read(fd, text, sizeof(text));
	error = errno;
	close(fd);
	if (len < 0)
		return -error;
	/* Text that fills the whole buffer may be cut off. */
	if (len == sizeof(text))
		return -EBADMSG;
	return parse_number(text, len, value) ? 0 : -EBADMSG;
}

static void note_trouble(struct trouble *trouble, const struct guest *guest, const char *name, int rc)
{
	if (rc == -EBADMSG) {
		trouble->malformed++;
	} else {
		trouble->unreadable++;
		trouble->error = rc;
	}
	snprintf(trouble->file, sizeof(trouble->file), "%s/%s/%s", guest->seen_as.base, guest->seen_as.dir, name);
}

/* Has the guest ended, so that the directory that dirfd refers to is gone? */
static bool has_ended(const struct sysroot *root, const struct guest *guest)
{
	struct stat was, is;

	return sysroot_stat(root, &is, "sys/kernel/debug/%s/%s", guest->seen_as.base, guest->seen_as.dir) < 0 ||
	       fstat(guest->dirfd, &was) < 0 || was.st_ino != is.st_ino;
}

/* Cells of one guest. 0; -ENOENT: the guest has ended; -EPERM: counters are refused. */
static int read_cells(struct source *source, struct pass *pass, const struct kvm_dir *kvm_dir, struct guest *guest,
		      struct trouble *trouble)
{
	uint64_t *values = pass_values(pass, guest);
	uint8_t *from = pass_from(pass, guest);

	for (size_t i = 0; i < kvm_dir->nfiles; i++) {
		const struct file *file = &kvm_dir->files[i];
		uint32_t cell = file->offer == NO_CELL ? NO_CELL : source->offers[file->offer].cell;
		int rc;

		/* A better source may have filled it. */
		if (cell == NO_CELL || from[cell] != KVMSTAT_ABSENT)
			continue;
		rc = read_number(guest->dirfd, file->name, &values[cell]);
		if (rc == 0)
			from[cell] = KVMSTAT_DEBUGFS;
		else if (rc == -EPERM && !pass->context->host.debugfs_refuses)
			return rc;
		else if ((rc == -ENOENT || rc == -ENODEV) && has_ended(&pass->context->root, guest))
			return -ENOENT;
		else if (rc != -ENOENT)
			note_trouble(trouble, guest, file->name, rc);
	}
	return 0;
}

/* A vCPU that is known only by its thread has a row without events. */
static int see_thread(struct pass *pass, struct guest *guest, const struct vcpu_thread *thread)
{
	uint64_t cpu_ns = 0, wait_ns = 0;
	struct vcpu *vcpu;
	int rc = proc_schedstat(&pass->context->root, guest->seen_as.tgid, thread->tid, &cpu_ns, &wait_ns);

	guest->has_cpu &= rc == 0;
	guest->cpu_ns += cpu_ns;
	guest->wait_ns += wait_ns;
	/* It has ended. */
	if (rc == -ENOENT || rc == -ESRCH)
		return 0;
	vcpu = pass_see_vcpu(pass, guest, thread->id);
	if (!vcpu)
		return -ENOMEM;
	vcpu->tid = thread->tid;
	vcpu->has_cpu = rc == 0;
	vcpu->cpu_ns = cpu_ns;
	vcpu->wait_ns = wait_ns;
	return 0;
}

/* CPU time of the vCPU threads; there is no sum if one has ended or is unknown. */
static int read_threads(struct pass *pass, struct guest *guest)
{
	int rc = 0;

	guest_look(guest, &pass->context->root);
	guest->cpu_ns = guest->wait_ns = 0;
	guest->has_cpu = guest->nthreads > 0 && guest->nthreads >= guest->vcpus;
	for (uint32_t i = 0; rc == 0 && i < guest->nthreads; i++)
		rc = see_thread(pass, guest, &guest->threads[i]);
	return rc;
}

static const struct kvm_dir *kvm_dir_of(const struct debugfs_state *state, const struct guest *guest)
{
	for (size_t i = 0; i < state->nkvm_dirs; i++)
		if (strcmp(state->kvm_dirs[i].name, guest->seen_as.base) == 0)
			return &state->kvm_dirs[i];
	return NULL;
}

/* 0; -EPERM: counters are refused; -ENOMEM. */
static int read_guest(struct source *source, struct pass *pass, struct guest *guest, struct trouble *trouble)
{
	const struct debugfs_state *state = source->state;
	const struct kvm_dir *kvm_dir = kvm_dir_of(state, guest);
	int rc;

	if (!kvm_dir || !guest->seen_as.ino)
		return 0;
	rc = guest_open_directory(guest, &pass->context->root);
	if (rc == 0) {
		rc = read_cells(source, pass, kvm_dir, guest, trouble);
	} else if (rc != -ENOENT) {
		note_trouble(trouble, guest, "", rc);
		rc = 0;
	}
	fd_close_high(&guest->dirfd, state->fd_limit);
	if (rc == -ENOENT) {
		pass_drop(pass, guest);
		return 0;
	}
	return rc == 0 && pass->finds_guests ? read_threads(pass, guest) : rc;
}

static void report_trouble(struct context *context, const struct trouble *trouble)
{
	struct kvmstat_source_status why;

	if (trouble->unreadable) {
		refusal_report(&why, &context->root, CALL_DEBUGFS, trouble->error);
		problem_raise(context, KVMSTAT_UNREADABLE, trouble->unreadable,
			      "cannot read %llu statistics files (last: debugfs %s): %s",
			      (unsigned long long)trouble->unreadable, trouble->file, why.text);
	}
	if (trouble->malformed)
		problem_raise(context, KVMSTAT_MALFORMED, trouble->malformed,
			      "%llu statistics files do not contain a number (last: debugfs %s); "
			      "their values are left out",
			      (unsigned long long)trouble->malformed, trouble->file);
}

static int debugfs_find(struct source *source, struct pass *pass)
{
	struct debugfs_state *state = source->state;
	int rc;

	if (pass->quiet_since)
		return pass_see_known(pass);
	uevents_look(&pass->context->uevents);
	rc = debugfs_has_changed(state, &pass->context->root) ? -EAGAIN : 0;
	for (size_t i = 0; rc == 0 && i < state->nkvm_dirs; i++)
		rc = see_guests(pass, state, &state->kvm_dirs[i]);
	return rc;
}

static int debugfs_pass(struct source *source, struct pass *pass)
{
	struct debugfs_state *state = source->state;
	const struct guests *guests = &pass->context->guests;
	struct trouble trouble = { 0 };

	if (!pass->finds_guests && !pass->quiet_since && debugfs_has_changed(state, &pass->context->root))
		return -EAGAIN;
	for (uint32_t i = 0; i < guests->count; i++) {
		struct guest *guest = guests->list[i];
		int rc;

		if (guest->pass != pass->number || !guest->wanted)
			continue;
		rc = read_guest(source, pass, guest, &trouble);
		if (rc == -ENOMEM)
			return rc;
		if (rc == -EPERM) {
			/*
			 * Lockdown was raised meanwhile, or is hidden from us: stop, since the
			 * kernel logs each attempt.
			 */
			pass->context->host.debugfs_refuses = true;
			pass->context->host.lockdown = host_lockdown(&pass->context->root);
			return -EAGAIN;
		}
	}
	report_trouble(pass->context, &trouble);
	return 0;
}

static bool debugfs_sees_guests(const struct source *source, const struct sysroot *root)
{
	struct debugfs_state *state = source->state;
	bool found = false;

	for (size_t i = 0; i < state->nkvm_dirs && !found; i++) {
		struct dir_reader reader;
		const struct dir_entry *entry;
		int rc = dir_begin(&reader, root, state->entries, "sys/kernel/debug/%s", state->kvm_dirs[i].name);

		while (rc == 0 && !found && (entry = dir_next(&reader)))
			found = is_guest_dir(entry->name) && dir_is(&reader, entry, S_IFDIR);
		dir_end(&reader);
	}
	return found;
}

const struct source_ops debugfs_source = {
	.id = KVMSTAT_DEBUGFS,
	.open = debugfs_open,
	.close = debugfs_close,
	.find = debugfs_find,
	.pass = debugfs_pass,
	.sees_guests = debugfs_sees_guests,
};
