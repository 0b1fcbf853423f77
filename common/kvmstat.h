/* SPDX-License-Identifier: MIT */
/*
 * kvmstat.h - the collection core: why KVM guests leave guest mode
 *
 * A collector (struct kvmstat) takes samples. A sample is a matrix of the
 * kernel's own numbers, guests x columns, with one timestamp. Once published it
 * does not change, so any thread may read it until it is given back.
 *
 *	struct kvmstat_config *config = kvmstat_config_new();
 *	struct kvmstat_sample *sample;
 *	struct kvmstat *kvmstat;
 *
 *	kvmstat_config_set(config, "Event", "/^exit_/", error, sizeof(error));
 *	kvmstat_open(&kvmstat, config);
 *	kvmstat_collect(kvmstat, &sample);
 *	... read sample->rows[i].value[column->first_cell] where
 *	    sample->rows[i].from[column->first_cell] is not KVMSTAT_ABSENT ...
 *	kvmstat_sample_put(sample);
 *	kvmstat_close(kvmstat);
 *
 * Errors: functions return 0 (or a positive result) or -errno. Nothing here
 * prints, exits, starts a thread or blocks on anything a guest answers. The
 * one exception is the source libvirt, if the option Source lists it: it runs
 * worker threads, which block all signals and never call back into the
 * caller; a pass waits for them a limited time.
 *
 * Threads: one thread at a time may use a collector. Samples may be read and
 * given back from any thread.
 */
#ifndef KVMSTAT_H
#define KVMSTAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* "1.2.3" or what git describe said of the tree that was built. */
const char *kvmstat_version(void);

/* ---- events ------------------------------------------------------------- */

/* What a value means; the kernel's own types of statistics. */
enum kvmstat_class {
	KVMSTAT_CUMULATIVE,	/* only grows while the guest runs */
	KVMSTAT_INSTANT,	/* current value, may fall */
	KVMSTAT_PEAK,		/* highest value so far */
	KVMSTAT_LINEAR_HIST,	/* one value a bucket, each cumulative */
	KVMSTAT_LOG_HIST,
	KVMSTAT_NCLASSES
};

enum kvmstat_unit {
	KVMSTAT_COUNT,
	KVMSTAT_NS,
	KVMSTAT_BYTES,
	KVMSTAT_CYCLES,
	KVMSTAT_BOOLEAN,
	KVMSTAT_NUNITS
};

enum kvmstat_scope {
	KVMSTAT_VM,		/* one value a guest */
	KVMSTAT_VCPU,		/* a guest's value is the sum over its vCPUs, for a peak the maximum */
	KVMSTAT_NSCOPES
};

/*
 * Architecture-neutral categories. An event belongs to one.
 * kvmstat_event.adds_to lists the totals that an event is part of.
 */
enum kvmstat_category {
	KVMSTAT_EXITS,		/* exits from SIE, VMX or SVM guest mode, for any reason */
	KVMSTAT_IO,
	KVMSTAT_IDLE,
	KVMSTAT_INSTRUCTION,
	KVMSTAT_INTERRUPT,
	KVMSTAT_YIELD,
	KVMSTAT_MEMORY,
	KVMSTAT_USERSPACE,
	KVMSTAT_OTHER,		/* never has a total */
	KVMSTAT_NCATEGORIES
};

const char *kvmstat_class_name(enum kvmstat_class class);		/* "cumulative" */
const char *kvmstat_unit_name(enum kvmstat_unit unit);			/* "ns" */
const char *kvmstat_scope_name(enum kvmstat_scope scope);		/* "vcpu" */
const char *kvmstat_category_name(enum kvmstat_category category);	/* "io" */

/* Event numbers up to here are those of events.tsv, the same on every host. */
#define KVMSTAT_NUMBER_FIXED_MAX 65535u

/* One named statistic. Constant once it is seen; lives as long as the collector. */
struct kvmstat_event {
	const char *name;	/* the kernel's (form of 5.14 and later); [a-z0-9A-Z_] only */
	const char *text;	/* one sentence for an operator; "" if the event is unknown to us */
	const struct kvmstat_event *parent; /* a more general event that counts this one too, or NULL */
	uint32_t number;	/* 1 .. 2^31-1, means the same event for ever */
	enum kvmstat_class class;
	enum kvmstat_unit unit;
	enum kvmstat_scope scope;
	enum kvmstat_category category;
	uint32_t adds_to;	/* bit 1 << category for each total that this event is part of */
	bool known;		/* in events.tsv; otherwise class and unit are as the kernel says */
	bool dead;		/* exported, but no known kernel counts it */
};

/* Where an event of this host is to be found in a row, and where it comes from. */
struct kvmstat_column {
	const struct kvmstat_event *event;
	uint32_t first_cell;	/* a histogram has one cell a bucket, from this one on */
	uint32_t cells;		/* 1, or the number of buckets */
	uint8_t source;		/* enum kvmstat_source that reads it, KVMSTAT_ABSENT if none can */
	const char *reason;	/* why no source can read it, and what to do; else "" */
	const char *kernel_name; /* this kernel's name: before 5.14 it may be older than event->name */
};

bool kvmstat_is_histogram(enum kvmstat_class class);

/*
 * Bounds of a histogram's bucket, in the event's unit: it counts values from *from to less than
 * *below.
 * The last bucket has no upper bound: *below is UINT64_MAX. bucket < column->cells.
 * Returns false if unknown: not every source sees the width of linear buckets, and no current event
 * has them.
 */
bool kvmstat_bucket(const struct kvmstat_column *column, uint32_t bucket, uint64_t *from, uint64_t *below);

/* ---- sources ------------------------------------------------------------ */

enum kvmstat_source {
	KVMSTAT_ABSENT,		/* of a cell: there is no value */
	KVMSTAT_BPF,		/* iterator over the VMs in the kernel */
	KVMSTAT_DEBUGFS,
	KVMSTAT_PROC,		/* /proc alone: guests, but no events */
	KVMSTAT_STATSFD,	/* binary statistics fds that the VMM keeps, borrowed */
	KVMSTAT_TRACEPOINT,	/* BPF programs on kvm's tracepoints: exits by reason; opt-in */
	KVMSTAT_LIBVIRT,	/* QEMU's statistics, through libvirt's daemon; opt-in */
	KVMSTAT_NSOURCES
};

enum kvmstat_source_state {
	KVMSTAT_UNUSED,		/* not needed, since a better source provides every event; or not configured */
	KVMSTAT_ACTIVE,
	KVMSTAT_PARTIAL,	/* active, but a part is refused (counters in debugfs under lockdown) */
	KVMSTAT_MISSING,	/* not on this host, kernel or build */
	KVMSTAT_DENIED,		/* there, but refused to this process */
	KVMSTAT_NSTATES
};

struct kvmstat_source_status {
	enum kvmstat_source_state state;
	char text[256];		/* what stands in the way and what to do; "" if nothing does */
};

const char *kvmstat_source_name(enum kvmstat_source source);	/* "bpf" */
const char *kvmstat_state_name(enum kvmstat_source_state state);	/* "active" */

/* Problems; each is reported once when it begins, and once when it is over. */
enum kvmstat_problem {
	KVMSTAT_NO_KVM,		/* there is no /dev/kvm, no kvm module and no debugfs directory */
	KVMSTAT_NO_SOURCE,	/* no source can read any event here */
	KVMSTAT_REFUSED,	/* some events cannot be read (lockdown) */
	KVMSTAT_UNREADABLE,	/* statistics of some guests cannot be read */
	KVMSTAT_MALFORMED,	/* the kernel or a file contains invalid data */
	KVMSTAT_UNNAMED,	/* no names: /proc of some guests cannot be read, or not yet */
	KVMSTAT_TOO_MANY,	/* more unknown events than the limit: some are left out */
	KVMSTAT_NPROBLEMS
};

struct kvmstat_problem_status {
	bool active;
	uint64_t count;		/* passes or guests affected since the collector was opened */
	char text[512];		/* what, on what, why, what to do; kept after it is over */
};

const char *kvmstat_problem_name(enum kvmstat_problem problem);	/* "no-kvm" */

enum kvmstat_lockdown {
	KVMSTAT_LOCKDOWN_UNKNOWN, /* securityfs is not mounted or has no lockdown file */
	KVMSTAT_LOCKDOWN_NONE,
	KVMSTAT_LOCKDOWN_INTEGRITY,
	KVMSTAT_LOCKDOWN_CONFIDENTIALITY,
};

const char *kvmstat_lockdown_name(enum kvmstat_lockdown lockdown); /* "integrity" */

/* ---- guests ------------------------------------------------------------- */

/*
 * One incarnation of one KVM virtual machine. Constant; valid while a sample refers to it.
 * While its identity is unknown (descriptors or memory are short, or its process does not answer),
 * key is "", and nothing that outlives the sample may be published of it. Once the identity is
 * known, another guest with another id replaces it.
 */
struct kvmstat_guest {
	uint64_t id;		/* grows by discovery in this collector, never reused; 0: the row of others */
	const char *name;	/* bytes, not always UTF-8; "" only if the VMM was given an empty name */
	const char *uuid;	/* 36 characters in lower case, or "" */
	const char *key;	/* survives restarts of guest and host: "uuid:...", "name:..." or "dir:..."; or "" */
	const char *incarnation; /* "BOOTID/TID-FD/INODE/CTIME", differs for every incarnation */
	const char *vmm;	/* "qemu", "firecracker", ..., or the comm of an unknown program */
	pid_t pid;		/* of the VMM's process (thread group) in the initial pid namespace */
	int fd;			/* of the VM in that process */
	uint64_t start_ns;	/* when the VMM's process started, CLOCK_BOOTTIME; 0 if unknown */
	uint64_t created_ns;	/* when KVM created the VM, CLOCK_REALTIME; 0 if unknown */
	/*
	 * The later of these two times, by both clocks, converted when the guest was found: it does
	 * not change when the wall clock is set. 0 if unknown.
	 */
	uint64_t began_ns;	/* CLOCK_BOOTTIME */
	uint64_t began_realtime_ns; /* CLOCK_REALTIME */
	uint64_t memory;	/* bytes of guest memory; 0 if unknown */
};

/*
 * With TopGuests: the row of all guests that have no row of their own.
 * Counters start at 0 with the collector, grow with those guests, and never fall: the rates of all
 * rows add up to those of all guests.
 * Instant values are sums, peaks are maxima.
 */
#define KVMSTAT_OTHERS "others"

/* ---- samples ------------------------------------------------------------ */

enum kvmstat_vcpu_state {
	KVMSTAT_VCPU_UNKNOWN,	/* the kernel has no event "blocking" (before 5.17), or it is not collected */
	KVMSTAT_VCPU_RUNNING,	/* not blocked: in guest mode, in KVM, in the VMM, or waiting for a CPU */
	KVMSTAT_VCPU_BLOCKED,	/* halted: KVM waits for something to wake it */
	KVMSTAT_VCPU_OFFLINE,	/* removed by the VMM, as libvirt reports */
	KVMSTAT_NVCPU_STATES
};

const char *kvmstat_vcpu_state_name(enum kvmstat_vcpu_state state); /* "blocked" */

/*
 * One vCPU of a guest in one sample, with the cells of the guest's row.
 * Absent: events of scope vm, and sources that cannot distinguish vCPUs (debugfs).
 */
struct kvmstat_vcpu {
	uint32_t id;		/* KVM's */
	enum kvmstat_vcpu_state state;
	pid_t tid;		/* of its thread in the initial pid namespace; 0 if unknown */
	bool has_cpu;		/* cpu_ns and wait_ns are known */
	uint64_t cpu_ns;	/* CPU time of its thread so far */
	uint64_t wait_ns;	/* time it waited for a CPU while runnable so far */
	const uint64_t *value;	/* [sample->ncells], valid only where from[] is not KVMSTAT_ABSENT */
	const uint8_t *from;
};

/* One guest in one sample. */
struct kvmstat_row {
	const struct kvmstat_guest *guest;
	const uint64_t *value;	/* [sample->ncells], valid only where from[] is not KVMSTAT_ABSENT */
	const uint8_t *from;	/* [sample->ncells], enum kvmstat_source; KVMSTAT_ABSENT: no value */
	uint32_t vcpu_count;	/* 0 if unknown */
	bool has_cpu;		/* cpu_ns and wait_ns are known for every vCPU thread */
	uint64_t cpu_ns;	/* CPU time of the vCPU threads so far */
	uint64_t wait_ns;	/* time they waited for a CPU while runnable so far */
	uint32_t nvcpus;	/* vCPUs that are reported individually: 0 without ReportVcpus */
	const struct kvmstat_vcpu *vcpus; /* [nvcpus] in ascending order of id; part of sample->vcpus */
};

/*
 * All values of one pass. Read-only, and unchanged until it is given back.
 *
 * rows are in ascending order of guest->id, columns in ascending order of event->number.
 * A front end with its own index rebuilds it only when guest_generation (guests, and vCPUs if
 * reported) or event_generation differs from the last sample's.
 */
struct kvmstat_sample {
	uint64_t number;	/* 1 for the first pass */
	uint64_t time_ns;	/* CLOCK_BOOTTIME when the pass began: use it for rates */
	uint64_t realtime_ns;	/* CLOCK_REALTIME when the pass began: use it for timestamps */
	uint64_t duration_ns;	/* how long the pass took */
	uint64_t guest_generation;
	uint64_t event_generation;
	uint32_t nguests;	/* guests collected: nrows, unless TopGuests puts some into one row of others */
	uint32_t nrows;
	uint32_t ncolumns;
	uint32_t ncells;	/* cells of a row: ncolumns, and more with histograms */
	uint32_t cpus;		/* online CPUs of the host */
	enum kvmstat_lockdown lockdown;
	const struct kvmstat_row *rows;		/* [nrows] */
	uint32_t nvcpus;
	const struct kvmstat_vcpu *vcpus;	/* [nvcpus] of all rows, in their order; empty without ReportVcpus */
	const struct kvmstat_column *columns;	/* [ncolumns] */
	struct kvmstat_source_status sources[KVMSTAT_NSOURCES];
	struct kvmstat_problem_status problems[KVMSTAT_NPROBLEMS];
};

/* The column of an event by its number, or NULL. O(log ncolumns). */
const struct kvmstat_column *kvmstat_sample_column(const struct kvmstat_sample *sample,
						   uint32_t number);

/* Add a reader to a sample. Returns sample. */
struct kvmstat_sample *kvmstat_sample_get(struct kvmstat_sample *sample);

/* Give a sample back; NULL is allowed. */
void kvmstat_sample_put(struct kvmstat_sample *sample);

/* ---- configuration ------------------------------------------------------ */

struct kvmstat;

struct kvmstat_config;

/* A configuration with every default, or NULL without memory. */
struct kvmstat_config *kvmstat_config_new(void);
void kvmstat_config_free(struct kvmstat_config *config);

/* How several values of one option combine. */
enum kvmstat_option_kind {
	KVMSTAT_OPTION_ONE,	/* the last one counts */
	KVMSTAT_OPTION_EACH,	/* each one is added */
	KVMSTAT_OPTION_WORDS,	/* one value may have several words, each one is added */
};

struct kvmstat_option {
	const char *name;
	enum kvmstat_option_kind kind;
	const char *value;	/* what a value looks like: "NAME|/REGEX/" */
	const char *help;	/* a line for --help */
	bool names_events;	/* see kvmstat_event_unknown() */
};

/*
 * The i-th option that every front end accepts and kvmstat_config_set() sets; NULL: there are no
 * more.
 */
const struct kvmstat_option *kvmstat_config_option(size_t i);

/* The option of this name, whatever its case; NULL: there is none. */
const struct kvmstat_option *kvmstat_config_find_option(const char *name);

/*
 * Set one option. Regular expressions are POSIX extended ones, unanchored. A BOOL is true/false, yes/no or on/off.
 * A guest is matched by its name or its UUID.
 *
 * Returns 0; -ENOENT if there is no option key (error is then left alone);
 * -EINVAL with a message in error that names the value and what was expected.
 */
int kvmstat_config_set(struct kvmstat_config *config, const char *key, const char *value,
		       char *error, size_t size);

/* Length of the valid UTF-8 character that begins at text, or 0 if there is none; text ends with NUL. */
size_t kvmstat_utf8(const char *text, uint32_t *character);

/* true/false, yes/no or on/off, in any case; false: another word, and *result is unchanged. */
bool kvmstat_parse_bool(const char *value, bool *result);

/*
 * The first max bytes of a regular file; no other kind of file is waited for. Free *data, which has a NUL after its
 * *size bytes.
 * 0; -ENXIO or -ELOOP: not a regular file; or another -errno
 */
int kvmstat_file_read(int dirfd, const char *name, size_t max, char **data, size_t *size);

/* After 0 the new content survives a crash; otherwise the old one is still there. NAME.new is used on the way. */
int kvmstat_file_replace(int dirfd, const char *name, const char *data, size_t size);

/*
 * Quote a word from outside for a message.
 * A long word is cut. Each byte of an invisible character (control characters, unusual spaces,
 * characters without width, invalid UTF-8) becomes \xHH.
 */
struct kvmstat_quoted {
	char text[72];
};

struct kvmstat_quoted kvmstat_quote(const char *word);

/*
 * Does this word of an Event option match no known event?
 * For a plain name that is neither in events.tsv nor on this host, fills suggestion with the
 * nearest known name (or "") and returns true.
 */
bool kvmstat_event_unknown(const struct kvmstat *kvmstat, const char *word,
			   char *suggestion, size_t size);

/* ---- the collector ------------------------------------------------------ */

/*
 * Make a collector; config is copied and may be freed.
 * Finds out what can be read here. What cannot be read is not an error: the samples report it.
 * Returns 0, -ENOMEM, or another -errno if the root directory cannot be opened.
 */
int kvmstat_open(struct kvmstat **kvmstat, const struct kvmstat_config *config);

/*
 * All samples must have been given back. NULL is allowed.
 * A thread whose libvirt call hangs keeps running until the call returns: the program's code must
 * not be unloaded (the plugin is linked accordingly).
 */
void kvmstat_close(struct kvmstat *kvmstat);

/*
 * One pass over the host. On success the caller owns a reference to *sample.
 * Having no guests, no KVM or no permission is not an error: the sample is then
 * without rows, and its sources and problems say why.
 * Returns 0 or -ENOMEM.
 */
int kvmstat_collect(struct kvmstat *kvmstat, struct kvmstat_sample **sample);

/*
 * Read the command line of a guest's process into *cmdline: malloc'ed, each argument ended by a
 * NUL.
 * Use no other way: a process can make a reader of its command line wait for ever.
 * Do not call it while another thread is in kvmstat_collect().
 * Returns the length, or -errno:
 * -ETIMEDOUT: the read did not return within half a second
 * -EBUSY: not tried, since too many reads of other processes do not return
 * -ENOMEM, or another.
 */
ssize_t kvmstat_read_cmdline(struct kvmstat *kvmstat, const struct kvmstat_guest *guest, char **cmdline);

/*
 * Restore the number of an event that is not in events.tsv, before the first pass.
 * Such numbers are computed from the name, so hosts agree unless two names collide. A front end
 * that publishes numbers saves them.
 * Returns 0, -EEXIST if name or number is taken, -EINVAL if number is in the fixed range or name is
 * not an event name.
 */
int kvmstat_remember_event(struct kvmstat *kvmstat, const char *name, uint32_t number);

/* ---- from two samples: rates -------------------------------------------- */

/*
 * Rates per second between two samples, in the rows and cells of the later one.
 * There is no rate for instant and peak events, new guests, and cells absent in either sample.
 * If a cumulative cell falls, it has no rate, and its guest has a discontinuity at the later
 * sample; the same holds for a cell of a vCPU.
 */
struct kvmstat_rates;

struct kvmstat_rates *kvmstat_rates_new(void);
void kvmstat_rates_free(struct kvmstat_rates *rates);

/*
 * Compute *rates for now. before is the sample of the pass before it, or NULL;
 * last are the rates that were computed for before (they carry the times of
 * discontinuities forward), or NULL; last may be rates itself.
 * Allocates only when the matrix grew. Returns 0 or -ENOMEM.
 */
int kvmstat_rates_update(struct kvmstat_rates *rates, const struct kvmstat_rates *last,
			 const struct kvmstat_sample *before, const struct kvmstat_sample *now);

/* Events (or ns, ...) per second, or NaN: no rate. row < nrows, cell < ncells of now. */
double kvmstat_rate(const struct kvmstat_rates *rates, uint32_t row, uint32_t cell);

/* All of a row, [ncells], until the next update; NULL: there is no such row. */
const double *kvmstat_rates_of(const struct kvmstat_rates *rates, uint32_t row);

/* The same for a vCPU: vcpu < nvcpus of now, as an index of sample->vcpus. */
double kvmstat_rate_of_vcpu(const struct kvmstat_rates *rates, uint32_t vcpu, uint32_t cell);
double kvmstat_rate_vcpu_cpu(const struct kvmstat_rates *rates, uint32_t vcpu);
double kvmstat_rate_vcpu_wait(const struct kvmstat_rates *rates, uint32_t vcpu);

/*
 * ns of CPU time, and of waiting for one, per second over all vCPUs, or NaN. A thread never waits for more than a second per
 * second: what the kernel adds beyond that (a wait that began before the earlier sample, or a sleep) is left out.
 */
double kvmstat_rate_cpu(const struct kvmstat_rates *rates, uint32_t row);
double kvmstat_rate_wait(const struct kvmstat_rates *rates, uint32_t row);

/*
 * When counting (re)started for this guest: CLOCK_BOOTTIME of the last sample at which a cumulative
 * value fell, or at which a guest without created_ns appeared after the first sample; else 0.
 */
uint64_t kvmstat_discontinuity(const struct kvmstat_rates *rates, uint32_t row);

/* A category of one guest: sums over the events that add to it. */
struct kvmstat_activity {
	bool has_count;		/* at least one event of it has a value */
	bool has_rate;		/* and every event that has a value has a rate */
	uint64_t count;
	double rate;		/* per second */
};

/* rates may be NULL. For every category but KVMSTAT_OTHER. */
void kvmstat_activity(const struct kvmstat_sample *sample, const struct kvmstat_rates *rates,
		      uint32_t row, struct kvmstat_activity activity[KVMSTAT_NCATEGORIES]);

#ifdef __cplusplus
}
#endif

#include "kvmstat_diagnosis.h"

#endif /* KVMSTAT_H */
