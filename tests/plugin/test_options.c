/* SPDX-License-Identifier: MIT */
/*
 * test_options.c - good and bad options, start and end of the plugin
 */
#include <errno.h>

#include "plugin_test.h"

/* The line is bad: the plugin logs it once, with its key and value, and goes on. */
static void bad_line(const char *line, const char *says)
{
	static const char start[] = "E kvmstat plugin: ";
	char text[1024];

	snprintf(text, sizeof(text), "# a comment\n<Plugin kvmstat>\n\n  %s\n</Plugin>\n", line);
	CHECK(daemon_configure(text) == 0);
	CHECK(daemon_state.nlog == 1);
	CHECK(daemon_logged(start, says) == 1);
	if (!daemon_logged(start, says))
		daemon_print_log();
	CHECK(daemon_init() == 0);
	CHECK(daemon_read() == 0);
	CHECK(derive(HV "-web/derive-exits") == 100);
	CHECK(daemon_shutdown() == 0);
	daemon_forget();
}

static void bad_options_are_logged_with_key_and_value(void)
{
	bad_line("Bogus 1", "Bogus \"1\": there is no such option; the options are: Guest");
	bad_line("Interval 5", "<LoadPlugin kvmstat>");
	bad_line("Event \"/[/\"", "core says no to /[/");
	bad_line("ReportHistograms perhaps", "core says no to perhaps");
	bad_line("SkipNeverSeen 2", "expected true or false");
	bad_line("Pace fast", "expected auto, or the pause after each guest in milliseconds");
	bad_line("Pace -1", "milliseconds");
	bad_line("Pace nan", "milliseconds");
	bad_line("MaxValues 0", "whole number");
	bad_line("MaxValues 2.5", "whole number");
	bad_line("MaxValues 1e30", "whole number");
	bad_line("MaxValues many", "whole number");
	bad_line("HostnameFormat metadata", "expected hostname, name or uuid");
	bad_line("HostnameFormat name name name name name", "expected hostname, name or uuid");
	bad_line("PluginInstanceFormat hostname", "expected name, uuid or none");
	bad_line("PluginInstanceFormat none name", "expected name, uuid or none");
	bad_line("Diagnose maybe", "expected true or false");
	bad_line("DiagnoseNotify 1", "expected true or false");
	bad_line("DiagnoseSensitivity medium", "expected low, normal or high");
	bad_line("DiagnoseExcludeGuest \"/[/\"", "/[/: invalid regular expression: ");
	bad_line("DiagnoseExcludeCause \"weather\"", "there is no such cause; the causes are: stalled looping");
	bad_line("DiagnoseExcludeCause \"weather\"", " spin unknown; the option is ignored");
	bad_line("DiagnoseGrace 0", "expected a whole number from 1 to 86400");
	bad_line("DiagnoseGrace 60.5", "DiagnoseGrace \"60.5\": expected a whole number from 1 to 86400");
	bad_line("DiagnoseWait 101", "expected a whole number from 1 to 100");
	bad_line("DiagnoseWaitKnown sometimes", "DiagnoseWaitKnown \"sometimes\": expected true or false");
	bad_line("StateDir var/lib", "expected a path that begins with /, or \"\" to keep nothing");
	bad_line("MaxValues 1 2", "more than one value");
	bad_line("Guest", "there is no value");
	bad_line("Guest 7", "put it in quotes");
	bad_line("Event true", "put it in quotes");
	bad_line("<Guest web>", "not a block");
}

static void a_bad_value_leaves_the_rest(void)
{
	CHECK(daemon_configure("<Plugin kvmstat>\nGuest \"a\" 5 \"b\"\nMaxValues x\nMaxValues 1\n"
			       "maxvalues y\n</Plugin>\n") == 0);
	CHECK_TEXT(fake.config, "Guest=a\nGuest=b\n");
	CHECK(daemon_state.nlog == 3);
	CHECK(daemon_logged(": Guest \"5\"", NULL) == 1);
	CHECK(daemon_logged("MaxValues \"y\"", NULL) == 1);
	CHECK(daemon_init() == 0);
	pass();
	CHECK(gauge(HV "/gauge-values") == 1);
}

static void a_wrong_form_is_logged(void)
{
	CHECK(daemon_configure("<Plugin kvmstat>\nPace 1\nPace 2 2\nGuest \"a\"\n<Guest "
			       "b>\n</Plugin>\n") == 0);
	CHECK(daemon_state.nlog == 2);
	CHECK(daemon_logged(": Pace \"2 2\": more than one value", NULL) == 1);
	CHECK(daemon_logged(": Guest \"b\": not a block", NULL) == 1);
}

static void unseen_characters_are_shown_in_the_log(void)
{
	CHECK(daemon_configure("<Plugin kvmstat>\nPace \"a\tb\x7f\xc2\xa0\"\n</Plugin>\n") == 0);
	CHECK(daemon_logged("Pace \"a\\x09b\\x7f\\xc2\\xa0\"", NULL) == 1);
	/* A character stays; one in too many bytes, half of a pair, and one beyond the last are none. */
	CHECK(daemon_configure("<Plugin kvmstat>\nPace \"\xc3\xa9 \xe0\x9f\xbf \xed\xa0\x80 \xf4\x90\x80\x80\"\n"
			       "</Plugin>\n") == 0);
	CHECK(daemon_logged("Pace \"\xc3\xa9 \\xe0\\x9f\\xbf \\xed\\xa0\\x80 \\xf4\\x90\\x80\\x80\"", NULL) == 1);
}

static void options_reach_the_core(void)
{
	start("<Plugin kvmstat>\nGuest \"a\"\nExcludeGuest \"/^b/\"\nEvent exits "
	      "\"/^exit_/\"\nIgnoreSelected true\n"
	      "Source bpf debugfs\nRoot \"/tmp/tree\"\n</Plugin>\n<Plugin kvmstat>\nReportHistograms "
	      "true\nTopGuests 20\n</Plugin>\n");
	CHECK_TEXT(fake.config,
		   "Guest=a\nExcludeGuest=/^b/\nEvent=exits\nEvent=/^exit_/\nIgnoreSelected=true\n"
		   "Source=bpf debugfs\nRoot=/tmp/tree\nReportHistograms=true\nTopGuests=20\n");
	CHECK(daemon_logged("E ", NULL) == 0);
}

static void unknown_events_are_told_after_the_first_pass(void)
{
	start("<Plugin kvmstat>\nEvent \"exits\"\nEvent \"exitz\" \"halts\"\nExcludeEvent \"/x/\" "
	      "\"zzz\"\n</Plugin>\n");
	CHECK(daemon_logged(": Event \"halts\": there is no such event (did you mean exits?)", NULL) == 1);
	CHECK(daemon_logged(": ExcludeEvent \"zzz\"", NULL) == 1);
	CHECK(daemon_logged("E ", NULL) == 2);
	pass();
	CHECK(daemon_state.nlog == 0);
}

static void filters_that_leave_nothing_are_told(void)
{
	fake.nevents = 0;
	fake.event_generation++;
	start("<Plugin kvmstat>\nEvent \"/^none_here/\"\n</Plugin>\n");
	CHECK(daemon_logged("W kvmstat plugin: no event of this host matches Event and ExcludeEvent",
			    NULL) == 1);
	finish();
	start("<Plugin kvmstat>\nEvent \"/^exits/\"\n</Plugin>\n");
	CHECK(daemon_logged("no event of this host matches", NULL) == 0);
}

static void start_is_told_in_one_line(void)
{
	start(NULL);
	CHECK(daemon_state.nlog == 1);
	CHECK(daemon_logged("I kvmstat plugin: version 0-test, 2 guests, 5 events, source bpf", NULL) == 1);
}

static void formats_of_virt(void)
{
	start("<Plugin kvmstat>\nHostnameFormat name\nPluginInstanceFormat none\n</Plugin>\n");
	pass();
	CHECK(derive("web/kvmstat/derive-exits") == 100);
	CHECK(gauge(HV "/gauge-guests") == 2);
	finish();
	start("<Plugin kvmstat>\nPluginInstanceFormat uuid\n</Plugin>\n");
	pass();
	CHECK(derive(HV "-11111111-2222-3333-4444-555555555555/derive-exits") == 100);
	finish();
	start("<Plugin kvmstat>\nHostnameFormat hostname name\nPluginInstanceFormat \"name "
	      "uuid\"\n</Plugin>\n");
	pass();
	CHECK(derive(FAKE_HOSTNAME ":web/kvmstat-web:11111111-2222-3333-4444-555555555555/derive-exits") ==
	      100);
}

static void formats_that_mix_up_guests_are_refused(void)
{
	start("<Plugin kvmstat>\nPluginInstanceFormat none\n</Plugin>\n");
	CHECK(daemon_logged(": PluginInstanceFormat \"none\": all guests would have the same name; also set "
			    "HostnameFormat",
			    "is used instead") == 1);
	pass();
	CHECK(derive(HV "-web/derive-exits") == 100);
}

static void shutdown_without_anything(void)
{
	CHECK(daemon_shutdown() == 0);
}

static void shutdown_after_configuration_only(void)
{
	CHECK(daemon_configure("<Plugin kvmstat>\nEvent \"exits\"\nGuest \"x\"\n</Plugin>\n") == 0);
	CHECK(fake.configs == 1);
}

static void failed_open_is_told_and_survived(void)
{
	fake.open_error = -ENOENT;
	CHECK(daemon_configure("<Plugin kvmstat>\nRoot \"/nowhere\"\n</Plugin>\n") == 0);
	CHECK(daemon_init() != 0);
	CHECK(daemon_logged(": Root: cannot open the directory: No such file", "does not start") == 1);
	CHECK(daemon_read() != 0);
	CHECK(daemon_state.nsent == 0);
}

static void no_memory_at_the_start_is_told(void)
{
	fake.open_error = -ENOMEM;
	CHECK(daemon_init() != 0);
	CHECK(daemon_logged("E kvmstat plugin: cannot start: Cannot allocate memory", NULL) == 1);
}

static void no_memory_in_the_first_pass_is_survived(void)
{
	fake.collect_error = -ENOMEM;
	CHECK(daemon_init() == 0);
	fake.collect_error = 0;
	pass();
	CHECK(derive(HV "-web/derive-exits") == 100);
}

static void missing_types_are_registered(void)
{
	daemon_state.no_types = true;
	start(NULL);
	CHECK(daemon_state.registered_types == 3);
	CHECK(daemon_logged("W kvmstat plugin: no TypesDB defines the type \"derive\"", "types.db") == 1);
}

static void wrong_types_stop_the_plugin(void)
{
	daemon_state.wrong_types = true;
	CHECK(daemon_init() != 0);
	CHECK(daemon_logged("E kvmstat plugin: a TypesDB file defines the type \"derive\"", "TypesDB") == 1);
}

static const struct test tests[] = {
	{"bad options are logged with key and value", bad_options_are_logged_with_key_and_value},
	{"a bad value leaves the rest", a_bad_value_leaves_the_rest},
	{"wrong forms", a_wrong_form_is_logged},
	{"control characters", unseen_characters_are_shown_in_the_log},
	{"options reach the core", options_reach_the_core},
	{"unknown events", unknown_events_are_told_after_the_first_pass},
	{"filters that leave nothing", filters_that_leave_nothing_are_told},
	{"start is told in one line", start_is_told_in_one_line},
	{"formats of virt", formats_of_virt},
	{"formats that mix up guests", formats_that_mix_up_guests_are_refused},
	{"shutdown without anything", shutdown_without_anything},
	{"shutdown after configuration only", shutdown_after_configuration_only},
	{"failed open", failed_open_is_told_and_survived},
	{"no memory at the start", no_memory_at_the_start_is_told},
	{"no memory in the first pass", no_memory_in_the_first_pass_is_survived},
	{"missing types are registered", missing_types_are_registered},
	{"wrong types stop the plugin", wrong_types_stop_the_plugin},
};

int main(int argc, char **argv)
{
	return plugin_test(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
