/* SPDX-License-Identifier: MIT */
/* report.c - pure: texts of the plugin's log messages */
#include "report.h"

#include <stdio.h>

uint32_t report_events(const struct kvmstat_sample *sample)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < sample->ncolumns; i++)
		count += sample->columns[i].source != KVMSTAT_ABSENT;
	return count;
}

void report_start(char *text, size_t size, const struct kvmstat_sample *sample)
{
	char sources[64] = "none";
	size_t len = 0;

	for (int i = KVMSTAT_ABSENT + 1; i < KVMSTAT_NSOURCES && len < sizeof(sources); i++) {
		enum kvmstat_source_state state = sample->sources[i].state;

		if (i != KVMSTAT_PROC && (state == KVMSTAT_ACTIVE || state == KVMSTAT_PARTIAL))
			len += (size_t)snprintf(sources + len, sizeof(sources) - len, "%s%s",
						len ? " and " : "", kvmstat_source_name(i));
	}
	snprintf(text, size, "version %s, %u guests, %u events, source %s", kvmstat_version(), sample->nrows,
		 report_events(sample), sources);
}

const char *report_over(enum kvmstat_problem problem)
{
	static const char *const texts[KVMSTAT_NPROBLEMS] = {
		[KVMSTAT_NO_KVM] = "this host has KVM now",
		[KVMSTAT_NO_SOURCE] = "events can be read now",
		[KVMSTAT_REFUSED] = "no event is refused any more",
		[KVMSTAT_UNREADABLE] = "the statistics of every guest can be read again",
		[KVMSTAT_MALFORMED] = "the kernel's statistics are valid again",
		[KVMSTAT_UNNAMED] = "every guest has its name again",
		[KVMSTAT_TOO_MANY] = "no event is left out any more",
	};

	return texts[problem];
}

static bool has_vcpu_value(const struct kvmstat_sample *sample)
{
	for (uint32_t i = 0; i < sample->nvcpus; i++)
		for (uint32_t cell = 0; cell < sample->ncells; cell++)
			if (sample->vcpus[i].from[cell] != KVMSTAT_ABSENT)
				return true;
	return false;
}

/* A value of a guest that is the sum over its vCPUs. */
static bool has_sum(const struct kvmstat_sample *sample)
{
	for (uint32_t i = 0; i < sample->ncolumns; i++) {
		const struct kvmstat_column *column = &sample->columns[i];

		for (uint32_t row = 0; column->event->scope == KVMSTAT_VCPU && row < sample->nrows; row++)
			if (sample->rows[row].from[column->first_cell] != KVMSTAT_ABSENT)
				return true;
	}
	return false;
}

static bool has_histogram(const struct kvmstat_sample *sample)
{
	for (uint32_t i = 0; i < sample->ncolumns; i++)
		if (kvmstat_is_histogram(sample->columns[i].event->class))
			return true;
	return false;
}

int report_request(char *text, size_t size, const struct kvmstat_sample *sample, const struct options *options,
		   enum request request)
{
	static const char *const met[NREQUESTS] = {
		[REQUEST_VCPUS] = "over: there are values of single vCPUs now",
		[REQUEST_HISTOGRAMS] = "over: there are histograms now",
	};
	static const char *const unmet[NREQUESTS] = {
		[REQUEST_VCPUS] = "ReportVcpus: only CPU times of single vCPUs are sent: the source "
			       "debugfs has only the sum over all vCPUs; use the source bpf or "
			       "statsfd, see `kvmstat doctor` for why they are not in use",
		[REQUEST_HISTOGRAMS] =
			"ReportHistograms: there is no histogram to send: debugfs and kernels before "
			"5.15 have none, or Event or ExcludeEvent leaves them out; use the source "
			"bpf or statsfd, see `kvmstat doctor` for why they are not in use",
	};
	bool there;

	if (!options->requested[request])
		return -1;
	there = request == REQUEST_VCPUS ? has_vcpu_value(sample) : has_histogram(sample);
	if (!there && (request == REQUEST_VCPUS ? !has_sum(sample) : !sample->nrows || !sample->ncolumns))
		return -1;
	snprintf(text, size, "%s", there ? met[request] : unmet[request]);
	return !there;
}

void report_unknown_event(char *text, size_t size, const struct event_word *word, const char *suggestion)
{
	char why[256];

	snprintf(why, sizeof(why), "there is no such event%s%s%s; `kvmstat events` lists those of this host",
		 suggestion[0] ? " (did you mean " : "", suggestion, suggestion[0] ? "?)" : "");
	options_message(text, size, word->key, word->text, why);
}

void report_label(char *text, size_t size, const struct kvmstat_guest *guest, const struct label *label)
{
	snprintf(text, size,
		 "the guest of process %d, fd %d is reported as %s/kvmstat%s%s: its own name is used "
		 "by another guest or is not a valid identifier",
		 (int)guest->pid, guest->fd, label->host, label->instance[0] ? "-" : "", label->instance);
}
