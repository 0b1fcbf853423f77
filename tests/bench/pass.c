/* SPDX-License-Identifier: MIT */
/*
 * pass - what one pass of the core costs, beside the bare system calls; and what it allocates
 *
 *	pass bpf|statsfd SECONDS		the guests of this host
 *	pass debugfs|discovery SECONDS ROOT	those of a tree
 *	pass replaced SECONDS ROOT		those whose directories stand in ROOT/spares too take turns with these
 *	pass count PASSES ROOT			for callgrind
 *	pass shape SECONDS SOURCE		how much there is on this host, and what a pass costs
 *	pass tree SECONDS ROOT			the same of a tree
 *	pass every MS SOURCE			of this host, again and again, until ended
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "floor.h"
#include "measure.h"
#include "ours.h"

enum { MAX_SPARES = 4096 };

/* For passes that are to find all guests and read none. */
static const char nobody[] = "nobody-has-this-name";

static int compare(struct ours *ours, const struct side *floor, double seconds, const char *row)
{
	struct comparison result;
	struct side side = {.run = ours_pass, .context = ours};
	int rc = measure(&result, &side, floor, seconds);

	if (rc < 0)
		return rc;
	measure_print(row, "pass", 1, &result);
	return ours_count_allocs(ours, row);
}

static void name_row(char *row, size_t size, const char *source, const struct ours *ours)
{
	snprintf(row, size, "%s pass, %u guests, %llu vCPUs", source, ours->sample->nrows,
		 (unsigned long long)ours_vcpus(ours));
}

static int bench_bpf(double seconds, const char *root)
{
	struct floor_bpf *floor;
	struct ours ours;
	char row[64];
	int rc = ours_open(&ours, "bpf", root, NULL);

	if (rc == 0)
		rc = ours_check(&ours, KVMSTAT_BPF);
	if (rc == 0)
		rc = floor_bpf_open(&floor);
	if (rc == 0) {
		struct side side = {.run = floor_bpf_pass, .context = floor};

		name_row(row, sizeof(row), "bpf", &ours);
		rc = ours_settle(&ours);
		if (rc == 0)
			rc = compare(&ours, &side, seconds, row);
		floor_bpf_close(floor);
	}
	ours_close(&ours);
	return rc;
}

/* Guests are found by the next source there is; it must not be bpf, which would leave nothing to read. */
static int bench_statsfd(double seconds, const char *root)
{
	struct floor_statsfd *floor;
	struct ours ours;
	char row[64];
	int rc = ours_open(&ours, "statsfd debugfs", root, FLOOR_STATSFD_NAME);

	if (rc == 0)
		rc = ours.sample->nrows ? 0 : ours_check(&ours, KVMSTAT_STATSFD);
	if (rc == 0)
		rc = floor_statsfd_open(&floor);
	if (rc == 0) {
		struct side side = {.run = floor_statsfd_pass, .context = floor};

		name_row(row, sizeof(row), "statsfd", &ours);
		rc = floor_statsfd_vcpus(floor) == ours_vcpus(&ours) ? ours_settle(&ours) : -EINVAL;
		if (rc == 0)
			rc = compare(&ours, &side, seconds, row);
		floor_statsfd_close(floor);
	}
	ours_close(&ours);
	return rc;
}

/* The files that our pass reads; those of histograms it leaves alone. */
static size_t list_names(const struct kvmstat_sample *sample, const char **names)
{
	size_t count = 0;

	for (uint32_t i = 0; i < sample->ncolumns; i++)
		if (sample->columns[i].source == KVMSTAT_DEBUGFS)
			names[count++] = sample->columns[i].event->name;
	return count;
}

static int bench_debugfs(double seconds, const char *root)
{
	const char *names[1024];
	struct floor_debugfs *floor;
	struct ours ours;
	char row[64];
	int rc = ours_open(&ours, "debugfs", root, NULL);

	if (rc == 0)
		rc = ours_check(&ours, KVMSTAT_DEBUGFS);
	if (rc == 0 && ours.sample->ncolumns > sizeof(names) / sizeof(names[0]))
		rc = -E2BIG;
	if (rc == 0)
		rc = floor_debugfs_open(&floor, root, names, list_names(ours.sample, names));
	if (rc == 0) {
		struct side side = {.run = floor_debugfs_pass, .context = floor};

		snprintf(row, sizeof(row), "debugfs pass, %u guests, %u events each", ours.sample->nrows,
			 ours.sample->ncolumns);
		rc = compare(&ours, &side, seconds, row);
		floor_debugfs_close(floor);
	}
	ours_close(&ours);
	return rc;
}

/* ---- discovery ---- */

/* Directories, and others that may take their places: other inodes, so other guests. */
static struct {
	int base, spare;
	char *names[MAX_SPARES];
	unsigned int count;
} spares = {.base = -1, .spare = -1};

static int open_below(const char *root, const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", root, name);
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int spares_open(const char *root)
{
	struct dirent *entry;
	DIR *dir;

	spares.base = open_below(root, "sys/kernel/debug/kvm");
	spares.spare = open_below(root, "spares");
	dir = spares.spare >= 0 ? fdopendir(dup(spares.spare)) : NULL;
	if (spares.base < 0 || !dir)
		return -ENOENT;
	while (spares.count < MAX_SPARES && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			spares.names[spares.count++] = strdup(entry->d_name);
	closedir(dir);
	return 0;
}

static int spares_swap(void *context)
{
	(void)context;
	for (unsigned int i = 0; i < spares.count; i++)
		if (renameat2(spares.base, spares.names[i], spares.spare, spares.names[i], RENAME_EXCHANGE) < 0)
			return -errno;
	return 0;
}

static int bench_found(double seconds, const char *root, bool replaced)
{
	struct floor_discovery *floor = NULL;
	struct comparison result;
	struct ours ours;
	char row[96];
	int rc = ours_open(&ours, "debugfs", root, nobody);

	if (rc == 0)
		rc = floor_discovery_open(&floor, root);
	if (rc == 0 && replaced)
		rc = spares_open(root);
	if (rc == 0) {
		struct side our_side = {ours_pass, replaced ? spares_swap : NULL, NULL, &ours};
		/* Nothing more happens before its turn: both meet the same newcomers. */
		struct side side = {floor_discovery_pass, NULL, NULL, floor};

		rc = measure(&result, &our_side, &side, seconds);
	}
	if (rc == 0) {
		snprintf(row, sizeof(row), "discovery, %llu guests of debugfs, %u of them new each time",
			 (unsigned long long)floor_discovery_guests(floor), spares.count);
		measure_print(row, "pass", 1, &result);
	}
	if (floor)
		floor_discovery_close(floor);
	ours_close(&ours);
	return rc;
}

static int bench_discovery(double seconds, const char *root)
{
	return bench_found(seconds, root, false);
}

static int bench_replaced(double seconds, const char *root)
{
	return bench_found(seconds, root, true);
}

/* What there is to read, and the CPU time that a pass takes. */
static int print_shape(double seconds, const char *source, const char *root)
{
	struct ours ours;
	struct side side = {.run = ours_pass, .context = &ours};
	struct comparison result;
	int rc = ours_open(&ours, source, root, NULL);

	if (rc == 0)
		rc = measure(&result, &side, &side, seconds);
	if (rc == 0)
		printf("{\"all\": %u, \"events\": %u, \"pass\": %.9f}\n", ours.sample->nrows, ours.sample->ncells,
		       result.ours.cpu_ns / 1e9);
	ours_close(&ours);
	return rc;
}

static int bench_shape(double seconds, const char *source)
{
	return print_shape(seconds, source, "/");
}

static int bench_tree(double seconds, const char *root)
{
	return print_shape(seconds, "debugfs", root);
}

/* ---- instructions ---- */

/* Passes, the first with newcomers only, for a tool that counts what ours_pass() does. */
static int bench_count(double passes, const char *root)
{
	struct ours ours;
	int rc = ours_start(&ours, "debugfs", root, NULL);

	for (int i = 0; rc == 0 && i < (int)passes; i++)
		rc = ours_pass(&ours);
	ours_close(&ours);
	return rc;
}

/* ---- a host that is watched ---- */

static int bench_every(double ms, const char *source)
{
	struct timespec pause = {(time_t)(ms / 1e3), (long)(ms * 1e6) % 1000000000};
	struct ours ours;
	int rc = ours_open(&ours, source, "/", NULL);

	printf("ready\n");
	fflush(stdout);
	while (rc == 0) {
		rc = ours_pass(&ours);
		nanosleep(&pause, NULL);
	}
	ours_close(&ours);
	return rc;
}

static const struct mode {
	const char *name;
	int (*run)(double number, const char *text);
	int words;
} modes[] = {
	{"bpf", bench_bpf, 1},		   {"statsfd", bench_statsfd, 1},   {"debugfs", bench_debugfs, 2},
	{"discovery", bench_discovery, 2}, {"replaced", bench_replaced, 2}, {"every", bench_every, 2},
	{"count", bench_count, 2},	   {"shape", bench_shape, 2},	    {"tree", bench_tree, 2},
};

int main(int argc, char **argv)
{
	int rc = -EINVAL;

	for (size_t i = 0; argc > 2 && i < sizeof(modes) / sizeof(modes[0]); i++)
		if (!strcmp(argv[1], modes[i].name) && argc == modes[i].words + 2)
			rc = modes[i].run(atof(argv[2]), argc > 3 ? argv[3] : "/");
	if (rc == -EINVAL)
		fprintf(stderr, "usage: pass bpf|statsfd SECONDS | pass debugfs|discovery|replaced SECONDS ROOT | "
				"pass shape|every NUMBER SOURCE | pass tree|count NUMBER ROOT\n");
	if (rc < 0)
		fprintf(stderr, "pass: %s\n", strerror(-rc));
	return rc < 0;
}
