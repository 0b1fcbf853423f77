/* SPDX-License-Identifier: MIT */
/* capture.h - shared by the files of kvmstat capture */
#ifndef KVMSTAT_CAPTURE_H
#define KVMSTAT_CAPTURE_H

#include "capture/tree.h"
#include "cli.h"

enum { MAX_BASES = 8, BASE_SIZE = 16, DIR_SIZE = 32 };

/* A directory of KVM's in debugfs. */
struct base {
	char name[BASE_SIZE];
	bool is_seen;		/* false: debugfs cannot be read, and the events come from another source */
	mode_t *modes;		/* of each column's file; 0: it has none */
};

/* A guest as it goes into the tree. */
struct subject {
	const struct kvmstat_row *row;
	const struct kvmstat_guest *guest;
	char dir[DIR_SIZE];	/* "TID-FD" */
	unsigned long long ino;	/* of it, 0 if debugfs does not have it */
	struct base *base;	/* NULL: none has it */
	bool unnamed;		/* its VMM has no name for it */
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

/* Read a file of the host: malloc'ed and ended by a NUL; NULL with errno. len may be NULL. */
char *host_read(const struct capture *capture, size_t *len, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Capture files of the host that belong to no guest; after the guests, names in debugfs. */
void capture_host(struct capture *capture);
void capture_names(struct capture *capture);

/* Can debugfs represent it? Not histograms: their files contain only a part, and are never read. */
bool fits_tree(const struct kvmstat_column *column);

/* Find KVM's directories, and the one of the guest. */
void find_bases(struct capture *capture);
struct base *find_base(struct capture *capture, const struct subject *subject);

/* The guest's values. */
void capture_values(struct capture *capture, const struct subject *subject);

/* Capture the guest's files in /proc. false: the guest has ended. */
bool capture_process(struct capture *capture, const struct subject *subject);

/*
 * If a thread other than the first created its VM: capture that thread's process. Call it after all
 * processes.
 */
void capture_creator(struct capture *capture, const struct subject *subject);

/* Made-up names and UUIDs; equal ones stay equal. */
void scrub_subjects(struct capture *capture);

/* In place of what /proc says; malloc'ed. */
const char *scrubbed_comm(const struct subject *subject);
char *scrubbed_cmdline(const struct subject *subject, size_t *len);
char *scrubbed_stat(const struct subject *subject, const char *stat);
const char *scrubbed_thread(const char *comm);

/* Does a text of the collector name a guest, or might it if it is cut off? */
bool names_guests(const struct capture *capture, const char *text, size_t size);

/* report.txt */
void capture_report(struct capture *capture);

/* Replay the tree at path. Returns an exit status; differences have been printed. */
int capture_check(const struct capture *capture, const char *path);

#endif
