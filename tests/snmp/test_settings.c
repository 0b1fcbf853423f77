/* SPDX-License-Identifier: MIT */
/*
 * test_settings.c - the configuration file: every error is told, with its place and a remedy
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "settings.h"

static char file[64];

static int begin(void **state)
{
	struct settings *settings = calloc(1, sizeof(*settings));
	int fd;

	strcpy(file, "/tmp/kvmstat-settings-XXXXXX");
	fd = mkstemp(file);
	if (fd < 0 || close(fd) < 0 || settings_init(settings) < 0)
		return -1;
	*state = settings;
	return 0;
}

static int end(void **state)
{
	settings_free(*state);
	free(*state);
	return unlink(file);
}

/* Read this as a file; what was told about it. */
static const char *told_of(struct settings *settings, const char *text, size_t size)
{
	static char said[8192];
	FILE *out = fopen(file, "w"), *log = tmpfile();
	int kept = dup(STDERR_FILENO);
	size_t len;

	fwrite(text, 1, size, out);
	fclose(out);
	dup2(fileno(log), STDERR_FILENO);
	settings_read(settings, file, true);
	dup2(kept, STDERR_FILENO);
	close(kept);
	rewind(log);
	len = fread(said, 1, sizeof(said) - 1, log);
	said[len] = '\0';
	fclose(log);
	return said;
}

static const char *told(struct settings *settings, const char *text)
{
	return told_of(settings, text, strlen(text));
}

static void test_defaults(void **state)
{
	struct settings *settings = *state;

	assert_string_equal(told(settings, "# nothing\n\n   \n"), "");
	assert_int_equal(settings->errors, 0);
	assert_int_equal(settings->interval, 10);
	assert_int_equal(settings->ping_interval, 3);
	assert_true(settings->diagnosis.diagnose && settings->diagnosis.notify);
	assert_string_equal(settings->socket, "/var/agentx/master");
	assert_true(settings->root.len > 4);
}

static void test_all_options(void **state)
{
	struct settings *settings = *state;

	assert_string_equal(told(settings, "interval 30 # seconds\n"
					   "\tOidRoot .1.3.6.1.4.1.4294967295\r\n"
					   "AgentXSocket \"/run/with space/\\\"agentx\\\\\"\n"
					   "StateDir /var/lib/other\n"
					   "PingInterval 5\n"
					   "Guest \"a # b\"\n"
					   "ExcludeGuest /^x/\n"
					   "Event exit_instruction\n"
					   "ExcludeEvent /hist/\n"
					   "ReportVcpus true\n"
					   "reporthistograms off\n"
					   "Source bpf\n"
					   "DiagnoseNotify no\n"
					   "diagnosesensitivity low\n"
					   "DiagnoseExcludeCause io\n"
					   "DiagnoseExcludeCause timer\n"
					   "DiagnoseGrace 60"), "");
	assert_int_equal(settings->errors, 0);
	assert_int_equal(settings->interval, 30);
	assert_int_equal(settings->ping_interval, 5);
	assert_string_equal(settings->socket, "/run/with space/\"agentx\\");
	assert_string_equal(settings->state_dir, "/var/lib/other");
	assert_int_equal(settings->root.len, 7);
	assert_int_equal(settings->root.subid[6], 4294967295);
	assert_true(settings->diagnosis.diagnose && !settings->diagnosis.notify);
	assert_int_equal(settings->diagnosis.config.sensitivity, KVMSTAT_SENSITIVITY_LOW);
	assert_int_equal(settings->diagnosis.config.excluded, 1u << KVMSTAT_CAUSE_IO | 1u << KVMSTAT_CAUSE_TIMER);
	assert_int_equal(settings->diagnosis.config.grace_s, 60);
	assert_int_equal(settings->nwords, 2);
	assert_string_equal(settings->words[0].word, "exit_instruction");
	assert_non_null(strstr(settings->words[0].place, ":8"));
}

static void test_last_one_wins(void **state)
{
	struct settings *settings = *state;

	assert_string_equal(told(settings, "StateDir none\nInterval 7\nInterval 8\nAgentXSocket unix:/a\n"),
			    "");
	assert_null(settings->state_dir);
	settings_assign(settings, "Interval=9", "-o");
	settings_assign(settings, "StateDir=/x=y", "-o");
	assert_int_equal(settings->interval, 9);
	assert_string_equal(settings->state_dir, "/x=y");
	assert_string_equal(settings->socket, "/a");
}

/* One wrong line, and what the message must contain beside FILE:1. */
static void test_errors(void **state)
{
	static const char *const wrong[][2] = {
		{ "Intervall 10", "unknown option Intervall; the options are Interval" },
		{ "Interval", "a value is missing" },
		{ "Interval 0", "from 1 to 3600" },
		{ "Interval 3601", "from 1 to 3600" },
		{ "Interval -1", "whole number" },
		{ "Interval 10s", "whole number" },
		{ "Interval 99999999999999999999", "whole number" },
		{ "Interval \"\"", "whole number" },
		{ "Interval 1 0", "more than one value" },
		{ "PingInterval 61", "from 1 to 60" },
		{ "OidRoot kvmstat", "is not an OID" },
		{ "OidRoot 1.3.6..1", "is not an OID" },
		{ "OidRoot 1.3.6.1.", "is not an OID" },
		{ "OidRoot 1.3.6.4294967296", "is not an OID" },
		{ "OidRoot 1.3.6", "is not a valid root" },
		{ "OidRoot 2.25.1.1", "is not a valid root" },
		{ "OidRoot 1.3.6.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1."
		  "1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1",
		  "is not an OID" },
		{ "AgentXSocket tcp:localhost:705", "agentXSocket tcp:localhost:705,/var/agentx/master" },
		{ "AgentXSocket udp:localhost:705", "add one after a comma" },
		{ "AgentXSocket relative", "begins with /" },
		{ "StateDir state", "begins with /" },
		{ "DiagnoseNotify 1", "DiagnoseNotify \"1\": expected true or false" },
		{ "DiagnoseExcludeGuest /[/", "/[/: invalid regular expression: " },
		{ "DiagnoseExcludeCause weather", "there is no such cause; the causes are: stalled looping" },
		{ "DiagnoseWait 0", "expected a whole number from 1 to 100" },
		{ "Diagnos true", "DiagnoseWaitKnown" },
		{ "Guest \"open", "a quote is not closed" },
		{ "Guest \"open\\\"", "a quote is not closed" },
		{ "Guest /(/", "(" },
		{ "ReportVcpus 1", "expected true or false" },
		{ "Source procfs", "procfs" },
		{ "IgnoreSelected maybe", "maybe" },
	};
	struct settings *settings = *state;
	char place[128];

	snprintf(place, sizeof(place), "%s:1: ", file);
	for (unsigned int i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		const char *said = told(settings, wrong[i][0]);

		if (!strstr(said, place) || !strstr(said, wrong[i][1]))
			fail_msg("\"%s\" gives \"%s\", without \"%s\"", wrong[i][0], said, wrong[i][1]);
		assert_int_equal(settings->errors, i + 1);
	}
	assert_int_equal(settings->interval, 10);	/* what was wrong changed nothing */
}

static void test_every_error_is_told(void **state)
{
	struct settings *settings = *state;
	const char *said = told(settings, "Interval x\nGuest ok\nFoo bar\n\nOidRoot y\n");

	assert_int_equal(settings->errors, 3);
	assert_non_null(strstr(said, ":1: Interval 'x'"));
	assert_non_null(strstr(said, ":3: unknown option Foo"));
	assert_non_null(strstr(said, ":5: OidRoot 'y'"));
}

/* What editors of other systems leave in a file is either no matter, or one sees what it is. */
static void test_files_of_other_systems(void **state)
{
	struct settings *settings = *state;

	assert_string_equal(told(settings, "\xef\xbb\xbfInterval 30\r\n\r\n# x\r\nGuest \"a b\"\r\n"), "");
	assert_int_equal(settings->interval, 30);
	assert_string_equal(told(settings, "\xef\xbb\xbf"), "");
	assert_string_equal(told(settings, "\xef\xbb\xbf# a comment\nInterval 31"), "");
	assert_int_equal(settings->interval, 31);
}

static void test_unseen_characters_are_shown(void **state)
{
	static const char *const wrong[][2] = {
		{ "\xef\xbb\xbf\xef\xbb\xbfInterval 1", "unknown option \\xef\\xbb\\xbfInterval; " },
		{ "#\n\xef\xbb\xbfInterval 1", "unknown option \\xef\\xbb\\xbfInterval; " },
		{ "Inter\xe2\x80\x8bval 1", "unknown option Inter\\xe2\\x80\\x8bval; " },
		{ "Interval\xc2\xa0" "10", "a value is missing after Interval\\xc2\\xa010; " },
		{ "Interval 10\xc2\xa0", "Interval '10\\xc2\\xa0' is not" },
		{ "Interval \"1\x01\"", "Interval '1\\x01' is not" },
		{ "StateDir \xe2\x80\xaa/var", "StateDir '\\xe2\\x80\\xaa/var' is not" },
		{ "AgentXSocket \xe3\x80\x80/var", "AgentXSocket '\\xe3\\x80\\x80/var' is not" },
		{ "OidRoot 1.3.6\xff.1", "OidRoot '1.3.6\\xff.1' is not" },
		{ "ReportVcpus tr\xc2\xadue", "\"tr\\xc2\\xadue\": " },
		{ "Intervall\xc3\xa4 10", "unknown option Intervall\xc3\xa4; " },
	};
	struct settings *settings = *state;

	for (unsigned int i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		const char *said = told(settings, wrong[i][0]);

		if (!strstr(said, wrong[i][1]))
			fail_msg("\"%s\" gives \"%s\", without \"%s\"", wrong[i][0], said, wrong[i][1]);
		assert_int_equal(settings->errors, i + 1);
	}
	assert_int_equal(settings->interval, 10);
}

/* The rest of such a file would be told of line by line. */
static void test_no_text(void **state)
{
	static const char utf16[] = "\xff\xfeI\0n\0t\0\n\0x\0\n\0";
	struct settings *settings = *state;

	assert_non_null(strstr(told_of(settings, utf16, sizeof(utf16) - 1), ":1: there is a byte of value 0"));
	assert_int_equal(settings->errors, 1);
	assert_non_null(strstr(told_of(settings, "Interval 5\0\n", 12), ":1: there is a byte of value 0"));
	assert_int_equal(settings->errors, 2);
	assert_int_equal(settings->interval, 10);
}

static void test_long_socket(void **state)
{
	struct settings *settings = *state;
	char line[256] = "AgentXSocket /";

	memset(line + 14, 'x', 107);
	assert_non_null(strstr(told(settings, line), "at most 107"));
	line[14 + 106] = '\0';
	assert_string_equal(told(settings, line), "");
}

static void test_files(void **state)
{
	struct settings *settings = *state;

	settings_read(settings, "/nonexistent/file", false);
	assert_int_equal(settings->errors, 0);
	settings_read(settings, "/nonexistent/file", true);
	assert_int_equal(settings->errors, 1);
	settings_read(settings, "/tmp", true);
	assert_int_equal(settings->errors, 2);
}

static void test_assignments(void **state)
{
	static const char *const wrong[] = { "", "=", "=1", "Interval", "Interval=", "Nothing=1" };
	struct settings *settings = *state;

	for (unsigned int i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		settings_assign(settings, wrong[i], "-o");
		assert_int_equal(settings->errors, i + 1);
	}
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_defaults), TEST(test_all_options),	     TEST(test_last_one_wins),
		TEST(test_errors),   TEST(test_every_error_is_told), TEST(test_long_socket),
		TEST(test_files),    TEST(test_assignments),	     TEST(test_files_of_other_systems),
		TEST(test_unseen_characters_are_shown),		     TEST(test_no_text),
	};

	return cmocka_run_group_tests_name("settings", tests, NULL, NULL);
}
