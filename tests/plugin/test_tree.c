/* SPDX-License-Identifier: MIT */
/*
 * test_tree.c - the plugin with the real core, on a captured host
 */
#include <stdlib.h>
#include <time.h>

#include "check.h"
#include "fake_daemon.h"
#include "tree.h"

#define HV FAKE_HOSTNAME "/kvmstat"
#define NAME(text) text, sizeof(text) - 1

static const char *root;

static void start(const char *more)
{
	char text[4096];

	snprintf(text, sizeof(text), "<Plugin kvmstat>\nRoot \"%s\"\n%s\n</Plugin>\n", root, more);
	CHECK(daemon_configure(text) == 0);
	CHECK(daemon_init() == 0);
}

static void pass(void)
{
	daemon_forget();
	CHECK(daemon_read() == 0);
}

static int64_t derive(const char *id)
{
	const struct sent *sent = daemon_sent(id);

	return sent ? sent->derive : -1;
}

static double gauge(const char *id)
{
	const struct sent *sent = daemon_sent(id);

	return sent ? sent->number : -1;
}

static void values_of_files_arrive(void)
{
	tree_guest(100, NAME("web"), "11111111-2222-3333-4444-555555555555");
	tree_value(100, "exits", 1234567890123);
	tree_value(100, "pages_4k", 17);
	start("");
	CHECK(daemon_logged("I kvmstat plugin: version ", "1 guests, 5 events, source debugfs") == 1);
	pass();
	CHECK(derive(HV "-web/derive-exits") == 1234567890123);
	CHECK(gauge(HV "-web/gauge-pages_4k") == 17);
	CHECK(gauge(HV "/gauge-values") == 2);
	CHECK(!daemon_sent(HV "-web/derive-io_exits"));
	tree_value(100, "io_exits", 3);
	pass();
	CHECK(daemon_count(HV "-web/derive-io_exits") == 2);
}

static void odd_names_arrive_legal_and_unique(void)
{
	static const struct {
		const char *name;
		size_t len;
	} names[] = {
		{NAME("a/b")},
		{NAME("a.b")},
		{NAME("a b")},
		{NAME("a\"b'")},
		{NAME("a\nb")},
		{NAME("a;b")},
		{NAME("\xc3\xa9t\xc3\xa9")},
		{NAME("\xff\xfe")},
		{NAME("")},
		{NAME("a,b")},
		{NAME("same")},
		{NAME("same")},
		{NAME("..")},
		{NAME("self")},
	};
	enum { COUNT = sizeof(names) / sizeof(names[0]) };
	char longest[300], uuid[40];

	memset(longest, 'l', sizeof(longest));
	for (int i = 0; i < COUNT; i++) {
		snprintf(uuid, sizeof(uuid), "%08x-2222-3333-4444-555555555555", i + 1);
		tree_guest(100 + i, names[i].name, names[i].len, uuid);
		tree_value(100 + i, "exits", (uint64_t)i + 1);
	}
	tree_guest(900, longest, sizeof(longest), "");
	tree_value(900, "exits", 900);
	start("Event \"exits\"");
	pass();
	CHECK(gauge(HV "/gauge-values") == COUNT + 1);
	for (size_t i = 0; i < daemon_state.nsent; i++) {
		const char *id = daemon_state.sent[i].id;

		CHECK(daemon_count(id) == 1);
		CHECK(!id[strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:-/")]);
		CHECK(strspn(strchr(id, '/'), "/") == 1 &&
		      strchr(strchr(strchr(id, '/') + 1, '/') + 1, '/') == NULL);
		CHECK(strlen(id) < 3 * 127);
	}
	CHECK(derive(HV "-a.b/derive-exits") == 2);
	CHECK(derive(HV "-same/derive-exits") + derive(HV "-same-0000000c/derive-exits") == 11 + 12 ||
	      derive(HV "-same/derive-exits") + derive(HV "-same-0000000b/derive-exits") == 11 + 12);
	CHECK(derive(HV "-self/derive-exits") == 14);
}

static void guest_goes_and_returns(void)
{
	tree_guest(100, NAME("web"), "11111111-2222-3333-4444-555555555555");
	tree_value(100, "exits", 50);
	start("");
	pass();
	CHECK(derive(HV "-web/derive-exits") == 50);
	tree_guest_gone(100);
	pass();
	CHECK(!daemon_sent(HV "-web/derive-exits"));
	CHECK(gauge(HV "/gauge-guests") == 0);
	tree_guest(200, NAME("web"), "11111111-2222-3333-4444-555555555555");
	tree_value(200, "exits", 4);
	pass();
	CHECK(derive(HV "-web/derive-exits") == 4);
}

static void filters_work_by_name_and_expression(void)
{
	tree_guest(100, NAME("web"), "");
	tree_guest(200, NAME("db"), "");
	tree_value(100, "exits", 1);
	tree_value(100, "io_exits", 2);
	tree_value(200, "exits", 3);
	start("Guest \"/^w/\"\nEvent \"/^io_/\"");
	pass();
	CHECK(gauge(HV "/gauge-guests") == 1);
	CHECK(derive(HV "-web/derive-io_exits") == 2);
	CHECK(!daemon_sent(HV "-db/derive-exits"));
}

static void bad_words_are_logged_with_remedy(void)
{
	tree_guest(100, NAME("web"), "");
	tree_value(100, "exits", 1);
	start("Event \"/(/\"\nEvent \"exitss\"\nSource \"telepathy\"\nReportHistograms \"maybe\"");
	CHECK(daemon_logged("E kvmstat plugin: Event", "/(/") == 1);
	CHECK(daemon_logged("E kvmstat plugin: Event", "did you mean exits?") == 1);
	CHECK(daemon_logged(": Source", "expected auto") == 1);
	CHECK(daemon_logged(": ReportHistograms", "expected true or false") == 1);
	pass();
	CHECK(gauge(HV "/gauge-guests") == 1);
}

static void a_root_that_is_not_there(void)
{
	char text[600];

	snprintf(text, sizeof(text), "<Plugin kvmstat>\nRoot \"%s/nowhere\"\n</Plugin>\n", root);
	CHECK(daemon_configure(text) == 0);
	CHECK(daemon_init() != 0);
	CHECK(daemon_logged(": Root: cannot open the directory", NULL) == 1);
	CHECK(daemon_read() != 0);
}

static void a_host_without_guests(void)
{
	start("");
	pass();
	CHECK(gauge(HV "/gauge-guests") == 0);
	CHECK(daemon_logged("E ", NULL) == 0);
}

static const struct test tests[] = {
	{"tree: values of files arrive", values_of_files_arrive},
	{"tree: odd names arrive legal and unique", odd_names_arrive_legal_and_unique},
	{"tree: guest goes and returns", guest_goes_and_returns},
	{"tree: filters", filters_work_by_name_and_expression},
	{"tree: bad words are logged with remedy", bad_words_are_logged_with_remedy},
	{"tree: a Root that is not there", a_root_that_is_not_there},
	{"tree: a host without guests", a_host_without_guests},
};

static void finish(void)
{
	if (check_failures)
		daemon_print_log();
	CHECK(daemon_shutdown() == 0);
	daemon_forget();
	tree_new(root);
}

int main(int argc, char **argv)
{
	int status;

	if (argc != 3) {
		fprintf(stderr, "usage: %s PLUGIN DIRECTORY\n", argv[0]);
		return 2;
	}
	root = argv[2];
	daemon_load(argv[1]);
	tree_new(root);
	status = check_run(tests, sizeof(tests) / sizeof(tests[0]), finish);
	daemon_forget();
	return status;
}
