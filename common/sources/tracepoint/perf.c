/* SPDX-License-Identifier: MIT */
#include "sources/tracepoint/perf.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/collector.h"
#include "host/refusal.h"

enum { LOOK_PASSES = 8 };

/* One thread. perf holds on to the thread itself, not to its number, and still has its counts when it has ended. */
struct thread_counter {
	pid_t tgid, tid;
	uint64_t guest;		/* its id; 0: to be forgotten */
	bool ended;		/* its fds are closed */
	int fds[TRACEPOINT_MAX];
	uint64_t counts[TRACEPOINT_MAX];
};

struct tracepoint_perf {
	struct thread_counter *threads;	/* ascending tid; of one that was used again, the living one last */
	uint32_t nthreads, room;
	uint32_t nfds, max_fds;
	bool has_ended;			/* some thread, since the last pass */
	uint32_t refused;		/* threads of the last pass for which there was no fd */
	int error;			/* of the last of them */
	int count;			/* of tracepoints */
};

static int count_thread(pid_t tid, uint64_t id)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_TRACEPOINT, .size = sizeof(attr), .config = id };
	int fd = (int)syscall(SYS_perf_event_open, &attr, tid, -1, -1, PERF_FLAG_FD_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int tracepoint_perf_open(struct tracepoint_perf **result, const struct tracepoint_counts *counts)
{
	struct tracepoint_perf *perf;
	struct rlimit files;
	int fd = count_thread(0, counts->tracepoints[0].id);

	if (fd < 0)
		return fd;
	close(fd);
	perf = calloc(1, sizeof(*perf));
	if (!perf)
		return -ENOMEM;
	perf->count = counts->ntracepoints;
	/* Half of them are for whoever we are a part of. */
	perf->max_fds = getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur / 2 < UINT32_MAX ?
				(uint32_t)(files.rlim_cur / 2) : UINT32_MAX;
	*result = perf;
	return 0;
}

static void end_thread(struct tracepoint_perf *perf, struct thread_counter *thread)
{
	for (int i = 0; !thread->ended && i < perf->count; i++) {
		close(thread->fds[i]);
		perf->nfds--;
	}
	thread->ended = true;
}

void tracepoint_perf_close(struct tracepoint_perf *perf)
{
	if (!perf)
		return;
	for (uint32_t i = 0; i < perf->nthreads; i++)
		end_thread(perf, &perf->threads[i]);
	free(perf->threads);
	free(perf);
}

/* ---- threads ---- */

/* Where in the list a thread of this id is to be put: after all that have it. */
static uint32_t place_after(const struct tracepoint_perf *perf, pid_t tid)
{
	uint32_t low = 0, high = perf->nthreads;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (perf->threads[middle].tid <= tid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int reserve(struct tracepoint_perf *perf)
{
	uint32_t room = perf->room ? 2 * perf->room : 64;
	struct thread_counter *threads;

	if (perf->nthreads < perf->room)
		return 0;
	threads = reallocarray(perf->threads, room, sizeof(*threads));
	if (!threads)
		return -ENOMEM;
	perf->threads = threads;
	perf->room = room;
	return 0;
}

/* 0; -ENOMEM; another -errno: it is not counted. */
static int add_thread(struct tracepoint_perf *perf, const struct tracepoint_counts *counts, pid_t tid,
		      const struct guest *guest)
{
	struct thread_counter thread = { .tgid = guest->seen_as.tgid, .tid = tid, .guest = guest->public.id };
	uint32_t at = place_after(perf, tid);
	int rc = perf->nfds + (uint32_t)perf->count > perf->max_fds ? -EMFILE : reserve(perf);
	int opened = 0;

	while (rc == 0 && opened < perf->count) {
		int fd = count_thread(tid, counts->tracepoints[opened].id);

		if (fd < 0)
			rc = fd;
		else
			thread.fds[opened++] = fd;
	}
	if (rc < 0) {
		while (opened > 0)
			close(thread.fds[--opened]);
		return rc;
	}
	memmove(&perf->threads[at + 1], &perf->threads[at], (perf->nthreads++ - at) * sizeof(thread));
	perf->threads[at] = thread;
	perf->nfds += (uint32_t)perf->count;
	return 0;
}

static struct thread_counter *find_thread(const struct tracepoint_perf *perf, pid_t tid)
{
	uint32_t after = place_after(perf, tid);
	struct thread_counter *thread = after ? &perf->threads[after - 1] : NULL;

	return thread && thread->tid == tid && !thread->ended ? thread : NULL;
}

/*
 * A poll of the fd would not tell: without a ring buffer perf always says POLLHUP. To ask about a signal that is none needs
 * no permission to send one.
 */
static bool is_gone(const struct thread_counter *thread)
{
	return syscall(SYS_tgkill, thread->tgid, thread->tid, 0) < 0 && errno == ESRCH;
}

/* Read those that count; what has ended keeps its last numbers, so it is asked before. */
static void read_threads(struct tracepoint_perf *perf)
{
	perf->has_ended = false;
	for (uint32_t i = 0; i < perf->nthreads; i++) {
		struct thread_counter *thread = &perf->threads[i];
		bool gone = !thread->ended && is_gone(thread);

		for (int k = 0; !thread->ended && k < perf->count; k++) {
			uint64_t count;

			if (read(thread->fds[k], &count, sizeof(count)) == sizeof(count))
				thread->counts[k] = count;
		}
		if (!gone)
			continue;
		end_thread(perf, thread);
		perf->has_ended = true;
	}
}

static int compare_ids(const void *key, const void *item)
{
	const struct guest *guest = *(struct guest *const *)item;
	uint64_t id = *(const uint64_t *)key;

	return id < guest->public.id ? -1 : id > guest->public.id;
}

/* The number of a guest that this pass has seen, or NO_CELL. */
static uint32_t guest_of(const struct tracepoint_counts *counts, const struct guests *guests, uint64_t id)
{
	struct guest **found = bsearch(&id, guests->list, guests->count, sizeof(*guests->list), compare_ids);

	if (!found || counts->claims.guests[found - guests->list] == CLAIMANT_UNSEEN)
		return NO_CELL;
	return (uint32_t)(found - guests->list);
}

/* Where only thread names tell, threads that came later are found when another one has ended, or after some passes. */
static void look_again(const struct tracepoint_perf *perf, struct kvmstat *kvmstat, const struct pass *pass)
{
	for (uint32_t i = 0; i < kvmstat->guests.count; i++) {
		struct guest *guest = kvmstat->guests.list[i];

		if (guest->pass != pass->number || guest->counted || !guest->wanted)
			continue;
		if (!perf->has_ended && (pass->number + guest->public.id) % LOOK_PASSES)
			continue;
		guest->looks = 1;
		guest_look(guest, &kvmstat->root);
	}
}

/* Forget threads whose guest is gone, and those that run other guests now: their counts are nobody's. */
static void forget_threads(struct tracepoint_perf *perf, const struct tracepoint_counts *counts,
			   const struct guests *guests)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < perf->nthreads; i++) {
		struct thread_counter *thread = &perf->threads[i];
		uint32_t guest = guest_of(counts, guests, thread->guest);
		const struct claim *claim = thread->ended ? NULL : claims_find(&counts->claims, thread->tid);

		if (guest == NO_CELL || counts->claims.guests[guest] == CLAIMANT_CONTESTED || (claim && claim->guest != guest))
			end_thread(perf, thread);
		else
			perf->threads[kept++] = *thread;
	}
	perf->nthreads = kept;
}

/* A guest of which one thread cannot be counted has no total. */
static int add_threads(struct tracepoint_perf *perf, struct tracepoint_counts *counts, const struct guests *guests)
{
	perf->refused = 0;
	for (size_t i = 0; i < counts->claims.size; i++) {
		const struct claim *claim = &counts->claims.table[i];
		int rc;

		if (!claim->tid || claim->contested || !guests->list[claim->guest]->wanted || find_thread(perf, claim->tid))
			continue;
		rc = add_thread(perf, counts, claim->tid, guests->list[claim->guest]);
		if (rc == -ENOMEM)
			return rc;
		if (rc == 0 || rc == -ESRCH)
			continue;
		perf->refused++;
		perf->error = rc;
		counts->claims.guests[claim->guest] = CLAIMANT_UNKNOWN;
	}
	return 0;
}

int tracepoint_perf_pass(struct tracepoint_perf *perf, struct tracepoint_counts *counts, struct source *source,
			 struct pass *pass)
{
	const struct guests *guests = &pass->kvmstat->guests;
	int rc;

	read_threads(perf);
	forget_threads(perf, counts, guests);
	rc = add_threads(perf, counts, guests);
	if (rc < 0)
		return rc;
	tracepoint_clear(counts, source, pass);
	for (uint32_t i = 0; i < perf->nthreads; i++) {
		const struct thread_counter *thread = &perf->threads[i];
		struct tracepoint_hits hits = { .guest = guest_of(counts, guests, thread->guest), .tid = thread->tid };

		for (int k = 0; k < perf->count; k++) {
			hits.offer = counts->totals[k];
			hits.count = thread->counts[k];
			tracepoint_add(counts, source, pass, &hits);
		}
	}
	look_again(perf, pass->kvmstat, pass);
	return 0;
}

void tracepoint_perf_tell(const struct tracepoint_perf *perf, struct source *source, struct kvmstat *kvmstat,
			  const char *why)
{
	if (perf->refused) {
		refusal_report(&source->status, &kvmstat->root, CALL_PERF, perf->error);
		source->status.state = KVMSTAT_PARTIAL;
	}
	if (perf->refused && perf->error == -EMFILE)
		source_status(source, KVMSTAT_PARTIAL,
			      "%u vCPU threads are not counted: half of the %u files that this process may open are in use; raise LimitNOFILE=",
			      perf->refused, perf->max_fds > UINT32_MAX / 2 ? UINT32_MAX : 2 * perf->max_fds);
	if (perf->refused)
		problem_raise(kvmstat, KVMSTAT_UNREADABLE, perf->refused, "exits: %s", source->status.text);
	else if (source->status.state == KVMSTAT_ACTIVE)
		source_status(source, KVMSTAT_PARTIAL, "only how many exits, not why: %s", why);
}
