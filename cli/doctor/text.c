// SPDX-License-Identifier: MIT
/*
 * text.c - the diagnosis in plain words
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "doctor/doctor.h"
#include "escape.h"

enum {
	LABEL = 13,
	LIST_MAX = 20,	/* events named for one reason */
};

/* "  label     text ...", wrapped. */
static void print_line(const char *label, const char *text)
{
	int used = printf("  %-*s", LABEL - 2, label);

	print_wrapped(text, (size_t)used, LABEL);
}

static void print_linef(const char *label, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void print_linef(const char *label, const char *format, ...)
{
	char *text;
	va_list args;

	va_start(args, format);
	text = format_text(format, args);
	va_end(args);
	print_line(label, text);
	free(text);
}

static const char *lockdown_text(enum kvmstat_lockdown lockdown)
{
	static const char *const texts[] = {
		[KVMSTAT_LOCKDOWN_UNKNOWN] =
			"unknown: securityfs is not mounted at /sys/kernel/security, or this kernel has no"
			" lockdown",
		[KVMSTAT_LOCKDOWN_NONE] = "none",
		[KVMSTAT_LOCKDOWN_INTEGRITY] =
			"integrity: the kernel refuses counters in debugfs; the source bpf can read "
			"them, statsfd and libvirt can read those of vCPUs",
		[KVMSTAT_LOCKDOWN_CONFIDENTIALITY] =
			"confidentiality: the kernel refuses counters in debugfs and to BPF "
			"programs; statsfd and libvirt can read those of vCPUs; to read the others, "
			"boot with a weaker lockdown",
	};

	return lockdown <= KVMSTAT_LOCKDOWN_CONFIDENTIALITY ? texts[lockdown] : "unknown";
}

static void print_host(const struct diagnosis *diagnosis)
{
	const struct kvmstat_sample *sample = diagnosis->sample;
	struct utsname uts;

	puts("Host");
	if (diagnosis->root)
		print_linef("root", "%s, a captured host", diagnosis->root);
	else if (!uname(&uts))
		print_linef("kernel", "%s %s %s", uts.sysname, uts.release, uts.machine);
	if (sample->cpus)
		print_linef("CPUs", "%" PRIu32 " online", sample->cpus);
	if (!sample->nrows && sample->problems[KVMSTAT_NO_SOURCE].active)
		print_line("guests", "none visible");
	else
		print_linef("guests", "%" PRIu32 ", with %" PRIu64 " vCPUs in total", sample->nguests, diagnosis->vcpus);
	print_line("lockdown", lockdown_text(sample->lockdown));
	print_linef("sample", "taken in %.3f ms", (double)sample->duration_ns / 1e6);
}

static void print_process(const struct diagnosis *diagnosis)
{
	if (!diagnosis->has_effective)
		return;
	puts("\nThis process");
	print_linef("user", "uid %u%s", (unsigned int)geteuid(), geteuid() ? ", not root" : ", root");
	for (size_t i = 0; i < ncapabilities; i++) {
		bool has = has_capability(diagnosis, &capabilities[i]);

		print_linef(has ? "has" : "lacks", "%s%s%s", capabilities[i].name, has ? "" : ": ",
			    has ? "" : capabilities[i].use);
	}
}

static void print_sources(const struct kvmstat_sample *sample)
{
	puts("\nSources");
	for (int s = KVMSTAT_ABSENT + 1; s < KVMSTAT_NSOURCES; s++) {
		const struct kvmstat_source_status *status = &sample->sources[s];

		print_linef(kvmstat_source_name((enum kvmstat_source)s), "%s%s%s",
			    kvmstat_state_name(status->state), *status->text ? " - " : "", status->text);
	}
}

static void print_problems(const struct kvmstat_sample *sample)
{
	bool any = false;

	puts("\nProblems");
	for (int p = 0; p < KVMSTAT_NPROBLEMS; p++) {
		const struct kvmstat_problem_status *problem = &sample->problems[p];

		if (!problem->active)
			continue;
		print_line(kvmstat_problem_name((enum kvmstat_problem)p), problem->text);
		any = true;
	}
	if (!any)
		puts("  none");
}

static void print_unnamed(const struct diagnosis *diagnosis)
{
	if (!diagnosis->unnamed)
		return;
	puts("\nGuests without a name of their own");
	for (uint32_t i = 0; i < diagnosis->sample->nrows; i++) {
		const struct kvmstat_guest *guest = diagnosis->sample->rows[i].guest;

		if (guest_is_unnamed(guest))
			print_linef(guest->vmm, "process %d, shown as %s", (int)guest->pid, guest->name);
	}
	print_line("remedy",
		   "name guests when you start them (qemu: -name guest=NAME), or see above why their "
		   "command lines cannot be read");
}

/* The events that are missing for the reason of this one, or the first of them. */
static void print_reason(const struct kvmstat_sample *sample, uint32_t first)
{
	const char *reason = sample->columns[first].reason;
	uint32_t count = 0;
	size_t size = 0;
	char *names;
	FILE *list = open_memstream(&names, &size);

	if (!list)
		out_of_memory();
	for (uint32_t i = first; i < sample->ncolumns; i++) {
		if (!event_is_missing(&sample->columns[i]) || strcmp(sample->columns[i].reason, reason))
			continue;
		if (++count <= LIST_MAX)
			fprintf(list, " %s", sample->columns[i].event->name);
	}
	if (count > LIST_MAX)
		fprintf(list, " and %" PRIu32 " more ('kvmstat events --all' lists all)",
			count - LIST_MAX);
	if (fclose(list))
		out_of_memory();
	print_linef("missing", "%" PRIu32 ":%s", count, names);
	print_line("because", *reason ? reason : "no source provides them");
	free(names);
}

static bool reason_is_new(const struct kvmstat_sample *sample, uint32_t column)
{
	for (uint32_t i = 0; i < column; i++)
		if (event_is_missing(&sample->columns[i]) &&
		    !strcmp(sample->columns[i].reason, sample->columns[column].reason))
			return false;
	return true;
}

static void print_events(const struct diagnosis *diagnosis)
{
	const struct kvmstat_sample *sample = diagnosis->sample;
	uint32_t count[KVMSTAT_NSOURCES] = { 0 };

	puts("\nEvents");
	for (uint32_t i = 0; i < sample->ncolumns; i++)
		count[sample->columns[i].source]++;
	for (int s = KVMSTAT_ABSENT + 1; s < KVMSTAT_NSOURCES; s++)
		if (count[s])
			print_linef("read", "%" PRIu32 " from %s", count[s],
				    kvmstat_source_name((enum kvmstat_source)s));
	for (uint32_t i = 0; i < sample->ncolumns; i++)
		if (event_is_missing(&sample->columns[i]) && reason_is_new(sample, i))
			print_reason(sample, i);
	if (count[KVMSTAT_ABSENT] > diagnosis->absent)
		print_linef("idle", "%" PRIu32 " that no known kernel counts; nothing is lost without them",
			    count[KVMSTAT_ABSENT] - diagnosis->absent);
	if (!sample->ncolumns)
		puts("  none");
}

static bool advised;

/* Without advice there is no heading. */
static void print_advice(const char *name, const char *text)
{
	if (!advised)
		puts("\nAdvice");
	advised = true;
	print_line(name, text);
}

void doctor_print_text(const struct diagnosis *diagnosis)
{
	printf("kvmstat %s\n\n", kvmstat_version());
	print_host(diagnosis);
	print_process(diagnosis);
	print_sources(diagnosis->sample);
	print_problems(diagnosis->sample);
	print_unnamed(diagnosis);
	print_events(diagnosis);
	doctor_advise(diagnosis, print_advice);
	puts(diagnosis->healthy ? "\nEverything that exists can be read." :
				  "\nSomething is missing; see above for what to do.");
}
