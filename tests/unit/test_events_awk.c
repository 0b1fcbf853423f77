/* SPDX-License-Identifier: MIT */
/* scripts/events.awk refuses a wrong events.tsv, says where it is wrong, and then makes nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define AWK "-f scripts/reasons.awk -f scripts/events.awk"
#define EVENT "1\ta\tcumulative\tcount\tvcpu\texits\texits\t-\ts390:5.14\ts390\t-\tIt is.\t-\t-\t-\t-\n"

static char output[65536];

/* Run it on this text; its exit status. What it says and makes is in output. */
static int generate(const char *kind, const char *text)
{
	char path[] = "/tmp/kvmstat-events-XXXXXX", command[256];
	int fd = mkstemp(path), status;
	FILE *pipe;
	size_t n;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	snprintf(command, sizeof(command), "awk -v out=%s " AWK " %s 2>&1", kind, path);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	n = fread(output, 1, sizeof(output) - 1, pipe);
	output[n] = '\0';
	status = pclose(pipe);
	unlink(path);
	return WEXITSTATUS(status);
}

static void refused(const char *text, const char *message)
{
	assert_int_equal(generate("c", text), 1);
	if (!strstr(output, message))
		fail_msg("\"%s\" does not have \"%s\"", output, message);
	assert_null(strstr(output, "event_table"));
}

static void test_good_file(void **state)
{
	(void)state;
	assert_int_equal(generate("c", EVENT "alias\tb\ts390\ta\n"), 0);
	assert_non_null(strstr(output, ".name = \"b\""));
	assert_int_equal(generate("md", EVENT), 0);
	assert_non_null(strstr(output, "### a\n"));
}

static void test_wrong_kind(void **state)
{
	(void)state;
	assert_int_equal(generate("html", EVENT), 1);
	assert_non_null(strstr(output, "say -v out=c or -v out=md"));
}

static void test_duplicates(void **state)
{
	(void)state;
	refused(EVENT "1\tb", ":2: an event has 16 fields");
	refused(EVENT "# x\n" EVENT, ":3: number 1 is that of line 1 already");
	refused(EVENT "2\ta\tcumulative\tcount\tvcpu\texits\t-\t-\t-\ts390\t-\tIt is.\t-\t-\t-\t-\n",
		":2: event a is in line 1");
	refused(EVENT "alias\tb\ts390\ta\nalias\tb\tx86\ta\n", ":3: alias b is in line 2 already");
}

static void test_numbers_out_of_range(void **state)
{
	(void)state;
	refused("0\tb\tcumulative\tcount\tvcpu\texits\t-\t-\t-\ts390\t-\tIt is.\t-\t-\t-\t-\n",
		":1: number 0 is not between");
	refused("65536\tb\tcumulative\tcount\tvcpu\texits\t-\t-\t-\ts390\t-\tIt is.\t-\t-\t-\t-\n",
		":1: number 65536 is not between");
	refused("-1\tb\tcumulative\tcount\tvcpu\texits\t-\t-\t-\ts390\t-\tIt is.\t-\t-\t-\t-\n",
		":1: number -1 is not between");
}

static void test_unknown_words(void **state)
{
	(void)state;
	refused("1\tb\tcumulativ\tcount\tvcpu\texits\t-\t-\t-\ts390\t-\tIt is.\t-\t-\t-\t-\n",
		":1: unknown class \"cumulativ\"");
	refused("1\tb\tpeak\ts\tvcpu\texits\t-\t-\t-\ts390\t-\tIt is.\t-\t-\t-\t-\n", ":1: unknown unit \"s\"");
	refused("1\tb\tpeak\tcount\thost\texits\t-\t-\t-\ts390\t-\tIt is.\t-\t-\t-\t-\n",
		":1: unknown scope \"host\"");
	refused("1\tb\tpeak\tcount\tvm\texit\t-\t-\t-\ts390\t-\tIt is.\t-\t-\t-\t-\n",
		":1: unknown category \"exit\"");
	refused("1\tb\tpeak\tcount\tvm\tio\tio,oi\t-\t-\ts390\t-\tIt is.\t-\t-\t-\t-\n",
		":1: unknown category \"oi\"");
	refused("1\tb\tpeak\tcount\tvm\tio\tio\t-\t-\tz\t-\tIt is.\t-\t-\t-\t-\n", ":1: unknown arch \"z\"");
	refused("1\tb\tpeak\tcount\tvm\tio\tio!z\t-\t-\ts390\t-\tIt is.\t-\t-\t-\t-\n", ":1: unknown arch \"z\"");
	refused("1\tb\tpeak\tcount\tvm\tio\tio\t-\t-\ts390\tundead\tIt is.\t-\t-\t-\t-\n",
		":1: unknown flag \"undead\"");
}

static void test_references(void **state)
{
	(void)state;
	refused("1\tb\tpeak\tcount\tvm\tio\tio\tc\t-\ts390\t-\tIt is.\t-\t-\t-\t-\n", ":1: unknown parent \"c\" of b");
	refused("1\tb\tpeak\tcount\tvm\tio\tio\tb\t-\ts390\t-\tIt is.\t-\t-\t-\t-\n", ":1: b is its own ancestor");
	refused(EVENT "alias\tb\ts390\tc\n", ":2: alias b is of the unknown event \"c\"");
	refused(EVENT "alias\ta\ts390\ta\n", ":2: alias a is an event of s390 (line 1)");
}

static void test_totals(void **state)
{
	(void)state;
	refused("1\tb\tpeak\tcount\tvm\tio\tio\t-\t-\ts390\tdead\tIt is.\t-\t-\t-\t-\n",
		":1: a dead event adds to nothing");
	refused("1\tb\tpeak\tcount\tvm\tio\tother\t-\t-\ts390\t-\tIt is.\t-\t-\t-\t-\n", ":1: \"other\" has no total");
}

static void test_texts(void **state)
{
	(void)state;
	refused("1\tb c\tpeak\tcount\tvm\tio\t-\t-\t-\ts390\t-\tIt is.\t-\t-\t-\t-\n",
		":1: \"b c\" cannot be the name");
	refused("1\tb\tpeak\tcount\tvm\tio\t-\t-\t-\ts390\t-\t-\t-\t-\t-\t-\n", ":1: the text of b is no sentence");
}

#define JUDGED "1\tb\tcumulative\tcount\tvm\tio\t-\t-\t-\ts390\t-\tIt is.\t-\t"

static void test_judged(void **state)
{
	(void)state;
	assert_int_equal(generate("c", JUDGED "work\t20\tcpu-starved\n"), 0);
	assert_non_null(strstr(output, ".judge = KVMSTAT_WORK, .signs = KVMSTAT_CAUSE_CPU_STARVED, .floor = 20 }"));
	assert_int_equal(generate("c", JUDGED "-\t-\t-\n"), 0);
	assert_null(strstr(output, ".judge ="));
	refused(JUDGED "play\t20\tio\n", ":1: unknown judge \"play\"");
	refused(JUDGED "-\t20\t-\n", ":1: b is not judged, but has a floor");
	refused(JUDGED "work\t0\tio\n", ":1: the floor of b is no rate");
	refused(JUDGED "work\t20\toi\n", ":1: unknown sign \"oi\"");
	refused("1\tb\tinstant\tcount\tvm\tio\t-\t-\t-\ts390\t-\tIt is.\t-\twork\t20\tio\n",
		":1: b is instant: only");
}

#define TRACEPOINT "tracepoint\t20000\tt\tx86:reason/isa s390:code\texits\tIt is.\n"
#define ISA "isa\tvmx\tx86\t1\t0xffff\n"
#define OTHER "reason\t20001\tt\tother\t-\texits\tIt is.\n"

static void test_reasons(void **state)
{
	(void)state;
	assert_int_equal(
		generate("c", ISA TRACEPOINT OTHER "reason\t20002\tt\tA\tvmx:0xfF,s390:3\texits\tIt is.\n"), 0);
	assert_non_null(strstr(output, ".name = \"t_A\""));
	assert_non_null(strstr(output, "{ .format = 0, .class = 1, .code = 255u, .event = 1 }"));
	assert_non_null(strstr(output, "{ .format = 1, .class = 0, .code = 3u, .event = 1 }"));
	assert_non_null(strstr(output, ".code = \"code\", .class = NULL, .total = 0, .other = 2 }"));
}

static void test_wrong_reasons(void **state)
{
	(void)state;
	refused("tracepoint\t20000\tt\n", ":1: a tracepoint has 6 fields");
	refused("reason\t20000\tt\n", ":1: a reason has 7 fields");
	refused("isa\tvmx\n", ":1: an isa has 5 fields");
	refused("isa\tvmx\tz\t1\t0xffff\n", ":1: unknown arch \"z\"");
	refused("tracepoint\t19999\tt\tany:reason\texits\tIt is.\n", ":1: number 19999 is not between 20000");
	refused("tracepoint\t20000\tt\tz:reason\texits\tIt is.\n", ":1: unknown arch \"z\"");
	refused(OTHER, ":1: unknown tracepoint \"t\"");
	refused(TRACEPOINT "reason\t20001\tt\tA\t-\texits\tIt is.\n", ":2: t_A has no codes");
	refused(TRACEPOINT "reason\t20001\tt\tA\tarm64:1\texits\tIt is.\n", ":2: \"arm64:1\" is no code of t");
	refused(TRACEPOINT "reason\t20001\tt\tA\ts390:0xg\texits\tIt is.\n", ":2: \"s390:0xg\" is no code of t");
	refused(TRACEPOINT "reason\t20001\tt\tA\ts390:1,s390:0x1\texits\tIt is.\n", ":2: code s390:0x1 is in line 2");
	refused(TRACEPOINT OTHER OTHER, ":3: number 20001 is that of line 2");
	refused(TRACEPOINT, ":1: t has no reason \"other\"");
}

static void test_documentation_is_up_to_date(void **state)
{
	(void)state;
	assert_int_equal(
		system("awk -v out=md " AWK " common/events/events.tsv common/events/reasons.tsv | cmp - docs/events.md"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good_file),
		cmocka_unit_test(test_wrong_kind),
		cmocka_unit_test(test_duplicates),
		cmocka_unit_test(test_numbers_out_of_range),
		cmocka_unit_test(test_unknown_words),
		cmocka_unit_test(test_references),
		cmocka_unit_test(test_totals),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_judged),
		cmocka_unit_test(test_reasons),
		cmocka_unit_test(test_wrong_reasons),
		cmocka_unit_test(test_documentation_is_up_to_date),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
