/* SPDX-License-Identifier: MIT */
/*
 * test_alarms.c - what the plugin reports of a guest that is not as usual, to whom, how often, and what it keeps
 */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugin_test.h"

#define RHEL7_UUID "77777777-2222-3333-4444-555555555555"
#define STORM_ID HV "-rhel7/derive-instruction_diagnose_44"

enum { INSTRUCTION, WAIT_STATE, CKC, DIAG_44, NEVENTS };
enum { FAILURE = 1, WARNING = 2, OKAY = 4 };
enum { DAY_S = 86400, MINUTE_PASSES = 6 };

static const double usual[NEVENTS] = {300, 200, 50, 10}, stormy[NEVENTS] = {4300, 200, 50, 4000}, nothing[NEVENTS];
static const char *dir;
static char *learnt;
static size_t learnt_size;
static unsigned int seed;
static unsigned int step_s = 10;

/* ---- a host whose guests count ------------------------------------------ */

static const char *path_of(const char *name)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static bool exists(const char *name)
{
	return access(path_of(name), F_OK) == 0;
}

static void add_guest(uint64_t id, const char *name, const char *key)
{
	struct fake_guest *guest = fake_add_guest(id, name, strncmp(key, "uuid:", 5) ? "" : key + 5);

	guest->guest.key = key;
	guest->vcpu_count = 64;
	guest->has_cpu = true;
}

/* rhel7 has 64 vCPUs, its host 14 CPUs. */
static void make_host(void)
{
	static const struct {
		const char *name;
		uint32_t number;
		enum kvmstat_category category;
	} events[NEVENTS] = {
		{"exit_instruction", 1007, KVMSTAT_INSTRUCTION},
		{"exit_wait_state", 1012, KVMSTAT_IDLE},
		{"deliver_ckc", 1051, KVMSTAT_INTERRUPT},
		{"instruction_diagnose_44", 1252, KVMSTAT_YIELD},
	};

	fake_reset();
	fake.nguests = fake.nevents = 0;
	for (int i = 0; i < NEVENTS; i++) {
		fake_add_event(events[i].name, events[i].number, KVMSTAT_CUMULATIVE, 1);
		fake.events[i].adds_to = 1u << events[i].category;
	}
	add_guest(1, "rhel7", "uuid:" RHEL7_UUID);
}

static double noise(void)
{
	seed = seed * 1103515245u + 12345u;
	return 0.8 + 0.4 * (seed >> 16 & 0x3ff) / 1023;
}

/* step_s seconds. What was sent and reported in all passes stays. */
static void pass_of(const double rates[NEVENTS])
{
	bool storm = rates == stormy;

	for (uint32_t row = 0; row < fake.nguests; row++) {
		struct fake_guest *guest = &fake.guests[row];

		for (int i = 0; i < NEVENTS; i++)
			guest->value[i] += (uint64_t)(step_s * (row && storm ? usual : rates)[i] * noise());
		guest->cpu_ns += step_s * (storm && !row ? 6000 : rates == nothing ? 0 : 1500) * (uint64_t)(SECOND / 1000);
		guest->wait_ns += step_s * (storm && !row ? 1000 : 10) * (uint64_t)(SECOND / 1000);
	}
	fake.realtime_ns += (uint64_t)step_s * SECOND;
	free(daemon_state.sent);
	daemon_state.sent = NULL;
	daemon_state.nsent = 0;
	CHECK(daemon_read() == 0);
}

static void passes_of(const double rates[NEVENTS], unsigned int count)
{
	while (count--)
		pass_of(rates);
}

static void begin(const char *options)
{
	char text[1024];

	snprintf(text, sizeof(text), "<Plugin kvmstat>\nStateDir \"%s\"\n%s\n</Plugin>\n", dir, options);
	start(text);
}

/* ---- files -------------------------------------------------------------- */

static char *read_file(const char *name, size_t *size)
{
	FILE *file = fopen(path_of(name), "r");
	char *text = malloc(1 << 20);

	*size = file && text ? fread(text, 1, (1 << 20) - 1, file) : 0;
	if (text)
		text[*size] = '\0';
	if (file)
		fclose(file);
	return text;
}

static void write_file(const char *name, const char *text, size_t size)
{
	FILE *file = fopen(path_of(name), "w");

	CHECK(file && fwrite(text, 1, size, file) == size);
	if (file)
		CHECK(fclose(file) == 0);
}

/* As a daemon left it that learnt for a day and a half, half a day ago. */
static void take_over(const char *options)
{
	make_host();
	mkdir(dir, 0755);
	write_file("baseline", learnt, learnt_size);
	fake.realtime_ns += 2ull * DAY_S * SECOND;
	begin(options);
	passes_of(usual, 2);
}

static void begin_learnt(const char *options)
{
	take_over(options);
	CHECK(daemon_logged("E ", NULL) + daemon_logged("W ", NULL) == 0);
}

static void live_a_day_and(unsigned int minutes)
{
	daemon_state.record = false;
	step_s = 300;
	passes_of(usual, (DAY_S + 60 * minutes) / step_s);
	step_s = 10;
	daemon_state.record = true;
}

static void learn(void)
{
	make_host();
	begin("");
	live_a_day_and(12 * 60);
	CHECK(daemon_state.nnotices == 0);
	CHECK(daemon_shutdown() == 0);
	learnt = read_file("baseline", &learnt_size);
	CHECK(learnt_size > 0);
}

/* ---- the tests ---------------------------------------------------------- */

static const struct notice *notice(size_t i)
{
	static const struct notice none;

	return i < daemon_state.nnotices ? &daemon_state.notices[i] : &none;
}

static bool has_meta(const struct notice *notice, const char *line)
{
	return strstr(notice->meta, line) != NULL;
}

/* The article's case: one notification when it begins and one when it is over, with one identifier. */
static void a_storm_is_reported_once_and_its_end_once(void)
{
	begin_learnt("DiagnoseNotify true");
	passes_of(stormy, 3);
	CHECK(daemon_state.nnotices == 1);
	CHECK(notice(0)->severity == FAILURE);
	CHECK_TEXT(notice(0)->id, STORM_ID);
	CHECK(strstr(notice(0)->message, "rhel7: 64 vCPUs on 14 CPUs: instruction_diagnose_44 ") == notice(0)->message);
	CHECK(strstr(notice(0)->message, "/s, never above 1") && strstr(notice(0)->message, " for a minute"));
	CHECK(strstr(notice(0)->message, "(overcommit). virsh vcpuinfo rhel7"));
	CHECK(notice(0)->time <= cdtime_of(fake.realtime_ns) && notice(0)->time >= cdtime_of(fake.realtime_ns - 10ull * SECOND));
	CHECK(gauge(HV "/gauge-alarms") == 1);
	CHECK(derive(STORM_ID) > 0);
	passes_of(stormy, 30 * MINUTE_PASSES);
	CHECK(daemon_state.nnotices == 1);
	passes_of(usual, 3 * MINUTE_PASSES + 1);
	CHECK(daemon_state.nnotices == 2);
	CHECK(notice(1)->severity == OKAY);
	CHECK_TEXT(notice(1)->id, STORM_ID);
	CHECK(strstr(notice(1)->message, "rhel7: normal again after 3") == notice(1)->message);
	CHECK(gauge(HV "/gauge-alarms") == 0);
	passes_of(usual, 60 * MINUTE_PASSES);
	CHECK(daemon_state.nnotices == 2);
	CHECK(daemon_logged("rhel7", NULL) == 0);
}

/* The upper edge of a band around the rate, on request; MaxValues counts it. */
static void what_is_usual_is_sent_on_request(void)
{
	char options[64];
	double rate, others;

	begin_learnt("");
	passes_of(usual, 3);
	CHECK(!daemon_sent(HV "-rhel7/gauge-instruction_diagnose_44-usual"));
	others = gauge(HV "/gauge-values");
	CHECK(daemon_shutdown() == 0);
	daemon_forget();
	begin_learnt("ReportUsual true");
	passes_of(usual, 3);
	rate = gauge(HV "-rhel7/gauge-instruction_diagnose_44-usual");
	CHECK(rate > 8 && rate < 20);
	CHECK(!daemon_sent(HV "-rhel7/gauge-exit_validity-usual"));
	CHECK(daemon_shutdown() == 0);
	daemon_forget();
	snprintf(options, sizeof(options), "ReportUsual true\nMaxValues %d", (int)others);
	take_over(options);
	passes_of(usual, 3);
	CHECK(!daemon_sent(HV "-rhel7/gauge-instruction_diagnose_44-usual"));
	CHECK(daemon_logged("W kvmstat plugin: ", " values are left out: MaxValues is ") == 1);
}

static void meta_data_has_what_the_message_has(void)
{
	begin_learnt("DiagnoseNotify true");
	passes_of(stormy, 3);
	CHECK(has_meta(notice(0), "cause=overcommit\n"));
	CHECK(has_meta(notice(0), "severity=major\n"));
	CHECK(has_meta(notice(0), "alarm=1\n"));
	CHECK(has_meta(notice(0), "event=instruction_diagnose_44\n"));
	CHECK(has_meta(notice(0), "parent=exit_instruction\n"));
	CHECK(has_meta(notice(0), "uuid=" RHEL7_UUID "\n"));
	CHECK(has_meta(notice(0), "CurrentValue="));
	CHECK(has_meta(notice(0), "WarningMax=1"));
	CHECK(has_meta(notice(0), "vcpus=64\ncpus=14\nwait=0."));
	passes_of(usual, 3 * MINUTE_PASSES + 1);
	CHECK(has_meta(notice(1), "severity=clear\n"));
	CHECK(has_meta(notice(1), "alarm=1\n"));
	CHECK(!has_meta(notice(1), "CurrentValue="));
}

static void without_listeners_it_is_in_the_log(void)
{
	begin_learnt("");
	passes_of(stormy, 3);
	CHECK(daemon_state.nnotices == 0);
	CHECK(daemon_logged("I kvmstat plugin: rhel7: 64 vCPUs on 14 CPUs", "(overcommit)") == 1);
	CHECK(gauge(HV "/gauge-alarms") == 1);
	CHECK(daemon_shutdown() == 0);
	daemon_forget();
	daemon_state.deaf = true;
	begin_learnt("DiagnoseNotify true");
	passes_of(stormy, 3);
	CHECK(daemon_logged("I kvmstat plugin: rhel7: 64 vCPUs on 14 CPUs", "(overcommit)") == 1);
}

static void off_nothing_is_judged_or_kept(void)
{
	make_host();
	begin("Diagnose false\nDiagnoseNotify true");
	passes_of(usual, 20 * MINUTE_PASSES);
	CHECK(!daemon_sent(HV "/gauge-alarms"));
	CHECK(gauge(HV "/gauge-guests") == 1);
	CHECK(daemon_shutdown() == 0);
	CHECK(!exists("baseline"));
}

static void a_cause_that_is_excluded_is_not_reported(void)
{
	begin_learnt("DiagnoseNotify true\nDiagnoseExcludeCause \"overcommit\" \"lock\"\nDiagnoseExcludeCause \"unknown\"");
	passes_of(stormy, 10 * MINUTE_PASSES);
	for (size_t i = 0; i < daemon_state.nnotices; i++)
		CHECK(!has_meta(notice(i), "cause=overcommit\n") && !has_meta(notice(i), "cause=lock\n"));
}

static void the_end_has_the_address_of_a_guest_that_is_gone(void)
{
	begin_learnt("DiagnoseNotify true\nHostnameFormat name\nPluginInstanceFormat uuid");
	passes_of(stormy, 3);
	fake_remove_guest(0);
	passes_of(usual, MINUTE_PASSES);
	CHECK(daemon_state.nnotices == 2);
	CHECK_TEXT(notice(0)->id, "rhel7/kvmstat-" RHEL7_UUID "/derive-instruction_diagnose_44");
	CHECK_TEXT(notice(1)->id, notice(0)->id);
	CHECK(notice(1)->severity == OKAY);
	CHECK(strstr(notice(1)->message, "rhel7: guest ended after ") == notice(1)->message);
}

/*
 * A lock that was contended turns out to be a flood of timers: the same alarm, under the address that it was raised with,
 * also after a restart.
 */
static void a_better_cause_keeps_the_address(void)
{
	static const double locked[NEVENTS] = {4300, 200, 50, 4000}, timers[NEVENTS] = {300, 200, 9000, 10};

	begin_learnt("DiagnoseNotify true");
	fake.guests[0].vcpu_count = 4;
	passes_of(locked, 2 * MINUTE_PASSES);
	CHECK(daemon_state.nnotices == 1);
	CHECK(has_meta(notice(0), "cause=lock\n"));
	CHECK_TEXT(notice(0)->id, STORM_ID);
	passes_of(timers, 2 * MINUTE_PASSES);
	CHECK(daemon_state.nnotices == 2);
	CHECK(notice(1)->severity == WARNING);
	CHECK(has_meta(notice(1), "cause=timer\n") && has_meta(notice(1), "alarm=1\n"));
	CHECK_TEXT(notice(1)->id, STORM_ID);
	CHECK(daemon_shutdown() == 0);
	begin("DiagnoseNotify true");
	passes_of(usual, 4 * MINUTE_PASSES);
	CHECK(daemon_state.nnotices == 3);
	CHECK(notice(2)->severity == OKAY);
	CHECK_TEXT(notice(2)->id, STORM_ID);
}

/* On a host of which nothing was learnt, a guest is judged by what was recorded of it. */
static void a_recorded_good_case_counts(void)
{
	make_host();
	mkdir(dir, 0755);
	mkdir(path_of("baselines"), 0755);
	write_file("baselines/good", learnt, learnt_size / 2);
	begin("DiagnoseNotify true");
	CHECK(daemon_logged("W kvmstat plugin: ", "/baselines/good, the recorded good case, cannot be used: it is cut") == 1);
	CHECK(daemon_shutdown() == 0);
	unlink(path_of("baseline"));
	daemon_forget();
	write_file("baselines/good", learnt, learnt_size);
	begin("DiagnoseNotify true");
	CHECK(daemon_logged("W ", NULL) == 0);
	passes_of(usual, 2);
	passes_of(stormy, 3);
	CHECK(daemon_state.nnotices == 1);
	CHECK_TEXT(notice(0)->id, STORM_ID);
	unlink(path_of("baselines/good"));
	CHECK(rmdir(path_of("baselines")) == 0);
}

/* Two guests of one name: the alarm is where the values are, and stays there when the guest has gone. */
static void a_twin_is_reported_under_its_own_label(void)
{
	static const char id[] = HV "-rhel7-77777777/derive-instruction_diagnose_44";

	make_host();
	add_guest(2, "rhel7", "name:rhel7");
	fake.guests[0].guest.start_ns = 9ull * SECOND;
	fake.guests[1].guest.start_ns = SECOND;
	mkdir(dir, 0755);
	write_file("baseline", learnt, learnt_size);
	fake.realtime_ns += 2ull * DAY_S * SECOND;
	begin("DiagnoseNotify true");
	passes_of(usual, 2);
	passes_of(stormy, 3);
	CHECK(daemon_state.nnotices == 1);
	CHECK_TEXT(notice(0)->id, id);
	CHECK(derive(id) > 0);
	fake_remove_guest(0);
	passes_of(usual, MINUTE_PASSES);
	CHECK_TEXT(notice(1)->id, id);
}

/* The alarm is in the file as soon as it was reported: what a daemon that is killed then leaves is enough for the end. */
static void the_end_is_reported_after_a_kill(void)
{
	size_t size;
	char *killed;

	begin_learnt("DiagnoseNotify true");
	passes_of(stormy, 3);
	CHECK(daemon_state.nnotices == 1);
	killed = read_file("baseline", &size);
	CHECK(strstr(killed, "\nalarm\t1\tuuid:" RHEL7_UUID "\tovercommit\t") != NULL);
	CHECK(daemon_shutdown() == 0);
	write_file("baseline", killed, size);
	free(killed);
	begin("DiagnoseNotify true");
	passes_of(stormy, 2 * MINUTE_PASSES);
	CHECK(daemon_state.nnotices == 1);
	CHECK(gauge(HV "/gauge-alarms") == 1);
	passes_of(usual, 4 * MINUTE_PASSES);
	CHECK(daemon_state.nnotices == 2);
	CHECK(notice(1)->severity == OKAY);
	CHECK_TEXT(notice(1)->id, STORM_ID);
	CHECK(has_meta(notice(1), "alarm=1\n"));
}

static void it_is_saved_each_quarter_of_an_hour_and_in_the_end(void)
{
	make_host();
	begin("");
	passes_of(usual, 15 * MINUTE_PASSES);
	CHECK(!exists("baseline"));
	pass_of(usual);
	CHECK(exists("baseline"));
	unlink(path_of("baseline"));
	passes_of(usual, 15 * MINUTE_PASSES - 1);
	CHECK(!exists("baseline"));
	pass_of(usual);
	CHECK(exists("baseline") && !exists("baseline.new"));
	unlink(path_of("baseline"));
	CHECK(daemon_shutdown() == 0);
	CHECK(exists("baseline"));
}

static void a_damaged_file_is_kept_aside(void)
{
	size_t size;
	char *bad;

	make_host();
	mkdir(dir, 0755);
	write_file("baseline", learnt, learnt_size / 2);
	begin("");
	CHECK(daemon_logged("W kvmstat plugin: ", "/baseline is damaged: ") == 1);
	CHECK(daemon_logged("it is kept as baseline.bad", NULL) == 1);
	passes_of(usual, 2);
	CHECK(gauge(HV "/gauge-alarms") == 0);
	bad = read_file("baseline.bad", &size);
	CHECK(size == learnt_size / 2 && !memcmp(bad, learnt, size));
	free(bad);
	CHECK(daemon_shutdown() == 0);
	CHECK(exists("baseline") && exists("baseline.bad"));
	daemon_forget();
	begin("");
	CHECK(daemon_logged("W ", NULL) == 0);
}

static void what_is_no_file_is_left_alone(void)
{
	make_host();
	mkdir(dir, 0755);
	CHECK(mkdir(path_of("baseline"), 0755) == 0);
	begin("");
	CHECK(daemon_logged("W kvmstat plugin: ", "/baseline cannot be read: it is not a regular file; nothing is saved") == 1);
	passes_of(usual, 40 * MINUTE_PASSES);
	CHECK(daemon_logged("E ", NULL) == 0);
	CHECK(daemon_shutdown() == 0);
	CHECK(rmdir(path_of("baseline")) == 0);
}

static void a_directory_that_cannot_be_written_is_reported_once(void)
{
	make_host();
	begin("");
	rmdir(dir);
	CHECK(symlink("/proc/self", dir) == 0);
	passes_of(usual, 40 * MINUTE_PASSES);
	CHECK(daemon_logged("E kvmstat plugin: ", "/baseline, which keeps what is usual, cannot be saved: ") == 1);
	CHECK(unlink(dir) == 0);
	passes_of(usual, 20 * MINUTE_PASSES);
	CHECK(daemon_logged("I kvmstat plugin: what is usual is saved again", NULL) == 1);
	CHECK(exists("baseline"));
}

static void the_directory_is_below_the_base_directory(void)
{
	struct stat st;

	make_host();
	mkdir(dir, 0755);
	daemon_state.base_dir = dir;
	start("<Plugin kvmstat>\n</Plugin>\n");
	passes_of(usual, 2);
	CHECK(daemon_shutdown() == 0);
	CHECK(exists("kvmstat/baseline"));
	CHECK(stat(path_of("kvmstat"), &st) == 0 && (st.st_mode & 07777) == 0755);
	unlink(path_of("kvmstat/baseline"));
	start("<Plugin kvmstat>\nStateDir \"\"\n</Plugin>\n");
	passes_of(usual, 20 * MINUTE_PASSES);
	CHECK(daemon_shutdown() == 0);
	CHECK(!exists("kvmstat/baseline"));
	rmdir(path_of("kvmstat"));
}

/* More alarms than are reported in a minute: the rest is counted, in the log and by the gauge. */
static void a_burst_of_alarms_is_cut(void)
{
	enum { GUESTS = 50 };
	static char keys[GUESTS][32];

	make_host();
	fake.nguests = 0;
	for (int i = 0; i < GUESTS; i++) {
		snprintf(keys[i], sizeof(keys[i]), "name:g%02d", i);
		add_guest((uint64_t)i + 1, keys[i] + 5, keys[i]);
	}
	begin("DiagnoseNotify true\nStateDir \"\"");
	live_a_day_and(30);
	passes_of(nothing, 30 * MINUTE_PASSES);
	CHECK(gauge(HV "/gauge-alarms") == GUESTS);
	CHECK(daemon_state.nnotices == 30);
	CHECK(daemon_logged("W kvmstat plugin: 20 more alarms were raised within a minute", NULL) == 1);
	CHECK(has_meta(notice(0), "cause=stalled\n"));
	CHECK_TEXT(notice(0)->id, HV "-g00/derive-stalled");
}

static const struct test tests[] = {
	{"alarms: a storm is reported once and its end once", a_storm_is_reported_once_and_its_end_once},
	{"alarms: what is usual", what_is_usual_is_sent_on_request},
	{"alarms: meta data", meta_data_has_what_the_message_has},
	{"alarms: without listeners it is in the log", without_listeners_it_is_in_the_log},
	{"alarms: off nothing is judged or kept", off_nothing_is_judged_or_kept},
	{"alarms: an excluded cause", a_cause_that_is_excluded_is_not_reported},
	{"alarms: the end of one whose guest is gone", the_end_has_the_address_of_a_guest_that_is_gone},
	{"alarms: a better cause keeps the address", a_better_cause_keeps_the_address},
	{"alarms: a recorded good case", a_recorded_good_case_counts},
	{"alarms: twins", a_twin_is_reported_under_its_own_label},
	{"alarms: the end is reported after a kill", the_end_is_reported_after_a_kill},
	{"alarms: saved each quarter of an hour and in the end", it_is_saved_each_quarter_of_an_hour_and_in_the_end},
	{"alarms: a damaged file is kept aside", a_damaged_file_is_kept_aside},
	{"alarms: what is no file is left alone", what_is_no_file_is_left_alone},
	{"alarms: a directory that cannot be written", a_directory_that_cannot_be_written_is_reported_once},
	{"alarms: the default directory", the_directory_is_below_the_base_directory},
	{"alarms: a burst is cut", a_burst_of_alarms_is_cut},
};

static void clean(void)
{
	finish();
	unlink(path_of("baseline"));
	unlink(path_of("baseline.bad"));
	unlink(dir);
	rmdir(dir);
}

int main(int argc, char **argv)
{
	int status;

	if (argc != 3) {
		fprintf(stderr, "usage: %s PLUGIN DIRECTORY\n", argv[0]);
		return 2;
	}
	dir = argv[2];
	daemon_load(argv[1]);
	clean();
	learn();
	clean();
	status = check_run(tests, sizeof(tests) / sizeof(tests[0]), clean);
	free(learnt);
	return status;
}
