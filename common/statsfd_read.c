/* SPDX-License-Identifier: MIT */
/*
 * statsfd_read.c - borrow the statistics fds of one guest, and read them
 *
 * A fd is duplicated out of the VMM, read, and closed: while it is open it would keep a VM alive that has ended.
 * Kernels before 6.5 (5.15.124, 6.1.45) do not count it as a reference, so that reading it after the VM's end
 * would be a use after free: there the vCPU's own fd, which always was one, is held as long.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "statsfd.h"

/* The same on every architecture but alpha; older headers do not have them. */
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif

/* One guest while it is read. */
struct reading {
	struct source *source;
	struct kvmstat *kvmstat;
	struct pass *pass;
	struct guest *guest;
	int pidfd;
	pid_t creator;		/* of the vCPU whose statistics were verified last */
};

/* ---- borrow ---- */

static int open_process(pid_t pid)
{
	long pidfd = syscall(SYS_pidfd_open, pid, 0);

	return pidfd < 0 ? -errno : (int)pidfd;
}

int statsfd_may_borrow(pid_t pid)
{
	int pidfd = open_process(pid);
	long fd;
	int rc;

	if (pidfd < 0)
		return pidfd;
	/* Permission is asked before the number is looked at, and nobody has this one. */
	fd = syscall(SYS_pidfd_getfd, pidfd, 0x7fffffff, 0);
	rc = fd >= 0 || errno == EBADF ? 0 : -errno;
	if (fd >= 0)
		close((int)fd);
	close(pidfd);
	return rc;
}

static int borrow(const struct reading *reading, int number)
{
	long fd = syscall(SYS_pidfd_getfd, reading->pidfd, number, 0);

	if (fd < 0)
		return errno == EBADF ? -ESTALE : -errno;
	return (int)fd;
}

/*
 * A duplicate of what should be statistics. Who has the number by now is proved by the id string; before that is read,
 * it must be sure that reading does no harm. The VMM's devices, whose registers might be read, are open for writing
 * too, as is all that would lose what is read from it; statistics never are.
 */
static int borrow_stats(const struct reading *reading, int number)
{
	int fd = borrow(reading, number);

	if (fd < 0 || (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY)
		return fd;
	close(fd);
	return -ESTALE;
}

/* A duplicate of the VM or vCPU itself, if that is what it still is. */
static int borrow_guard(const struct reading *reading, const struct stats_file *file)
{
	int fd = borrow(reading, file->guard);
	char expected[40] = "anon_inode:kvm-vm", target[64];

	if (fd < 0)
		return fd;
	if (file->vcpu >= 0)
		snprintf(expected, sizeof(expected), "anon_inode:kvm-vcpu:%d", file->vcpu);
	if (sysroot_readlink(&reading->kvmstat->root, target, sizeof(target), "proc/self/fd/%d", fd) > 0 &&
	    strcmp(target, expected) == 0)
		return fd;
	close(fd);
	return -ESTALE;
}

/* All of it, or -EBADMSG. */
static int read_all(int fd, void *to, size_t size, uint32_t offset)
{
	ssize_t len = pread(fd, to, size, offset);

	if (len < 0)
		return -errno;
	return (size_t)len == size ? 0 : -EBADMSG;
}

/* ---- learn what is in a block ---- */

static int offer_of(const struct source *source, const struct kvmstat_event *event)
{
	for (size_t i = 0; i < source->noffers; i++)
		if (source->offers[i].event == event)
			return (int)i;
	return -1;
}

/* The kernel's name, to live as long as the source is open. */
static const char *keep_name(struct statsfd_state *state, const struct kvmstat_event *event, const char *name)
{
	char **names;

	if (strcmp(name, event->name) == 0)
		return event->name;
	names = reallocarray(state->names, state->nnames + 1, sizeof(char *));
	if (!names)
		return NULL;
	state->names = names;
	names[state->nnames] = strdup(name);
	return names[state->nnames] ? names[state->nnames++] : NULL;
}

static int add_offer(struct source *source, const struct kvmstat_event *event, const struct stats_desc *desc)
{
	const char *name = keep_name(source->state, event, desc->name);

	return name ? source_offer(source, event, name, desc->cells, false) : -ENOMEM;
}

/* One event of the block, unless it is none that can be collected. 0 or -ENOMEM. */
static int learn_desc(struct reading *reading, enum kvmstat_scope scope, const char *arch,
		      const struct stats_desc *desc)
{
	struct stats_block *block = &reading->guest->stats_fds.blocks[scope];
	struct event_hint hint = { desc->class, desc->unit, scope };
	const struct kvmstat_event *event;
	int offer, rc;

	if (desc->cells > 1 && !reading->kvmstat->config->histograms)
		return 0;
	event = registry_intern(reading->kvmstat->registry, arch, desc->name, &hint);
	if (!event)
		return errno == ENOMEM ? -ENOMEM : 0;
	offer = offer_of(reading->source, event);
	if (offer < 0) {
		rc = add_offer(reading->source, event, desc);
		if (rc < 0)
			return rc;
		offer = (int)reading->source->noffers - 1;
	}
	if (reading->source->offers[offer].cells == desc->cells)
		block->terms[block->nterms++] = (struct stats_term){ desc->offset, desc->cells, (uint32_t)offer };
	return 0;
}

static int learn_descs(struct reading *reading, enum kvmstat_scope scope, const struct stats_desc *descs, int count)
{
	struct stats_block *block = &reading->guest->stats_fds.blocks[scope];
	const char **names = calloc((size_t)count + 1, sizeof(char *));
	const char *arch;
	int rc = 0;

	block->terms = calloc((size_t)count + 1, sizeof(*block->terms));
	if (!names || !block->terms)
		rc = -ENOMEM;
	for (int i = 0; rc == 0 && i < count; i++)
		names[i] = descs[i].name;
	arch = rc == 0 ? registry_arch(names, (size_t)count, "") : "";
	for (int i = 0; rc == 0 && i < count; i++)
		rc = learn_desc(reading, scope, arch, &descs[i]);
	free(names);
	return rc;
}

/* header is checked. Buffers are taken from the heap: it happens once a guest. */
static int learn_block(struct reading *reading, enum kvmstat_scope scope, int fd, const struct stats_header *header)
{
	struct stats_block *block = &reading->guest->stats_fds.blocks[scope];
	size_t len = stats_descs_size(header);
	struct stats_desc *descs = calloc(header->num_desc + 1u, sizeof(*descs));
	char *text = malloc(len + 1);
	int rc = descs && text ? read_all(fd, text, len, header->desc_offset) : -ENOMEM;

	if (rc == 0)
		rc = stats_parse_descs(header, text, len, descs, &block->size);
	if (rc >= 0)
		rc = learn_descs(reading, scope, descs, rc);
	if (rc == 0) {
		block->header = *header;
		block->known = true;
	} else {
		free(block->terms);
		*block = (struct stats_block){ 0 };
	}
	free(text);
	free(descs);
	return rc;
}

/* ---- read ---- */

/* The VM's id string names the thread that created it, as its directory does; a vCPU's names the vCPU's. */
static bool is_its(const struct guest *guest, const struct stats_file *file, const struct stats_id *id)
{
	if (id->vcpu != file->vcpu)
		return false;
	return file->vcpu >= 0 || !guest->seen_as.ino || strtol(guest->seen_as.dir, NULL, 10) == id->tid;
}

/* Header and id string, which stands behind it in every kernel so far, so that one read brings both. */
static int read_head(int fd, struct stats_header *header, struct stats_id *id)
{
	char text[STATS_HEADER_SIZE + STATS_NAME_MAX];
	ssize_t len = pread(fd, text, sizeof(text), 0);
	const char *name = text;
	int rc;

	if (len < 0)
		return -errno;
	rc = stats_parse_header(text, (size_t)len, header);
	if (rc < 0)
		return rc;
	if (header->id_offset + header->name_size <= (size_t)len)
		name = text + header->id_offset;
	else
		rc = read_all(fd, text, header->name_size, header->id_offset);
	return rc < 0 ? rc : stats_parse_id(name, header->name_size, id);
}

/* Is it still what it was, and is its block the one that is known? */
static int verify(struct reading *reading, const struct stats_file *file, enum kvmstat_scope scope, int fd)
{
	const struct stats_block *block = &reading->guest->stats_fds.blocks[scope];
	struct stats_header header;
	struct stats_id id;
	int rc = read_head(fd, &header, &id);

	if (rc < 0)
		return rc;
	if (!is_its(reading->guest, file, &id))
		return -ESTALE;
	reading->creator = id.tid;
	if (!block->known)
		return learn_block(reading, scope, fd, &header);
	return memcmp(&header, &block->header, sizeof(header)) == 0 ? 0 : -EBADMSG;
}

static void add_up(struct reading *reading, struct stats_block *block)
{
	struct statsfd_state *state = reading->source->state;

	block->read = true;
	for (uint32_t i = 0; i < block->nterms; i++) {
		const struct stats_term *term = &block->terms[i];
		const struct offer *offer = &reading->source->offers[term->offer];
		const uint64_t *numbers = &state->data[term->offset / sizeof(uint64_t)];

		for (uint32_t k = 0; offer->cell != NO_CELL && k < term->cells; k++) {
			uint64_t *sum = &state->sums[offer->cell + k];

			if (offer->event->class != KVMSTAT_PEAK)
				*sum += numbers[k];
			else if (numbers[k] > *sum)
				*sum = numbers[k];
		}
	}
}

/* The vCPU's own row. */
static void fill_own(struct reading *reading, const struct stats_block *block, const struct vcpu *vcpu)
{
	const struct statsfd_state *state = reading->source->state;
	uint64_t *values = pass_vcpu_values(reading->pass, vcpu);
	uint8_t *from = pass_vcpu_from(reading->pass, vcpu);

	for (uint32_t i = 0; i < block->nterms; i++) {
		const struct stats_term *term = &block->terms[i];
		uint32_t cell = reading->source->offers[term->offer].cell;

		if (cell == NO_CELL || !pass_may_fill(reading->pass, KVMSTAT_STATSFD, from[cell]))
			continue;
		memcpy(&values[cell], &state->data[term->offset / sizeof(uint64_t)], term->cells * sizeof(uint64_t));
		memset(&from[cell], KVMSTAT_STATSFD, term->cells);
	}
}

/*
 * The thread that runs a vCPU is not told, but the one that made it, which mostly is the same: VMMs make each vCPU in
 * its own thread. Not so if it made others as well, or is the main one.
 */
static pid_t thread_of(const struct reading *reading, pid_t last_creator)
{
	return reading->creator == last_creator || reading->creator == reading->guest->seen_as.tgid ? 0 : reading->creator;
}

/* Show the vCPU whose statistics were just read. */
static int show_vcpu(struct reading *reading, const struct stats_file *file, pid_t last_creator)
{
	const struct stats_block *block = &reading->guest->stats_fds.blocks[KVMSTAT_VCPU];
	struct vcpu *vcpu = pass_see_vcpu(reading->pass, reading->guest, (uint32_t)file->vcpu);

	if (!vcpu)
		return -ENOMEM;
	fill_own(reading, block, vcpu);
	/* A better source may have told its times. */
	if (vcpu->has_cpu)
		return 0;
	vcpu->tid = thread_of(reading, last_creator);
	if (vcpu->tid)
		vcpu->has_cpu = proc_schedstat(&reading->kvmstat->root, reading->guest->seen_as.tgid, vcpu->tid,
					       &vcpu->cpu_ns, &vcpu->wait_ns) == 0;
	if (!vcpu->has_cpu)
		vcpu->tid = 0;
	return 0;
}

/* They were not all read: what was is not shown either. */
static void forget_vcpus(const struct reading *reading)
{
	for (uint32_t i = 0; i < reading->guest->nvcpu; i++) {
		const struct vcpu *vcpu = &reading->guest->vcpu[i];
		uint8_t *from = pass_vcpu_from(reading->pass, vcpu);

		for (uint32_t k = 0; vcpu->pass == reading->pass->number && k < reading->pass->sample->set->ncells; k++)
			if (from[k] == KVMSTAT_STATSFD)
				from[k] = KVMSTAT_ABSENT;
	}
}

static int read_file(struct reading *reading, const struct stats_file *file)
{
	enum kvmstat_scope scope = file->vcpu < 0 ? KVMSTAT_VM : KVMSTAT_VCPU;
	struct stats_block *block = &reading->guest->stats_fds.blocks[scope];
	struct statsfd_state *state = reading->source->state;
	int guard = state->needs_guard ? borrow_guard(reading, file) : -1;
	pid_t last_creator = reading->creator;
	int stats, rc;

	if (state->needs_guard && guard < 0)
		return guard;
	rc = stats = borrow_stats(reading, file->stats);
	if (rc >= 0)
		rc = verify(reading, file, scope, stats);
	if (rc == 0)
		rc = read_all(stats, state->data, block->size, block->header.data_offset);
	if (rc == 0)
		add_up(reading, block);
	if (rc == 0 && scope == KVMSTAT_VCPU && pass_reports_vcpus(reading->pass))
		rc = show_vcpu(reading, file, last_creator);
	if (stats >= 0)
		close(stats);
	if (guard >= 0)
		close(guard);
	return rc;
}

static int read_files(struct reading *reading)
{
	struct statsfd_state *state = reading->source->state;
	struct stats_fds *fds = &reading->guest->stats_fds;
	int rc = 0;

	for (int scope = 0; scope < KVMSTAT_NSCOPES; scope++)
		fds->blocks[scope].read = false;
	memset(state->sums, 0, reading->kvmstat->columns->ncells * sizeof(uint64_t));
	for (uint32_t i = 0; rc == 0 && i < fds->nfiles; i++)
		if (fds->files[i].guard >= 0 && fds->files[i].stats >= 0)
			rc = read_file(reading, &fds->files[i]);
	/* Another VM may have been made at the same numbers meanwhile. */
	if (rc == 0 && !guest_has_directory(reading->guest, &reading->kvmstat->root))
		rc = -ESRCH;
	if (rc < 0 && pass_reports_vcpus(reading->pass))
		forget_vcpus(reading);
	return rc;
}

static void fill(struct reading *reading, const struct stats_block *block)
{
	const struct statsfd_state *state = reading->source->state;
	uint64_t *values = pass_values(reading->pass, reading->guest);
	uint8_t *from = pass_from(reading->pass, reading->guest);

	for (uint32_t i = 0; block->read && i < block->nterms; i++) {
		const struct stats_term *term = &block->terms[i];
		uint32_t cell = reading->source->offers[term->offer].cell;

		if (cell == NO_CELL || !pass_may_fill(reading->pass, KVMSTAT_STATSFD, from[cell]))
			continue;
		memcpy(&values[cell], &state->sums[cell], term->cells * sizeof(uint64_t));
		memset(&from[cell], KVMSTAT_STATSFD, term->cells);
	}
}

static int read_guest(struct reading *reading)
{
	struct statsfd_state *state = reading->source->state;
	struct guest *guest = reading->guest;
	struct stats_fds *fds = &guest->stats_fds;
	int rc = stats_fds_look(fds, &reading->kvmstat->root, guest->seen_as.tgid, reading->pass->number, state->entries);

	if (rc < 0)
		return rc == -ENOENT ? -ESRCH : rc;
	/* A VM never loses a vCPU: one that is not seen any more has its fds closed, and counts all the same. */
	if (fds->vcpus < guest->vcpus)
		return -ENODATA;
	if (fds->epoch != state->epoch)
		stats_fds_forget_blocks(fds);
	fds->epoch = state->epoch;
	reading->pidfd = open_process(guest->seen_as.tgid);
	if (reading->pidfd < 0)
		return reading->pidfd;
	rc = read_files(reading);
	close(reading->pidfd);
	/* After a failure, look at the fds anew. */
	if (rc < 0)
		fds->digest = 0;
	return rc;
}

int statsfd_read_guest(struct source *source, struct pass *pass, struct guest *guest)
{
	struct reading reading = { .source = source, .kvmstat = pass->kvmstat, .pass = pass, .guest = guest, .pidfd = -1 };
	int rc;

	if (!guest->seen_as.tgid)
		return -ESRCH;
	rc = read_guest(&reading);
	if (rc == -ESTALE)
		rc = read_guest(&reading);
	if (rc < 0)
		return rc;
	for (int scope = 0; scope < KVMSTAT_NSCOPES; scope++)
		fill(&reading, &guest->stats_fds.blocks[scope]);
	guest->vcpus = guest->stats_fds.vcpus;
	return 0;
}
