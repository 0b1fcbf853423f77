/* SPDX-License-Identifier: MIT */
/*
 * capture.h - kvmstat capture: the parts of it
 */
#ifndef KVMSTAT_CAPTURE_H
#define KVMSTAT_CAPTURE_H

#include "capture/tree.h"
#include "cli.h"

enum { MAX_BASES = 8, BASE_SIZE = 16, DIR_SIZE = 32 };

/* A directory of KVM's in debugfs. */
struct base {
	char name[BASE_SIZE];
	bool is_seen;		/* false: debugfs cannot be, and the events come from elsewhere */
	mode_t *modes;		/* of each column's file; 0: it has none */
};

/* A guest as it goes into the tree. */
struct subject {
	const struct kvmstat_row *row;
	const struct kvmstat_guest *guest;
	char dir[DIR_SIZE];	/* "TID-FD" */
	unsigned long long ino;	/* of it, 0 if debugfs does not have it */
	struct base *base;	/* NULL: none has it */
	bool unnamed;		/* its VMM was given no name */
	bool left_out;
	const char *name;	/* in the tree, as the next two */
	const char *uuid;
	char made_name[24];	/* those of a scrubbed one */
	char made_uuid[37];
};

struct capture {
	const struct options *options;
	struct watch watch;
	const struct kvmstat_sample *sample;
	int root;		/* of the host */
	struct tree tree;
	struct base bases[MAX_BASES];
	size_t nbases;
	struct subject *subjects; /* a row each */
	uint32_t left_out;
};

/*
 * A file of the host, malloc'ed and with a NUL behind it; NULL with errno. len may be NULL.
 */
char *host_read(const struct capture *capture, size_t *len, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* What is the host's and no guest's; after the guests, debugfs' names. */
void capture_host(struct capture *capture);
void capture_names(struct capture *capture);

/*
 * Can the form of debugfs carry it? Not histograms: their files have a part of them only, and are never read.
 */
bool fits_tree(const struct kvmstat_column *column);

/* Find KVM's directories, and which of them has the guest. */
void find_bases(struct capture *capture);
struct base *find_base(struct capture *capture, const struct subject *subject);

/* The guest's values. */
void capture_values(struct capture *capture, const struct subject *subject);

/* What /proc says of the guest. false: it has ended meanwhile. */
bool capture_process(struct capture *capture, const struct subject *subject);

/* Its VM was made by another thread than the first one: what that thread belongs to. After all processes. */
void capture_creator(struct capture *capture, const struct subject *subject);

/* Made-up names and UUIDs; equal ones stay equal. */
void scrub_subjects(struct capture *capture);

/* In place of what /proc says; malloc'ed. */
const char *scrubbed_comm(const struct subject *subject);
char *scrubbed_cmdline(const struct subject *subject, size_t *len);
char *scrubbed_stat(const struct subject *subject, const char *stat);
const char *scrubbed_thread(const char *comm);

/* Does a text of the collector's tell of a guest, or might it, being cut off? */
bool names_guests(const struct capture *capture, const char *text, size_t size);

/* report.txt */
void capture_report(struct capture *capture);

/* Replay the tree at path. An exit status; what differs has been told. */
int capture_check(const struct capture *capture, const char *path);

#endif
