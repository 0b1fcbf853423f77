/* SPDX-License-Identifier: MIT */
/*
 * read.c - the statistics of one guest
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "guests/guest_dir.h"
#include "sources/statsfd/statsfd.h"

int statsfd_read_all(int fd, void *to, size_t size, uint32_t offset)
{
	ssize_t len = pread(fd, to, size, offset);

	if (len < 0)
		return -errno;
	return (size_t)len == size ? 0 : -EBADMSG;
}

/* The VM's id string names the thread that created it, as its directory does; a vCPU's names the vCPU's. */
static bool is_its(const struct guest *guest, const struct stats_file *file, const struct stats_id *id)
{
	if (id->vcpu != file->vcpu)
		return false;
	return file->vcpu >= 0 || !guest->seen_as.ino || strtol(guest->seen_as.dir, NULL, 10) == id->tid;
}

/*
 * Header and id string, which follows the header in every kernel so far, so that one read returns
 * both.
 */
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
		rc = statsfd_read_all(fd, text, header->name_size, header->id_offset);
	return rc < 0 ? rc : stats_parse_id(name, header->name_size, id);
}

/* By the header and descriptors of the block. */
static int verify(struct reading *reading, const struct stats_file *file, enum kvmstat_scope scope, int fd)
{
	const struct stats_block *block = &reading->fds->blocks[scope];
	struct stats_header header;
	struct stats_id id;
	int rc = read_head(fd, &header, &id);

	if (rc < 0)
		return rc;
	if (!is_its(reading->guest, file, &id))
		return -ESTALE;
	reading->creator = id.tid;
	if (!block->known)
		return statsfd_learn(reading, scope, fd, &header);
	return memcmp(&header, &block->header, sizeof(header)) == 0 ? 0 : -EBADMSG;
}

/*
 * Are the descriptors so small that reading them again costs less than skipping them with a second
 * read?
 */
static bool is_compact(const struct stats_block *block)
{
	const struct stats_header *header = &block->header;

	return block->known && header->data_offset <= STATS_FRONT_MAX &&
	       header->id_offset + header->name_size <= header->data_offset && header->id_offset % sizeof(uint64_t) == 0 &&
	       header->data_offset % sizeof(uint64_t) == 0;
}

/*
 * Read a whole file with a known layout. Skips the header, which is the same in all files of this
 * kernel, if it was verified at the last look.
 * 0, or 1: the file has changed; verify() returns the error
 */
static int read_at_once(struct reading *reading, const struct stats_file *file, const struct stats_block *block, int fd)
{
	struct statsfd_state *state = reading->source->state;
	const struct stats_header *header = &block->header;
	const uint32_t start = reading->undisturbed ? header->id_offset : 0;
	const size_t size = header->data_offset - start + block->size;
	const char *text = (const char *)state->data;
	struct stats_id id;

	if (pread(fd, state->data, size, start) != (ssize_t)size ||
	    (start == 0 && memcmp(text, header, sizeof(*header)) != 0) ||
	    stats_parse_id(text + header->id_offset - start, header->name_size, &id) < 0 ||
	    !is_its(reading->guest, file, &id))
		return 1;
	reading->creator = id.tid;
	reading->numbers = state->data + (header->data_offset - start) / sizeof(uint64_t);
	return 0;
}

/* The numbers, once it is verified that they are this file's. */
static int read_numbers(struct reading *reading, const struct stats_file *file, enum kvmstat_scope scope, int fd)
{
	struct stats_block *block = &reading->fds->blocks[scope];
	struct statsfd_state *state = reading->source->state;
	int rc;

	if (is_compact(block) && read_at_once(reading, file, block, fd) == 0)
		return 0;
	rc = verify(reading, file, scope, fd);
	reading->numbers = state->data;
	return rc < 0 ? rc : statsfd_read_all(fd, state->data, block->size, block->header.data_offset);
}

/* What a vCPU adds to its guest's sums. */
static void add_up(struct reading *reading, struct stats_block *block)
{
	const struct statsfd_state *state = reading->source->state;

	block->read = true;
	for (uint32_t i = 0; i < block->nterms; i++) {
		const struct stats_term *term = &block->terms[i];
		const uint64_t *numbers = &reading->numbers[term->number];

		for (uint32_t k = 0; term->cell != NO_CELL && k < term->cells; k++) {
			uint64_t *sum = &state->sums[term->cell + k];

			if (!term->is_peak)
				*sum += numbers[k];
			else if (numbers[k] > *sum)
				*sum = numbers[k];
		}
	}
}

static void fill_term(const struct pass *pass, const struct stats_term *term, const uint64_t *numbers, uint64_t *values,
		      uint8_t *from)
{
	if (term->cell == NO_CELL || !pass_may_fill(pass, KVMSTAT_STATSFD, from[term->cell]))
		return;
	for (uint32_t k = 0; k < term->cells; k++) {
		values[term->cell + k] = numbers[k];
		from[term->cell + k] = KVMSTAT_STATSFD;
	}
}

/* The vCPU's own row. */
static void fill_own(struct reading *reading, const struct stats_block *block, const struct vcpu *vcpu)
{
	uint64_t *values = pass_vcpu_values(reading->pass, vcpu);
	uint8_t *from = pass_vcpu_from(reading->pass, vcpu);

	for (uint32_t i = 0; i < block->nterms; i++) {
		const struct stats_term *term = &block->terms[i];

		fill_term(reading->pass, term, &reading->numbers[term->number], values, from);
	}
}

/*
 * The id string contains the thread that created the vCPU, not the one that runs it. Usually they
 * are the same: VMMs create each vCPU in its own thread. They are not if the thread created other
 * vCPUs too, or is the main thread.
 */
static pid_t thread_of(const struct reading *reading, pid_t last_creator)
{
	return reading->creator == last_creator || reading->creator == reading->guest->seen_as.tgid ? 0 : reading->creator;
}

/* Show the vCPU whose statistics were just read. */
static int show_vcpu(struct reading *reading, const struct stats_file *file, pid_t last_creator)
{
	const struct stats_block *block = &reading->fds->blocks[KVMSTAT_VCPU];
	struct vcpu *vcpu = pass_see_vcpu(reading->pass, reading->guest, (uint32_t)file->vcpu);

	if (!vcpu)
		return -ENOMEM;
	fill_own(reading, block, vcpu);
	/* A better source may have set its times. */
	if (vcpu->has_cpu)
		return 0;
	vcpu->tid = thread_of(reading, last_creator);
	if (vcpu->tid)
		vcpu->has_cpu = proc_schedstat(&reading->context->root, reading->guest->seen_as.tgid, vcpu->tid,
					       &vcpu->cpu_ns, &vcpu->wait_ns) == 0;
	if (!vcpu->has_cpu)
		vcpu->tid = 0;
	return 0;
}

/* Not all vCPUs were read, so the partial sums are not shown. */
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
	struct stats_block *block = &reading->fds->blocks[scope];
	pid_t last_creator = reading->creator;
	int rc = 0;

	if (reading->loan.guarded)
		rc = loan_guard(&reading->loan, &reading->context->root, file->guard, file->vcpu);
	if (rc >= 0)
		rc = loan_stats(&reading->loan, file->stats);
	if (rc >= 0)
		rc = read_numbers(reading, file, scope, rc);
	if (rc == 0)
		add_up(reading, block);
	if (rc == 0 && scope == KVMSTAT_VCPU && pass_reports_vcpus(reading->pass))
		rc = show_vcpu(reading, file, last_creator);
	if (reading->loan.guarded || reading->loan.count == LOAN_MAX)
		loan_return(&reading->loan);
	return rc;
}

/*
 * Another VM may have reused the fd numbers, and a vCPU that was created since the last look is
 * missing in the sums.
 */
static int check_directory(const struct reading *reading)
{
	int links = guest_links(reading->guest, &reading->context->root);

	if (links == 0) {
		/* Whether it was announced or not: look for guests again. */
		uevents_doubt(&reading->context->uevents);
		return -ESRCH;
	}
	return !reading->undisturbed || links == reading->fds->links ? 0 : -ESTALE;
}

static int read_files(struct reading *reading)
{
	struct statsfd_state *state = reading->source->state;
	struct stats_fds *fds = reading->fds;
	int rc = 0;

	for (int scope = 0; scope < KVMSTAT_NSCOPES; scope++)
		fds->blocks[scope].read = false;
	memset(state->sums, 0, reading->context->columns->ncells * sizeof(uint64_t));
	for (uint32_t i = 0; rc == 0 && i < fds->nfiles; i++)
		if (fds->files[i].guard >= 0 && fds->files[i].stats >= 0)
			rc = read_file(reading, &fds->files[i]);
	loan_return(&reading->loan);
	if (rc == 0)
		rc = check_directory(reading);
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

		if (term->cell != NO_CELL)
			fill_term(reading->pass, term, &state->sums[term->cell], values, from);
	}
}

/*
 * Does each vCPU have a subdirectory, so that a new vCPU changes the links of the guest's
 * directory? (Not on s390, nor if debugfs is hidden.)
 */
static bool has_sign(const struct reading *reading, int links)
{
	const struct stats_fds *fds = reading->fds;
	const struct sighting *s = &reading->guest->seen_as;
	/* The VM is a file among those of vCPUs, mostly the first. */
	const struct stats_file *vcpu = &fds->files[fds->files[0].vcpu < 0 ? fds->nfiles - 1 : 0];

	return links > 0 && (uint32_t)links == 2 + fds->vcpus &&
	       sysroot_exists(&reading->context->root, "sys/kernel/debug/%s/%s/vcpu%d", s->base, s->dir, vcpu->vcpu);
}

/*
 * Find the guest's fds. Skipped while no VM begins or ends: after reading, the links of the
 * directory show whether there is a new vCPU.
 */
static int look(struct reading *reading)
{
	struct statsfd_state *state = reading->source->state;
	struct stats_fds *fds = reading->fds;
	const uint64_t quiet_since = reading->pass->quiet_since;
	const struct sysroot *root = &reading->context->root;
	int links, rc;

	reading->undisturbed = quiet_since && fds->quiet_since == quiet_since && fds->links;
	if (reading->undisturbed)
		return 0;
	links = quiet_since ? guest_links(reading->guest, root) : 0;
	if (quiet_since && fds->quiet_since != quiet_since)
		fds->digest = 0;
	rc = stats_fds_look(fds, root, reading->guest->seen_as.tgid, reading->pass->number, state->entries);
	fds->quiet_since = quiet_since;
	fds->links = rc == 0 && has_sign(reading, links) ? links : 0;
	return rc == -ENOENT ? -ESRCH : rc;
}

static void bind_terms(const struct reading *reading)
{
	for (int scope = 0; scope < KVMSTAT_NSCOPES; scope++) {
		struct stats_block *block = &reading->fds->blocks[scope];

		for (uint32_t i = 0; i < block->nterms; i++)
			block->terms[i].cell = reading->source->offers[block->terms[i].offer].cell;
	}
}

static int read_guest(struct reading *reading)
{
	struct statsfd_state *state = reading->source->state;
	struct guest *guest = reading->guest;
	struct stats_fds *fds = reading->fds;
	int rc = look(reading);

	if (rc < 0)
		return rc;
	/* A VM never loses a vCPU: one that is not seen any more has closed fds, but still counts. */
	if (fds->vcpus < guest->vcpus)
		return -ENODATA;
	if (fds->epoch != state->epoch)
		stats_fds_forget_blocks(fds);
	fds->epoch = state->epoch;
	if (fds->binding != state->binding)
		bind_terms(reading);
	fds->binding = state->binding;
	reading->loan.pidfd = fds->pidfd;
	rc = loan_begin(&reading->loan, guest->seen_as.tgid);
	if (rc < 0)
		return rc;
	fds->pidfd = reading->loan.pidfd;
	rc = read_files(reading);
	if (rc < 0) {
		/* Look at the fds again: in this pass, unless it has done so already. */
		fds->digest = fds->links = 0;
		reading->retry = rc == -ESTALE || (rc != -ESRCH && rc != -ENOMEM && fds->looked != reading->pass->number);
	}
	return rc;
}

int statsfd_read_guest(struct source *source, struct pass *pass, struct guest *guest)
{
	const struct statsfd_state *state = source->state;
	struct reading reading = { .source = source, .context = pass->context, .pass = pass, .guest = guest,
				   .loan = { .pidfd = -1, .guarded = state->needs_guard } };
	int rc, fd_limit;

	if (!guest->seen_as.tgid)
		return -ESRCH;
	reading.fds = stats_fds_of(guest);
	if (!reading.fds)
		return -ENOMEM;
	rc = read_guest(&reading);
	if (reading.retry)
		rc = read_guest(&reading);
	fd_limit = rc == -ESRCH ? 0 : state->fd_limit;
	fd_close_high(&guest->dirfd, fd_limit);
	fd_close_high(&reading.fds->pidfd, fd_limit);
	if (rc < 0)
		return rc;
	for (int scope = 0; scope < KVMSTAT_NSCOPES; scope++)
		fill(&reading, &reading.fds->blocks[scope]);
	guest->vcpus = reading.fds->vcpus;
	return 0;
}
