/* SPDX-License-Identifier: MIT */
/* Options: the same words in all front ends, and messages that name value and remedy. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/config.h"

static char error[256];

static int setup(void **state)
{
	*state = kvmstat_config_new();
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	kvmstat_config_free(*state);
	return 0;
}

static void set(void **state, const char *key, const char *value)
{
	memset(error, 0, sizeof(error));
	if (kvmstat_config_set(*state, key, value, error, sizeof(error)))
		fail_msg("%s %s: %s", key, value, error);
	assert_string_equal(error, "");
}

static void refused(void **state, const char *key, const char *value, const char *remedy)
{
	memset(error, 0, sizeof(error));
	assert_int_equal(kvmstat_config_set(*state, key, value, error, sizeof(error)), -EINVAL);
	if (!strstr(error, key) || !strstr(error, value) || !strstr(error, remedy))
		fail_msg("message \"%s\" does not have \"%s\", \"%s\" and \"%s\"", error, key, value, remedy);
}

static void assert_sources(const struct kvmstat_config *config, const char *expected)
{
	char names[64] = "";

	for (size_t i = 0; config->sources[i] != KVMSTAT_ABSENT; i++) {
		strcat(names, kvmstat_source_name(config->sources[i]));
		strcat(names, " ");
	}
	assert_string_equal(names, expected);
}

static void test_defaults(void **state)
{
	const struct kvmstat_config *config = *state;

	assert_string_equal(config->root, "/");
	assert_false(config->histograms);
	assert_sources(config, "bpf statsfd debugfs proc ");
	assert_true(filter_pass(config->guests, "web", NULL));
	assert_true(filter_pass(config->events, "exit_null", NULL));
}

static void test_guests(void **state)
{
	const struct kvmstat_config *config = *state;

	set(state, "Guest", "/^web/");
	set(state, "ExcludeGuest", "web2");
	assert_true(filter_pass(config->guests, "web1", NULL));
	assert_false(filter_pass(config->guests, "web2", NULL));
	assert_false(filter_pass(config->guests, "db", NULL));
	assert_true(filter_pass(config->events, "db", NULL));
}

static void test_events(void **state)
{
	const struct kvmstat_config *config = *state;

	set(state, "Event", "/^exit_/");
	set(state, "ExcludeEvent", "exit_null");
	assert_true(filter_pass(config->events, "exit_pei", NULL));
	assert_false(filter_pass(config->events, "exit_null", NULL));
	assert_false(filter_pass(config->events, "deliver_io", NULL));
	assert_true(filter_pass(config->guests, "exit_null", NULL));
}

static void test_old_names_of_events_match(void **state)
{
	const struct kvmstat_config *config = *state;

	set(state, "Event", "userspace_handled");
	assert_true(filter_pass(config->events, "exit_userspace", "userspace_handled"));
}

static void test_keys_in_any_case(void **state)
{
	const struct kvmstat_config *config = *state;

	set(state, "reporthistograms", "TRUE");
	set(state, "EXCLUDEGUEST", "web");
	assert_true(config->histograms);
	assert_false(filter_pass(config->guests, "web", NULL));
}

static void test_ignore_selected_before_and_after(void **state)
{
	const struct kvmstat_config *config = *state;

	set(state, "Guest", "web");
	set(state, "IgnoreSelected", "true");
	set(state, "Event", "exit_null");
	assert_false(filter_pass(config->guests, "web", NULL));
	assert_true(filter_pass(config->guests, "db", NULL));
	assert_false(filter_pass(config->events, "exit_null", NULL));
	assert_true(filter_pass(config->events, "exit_pei", NULL));
	set(state, "IgnoreSelected", "no");
	assert_true(filter_pass(config->guests, "web", NULL));
}

static void test_booleans(void **state)
{
	static const char *const yes[] = {"true", "yes", "on", "On"}, *const no[] = {"false", "no", "off",
										     "OFF"};
	const struct kvmstat_config *config = *state;

	for (size_t i = 0; i < 4; i++) {
		set(state, "ReportHistograms", yes[i]);
		assert_true(config->histograms);
		set(state, "ReportHistograms", no[i]);
		assert_false(config->histograms);
	}
}

static void test_wrong_booleans_change_nothing(void **state)
{
	const struct kvmstat_config *config = *state;

	set(state, "ReportHistograms", "true");
	refused(state, "ReportHistograms", "maybe", "expected true or false");
	refused(state, "ReportHistograms", "", "expected true or false");
	refused(state, "IgnoreSelected", "1", "expected true or false");
	assert_true(config->histograms);
}

static void chosen(void **state, const char *value, const char *expected)
{
	set(state, "Source", "auto");
	set(state, "Source", value);
	assert_sources(*state, expected);
}

static void test_sources(void **state)
{
	chosen(state, "debugfs", "debugfs proc ");
	chosen(state, "debugfs, bpf", "debugfs bpf proc ");
	chosen(state, "BPF\tdebugfs,", "bpf debugfs proc ");
	chosen(state, "debugfs StatsFd", "debugfs statsfd proc ");
	chosen(state, "statsfd,bpf,debugfs", "statsfd bpf debugfs proc ");
	chosen(state, "bpf LibVirt", "bpf libvirt proc ");
	chosen(state, "Auto", "bpf statsfd debugfs proc ");
}

static void test_repeated_sources_add_to_the_order(void **state)
{
	set(state, "Source", "debugfs");
	assert_sources(*state, "debugfs proc ");
	set(state, "Source", "bpf libvirt");
	assert_sources(*state, "debugfs bpf libvirt proc ");
	refused(state, "Source", "bpf", "expected each source once");
	set(state, "Source", "auto");
	assert_sources(*state, "bpf statsfd debugfs proc ");
	set(state, "Source", "bpf");
	assert_sources(*state, "bpf proc ");
}

static void test_options_are_those_that_can_be_set(void **state)
{
	const struct kvmstat_option *option;
	size_t count = 0;

	while ((option = kvmstat_config_option(count))) {
		assert_ptr_equal(kvmstat_config_find_option(option->name), option);
		assert_int_not_equal(kvmstat_config_set(*state, option->name, "?", error, sizeof(error)), -ENOENT);
		assert_true(*option->help && *option->value);
		count++;
	}
	assert_int_equal(count, 12);
	assert_null(kvmstat_config_find_option("Nothing"));
}

static void test_wrong_sources_change_nothing(void **state)
{
	set(state, "Source", "debugfs");
	refused(state, "Source", "ftrace", "expected auto, or any of bpf, statsfd, debugfs, libvirt");
	refused(state, "Source", "unknown", "expected auto");
	refused(state, "Source", "bpf auto", "expected auto, or any of bpf, statsfd, debugfs, libvirt");
	refused(state, "Source", "bpf,bpf", "expected each source once");
	refused(state, "Source", "absent", "expected auto");
	refused(state, "Source", "proc", "expected auto");
	refused(state, "Source", "", "names no source");
	refused(state, "Source", " , ", "names no source");
	assert_sources(*state, "debugfs proc ");
}

static void test_root(void **state)
{
	const struct kvmstat_config *config = *state;

	set(state, "Root", "/srv/capture 1");
	assert_string_equal(config->root, "/srv/capture 1");
	refused(state, "Root", "", "expected the one");
	assert_string_equal(config->root, "/srv/capture 1");
}

/* Guests of another host are not those that are found here. */
static void test_libvirt_uri(void **state)
{
	const struct kvmstat_config *config = *state;

	assert_string_equal(config->libvirt_uri, "qemu:///system");
	set(state, "LibvirtURI", "qemu:///session");
	assert_string_equal(config->libvirt_uri, "qemu:///session");
	refused(state, "LibvirtURI", "qemu+ssh://root@elsewhere/system", "expected qemu:///system");
	refused(state, "LibvirtURI", "qemu://elsewhere/system", "expected qemu:///system");
	refused(state, "LibvirtURI", "", "expected qemu:///system");
	assert_string_equal(config->libvirt_uri, "qemu:///session");
	set(state, "LIBVIRTURI", "qemu+unix:///system?socket=/run/sock");
	assert_string_equal(config->libvirt_uri, "qemu+unix:///system?socket=/run/sock");
}

static void test_broken_expression_names_the_option(void **state)
{
	const struct kvmstat_config *config = *state;

	refused(state, "ExcludeGuest", "/web[/", "backslash");
	refused(state, "Event", "/(/", "correct it");
	refused(state, "Guest", "", "expected a name");
	assert_true(filter_pass(config->guests, "web", NULL));
}

static void test_unknown_option_leaves_the_message_alone(void **state)
{
	strcpy(error, "as it was");
	assert_int_equal(kvmstat_config_set(*state, "Guests", "web", error, sizeof(error)), -ENOENT);
	assert_int_equal(kvmstat_config_set(*state, "", "web", error, sizeof(error)), -ENOENT);
	assert_string_equal(error, "as it was");
}

static void test_any_message_fits(void **state)
{
	char *value = malloc(65537);

	memset(value, '\n', 65536);
	value[65536] = '\0';
	assert_int_equal(kvmstat_config_set(*state, "Source", value, error, sizeof(error)), -EINVAL);
	assert_true(strlen(error) < sizeof(error) && !strchr(error, '\n'));
	assert_non_null(strstr(error, "expected auto"));
	value[0] = '/';
	assert_int_equal(kvmstat_config_set(*state, "ExcludeGuest", value, error, 10), -EINVAL);
	assert_true(strlen(error) < 10);
	free(value);
}

static void test_copy_is_of_its_own(void **state)
{
	struct kvmstat_config *copy;

	set(state, "Guest", "web");
	set(state, "Root", "/a");
	set(state, "Source", "debugfs");
	set(state, "ReportHistograms", "on");
	copy = config_copy(*state);
	assert_non_null(copy);
	set(state, "Guest", "db");
	set(state, "Root", "/b");
	set(state, "Source", "bpf");
	assert_string_equal(copy->root, "/a");
	assert_true(copy->histograms);
	assert_sources(copy, "debugfs proc ");
	assert_true(filter_pass(copy->guests, "web", NULL));
	assert_false(filter_pass(copy->guests, "db", NULL));
	kvmstat_config_free(copy);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_defaults),
		TEST(test_guests),
		TEST(test_events),
		TEST(test_old_names_of_events_match),
		TEST(test_keys_in_any_case),
		TEST(test_ignore_selected_before_and_after),
		TEST(test_booleans),
		TEST(test_wrong_booleans_change_nothing),
		TEST(test_sources),
		TEST(test_repeated_sources_add_to_the_order),
		TEST(test_options_are_those_that_can_be_set),
		TEST(test_wrong_sources_change_nothing),
		TEST(test_root),
		TEST(test_libvirt_uri),
		TEST(test_broken_expression_names_the_option),
		TEST(test_unknown_option_leaves_the_message_alone),
		TEST(test_any_message_fits),
		TEST(test_copy_is_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
