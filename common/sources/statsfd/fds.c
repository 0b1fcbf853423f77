/* SPDX-License-Identifier: MIT */
#include "sources/statsfd/fds.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/dir.h"
#include "host/proc.h"
#include "util/array.h"
#include "util/hash.h"

/* A new fd may reuse the number of a closed one: read all links again after this number of passes. */
enum { LOOK_PASSES = 8 };

/* ---- files of a guest ---- */

static struct stats_file *file_of(struct stats_fds *fds, int vcpu)
{
	for (uint32_t i = 0; i < fds->nfiles; i++)
		if (fds->files[i].vcpu == vcpu)
			return &fds->files[i];
	if (array_reserve(&fds->files, &fds->room, fds->nfiles + 1) < 0)
		return NULL;
	fds->files[fds->nfiles] = (struct stats_file){ vcpu, -1, -1 };
	return &fds->files[fds->nfiles++];
}

/* The number after prefix, if nothing follows it; else -1. */
static int number_after(const char *text, const char *prefix)
{
	size_t len = strlen(prefix);
	unsigned long number;
	char *end;

	if (strncmp(text, prefix, len) != 0 || text[len] < '0' || text[len] > '9')
		return -1;
	errno = 0;
	number = strtoul(text + len, &end, 10);
	return errno || *end || number > INT_MAX ? -1 : (int)number;
}

/*
 * Which file of the guest is it? Returns false for other files. *is_stats: statistics, or the VM or
 * vCPU itself.
 */
static bool recognize(const char *target, int *vcpu, bool *is_stats)
{
	*vcpu = -1;
	*is_stats = strcmp(target, KVM_VM_LINK "-stats") == 0;
	if (*is_stats || strcmp(target, KVM_VM_LINK) == 0)
		return true;
	*vcpu = number_after(target, "anon_inode:kvm-vcpu-stats:");
	*is_stats = *vcpu >= 0;
	if (!*is_stats)
		*vcpu = number_after(target, KVM_VCPU_LINK);
	return *vcpu >= 0;
}

/*
 * Two VMs, or two statistics fds, may belong to different VMs. Then a vCPU also has two statistics
 * fds.
 */
static int note_fd(struct stats_fds *fds, const char *target, int fd)
{
	struct stats_file *file;
	bool is_stats;
	int vcpu, *place;

	if (!recognize(target, &vcpu, &is_stats))
		return 0;
	file = file_of(fds, vcpu);
	if (!file)
		return -ENOMEM;
	place = is_stats ? &file->stats : &file->guard;
	if (*place >= 0 && (is_stats || vcpu < 0))
		fds->error = -ENOTUNIQ;
	else if (*place < 0)
		*place = fd;
	return 0;
}

/* ---- look ---- */

/*
 * A value that changes when fds are opened or closed: their number, which is the directory's size
 * since Linux 6.2; before, a hash of their names.
 * If one fd replaces another, the next full look finds it.
 */
static int digest_fds(const struct sysroot *root, pid_t pid, char *entries, uint64_t *digest)
{
	struct dir_reader reader;
	const struct dir_entry *entry;
	struct stat st;
	int rc = sysroot_stat(root, &st, "proc/%d/fd", (int)pid);

	*digest = rc == 0 ? (uint64_t)st.st_size : 0;
	if (rc < 0 || *digest)
		return rc;
	rc = dir_begin(&reader, root, entries, "proc/%d/fd", (int)pid);
	*digest = HASH_BASIS;
	while (rc == 0 && (entry = dir_next(&reader)))
		*digest = hash_bytes(*digest, entry->name, strlen(entry->name) + 1);
	dir_end(&reader);
	return rc;
}

static int read_links(struct stats_fds *fds, const struct sysroot *root, pid_t pid, char *entries)
{
	struct dir_reader reader;
	const struct dir_entry *entry;
	int rc = dir_begin(&reader, root, entries, "proc/%d/fd", (int)pid);

	while (rc == 0 && (entry = dir_next(&reader))) {
		char target[64];
		ssize_t len = readlinkat(reader.fd, entry->name, target, sizeof(target) - 1);

		if (len >= 0) {
			target[len] = '\0';
			rc = note_fd(fds, target, (int)strtol(entry->name, NULL, 10));
		} else if (errno != ENOENT) {
			rc = -errno;
		}
	}
	dir_end(&reader);
	return rc;
}

static int check_vcpus(struct stats_fds *fds)
{
	bool has_vm = false;

	fds->vcpus = 0;
	for (uint32_t i = 0; i < fds->nfiles; i++) {
		const struct stats_file *file = &fds->files[i];

		if (file->vcpu < 0) {
			has_vm = file->guard >= 0;
			continue;
		}
		fds->vcpus++;
		if (file->guard < 0 || file->stats < 0)
			return -ENODATA;
	}
	return has_vm && fds->vcpus ? 0 : -ENODATA;
}

int stats_fds_look(struct stats_fds *fds, const struct sysroot *root, pid_t pid, uint64_t pass, char *entries)
{
	uint64_t digest;
	int rc = digest_fds(root, pid, entries, &digest);

	if (rc == 0 && digest == fds->digest && pass < fds->looked + LOOK_PASSES)
		return fds->error;
	fds->digest = 0;
	fds->nfiles = 0;
	fds->error = 0;
	if (rc == 0)
		rc = read_links(fds, root, pid, entries);
	if (rc < 0)
		return rc;
	if (fds->error == 0)
		fds->error = check_vcpus(fds);
	fds->digest = digest;
	fds->looked = pass;
	return fds->error;
}

void stats_fds_forget_blocks(struct stats_fds *fds)
{
	for (int scope = 0; scope < KVMSTAT_NSCOPES; scope++) {
		free(fds->blocks[scope].terms);
		fds->blocks[scope] = (struct stats_block){ 0 };
	}
}

static void release(void *data)
{
	struct stats_fds *fds = data;

	stats_fds_forget_blocks(fds);
	free(fds->files);
	if (fds->pidfd >= 0)
		close(fds->pidfd);
	free(fds);
}

struct stats_fds *stats_fds_of(struct guest *guest)
{
	struct kept *kept = &guest->kept[KVMSTAT_STATSFD];
	struct stats_fds *fds = kept->data;

	if (fds)
		return fds;
	fds = calloc(1, sizeof(*fds));
	if (!fds)
		return NULL;
	fds->pidfd = -1;
	*kept = (struct kept){ fds, release };
	return fds;
}
