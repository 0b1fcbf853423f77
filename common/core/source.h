/* SPDX-License-Identifier: MIT */
/*
 * source.h - what a source of statistics is to the collector
 */
#ifndef KVMSTAT_SOURCE_H
#define KVMSTAT_SOURCE_H

#include "core/context.h"
#include "kvmstat.h"

struct source;
struct pass;

/* An event that a source has found on this host. */
struct offer {
	const struct kvmstat_event *event;
	const char *name;	/* the kernel's own, of an old kernel an old one; lives as long as the source is open */
	uint32_t cells;
	bool refused;		/* it is there, but may not be read */
	uint32_t cell;		/* where the collector wants its values; NO_CELL: nowhere */
	bool covered;		/* another source has a value where this one has none */
};

struct source_ops {
	enum kvmstat_source id;
	bool lists_only;	/* it finds guests and has no events */
	/*
	 * It knows events only from the guests that it can read, which may not be all: it is run before it has offered
	 * any, and the next source in the order fills in for the guests that it cannot read.
	 */
	bool guest_by_guest;
	const char *opt_in;	/* not part of Source auto, and why; else NULL */
	/*
	 * It counts events of its own, which no other source has, and may find more at any time: it is always run, and
	 * stays open as long as the collector.
	 */
	bool own_events;
	/*
	 * Find out what can be read: fill source->offers and source->state. 0, or -errno; source->status is
	 * told in both cases.
	 */
	int (*open)(struct context *context, struct source *source);
	/* Undo open(); offers are freed by the collector. */
	void (*close)(struct source *source);
	/* The offers' cells are known or have changed; NULL: it looks at them in each pass. 0 or -ENOMEM. */
	int (*bind)(struct context *context, struct source *source);
	/*
	 * Tell of every guest (pass_see()): the first source in the order that has this is asked, before any cells are
	 * filled. NULL: it cannot find guests. Returns what pass() does.
	 */
	int (*find)(struct source *source, struct pass *pass);
	/*
	 * Fill the cells of guests that were seen; NULL: it has none, or find() filled them. 0; 1: it has offered more;
	 * -errno: the source is of no use any more; -EAGAIN: what it offers has changed, it must be opened again.
	 */
	int (*pass)(struct source *source, struct pass *pass);
	/* Does it, being open, see any guest? Asked where another source, which finds the guests, saw none; NULL: it cannot tell. */
	bool (*sees_guests)(const struct source *source, const struct sysroot *root);
};

struct source {
	const struct source_ops *ops;
	struct kvmstat_source_status status;
	struct offer *offers;
	size_t noffers;
	void *state;
	bool is_open;
	bool serves;		/* some column is its, or it is the one that finds the guests */
	uint64_t retry_pass;	/* when to try to open it again */
	uint32_t retry_after;	/* passes to wait, doubled at each failure */
};

/* Guests of a pass that a source could not read, for one reason. */
struct fault {
	uint32_t count;
	const struct guest *last;
	int error;		/* of the last one */
};

static inline void fault_add(struct fault *fault, const struct guest *guest, int error)
{
	fault->count++;
	fault->last = guest;
	fault->error = error;
}

/* Add to source->offers. 0 or -ENOMEM. */
int source_offer(struct source *source, const struct kvmstat_event *event, const char *name, uint32_t cells,
		 bool refused);

/* The place of the event among source->offers, or -1. */
int source_find_offer(const struct source *source, const struct kvmstat_event *event);

/* Did it offer an event that may not be read? */
bool source_refuses(const struct source *source);

/* Does another source have every value that this one would have? */
bool source_is_covered(const struct source *source);

/* Are the kernel's numbers of processes those that /proc has here? If not, the source's status says so. */
bool source_sees_processes(const struct context *context, struct source *source);

void source_status(struct source *source, enum kvmstat_source_state state, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
