// SPDX-License-Identifier: MIT
/* report.c - report.txt: what the files cannot contain, and the output of the doctor */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "capture/capture.h"
#include "doctor/doctor.h"
#include "escape.h"

static const char preface[] =
	"This directory is a captured host: kvmstat --root=DIRECTORY shows it, and so do the plugin and the subagent\n"
	"with the option Root. Its counters do not change, so there are no rates.\n"
	"\n"
	"The values are those of one sample, whatever the source, in the format of debugfs. Values of single vCPUs and\n"
	"histograms are not included. Counters that were read despite lockdown have mode 0440, which keeps them readable\n"
	"in a replay: preserve the modes (tar does). The directory of a guest has the time at which its VM was created;\n"
	"inode and ctime, which identify its incarnation, cannot be set and are listed below.\n";

static void print_host(const struct capture *capture)
{
	const struct kvmstat_sample *sample = capture->sample;
	time_t seconds = (time_t)(sample->realtime_ns / 1000000000);
	struct utsname uts;
	char when[32];
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
	printf("\nversion   kvmstat %s\ntime      %s\n", kvmstat_version(), when);
	/* The kernel of a captured host is unknown. */
	if (!capture->options->root && !uname(&uts))
		printf("kernel    %s %s %s %s\n", uts.sysname, uts.release, uts.version, uts.machine);
	printf("CPUs      %u online\nlockdown  %s\nguests    %u, %u of them ended during the "
	       "capture\n", sample->cpus,
	       kvmstat_lockdown_name(sample->lockdown), sample->nrows, capture->left_out);
}

static void print_guests(const struct capture *capture)
{
	printf("\n%-8s %-5s %-12s %-16s %10s %20s  %5s  %s\n", "PID", "FD", "BASE", "DIRECTORY", "INODE", "CTIME NS", "VCPUS", "NAME");
	for (uint32_t i = 0; i < capture->sample->nrows; i++) {
		const struct subject *subject = &capture->subjects[i];
		const struct kvmstat_guest *guest = subject->guest;
		size_t width;
		char *name = escape_printable(subject->unnamed ? "(none)" : subject->name, &width);

		printf("%-8d %-5d %-12s %-16s %10llu %20llu  %5u  %s%s\n", (int)guest->pid, guest->fd,
		       subject->base ? subject->base->name : "-", subject->dir, subject->ino,
		       (unsigned long long)guest->created_ns, subject->row->vcpu_count, name, subject->left_out ? " (left out)" : "");
		free(name);
	}
}

/* The kernel's names, and what the tree cannot contain: the source of each event. */
static void print_events(const struct capture *capture)
{
	printf("\n%-36s %-36s %-10s %s\n", "EVENT", "KERNEL'S NAME", "SOURCE", "MODES");
	for (uint32_t i = 0; i < capture->sample->ncolumns; i++) {
		const struct kvmstat_column *column = &capture->sample->columns[i];

		printf("%-36s %-36s %-10s", column->event->name, column->kernel_name,
		       kvmstat_source_name((enum kvmstat_source)column->source));
		for (size_t b = 0; b < capture->nbases; b++)
			printf(" %s:%03o", capture->bases[b].name, (unsigned int)capture->bases[b].modes[i]);
		putchar('\n');
	}
}

static void hide(const struct capture *capture, char *text, size_t size)
{
	if (names_guests(capture, text, size))
		snprintf(text, size, "(not shown: it may name a guest)");
}

static void print_doctor(const struct capture *capture)
{
	struct kvmstat_sample sample = *capture->sample;
	struct diagnosis diagnosis = { .root = capture->options->root };

	for (int s = 0; s < KVMSTAT_NSOURCES && capture->options->scrub; s++)
		hide(capture, sample.sources[s].text, sizeof(sample.sources[s].text));
	for (int p = 0; p < KVMSTAT_NPROBLEMS && capture->options->scrub; p++)
		hide(capture, sample.problems[p].text, sizeof(sample.problems[p].text));
	diagnose(&diagnosis, &sample);
	/* Their names are made of those of their programs, which are listed above. */
	diagnosis.unnamed = 0;
	if (diagnosis.root && capture->options->scrub)
		diagnosis.root = "(not shown)";
	puts("\nOutput of 'kvmstat doctor'\n");
	doctor_print_text(&diagnosis);
}

/* The doctor can only print to standard output. */
void capture_report(struct capture *capture)
{
	int fd = tree_create(&capture->tree, 0444, "report.txt"), saved = dup(STDOUT_FILENO);

	if (fd < 0 || saved < 0 || fflush(stdout) || dup2(fd, STDOUT_FILENO) < 0) {
		capture->tree.error = capture->tree.error ? capture->tree.error : -errno;
	} else {
		fputs(preface, stdout);
		print_host(capture);
		print_guests(capture);
		print_events(capture);
		print_doctor(capture);
		if (fflush(stdout) || ferror(stdout)) {
			capture->tree.error = -errno;
			snprintf(capture->tree.path, sizeof(capture->tree.path), "report.txt");
		}
		clearerr(stdout);
		dup2(saved, STDOUT_FILENO);
	}
	if (fd >= 0)
		close(fd);
	if (saved >= 0)
		close(saved);
}
