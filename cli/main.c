// SPDX-License-Identifier: MIT
/*
 * main.c - the kvmstat command
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "cli.h"

#define TIME_MAX (7 * 86400.0)

enum { OPTION_CSV = 256, OPTION_JSON, OPTION_ROOT, OPTION_SCRUB, OPTION_FOR, OPTION_LEARNT, OPTION_MAX_AGE,
       OPTION_STATE, OPTION_COLOR, OPTION_FROM, OPTION_AT };

static const char short_options[] = "atn:o:Vh";

static const struct option long_options[] = {
	{ "all", no_argument, NULL, 'a' },
	{ "totals", no_argument, NULL, 't' },
	{ "name", required_argument, NULL, 'n' },
	{ "for", required_argument, NULL, OPTION_FOR },
	{ "learnt", no_argument, NULL, OPTION_LEARNT },
	{ "max-age", required_argument, NULL, OPTION_MAX_AGE },
	{ "state-dir", required_argument, NULL, OPTION_STATE },
	{ "color", required_argument, NULL, OPTION_COLOR },
	{ "csv", no_argument, NULL, OPTION_CSV },
	{ "json", no_argument, NULL, OPTION_JSON },
	{ "option", required_argument, NULL, 'o' },
	{ "from", required_argument, NULL, OPTION_FROM },
	{ "at", required_argument, NULL, OPTION_AT },
	{ "root", required_argument, NULL, OPTION_ROOT },
	{ "scrub", no_argument, NULL, OPTION_SCRUB },
	{ "version", no_argument, NULL, 'V' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

static const struct command {
	const char *name;
	int (*run)(const struct options *options);
	bool guest;	/* takes one */
	const char *needs;	/* the missing arguments, for a message */
	bool event;	/* takes one behind the guest */
	const char *option;	/* option of the core that it switches on */
	bool repeats;
	bool all;	/* has --all */
	bool totals;	/* has --totals */
	bool csv;
	bool json;
	bool directory;	/* takes one, and has --scrub */
	bool words;	/* takes any number */
	bool state;	/* reads what a front end keeps */
	bool max_age;	/* has --max-age */
	bool screen;	/* has --color, and no COUNT */
	bool good;	/* has --name, --for and --learnt */
	bool file;	/* takes one */
	bool plays;	/* has --from and --at */
} commands[] = {
	{ .name = "guests", .plays = true, .run = guests_command, .repeats = true, .totals = true, .csv = true, .json = true,
	  .state = true },
	{ .name = "events", .plays = true, .run = events_command, .guest = true, .repeats = true, .all = true, .csv = true, .json = true,
	  .state = true },
	{ .name = "vcpus", .plays = true, .run = vcpus_command, .guest = true, .repeats = true, .csv = true, .json = true,
	  .needs = "the name of a guest", .option = "ReportVcpus" },
	{ .name = "histogram", .plays = true, .run = histogram_command, .guest = true, .event = true, .repeats = true, .all = true,
	  .csv = true, .json = true, .needs = "the names of a guest and of an event, such as halt_wait_hist",
	  .option = "ReportHistograms" },
	{ .name = "top", .run = top_command, .guest = true, .repeats = true, .all = true, .totals = true, .state = true,
	  .screen = true },
	{ .name = "record", .run = record_command, .repeats = true, .file = true },
	{ .name = "check", .run = check_command, .words = true, .state = true, .max_age = true },
	{ .name = "alarms", .run = alarms_command, .csv = true, .json = true, .state = true },
	{ .name = "baseline", .run = baseline_command, .words = true, .all = true, .csv = true, .json = true, .state = true,
	  .good = true },
	{ .name = "doctor", .run = doctor_command, .json = true },
	{ .name = "capture", .run = capture_command, .directory = true },
};

/* Make sure that no file that is opened later becomes standard output. */
static int check_standard_files(void)
{
	bool closed = fcntl(STDOUT_FILENO, F_GETFD) < 0;

	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
			return -1;
	if (closed)
		complain("cannot print: standard output is closed");
	return closed ? -1 : 0;
}

static int set_option(struct options *options, const char *name, const char *value)
{
	char error[512] = "";
	int rc;

	rc = kvmstat_config_set(options->config, name, value, error, sizeof(error));
	if (rc == -ENOENT)
		complain("there is no option '%s'; 'kvmstat --help' lists the options", name);
	else if (rc && *error)
		complain("%s", error);
	else if (rc)
		complain("%s: %s", name, strerror(-rc));
	if (rc)
		return EXIT_USAGE;
	if (!strcasecmp(name, "Root"))
		options->root = value;
	if (!strcasecmp(name, "Guest") || !strcasecmp(name, "ExcludeGuest"))
		options->some_guests = true;
	if (kvmstat_config_find_option(name)->names_events)
		options->words[options->nwords++] = (char *)value;
	return EXIT_SUCCESS;
}

/* NAME=VALUE; cuts the argument at the sign. */
static int split_option(struct options *options, char *word)
{
	char *equals = strchr(word, '=');

	if (!equals || equals == word) {
		complain("'%s' is not an option with a value; expected NAME=VALUE, as in -o "
			 "Event=/^exit_/", word);
		return EXIT_USAGE;
	}
	*equals = '\0';
	return set_option(options, word, equals + 1);
}

static int set_format(struct options *options, enum format format)
{
	if (options->format != FORMAT_TEXT && options->format != format) {
		complain("cannot combine --csv and --json");
		return EXIT_USAGE;
	}
	options->format = format;
	return EXIT_SUCCESS;
}

static int set_color(struct options *options, const char *when)
{
	static const char *const words[] = { [COLOR_AUTO] = "auto", [COLOR_ALWAYS] = "always", [COLOR_NEVER] = "never" };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (strcmp(when, words[i]))
			continue;
		options->color = (enum color)i;
		return EXIT_SUCCESS;
	}
	complain("--color '%s' is not auto, always or never", when);
	return EXIT_USAGE;
}

static bool parse_number(const char *word, double *number)
{
	char *end;

	if (!*word || word[strspn(word, "0123456789.")])
		return false;
	*number = strtod(word, &end);
	return !*end;
}

/* A number of seconds, or with s, m or h behind it. */
static int parse_time(const char *name, const char *word, double *seconds)
{
	static const char units[] = "smh";
	size_t length = strlen(word);
	const char *unit = length ? strchr(units, word[length - 1]) : NULL;
	char *number = strndup(word, length - (unit != NULL));
	double times = unit ? pow(60, (double)(unit - units)) : 1;
	bool good;

	if (!number)
		out_of_memory();
	good = parse_number(number, seconds) && *seconds * times > 0 && *seconds * times <= TIME_MAX;
	*seconds *= times;
	free(number);
	if (!good)
		complain("%s '%s' is not a time from above 0 to a week; expected seconds, or a number with s, m or h", name, word);
	return good ? EXIT_SUCCESS : EXIT_USAGE;
}

/* Options of the commands that know what is usual. -1: it is none of them. */
static int parse_state_option(struct options *options, int option)
{
	if (option == 'n')
		options->name = optarg;
	else if (option == OPTION_LEARNT)
		options->learnt = true;
	else if (option == OPTION_STATE)
		options->state_dir = optarg;
	else if (option == OPTION_FOR)
		return parse_time("--for", optarg, &options->record);
	else if (option == OPTION_MAX_AGE)
		return parse_time("--max-age", optarg, &options->max_age);
	else
		return -1;
	return EXIT_SUCCESS;
}

/* -1: go on; else the exit status. */
static int parse_option(struct options *options, int option)
{
	int status = parse_state_option(options, option);

	if (status >= 0)
		return status ? status : -1;
	status = EXIT_SUCCESS;
	if (option == 'a') {
		options->all = true;
	} else if (option == 't') {
		options->totals = true;
	} else if (option == OPTION_CSV) {
		status = set_format(options, FORMAT_CSV);
	} else if (option == OPTION_JSON) {
		status = set_format(options, FORMAT_JSON);
	} else if (option == OPTION_COLOR) {
		status = set_color(options, optarg);
	} else if (option == OPTION_SCRUB) {
		options->scrub = true;
	} else if (option == OPTION_FROM) {
		options->from = optarg;
	} else if (option == OPTION_AT) {
		options->at = optarg;
	} else if (option == 'o') {
		options->configured = true;
		status = split_option(options, optarg);
	} else if (option == OPTION_ROOT) {
		options->configured = true;
		status = set_option(options, "Root", optarg);
	} else if (option == 'V') {
		printf("kvmstat %s\n", kvmstat_version());
		return EXIT_SUCCESS;
	} else if (option == 'h') {
		print_help();
		return EXIT_SUCCESS;
	} else {
		fputs("Try 'kvmstat --help'.\n", stderr);
		return EXIT_USAGE;
	}
	return status ? status : -1;
}

static int parse_interval(struct options *options, char **words)
{
	double number;

	if (!words[0]) {
		options->count = 1;
		return EXIT_SUCCESS;
	}
	if (!parse_number(words[0], &options->interval) || options->interval < INTERVAL_MIN ||
	    options->interval > INTERVAL_MAX) {
		complain("interval '%s' is not a number of seconds from %g to %g", words[0], INTERVAL_MIN,
			 INTERVAL_MAX);
		return EXIT_USAGE;
	}
	if (!words[1])
		return EXIT_SUCCESS;
	if (!parse_number(words[1], &number) || strchr(words[1], '.') || number < 1 || number > 1e9) {
		complain("count '%s' is not a number of reports, 1 or more", words[1]);
		return EXIT_USAGE;
	}
	options->count = (unsigned long)number;
	if (words[2])
		complain("unexpected argument '%s'; try 'kvmstat --help'", words[2]);
	return words[2] ? EXIT_USAGE : EXIT_SUCCESS;
}

/* Find the command and move *words past its name; the default is guests. NULL: an error was printed. */
static const struct command *find_command(char ***words)
{
	double number;

	if (!**words || parse_number(**words, &number))
		return &commands[0];
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		if (strcmp(**words, commands[i].name))
			continue;
		++*words;
		return &commands[i];
	}
	complain("there is no command '%s'; the commands are guests, events, vcpus, histogram, "
		 "top, record, check, alarms, baseline, doctor and capture ('kvmstat events %s' shows the events of a guest of that name)",
		 **words, **words);
	return NULL;
}

static int check_fit(const struct command *command, const struct options *options)
{
	const char *option = NULL;

	if (options->all && !command->all)
		option = "--all";
	if (options->totals && !command->totals)
		option = "--totals";
	if (options->format == FORMAT_CSV && !command->csv)
		option = "--csv";
	if (options->format == FORMAT_JSON && !command->json)
		option = "--json";
	if (options->scrub && !command->directory)
		option = "--scrub";
	if (options->state_dir && !command->state)
		option = "--state-dir";
	if ((options->from || options->at) && !command->plays)
		option = options->from ? "--from" : "--at";
	if (options->color != COLOR_AUTO && !command->screen)
		option = "--color";
	if (options->max_age > 0 && !command->max_age)
		option = "--max-age";
	if ((options->name || options->learnt || options->record > 0) && !command->good)
		option = options->name ? "--name" : options->learnt ? "--learnt" : "--for";
	if (options->from && options->configured) {
		complain("cannot combine --from with -o or --root: FILE has what they selected when it was recorded");
		return EXIT_USAGE;
	}
	if (options->at && !options->from) {
		complain("--at needs --from, the file to play");
		return EXIT_USAGE;
	}
	if (option)
		complain("'kvmstat %s' does not accept %s; try 'kvmstat --help'", command->name, option);
	return option ? EXIT_USAGE : EXIT_SUCCESS;
}

/* Take the next word, unless it is a number, which is an interval. */
static char *take_name(char ***words)
{
	double number;

	return **words && !parse_number(**words, &number) ? *(*words)++ : NULL;
}

/* Take the command's guest, event or directory, and set the option of the core that it needs. */
static int take_names(const struct command *command, struct options *options, char ***words)
{
	if (command->guest)
		options->guest = take_name(words);
	if (command->event)
		options->event = take_name(words);
	if (command->needs && (!options->guest || (command->event && !options->event))) {
		complain("'kvmstat %s' needs %s; 'kvmstat guests' lists the guests", command->name, command->needs);
		return EXIT_USAGE;
	}
	if (command->directory && !**words) {
		complain("specify a new directory, as in 'kvmstat %s /tmp/host'", command->name);
		return EXIT_USAGE;
	}
	if (command->file && !**words) {
		complain("specify a file, as in 'kvmstat %s /tmp/night 10'", command->name);
		return EXIT_USAGE;
	}
	if (command->file)
		options->file = *(*words)++;
	if (command->directory)
		options->directory = *(*words)++;
	return command->option ? set_option(options, command->option, "true") : EXIT_SUCCESS;
}

static int run(struct options *options, char **words)
{
	const struct command *command = find_command(&words);
	int status;

	if (!command)
		return EXIT_USAGE;
	status = check_fit(command, options);
	if (!status)
		status = take_names(command, options, &words);
	if (status)
		return status;
	if (command->words) {
		options->arguments = words;
		options->ran = true;
		return command->run(options);
	}
	if (!command->repeats && *words) {
		complain("unexpected argument '%s': 'kvmstat %s' takes %s", *words, command->name,
			 command->directory ? "one" : "none");
		return EXIT_USAGE;
	}
	if (command->screen && words[0] && words[1]) {
		complain("unexpected argument '%s': 'kvmstat %s' runs until q is typed", words[1], command->name);
		return EXIT_USAGE;
	}
	status = parse_interval(options, words);
	if (status)
		return status;
	if (command->file && !words[0])
		options->count = 0;
	if (options->from && !words[0])
		options->interval = 0;
	options->ran = true;
	return command->run(options);
}

/* Wrong usage is no warning for whoever runs the command as a plugin. */
static int usage_status(int argc, char **argv)
{
	opterr = 0;
	while (getopt_long(argc, argv, short_options, long_options, NULL) != -1)
		;
	return argv[optind] && !strcmp(argv[optind], "check") ? check_usage() : EXIT_USAGE;
}

int main(int argc, char **argv)
{
	struct options options = { .interval = 1 };
	int option, status = -1;

	if (check_standard_files())
		return EXIT_FAILURE;
	setlocale(LC_CTYPE, "");
	options.config = kvmstat_config_new();
	if (!options.config)
		out_of_memory();
	options.words = get_memory((size_t)argc, sizeof(*options.words));
	while (status < 0 && (option = getopt_long(argc, argv, short_options, long_options, NULL)) != -1)
		status = parse_option(&options, option);
	if (status < 0)
		status = run(&options, argv + optind);
	if (status == EXIT_USAGE && !options.ran)
		status = usage_status(argc, argv);
	kvmstat_config_free(options.config);
	free(options.words);
	flush_report();
	return status;
}
