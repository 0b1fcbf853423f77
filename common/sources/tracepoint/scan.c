/* SPDX-License-Identifier: MIT */
#include "sources/tracepoint/scan.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/pass.h"
#include "core/source.h"
#include "events/reason_table.h"
#include "sources/tracepoint/load.h"
#include "sources/tracepoint/reasons.h"
#include "util/clock.h"

enum {
	SLOTS_PER_CPU = 256,	/* reasons of vCPU threads: of 16 threads with 16 reasons */
	SLOTS_MIN = 8192,
	MARGIN = 256,		/* limit of slots that are skipped: each CPU fills one at a time */
	SWEEP_THREADS = 64,	/* checked in one pass */
};

/* A slot: its guest, and where its count goes. */
struct counter {
	uint64_t guest;		/* id of its guest, 0: none */
	uint64_t base;		/* the count when it became the guest's */
	bool was_owned;		/* by an ended guest: the count so far does not belong to the next one */
	bool has_offers;
	uint32_t total, reason;	/* in source->offers */
};

struct tracepoint_scan {
	struct tracepoint_loader *loader;
	struct counter *counters;	/* [nslots] */
	uint32_t nslots;
	uint32_t high;		/* slots above it were never used */
	uint32_t sweep;		/* the slot to begin with when looking for threads that ended */
	uint32_t last;		/* the guest of the slot before */
	pid_t looked_at;	/* the process whose threads were last looked for in this pass */
	uint64_t reported;		/* lost hits that were reported */
};

int tracepoint_scan_open(struct tracepoint_scan **result, const struct tracepoint_counts *counts, const struct sysroot *root,
			 uint32_t cpus, struct kvmstat_source_status *status)
{
	struct tracepoint_scan *scan = calloc(1, sizeof(*scan));
	int rc = -ENOMEM;

	if (!scan)
		return rc;
	scan->nslots = cpus * SLOTS_PER_CPU > SLOTS_MIN ? cpus * SLOTS_PER_CPU : SLOTS_MIN;
	scan->counters = calloc(scan->nslots, sizeof(*scan->counters));
	if (scan->counters)
		rc = tracepoint_open(&scan->loader, root, counts->tracepoints, counts->ntracepoints, scan->nslots, status);
	if (rc < 0) {
		tracepoint_scan_close(scan);
		return rc;
	}
	*result = scan;
	return 0;
}

void tracepoint_scan_close(struct tracepoint_scan *scan)
{
	if (!scan)
		return;
	if (scan->loader)
		tracepoint_close(scan->loader);
	free(scan->counters);
	free(scan);
}

/* ---- whose it is ---- */

static int compare_ids(const void *key, const void *item)
{
	const struct guest *guest = *(struct guest *const *)item;
	uint64_t id = *(const uint64_t *)key;

	return id < guest->public.id ? -1 : id > guest->public.id;
}

/* Index of its guest, or NO_CELL. */
static uint32_t owner_of(const struct tracepoint_counts *counts, const struct guests *guests,
			 const struct counter *counter, uint32_t last)
{
	struct guest **found;

	if (!counter->guest)
		return NO_CELL;
	/* Slots of one guest often follow each other. */
	if (last != NO_CELL && guests->list[last]->public.id == counter->guest)
		return last;
	found = bsearch(&counter->guest, guests->list, guests->count, sizeof(*guests->list), compare_ids);
	if (!found || counts->claims.guests[found - guests->list] < CLAIMANT_UNKNOWN)
		return NO_CELL;
	return (uint32_t)(found - guests->list);
}

/*
 * Does the key's thread still have this id? /proc has its start in ticks.
 * If /proc hides it (hidepid), assume so as long as the id exists.
 * If /proc shows another pid namespace, assume so in any case.
 */
static bool is_alive(const struct context *context, const struct tracepoint_key *key)
{
	pid_t tid = (pid_t)tracepoint_tid(key->what);
	uint64_t start;

	if (context->guests.other_pid_namespace)
		return true;
	if (proc_start(&context->root, tid, &start) == 0)
		return start == whole_ticks(key->start);
	return kill(tid, 0) == 0 || errno != ESRCH;
}

/* Assign the slot to the guest whose vCPU this thread is. Returns the guest's index, or NO_CELL. */
static uint32_t give(const struct tracepoint_counts *counts, const struct context *context, struct counter *counter,
		     const struct tracepoint_slot *slot)
{
	const struct claim *claim = claims_find(&counts->claims, (pid_t)tracepoint_tid(slot->key.what));

	if (!claim || claim->contested || !is_alive(context, &slot->key))
		return NO_CELL;
	counter->guest = context->guests.list[claim->guest]->public.id;
	counter->base = counter->was_owned ? slot->count : 0;
	counter->was_owned = true;
	return claim->guest;
}

/* ---- cells ---- */

static int find_offers(struct tracepoint_counts *counts, struct context *context, struct source *source,
		       struct counter *counter, uint64_t what)
{
	uint32_t format = tracepoint_format(what);
	int rc = tracepoint_offer(counts, context, source, format_table[format].total, &counter->total);

	if (rc == 0)
		rc = tracepoint_offer(counts, context, source,
				      tracepoint_event(format, tracepoint_class(what), tracepoint_code(what)),
				      &counter->reason);
	counter->has_offers = rc == 0;
	return rc;
}

/* The slot's guest in this pass, or NO_CELL; assigns the slot to a guest or takes it away. */
static uint32_t settle_owner(struct tracepoint_scan *scan, const struct tracepoint_counts *counts, struct pass *pass,
			     uint32_t number, const struct tracepoint_slot *slot)
{
	const struct context *context = pass->context;
	struct counter *counter = &scan->counters[number];
	uint32_t guest = owner_of(counts, &context->guests, counter, scan->last);

	if (guest != NO_CELL && counts->claims.guests[guest] != CLAIMANT_CONTESTED) {
		scan->last = guest;
		return guest;
	}
	counter->guest = 0;
	return give(counts, context, counter, slot);
}

/* Count one slot that is in use. 0 or -ENOMEM. */
static int take_slot(struct tracepoint_scan *scan, struct tracepoint_counts *counts, struct source *source,
		     struct pass *pass, uint32_t number, const struct tracepoint_slot *slot)
{
	struct counter *counter = &scan->counters[number];
	struct tracepoint_hits hits = { .guest = settle_owner(scan, counts, pass, number, slot) };
	int rc;

	if (hits.guest == NO_CELL)
		return 0;
	if (!counter->has_offers) {
		rc = find_offers(counts, pass->context, source, counter, slot->key.what);
		if (rc < 0)
			return rc;
	}
	hits.tid = (pid_t)tracepoint_tid(slot->key.what);
	hits.count = slot->count - counter->base;
	hits.offer = counter->total;
	tracepoint_add(counts, source, pass, &hits);
	hits.offer = counter->reason;
	tracepoint_add(counts, source, pass, &hits);
	return 0;
}

/* Copy a slot, which the kernel may change at any time. False: it is free, or being filled. */
static bool read_slot(const struct tracepoint_slot *shared, struct tracepoint_slot *slot)
{
	slot->count = __atomic_load_n(&shared->count, __ATOMIC_ACQUIRE);
	slot->key.start = __atomic_load_n(&shared->key.start, __ATOMIC_RELAXED);
	slot->key.what = __atomic_load_n(&shared->key.what, __ATOMIC_RELAXED);
	return slot->count && slot->key.start && slot->key.what;
}

/* ---- threads that ended ---- */

/* If threads have known names, a later vCPU is found after its first exit. */
static void look_again(struct tracepoint_scan *scan, struct context *context, pid_t tid)
{
	pid_t tgid = proc_tgid(&context->root, tid);

	if (tgid <= 0 || tgid == scan->looked_at)
		return;
	scan->looked_at = tgid;
	for (uint32_t i = 0; i < context->guests.count; i++) {
		struct guest *guest = context->guests.list[i];

		if (guest->seen_as.tgid != tgid || guest->counted)
			continue;
		guest->looks_left = 1;
		guest_look(guest, &context->root);
	}
}

static bool same_thread(const struct tracepoint_key *a, const struct tracepoint_key *b)
{
	return a->start == b->start && tracepoint_tid(a->what) == tracepoint_tid(b->what);
}

/* Free slots without a guest whose thread has ended. */
static void sweep(struct tracepoint_scan *scan, struct context *context)
{
	uint32_t high = scan->high, threads = 0;
	struct tracepoint_key last = { 0 };
	bool alive = true;

	scan->looked_at = 0;
	for (uint32_t n = 0; n < high && threads < SWEEP_THREADS; n++) {
		uint32_t number = scan->sweep < high ? scan->sweep : 0;
		struct tracepoint_slot slot;

		scan->sweep = number + 1;
		if (scan->counters[number].guest || !read_slot(&tracepoint_slots(scan->loader)[number], &slot))
			continue;
		if (!same_thread(&slot.key, &last)) {
			threads++;
			last = slot.key;
			alive = is_alive(context, &last);
			if (alive)
				look_again(scan, context, (pid_t)tracepoint_tid(last.what));
		}
		if (alive)
			continue;
		tracepoint_free_slot(scan->loader, number);
		scan->counters[number] = (struct counter){ 0 };
	}
}

int tracepoint_scan_pass(struct tracepoint_scan *scan, struct tracepoint_counts *counts, struct source *source,
			 struct pass *pass)
{
	const struct tracepoint_slot *slots = tracepoint_slots(scan->loader);

	tracepoint_clear(counts, source, pass);
	scan->last = NO_CELL;
	for (uint32_t number = 0; number < scan->nslots && number < scan->high + MARGIN; number++) {
		struct tracepoint_slot slot;
		int rc;

		if (!read_slot(&slots[number], &slot))
			continue;
		if (number >= scan->high)
			scan->high = number + 1;
		rc = take_slot(scan, counts, source, pass, number, &slot);
		if (rc < 0)
			return rc;
	}
	sweep(scan, pass->context);
	return 0;
}

void tracepoint_scan_report(struct tracepoint_scan *scan, struct source *source, struct context *context)
{
	uint64_t lost = tracepoint_lost(scan->loader), missed = tracepoint_missed(scan->loader);

	if (!lost && !missed)
		return;
	if (lost)
		source_status(source, KVMSTAT_PARTIAL,
			      "%llu exits were not counted: all %u slots for reasons of vCPU threads "
			      "are in use; restart the program to free them",
			      (unsigned long long)lost, scan->nslots);
	else
		source_status(source, KVMSTAT_PARTIAL,
			      "%llu exits were not counted: the kernel runs one BPF program at a "
			      "time on a CPU, and another one was running",
			      (unsigned long long)missed);
	problem_raise(context, KVMSTAT_UNREADABLE, lost + missed - scan->reported, "exits by reason: %s", source->status.text);
	scan->reported = lost + missed;
}
