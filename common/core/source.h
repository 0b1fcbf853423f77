/* SPDX-License-Identifier: MIT */
/* source.h - the interface between the collector and a source of statistics */
#ifndef KVMSTAT_SOURCE_H
#define KVMSTAT_SOURCE_H

#include "core/context.h"
#include "kvmstat.h"

struct source;
struct pass;

/* An event that a source has found on this host. */
struct offer {
	const struct kvmstat_event *event;
	const char *name;	/* the running kernel's name, old on an old kernel; valid while the source is open */
	uint32_t cells;
	bool refused;		/* it exists, but may not be read */
	uint32_t cell;		/* where its values go; NO_CELL: they are not wanted */
	bool covered;		/* another source fills the cells that this one cannot */
};

struct source_ops {
	enum kvmstat_source id;
	bool lists_only;	/* it finds guests and has no events */
	/*
	 * It learns its events from the guests that it can read, which may be some of them only.
	 * It runs before it has offered any event.
	 * The next source in the order fills the cells of guests that it cannot read.
	 */
	bool guest_by_guest;
	const char *opt_in;	/* why it is not part of Source auto; else NULL */
	/*
	 * It counts events that no other source has, and may find more at any time.
	 * It always runs, and stays open as long as the collector.
	 */
	bool own_events;
	/*
	 * Find out what can be read: fill source->offers and source->state.
	 * Sets source->status in any case. 0 or -errno.
	 */
	int (*open)(struct context *context, struct source *source);
	/* Undo open(); offers are freed by the collector. */
	void (*close)(struct source *source);
	/*
	 * The cells of the offers have changed. NULL: the source reads them in each pass. 0 or
	 * -ENOMEM.
	 */
	int (*bind)(struct context *context, struct source *source);
	/*
	 * Report every guest with pass_see(), before any cells are filled.
	 * The collector calls the first source in the order that has this; NULL: it cannot find
	 * guests.
	 * Returns what pass() does.
	 */
	int (*find)(struct source *source, struct pass *pass);
	/*
	 * Fill the cells of guests that were seen. NULL: there are none, or find() filled them.
	 * 0: done
	 * 1: it has offered more events
	 * -EAGAIN: its offers have changed; it must be opened again
	 * other -errno: it does not work any more
	 */
	int (*pass)(struct source *source, struct pass *pass);
	/*
	 * Does the open source see any guest? Called if the source that finds the guests saw none.
	 * NULL: unknown.
	 */
	bool (*sees_guests)(const struct source *source, const struct sysroot *root);
};

struct source {
	const struct source_ops *ops;
	struct kvmstat_source_status status;
	struct offer *offers;
	size_t noffers;
	void *state;
	bool is_open;
	bool serves;		/* it has a column, or it finds the guests */
	uint64_t retry_pass;	/* when to try to open it again */
	uint32_t retry_after;	/* passes to wait, doubled at each failure */
};

/* Guests of a pass that a source could not read, all for one reason. */
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

/* Returns the index of the event in source->offers, or -1. */
int source_find_offer(const struct source *source, const struct kvmstat_event *event);

/* Did it offer an event that may not be read? */
bool source_refuses(const struct source *source);

/* Does another source have every value that this one would have? */
bool source_is_covered(const struct source *source);

/* Does /proc here show the kernel's process numbers? If not, sets the source's status. */
bool source_sees_processes(const struct context *context, struct source *source);

void source_status(struct source *source, enum kvmstat_source_state state, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
