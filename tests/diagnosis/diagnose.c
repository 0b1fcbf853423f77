// SPDX-License-Identifier: MIT
/*
 * diagnose.c - feed a trace (trace.h) to the diagnosis and print its alarms
 *
 *	diagnose [-i SECONDS] [-g FILE] [-w FILE] [-t] <TRACE
 *
 *	-i SECONDS  take a sample no more often than this, whatever the trace has
 *	-g FILE     a recorded good case, as -w writes it
 *	-w FILE     write the state in the end
 *	-t          report the cost to stderr
 *
 * One line an alarm, in order of their beginning, fields separated by one tab:
 *
 *	RAISED CLEARED HOST GUEST CAUSE EVENT EVENTS
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "derive/watch.h"
#include "trace.h"

/* An alarm as it was reported. */
struct told {
	uint64_t number;
	double raised;
	double cleared;		/* 0: not cleared */
	char guest[128];
	const char *cause;
	const char *event;
	uint32_t nevents;
	const char *events[64];
};

struct driver {
	struct trace *trace;
	struct kvmstat_diagnosis *diagnosis;
	struct kvmstat_rates *rates;
	struct told *told;
	size_t ntold;
	double interval;
	const char *good;
};

__attribute__((noreturn)) static void die(const char *what, const char *why)
{
	fprintf(stderr, "diagnose: %s: %s\n", what, why);
	exit(1);
}

static void join(struct told *told, const struct kvmstat_alarm *alarm)
{
	for (uint32_t i = 0; i < alarm->nevents; i++) {
		uint32_t at = 0;

		while (at < told->nevents && strcmp(told->events[at], alarm->events[i]->name) != 0)
			at++;
		if (at == told->nevents && at < 64)
			told->events[told->nevents++] = alarm->events[i]->name;
	}
}

static void tell(struct driver *driver, const struct kvmstat_alarm *alarm)
{
	struct told *told;

	driver->told = reallocarray(driver->told, driver->ntold + 1, sizeof(*told));
	if (!driver->told)
		die("alarms", "there is no memory");
	told = &driver->told[driver->ntold++];
	*told = (struct told){ .number = alarm->number, .raised = (double)alarm->since_ns / 1e9,
			       .event = alarm->event ? alarm->event->name : "-" };
	snprintf(told->guest, sizeof(told->guest), "%s", alarm->key[0] ? alarm->guest : "*");
}

static void take_over(struct driver *driver, const struct kvmstat_alarm *alarm)
{
	for (size_t i = driver->ntold; i-- > 0;) {
		struct told *told = &driver->told[i];

		if (told->number != alarm->number)
			continue;
		told->cause = alarm->cause->name;
		told->cleared = (double)alarm->cleared_ns / 1e9;
		join(told, alarm);
		return;
	}
	die("a change", "its alarm was never raised");
}

static void take_active(struct driver *driver)
{
	size_t count;
	const struct kvmstat_alarm *const *alarms = kvmstat_diagnosis_alarms(driver->diagnosis, &count);

	for (size_t i = 0; i < count; i++)
		if (alarms[i]->known && !alarms[i]->cleared_ns)
			take_over(driver, alarms[i]);
}

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void judge(struct driver *driver, const struct kvmstat_sample *before, const struct kvmstat_sample *sample)
{
	const struct kvmstat_change *changes;
	size_t n;

	if (kvmstat_rates_update(driver->rates, before ? driver->rates : NULL, before, sample) < 0)
		die("rates", "there is no memory");
	if (kvmstat_diagnose(driver->diagnosis, sample, driver->rates, &changes, &n) < 0)
		die("diagnosis", "there is no memory");
	for (size_t i = 0; i < n; i++) {
		if (changes[i].kind == KVMSTAT_SUPPRESSED)
			continue;
		if (changes[i].kind == KVMSTAT_RAISED)
			tell(driver, changes[i].alarm);
		take_over(driver, changes[i].alarm);
	}
}

static struct kvmstat_diagnosis *make(const struct driver *driver)
{
	static const struct kvmstat_diagnosis_config config;
	struct kvmstat_diagnosis *diagnosis = kvmstat_diagnosis_new(&config);
	char error[256], *text = NULL;
	size_t size = 0;
	FILE *file;

	if (!diagnosis)
		die("diagnosis", "there is no memory");
	if (!driver->good)
		return diagnosis;
	file = fopen(driver->good, "r");
	if (!file || getdelim(&text, &size, '\0', file) < 0)
		die(driver->good, "it cannot be read");
	fclose(file);
	if (kvmstat_diagnosis_read_good(diagnosis, text, strlen(text), error, sizeof(error)) < 0)
		die(driver->good, error);
	free(text);
	return diagnosis;
}

/* What a front end does: the state goes over as text. */
static void restart(struct driver *driver)
{
	struct kvmstat_diagnosis *next = make(driver);
	char *text, error[256];
	size_t size;

	take_active(driver);
	if (kvmstat_diagnosis_write(driver->diagnosis, &text, &size) < 0)
		die("state", "there is no memory");
	if (kvmstat_diagnosis_read(next, text, size, error, sizeof(error)) < 0)
		die("state", error);
	free(text);
	kvmstat_diagnosis_free(driver->diagnosis);
	driver->diagnosis = next;
}

/* The last sample. */
static const struct kvmstat_sample *run(struct driver *driver)
{
	const struct kvmstat_sample *sample, *before = NULL;
	bool restarted, pending = false;
	int rc;

	while ((rc = trace_next(driver->trace, before, &sample, &restarted)) > 0) {
		pending |= restarted;
		if (before && driver->interval &&
		    (double)(sample->time_ns - before->time_ns) / 1e9 < driver->interval - 0.5)
			continue;
		if (pending && before) {
			restart(driver);
			before = NULL;
		}
		judge(driver, before, sample);
		pending = false;
		before = sample;
	}
	if (rc < 0) {
		fprintf(stderr, "diagnose: line %lu of the trace makes no sense\n", trace_line(driver->trace));
		exit(1);
	}
	take_active(driver);
	return before;
}

/* The last sample again and again. */
static void measure(struct driver *driver, const struct kvmstat_sample *last)
{
	enum { PASSES = 20000 };
	struct kvmstat_sample sample = *last;
	double cells = (double)driver->diagnosis->nslots * sample.nrows * PASSES, began = now_ns();
	const struct kvmstat_change *changes;
	size_t n;

	for (int i = 0; i < PASSES; i++) {
		sample.time_ns += UINT64_C(10000000000);
		sample.realtime_ns += UINT64_C(10000000000);
		if (kvmstat_diagnose(driver->diagnosis, &sample, driver->rates, &changes, &n) < 0)
			die("diagnosis", "there is no memory");
	}
	fprintf(stderr, "%.2f ns a cell and pass, %.1f bytes a cell (%u guests, %u cells each)\n", (now_ns() - began) / cells,
		sizeof(struct cell) + (double)sizeof(struct daily) * DAILY_SUMS / driver->diagnosis->nslots,
		sample.nrows, driver->diagnosis->nslots);
}

static void print_alarms(const struct driver *driver)
{
	for (size_t i = 0; i < driver->ntold; i++) {
		const struct told *told = &driver->told[i];

		printf("%.0f\t", told->raised);
		printf(told->cleared ? "%.0f" : "-", told->cleared);
		printf("\t%s\t%s\t%s\t%s\t", trace_host(driver->trace), told->guest, told->cause, told->event);
		for (uint32_t e = 0; e < told->nevents; e++)
			printf("%s%s", e ? "," : "", told->events[e]);
		printf("%s\n", told->nevents ? "" : "-");
	}
}

static void write_state(const struct driver *driver, const char *path)
{
	FILE *file = fopen(path, "w");
	char *text;
	size_t size;

	if (!file || kvmstat_diagnosis_write(driver->diagnosis, &text, &size) < 0)
		die(path, "it cannot be written");
	fwrite(text, 1, size, file);
	if (fclose(file) != 0)
		die(path, "it cannot be written");
	free(text);
}

int main(int argc, char **argv)
{
	struct driver driver = { .rates = kvmstat_rates_new() };
	const struct kvmstat_sample *last;
	const char *out = NULL;
	bool timed = false;
	int option;

	while ((option = getopt(argc, argv, "i:g:w:t")) != -1) {
		if (option == 'i')
			driver.interval = strtod(optarg, NULL);
		else if (option == 'g')
			driver.good = optarg;
		else if (option == 'w')
			out = optarg;
		else if (option == 't')
			timed = true;
		else
			return 2;
	}
	driver.trace = trace_open(stdin);
	if (!driver.trace)
		die("standard input", "it is no trace of version 1");
	driver.diagnosis = make(&driver);
	last = run(&driver);
	print_alarms(&driver);
	if (out)
		write_state(&driver, out);
	if (timed && last)
		measure(&driver, last);
	kvmstat_diagnosis_free(driver.diagnosis);
	kvmstat_rates_free(driver.rates);
	trace_close(driver.trace);
	free(driver.told);
	return 0;
}
