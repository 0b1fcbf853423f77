/* SPDX-License-Identifier: MIT */
/*
 * kvmstat-agentx - AgentX subagent for KVMSTAT-MIB
 *
 * This file: options, and the sampling thread, which is the main one.
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "agent.h"
#include "diagnosis.h"
#include "log.h"
#include "service.h"
#include "settings.h"

#ifndef SYSCONFDIR
#define SYSCONFDIR "/etc"
#endif

#define CONFIG_FILE SYSCONFDIR "/kvmstat/kvmstat-agentx.conf"

enum { EXIT_CONFIG = 2 };

struct program {
	int argc;
	char **argv;
	const char *file;		/* the configuration; NULL: CONFIG_FILE, if it is there */
	struct settings settings;
	struct kvmstat *kvmstat;
	struct indexmap *indexmap;
	struct views *views;
	struct diagnosis *diagnosis;	/* NULL: guests are not judged */
	struct outbox *outbox;
	struct agent *agent;
	struct notify notify;
	struct complaint problems[KVMSTAT_NPROBLEMS];
	struct complaint memory;
	bool sampled;
	uint32_t nguests, nevents;	/* of the last sample */
};

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* ---- sampling ----------------------------------------------------------- */

static void report_problems(struct program *program, const struct kvmstat_sample *sample)
{
	for (int i = 0; i < KVMSTAT_NPROBLEMS; i++) {
		const struct kvmstat_problem_status *problem = &sample->problems[i];

		if (problem->active)
			complain(&program->problems[i], "%s", problem->text);
		else
			complaint_over(&program->problems[i], "over: %s", problem->text);
	}
}

static void report_sources(const struct kvmstat_sample *sample)
{
	for (int i = KVMSTAT_ABSENT + 1; i < KVMSTAT_NSOURCES; i++) {
		const struct kvmstat_source_status *source = &sample->sources[i];
		int priority = source->state == KVMSTAT_UNUSED ? LOG_DEBUG : LOG_INFO;

		message(priority, "source %s: %s%s%s", kvmstat_source_name((enum kvmstat_source)i),
			kvmstat_state_name(source->state), *source->text ? ": " : "", source->text);
	}
}

static int publish(struct program *program, struct kvmstat_sample *sample)
{
	struct assignment assignment;
	struct view *view;
	int rc = indexmap_assign(program->indexmap, sample, &assignment);

	if (!rc)
		rc = views_build(program->views, sample, &assignment, &view);
	if (rc < 0)
		return rc;
	diagnosis_judge(program->diagnosis, view);
	rc = views_show(program->views, view);
	diagnosis_report(program->diagnosis, view);
	if (program->agent)
		agent_wake(program->agent);
	return rc;
}

/* One pass. Without memory the last sample stays until it is too old to be shown. */
static void take_sample(struct program *program)
{
	struct kvmstat_sample *sample;
	int rc = kvmstat_collect(program->kvmstat, &sample);

	if (rc < 0) {
		complain(&program->memory, "cannot take a sample: %s", strerror(-rc));
		return;
	}
	report_problems(program, sample);
	if (!program->sampled)
		report_sources(sample);
	program->sampled = true;
	rc = publish(program, sample);
	if (rc < 0)
		complain(&program->memory, "cannot publish a sample: %s", strerror(-rc));
	else
		complaint_over(&program->memory, "samples are taken again");
	program->nguests = sample->nrows;
	program->nevents = sample->ncolumns;
	kvmstat_sample_put(sample);
}

/* Report the status that systemd shows, and feed its watchdog. */
static void report_to_systemd(struct program *program)
{
	char text[AGENT_TEXT];

	agent_describe(program->agent, text);
	notify_status(&program->notify, "%u guests, %u events; %s", program->nguests, program->nevents, text);
	notify_alive(&program->notify, agent_heartbeat(program->agent));
}

/* ---- options ------------------------------------------------------------ */

static void usage(FILE *out)
{
	fputs("Usage: kvmstat-agentx [-c FILE] [-x SOCKET] [-o OPTION=VALUE]... [-d]\n"
	      "AgentX subagent that serves the statistics of KVM guests under KVMSTAT-MIB.\n\n"
	      "  -c, --config FILE       configuration (default " CONFIG_FILE ")\n"
	      "  -x, --socket SOCKET     AgentX socket of snmpd\n"
	      "  -o, --option NAME=VALUE an option of the configuration; overrides the file\n"
	      "      --check-config      check the configuration and exit: 0 if it is valid, 2 if not\n"
	      "  -f, --foreground        stay in the foreground (it always does)\n"
	      "  -d, --debug             more messages\n"
	      "  -V, --version           show the version and exit\n"
	      "  -h, --help              show this and exit\n", out);
}

static const struct option long_options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "socket", required_argument, NULL, 'x' },
	{ "option", required_argument, NULL, 'o' },
	{ "check-config", no_argument, NULL, 'C' },
	{ "foreground", no_argument, NULL, 'f' },
	{ "debug", no_argument, NULL, 'd' },
	{ "version", no_argument, NULL, 'V' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

#define SHORT_OPTIONS "c:x:o:fdVh"

/* First the options for where and how the configuration is read; the others override it. */
static const char *file_option(int argc, char *argv[], bool *check_only)
{
	const char *file = NULL;
	bool debug = false;
	int c;

	while ((c = getopt_long(argc, argv, SHORT_OPTIONS, long_options, NULL)) != -1) {
		switch (c) {
		case 'c':
			file = optarg;
			break;
		case 'd':
			debug = true;
			break;
		case 'C':
			*check_only = true;
			break;
		case 'V':
			printf("kvmstat-agentx %s\n", kvmstat_version());
			exit(EXIT_SUCCESS);
		case 'h':
			usage(stdout);
			exit(EXIT_SUCCESS);
		case '?':
			usage(stderr);
			exit(EXIT_CONFIG);
		}
	}
	log_setup(debug);
	return file;
}

static void other_options(struct settings *settings, int argc, char *argv[])
{
	int c;

	optind = 1;
	while ((c = getopt_long(argc, argv, SHORT_OPTIONS, long_options, NULL)) != -1) {
		if (c == 'x')
			settings_set(settings, "AgentXSocket", optarg, "-x");
		else if (c == 'o')
			settings_assign(settings, optarg, "-o");
	}
	if (optind < argc) {
		message(LOG_ERR, "unexpected argument '%s'; see kvmstat-agentx -h",
			argv[optind]);
		settings->errors++;
	}
}

/* ---- start and stop ----------------------------------------------------- */

static int open_collector(struct program *program)
{
	int rc = kvmstat_open(&program->kvmstat, program->settings.config);

	if (rc < 0) {
		message(LOG_ERR, "cannot start the collector: %s; check the option Root", strerror(-rc));
		return rc;
	}
	program->views = views_new();
	if (!program->views)
		message(LOG_ERR, "cannot start: %s", strerror(ENOMEM));
	return program->views ? 0 : -ENOMEM;
}

static int open_indexmap(struct program *program)
{
	int rc = indexmap_new(&program->indexmap, program->settings.state_dir);

	if (rc < 0)
		message(LOG_ERR, "cannot start: %s", strerror(-rc));
	return rc;
}

/* Not with --check-config: nothing is read that a running one keeps. */
static int open_diagnosis(struct program *program)
{
	int rc = -ENOMEM;

	program->outbox = outbox_new();
	if (program->outbox)
		rc = diagnosis_begin(&program->diagnosis, &program->settings, program->outbox);
	if (rc < 0)
		message(LOG_ERR, "cannot start: %s", strerror(-rc));
	return rc;
}

static void close_all(struct program *program)
{
	agent_stop(program->agent);
	diagnosis_end(program->diagnosis);
	diagnosis_free(program->diagnosis);
	outbox_free(program->outbox);
	views_free(program->views);
	indexmap_free(program->indexmap);
	kvmstat_close(program->kvmstat);
	settings_free(&program->settings);
}

/* ---- signals ------------------------------------------------------------ */

/* These signals are read from a file descriptor; they interrupt no thread. */
static const int asking[] = { SIGTERM, SIGINT, SIGQUIT, SIGXCPU, SIGHUP };

/* Ignore signals that would end the process needlessly. write(2) also reports the cause of SIGXFSZ. */
static void ignore_signals(void)
{
	static const int ignored[] = { SIGPIPE, SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF, SIGXFSZ, SIGIO, SIGPWR,
				       SIGSTKFLT };

	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
	for (int number = SIGRTMIN; number <= SIGRTMAX; number++)
		signal(number, SIG_IGN);
}

static sigset_t set_of(const int *numbers, size_t n)
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < n; i++)
		sigaddset(&set, numbers[i]);
	return set;
}

/* A signal that arrives before the program can reload stays pending. */
static void hold_hangup(void)
{
	sigset_t set = set_of((const int[]){ SIGHUP }, 1);

	signal(SIGHUP, SIG_DFL);	/* nohup(1) is for programs that a hangup would end */
	sigprocmask(SIG_BLOCK, &set, NULL);
}

static int signal_fd(void)
{
	sigset_t set = set_of(asking, sizeof(asking) / sizeof(asking[0]));

	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int signal_of(int signals)
{
	struct signalfd_siginfo info;

	return read(signals, &info, sizeof(info)) == sizeof(info) ? (int)info.ssi_signo : SIGHUP;
}

/* ---- the configuration, read again -------------------------------------- */

static int read_settings(struct program *program)
{
	if (settings_init(&program->settings) < 0) {
		message(LOG_ERR, "cannot read the configuration: %s", strerror(ENOMEM));
		return -ENOMEM;
	}
	settings_read(&program->settings, program->file ? program->file : CONFIG_FILE, program->file != NULL);
	other_options(&program->settings, program->argc, program->argv);
	return program->settings.errors ? -EINVAL : 0;
}

static bool same_string(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* Another collector gives guests other ids; a diagnosis takes up what the one before knows, as after a restart. */
static bool same_diagnosis(const struct program *next, const struct program *program)
{
	return next->kvmstat == program->kvmstat && next->indexmap == program->indexmap &&
	       same_string(next->settings.judging, program->settings.judging);
}

/* Keep what the new settings do not change: the indices, the rates, and the diagnosis. */
static int open_next(struct program *next, const struct program *program)
{
	int rc = 0;

	if (!same_string(next->settings.core, program->settings.core)) {
		next->kvmstat = NULL;
		next->views = NULL;
		rc = open_collector(next);
	}
	if (!rc && !same_string(next->settings.state_dir, program->settings.state_dir)) {
		next->indexmap = NULL;
		rc = open_indexmap(next);
	}
	if (!rc && !same_diagnosis(next, program))
		rc = diagnosis_continue(&next->diagnosis, program->diagnosis, &next->settings, next->outbox);
	return rc;
}

/* Close what is not shared with the other one. */
static void close_other(struct program *program, const struct program *other)
{
	if (program->views != other->views)
		views_free(program->views);
	if (program->kvmstat != other->kvmstat)
		kvmstat_close(program->kvmstat);
	if (program->indexmap != other->indexmap)
		indexmap_free(program->indexmap);
	if (program->diagnosis != other->diagnosis)
		diagnosis_free(program->diagnosis);
	settings_free(&program->settings);
}

/* All or nothing. The first sample is taken before the SNMP thread uses the new settings. */
static void reload(struct program *program)
{
	struct program next = *program;

	notify_reloading();
	if (read_settings(&next) < 0 || open_next(&next, program) < 0) {
		message(LOG_ERR, "the configuration is unchanged; correct the new one, and reload "
				 "again");
		close_other(&next, program);
	} else {
		if (next.kvmstat != program->kvmstat)
			indexmap_remember_events(next.indexmap, next.kvmstat);
		take_sample(&next);
		settings_check_events(&next.settings, next.kvmstat, LOG_WARNING);
		agent_configure(next.agent, &next.settings, next.views);
		close_other(program, &next);
		*program = next;
		message(LOG_NOTICE, "the configuration was read again");
	}
	notify_ready();
}

static uint64_t next_sample(const struct program *program)
{
	return now_ms() + program->settings.interval * UINT64_C(1000);
}

/* Samples until a signal asks to stop. The exit status. */
static int loop(struct program *program, int signals)
{
	struct pollfd pollfd = { .fd = signals, .events = POLLIN };
	uint64_t due = next_sample(program);

	while (true) {
		uint64_t now = now_ms(), wait = due > now ? due - now : 0;

		if (wait > NOTIFY_PERIOD_MS)
			wait = NOTIFY_PERIOD_MS;
		if (poll(&pollfd, 1, (int)wait) > 0) {
			if (signal_of(signals) != SIGHUP)
				return EXIT_SUCCESS;
			reload(program);
			due = next_sample(program);
		}
		report_to_systemd(program);
		now = now_ms();
		if (now < due)
			continue;
		take_sample(program);
		due += program->settings.interval * UINT64_C(1000);
		if (due < now)	/* a long pass, or the machine slept: do not catch up */
			due = next_sample(program);
	}
}

static int serve(struct program *program)
{
	int signals = signal_fd(), status, rc;

	if (signals < 0) {
		message(LOG_ERR, "cannot start: signalfd: %s", strerror(errno));
		return EXIT_FAILURE;
	}
	if (!program->settings.state_dir)
		message(LOG_WARNING,
			"StateDir is none: guests get other indices when kvmstat-agentx is restarted");
	indexmap_remember_events(program->indexmap, program->kvmstat);
	take_sample(program);
	settings_check_events(&program->settings, program->kvmstat, LOG_WARNING);
	rc = agent_start(&program->agent, &program->settings, program->views, program->outbox);
	if (rc < 0) {
		message(LOG_ERR,
			"cannot start the SNMP thread: %s; allow more memory or more tasks (ulimit "
			"-v and -u, MemoryMax, TasksMax)",
			strerror(-rc));
		close(signals);
		return EXIT_FAILURE;
	}
	notify_ready();
	status = loop(program, signals);
	notify_stopping();
	close(signals);
	return status;
}

/* The events of this host are known after a pass only. */
static int check(struct program *program)
{
	struct kvmstat_sample *sample;

	if (kvmstat_collect(program->kvmstat, &sample) == 0)
		kvmstat_sample_put(sample);
	return settings_check_events(&program->settings, program->kvmstat, LOG_ERR) ? EXIT_CONFIG
										    : EXIT_SUCCESS;
}

int main(int argc, char *argv[])
{
	struct program program = { .argc = argc, .argv = argv };
	bool check_only = false;
	int status = EXIT_FAILURE, rc;

	ignore_signals();
	hold_hangup();
	program.file = file_option(argc, argv, &check_only);
	rc = read_settings(&program);
	if (rc == -EINVAL)
		status = EXIT_CONFIG;
	else if (!rc && open_collector(&program) == 0 && open_indexmap(&program) == 0)
		status = check_only ? check(&program) : open_diagnosis(&program) < 0 ? EXIT_FAILURE : serve(&program);
	close_all(&program);
	return status;
}
