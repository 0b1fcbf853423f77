/* SPDX-License-Identifier: MIT */
/* Filters: plain names and expressions, to include and to exclude, alone and together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/filter.h"

static char error[256];

static int setup(void **state)
{
	*state = filter_new();
	memset(error, 0, sizeof(error));
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	filter_free(*state);
	return 0;
}

static void include(void **state, const char *word)
{
	if (filter_add(*state, false, word, error, sizeof(error)))
		fail_msg("%s", error);
}

static void exclude(void **state, const char *word)
{
	if (filter_add(*state, true, word, error, sizeof(error)))
		fail_msg("%s", error);
}

#define PASSES(name) assert_true(filter_pass(*state, name, NULL))
#define FAILS(name) assert_false(filter_pass(*state, name, NULL))

static void test_empty_filter_passes_everything(void **state)
{
	PASSES("a");
	PASSES("");
	filter_invert(*state, true);
	PASSES("a");
}

static void test_plain_name_is_the_whole_name(void **state)
{
	include(state, "web");
	PASSES("web");
	FAILS("web1");
	FAILS("we");
	FAILS("WEB");
	FAILS("");
}

static void test_plain_name_is_no_expression(void **state)
{
	include(state, "a.c+");
	PASSES("a.c+");
	FAILS("abc");
}

static void test_expression_is_not_anchored(void **state)
{
	include(state, "/eb[0-9]+/");
	PASSES("web12x");
	FAILS("web");
}

static void test_anchored_expression(void **state)
{
	include(state, "/^(web|db)$/");
	PASSES("web");
	PASSES("db");
	FAILS("webdb");
}

static void test_slashes_inside_an_expression(void **state)
{
	include(state, "/^/slash/");
	PASSES("/slash name");
	FAILS("a/slash");
}

static void test_excluding_only(void **state)
{
	exclude(state, "web");
	exclude(state, "/^test-/");
	FAILS("web");
	FAILS("test-1");
	PASSES("db");
}

static void test_exclude_beats_include_in_any_order(void **state)
{
	exclude(state, "web2");
	include(state, "/^web/");
	exclude(state, "/3$/");
	PASSES("web1");
	FAILS("web2");
	FAILS("web3");
	FAILS("db");
}

static void test_several_includes_add_up(void **state)
{
	include(state, "web");
	include(state, "/^db/");
	PASSES("web");
	PASSES("db7");
	FAILS("mail");
}

static void test_inverted_includes_exclude(void **state)
{
	include(state, "web");
	filter_invert(*state, true);
	include(state, "/^db/");
	FAILS("web");
	FAILS("db1");
	PASSES("mail");
}

static void test_inverted_excludes_still_exclude(void **state)
{
	filter_invert(*state, true);
	include(state, "web");
	exclude(state, "db");
	FAILS("web");
	FAILS("db");
	PASSES("mail");
}

static void test_inverting_twice_is_as_before(void **state)
{
	include(state, "web");
	filter_invert(*state, true);
	filter_invert(*state, false);
	PASSES("web");
	FAILS("db");
}

static void test_either_name_includes(void **state)
{
	include(state, "9f0c");
	assert_true(filter_pass(*state, "web", "9f0c"));
	assert_true(filter_pass(*state, "9f0c", "web"));
	assert_false(filter_pass(*state, "web", "other"));
}

static void test_either_name_excludes(void **state)
{
	include(state, "web");
	exclude(state, "/^9f/");
	assert_false(filter_pass(*state, "web", "9f0c"));
	assert_true(filter_pass(*state, "web", "800c"));
}

static void test_copy_is_of_its_own(void **state)
{
	struct filter *copy;

	include(state, "/^web/");
	exclude(state, "web2");
	filter_invert(*state, false);
	copy = filter_copy(*state);
	assert_non_null(copy);
	include(state, "db");
	assert_true(filter_pass(copy, "web1", NULL));
	assert_false(filter_pass(copy, "web2", NULL));
	assert_false(filter_pass(copy, "db", NULL));
	filter_free(copy);
	PASSES("db");
}

static void test_copy_is_inverted_as_well(void **state)
{
	struct filter *copy;

	include(state, "web");
	filter_invert(*state, true);
	copy = filter_copy(*state);
	assert_non_null(copy);
	assert_false(filter_pass(copy, "web", NULL));
	assert_true(filter_pass(copy, "db", NULL));
	filter_free(copy);
}

/* Refused, with a message that has the word and the remedy, and without a trace in the filter. */
static void refused(void **state, const char *word, const char *quoted, const char *remedy)
{
	memset(error, 0, sizeof(error));
	assert_int_equal(filter_add(*state, false, word, error, sizeof(error)), -EINVAL);
	if (!strstr(error, quoted) || !strstr(error, remedy))
		fail_msg("message \"%s\" does not have \"%s\" and \"%s\"", error, quoted, remedy);
	PASSES("anything");
}

static void test_broken_expressions(void **state)
{
	refused(state, "/web[/", "/web[/", "backslash");
	refused(state, "/(/", "/(/", "correct it");
	refused(state, "/*{/", "/*{/", "correct it");
	refused(state, "/a\\/", "/a\\/", "correct it");
}

static void test_half_an_expression(void **state)
{
	refused(state, "/web", "/web", "expected a regular expression as");
	refused(state, "/", "/", "does not end with /");
}

static void test_empty_words(void **state)
{
	refused(state, "", "empty word", "expected a name");
	refused(state, "//", "//", "omit the option");
}

static void test_expressions_that_would_eat_the_process(void **state)
{
	char *word = malloc(65537);

	refused(state, "/(a{30000}){30000}/", "/(a{30000}){30000}/", "smaller numbers");
	refused(state, "/a{1,255}{1,255}{1,255}{1,255}/", "{1,255}", "smaller numbers");
	refused(state, "/a{99999999999999999999}/", "a{9", "smaller numbers");
	memset(word, '(', 65536);
	word[0] = word[65535] = '/';
	word[65536] = '\0';
	refused(state, word, "65534 bytes", "at most 2048");
	free(word);
}

static void test_largest_expression_that_is_taken(void **state)
{
	char *word = malloc(2051);

	word[0] = word[2049] = '/';
	memset(word + 1, '(', 1024);
	memset(word + 1025, ')', 1024);
	word[2050] = '\0';
	include(state, word);
	PASSES("a");
	free(word);
}

static void test_expression_for_a_uuid(void **state)
{
	include(state, "/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/");
	assert_true(filter_pass(*state, "web", "1b4e28ba-2fa1-11d2-883f-0016d3cca427"));
	FAILS("web");
}

static void test_name_of_64_kib(void **state)
{
	char *word = malloc(65537);

	memset(word, 'x', 65536);
	word[65536] = '\0';
	include(state, word);
	PASSES(word);
	word[65535] = '\0';
	FAILS(word);
	free(word);
}

static void test_long_words_are_cut_in_messages(void **state)
{
	char *word = malloc(1002);

	memset(word, 'x', 1001);
	word[0] = '/';
	word[1001] = '\0';
	refused(state, word, "xxx...", "does not end");
	assert_null(strstr(
		error,
		"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"));
	free(word);
}

static void test_control_characters_do_not_reach_messages(void **state)
{
	refused(state, "/a\nb\x1b[31m", "/a\\x0ab\\x1b[31m", "does not end");
	refused(state, "/\xc2\x9b", "/\\xc2\\x9b", "does not end");
	refused(state, "/gr\xc3\xb6\xc3\x9f\xe2\x82\xac\xff", "/gr\xc3\xb6\xc3\x9f\xe2\x82\xac\\xff",
		"does not end");
}

static void test_invalid_utf8(void **state)
{
	include(state, "web\xff\xfe");
	include(state, "/^db/");
	PASSES("web\xff\xfe");
	FAILS("web\xff");
	PASSES("db\xff\xc3");
	FAILS("\xc3\x28");
}

static void test_short_buffer_for_the_message(void **state)
{
	char small[8];

	assert_int_equal(filter_add(*state, false, "/(/", small, sizeof(small)), -EINVAL);
	assert_true(strlen(small) < sizeof(small));
	assert_int_equal(filter_add(*state, false, "/(/", NULL, 0), -EINVAL);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_empty_filter_passes_everything),
		TEST(test_plain_name_is_the_whole_name),
		TEST(test_plain_name_is_no_expression),
		TEST(test_expression_is_not_anchored),
		TEST(test_anchored_expression),
		TEST(test_slashes_inside_an_expression),
		TEST(test_excluding_only),
		TEST(test_exclude_beats_include_in_any_order),
		TEST(test_several_includes_add_up),
		TEST(test_inverted_includes_exclude),
		TEST(test_inverted_excludes_still_exclude),
		TEST(test_inverting_twice_is_as_before),
		TEST(test_either_name_includes),
		TEST(test_either_name_excludes),
		TEST(test_copy_is_of_its_own),
		TEST(test_copy_is_inverted_as_well),
		TEST(test_broken_expressions),
		TEST(test_half_an_expression),
		TEST(test_empty_words),
		TEST(test_expressions_that_would_eat_the_process),
		TEST(test_largest_expression_that_is_taken),
		TEST(test_expression_for_a_uuid),
		TEST(test_name_of_64_kib),
		TEST(test_long_words_are_cut_in_messages),
		TEST(test_control_characters_do_not_reach_messages),
		TEST(test_invalid_utf8),
		TEST(test_short_buffer_for_the_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
