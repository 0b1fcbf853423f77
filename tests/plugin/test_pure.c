/* SPDX-License-Identifier: MIT */
/*
 * test_pure.c - the parts of the plugin that know nothing of collectd: labels, state
 */
#include <stdlib.h>

#include "check.h"
#include "fake_core.h"
#include "send.h"

/* ---- allocations -------------------------------------------------------- */

static unsigned int allocations;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
char *__wrap_strdup(const char *text);

void *__wrap_malloc(size_t size)
{
	allocations++;
	return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	allocations++;
	return __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	allocations++;
	return __real_realloc(old, size);
}

char *__wrap_strdup(const char *text)
{
	allocations++;
	return __real_strdup(text);
}

/* ---- labels ------------------------------------------------------------- */

static const struct naming by_name = {
	.host = {1, {LABEL_HOSTNAME}}, .instance = {1, {LABEL_NAME}}, .hostname = "hv"};
static const struct naming by_host = {.host = {1, {LABEL_NAME}}, .hostname = "hv"};

/* Every byte of an identifier is one of these. */
static bool is_legal(const char *text)
{
	return text[0] &&
	       !text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:-")];
}

static void odd_names_get_legal_labels(void)
{
	static const struct {
		const char *name, *label;
	} names[] = {
		{"web-01_a.b:c", "web-01_a.b:c"},
		{"", "unnamed-811c9dc5"},
		{"a/b", "a_b-3a8e75c1"},
		{"a b", "a_b-10a3f9f2"},
		{"caf\xc3\xa9", "caf__-a82b5049"},
		{"bad\xff\xfe", "bad__-c16667a1"},
		{"x;y=z", "x_y_z-febd38cc"},
		{"a\nb", "a_b-28e4c710"},
		{"it's \"q\"", "it_s__q_-408b284f"},
		{".", "."},
		{"..", ".."},
		{"/", "_-2a0c975e"},
		{"*?[]{}%#&~", "__________-f2555882"},
	};
	struct label label;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		bool changed = label_make(&label, &by_name, names[i].name, "");

		CHECK_TEXT(label.instance, names[i].label);
		CHECK_TEXT(label.host, "hv");
		CHECK(is_legal(label.instance));
		CHECK(changed == (strcmp(names[i].name, names[i].label) != 0));
	}
}

static void long_names_are_cut_and_told_apart(void)
{
	struct label one, other;
	char name[301];

	memset(name, 'n', 300);
	name[300] = '\0';
	CHECK(label_make(&one, &by_name, name, ""));
	name[299] = 'm';
	CHECK(label_make(&other, &by_name, name, ""));
	CHECK(strlen(one.instance) == 109);
	CHECK(!label_same(&one, &other));
	name[101] = '\0';
	label_make(&one, &by_name, name, "");
	CHECK(strlen(one.instance) == 109);
	name[100] = '\0';
	CHECK(!label_make(&one, &by_name, name, ""));
	CHECK(strlen(one.instance) == 100);
}

static void a_host_is_never_a_way_out_of_a_directory(void)
{
	static const char *const names[] = {"..", ".", "../x", ".hidden", "/etc", ""};
	struct label label;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		CHECK(label_make(&label, &by_host, names[i], ""));
		CHECK(is_legal(label.host) && label.host[0] != '.');
		CHECK_TEXT(label.instance, "");
	}
	label_make(&label, &by_host, "web.example.com", "");
	CHECK_TEXT(label.host, "web.example.com");
}

static void formats_join_and_do_without_a_uuid(void)
{
	struct naming naming = by_name;
	struct label label;
	char error[256], name[121];

	CHECK(label_format_instance(&naming.instance, "  name\tuuid ", error, sizeof(error)) == 0);
	CHECK(!label_make(&label, &naming, "web", "11111111-2222-3333-4444-555555555555"));
	CHECK_TEXT(label.instance, "web:11111111-2222-3333-4444-555555555555");
	label_make(&label, &naming, "web", "");
	CHECK_TEXT(label.instance, "web");
	memset(name, 'n', 120);
	name[120] = '\0';
	label_make(&label, &naming, name, "11111111-2222-3333-4444-555555555555");
	label_append(&label, &naming, "11111111");
	CHECK(strlen(label.instance) == 118);
	CHECK(label_format_instance(&naming.instance, "uuid", error, sizeof(error)) == 0);
	label_make(&label, &naming, "web", "");
	CHECK_TEXT(label.instance, "web");
	CHECK(label_format_host(&naming.host, "", error, sizeof(error)) != 0);
	CHECK(label_format_host(&naming.host, "hostnam", error, sizeof(error)) != 0);
	CHECK(label_format_host(&naming.host, "NAME", error, sizeof(error)) != 0);
}

/* ---- state -------------------------------------------------------------- */

static struct state state;
static struct options options;

static void look(const struct naming *naming)
{
	struct kvmstat_sample *sample;

	fake.realtime_ns += 1000000000u;
	kvmstat_collect(NULL, &sample);
	CHECK(state_update(&state, sample, naming, true) >= 0);
	state_advance(&state, sample);
}

static const char *instance(uint32_t row)
{
	return state.guests[row].label.instance;
}

static void guests_of_one_name_are_told_apart(void)
{
	fake_add_guest(3, "web", "33333333-2222-3333-4444-555555555555");
	fake_add_guest(4, "web", "33333333-9999-3333-4444-555555555555");
	fake_add_guest(5, "web", "");
	fake_add_guest(6, "web", "11111111-9999-3333-4444-555555555555");
	look(&by_name);
	CHECK_TEXT(instance(0), "web");
	CHECK_TEXT(instance(1), "db");
	CHECK_TEXT(instance(2), "web-33333333");
	CHECK_TEXT(instance(3), "web-2");
	CHECK_TEXT(instance(4), "web-3");
	CHECK_TEXT(instance(5), "web-4");
}

static void a_name_like_a_suffixed_one_is_no_trap(void)
{
	fake_add_guest(3, "web-33333333", "");
	fake_add_guest(4, "web-2", "");
	fake_add_guest(5, "web", "33333333-2222-3333-4444-555555555555");
	look(&by_name);
	CHECK_TEXT(instance(4), "web-3");
}

static void labels_stay_when_others_come_and_go(void)
{
	fake_add_guest(3, "web", "33333333-2222-3333-4444-555555555555");
	look(&by_name);
	fake_remove_guest(0);
	look(&by_name);
	CHECK_TEXT(instance(0), "db");
	CHECK_TEXT(instance(1), "web-33333333");
	/* The second one restarts while the first one is away. */
	fake_remove_guest(1);
	fake_add_guest(4, "web", "33333333-2222-3333-4444-555555555555");
	look(&by_name);
	CHECK_TEXT(instance(1), "web-33333333");
	fake_add_guest(5, "web", "11111111-2222-3333-4444-555555555555");
	look(&by_name);
	CHECK_TEXT(instance(2), "web");
}

/* Guests of one name, from the oldest to the youngest as every source and every run of the collector sees them. */
static const struct {
	uint64_t start_ns;
	const char *uuid;
	pid_t pid;
	int fd;
	const char *label;
} twins[] = {
	{5, "99999999-2222-3333-4444-555555555555", 90, 9, "twin"},
	{7, "22222222-2222-3333-4444-555555555555", 80, 8, "twin-22222222"},
	{7, "33333333-2222-3333-4444-555555555555", 10, 7, "twin-33333333"},
	{8, "", 11, 8, "twin-2"},
	{8, "", 12, 4, "twin-3"},
	{8, "", 12, 7, "twin-4"},
};

enum { TWINS = sizeof(twins) / sizeof(twins[0]) };

static void add_twin(uint64_t id, int twin)
{
	struct kvmstat_guest *guest = &fake_add_guest(id, "twin", twins[twin].uuid)->guest;

	guest->start_ns = twins[twin].start_ns;
	guest->pid = twins[twin].pid;
	guest->fd = twins[twin].fd;
}

static void twins_keep_their_labels_in_whatever_order_they_are_found(void)
{
	for (int turn = 0; turn < 2 * TWINS; turn++) {
		fake_reset();
		for (int i = 0; i < TWINS; i++)
			add_twin(3 + (uint64_t)i, (turn < TWINS ? turn + i : 2 * TWINS + turn - i) % TWINS);
		look(&by_name);
		for (int i = 0; i < TWINS; i++)
			CHECK_TEXT(instance(2 + (uint32_t)i),
				   twins[(turn < TWINS ? turn + i : 2 * TWINS + turn - i) % TWINS].label);
		state_free(&state);
	}
}

/* What docs/collectd.md says of two guests of one name, when collectd starts again: web of 3..., and web of 1... that is younger. */
static void restart_collectd(uint64_t first_start_ns, uint64_t second_start_ns)
{
	state_free(&state);
	fake_reset();
	fake_add_guest(3, "web", "33333333-2222-3333-4444-555555555555")->guest.start_ns = first_start_ns;
	fake_add_guest(4, "web", "11111111-2222-3333-4444-555555555555")->guest.start_ns = second_start_ns;
	look(&by_name);
}

static void twins_swap_when_the_older_one_restarted_and_then_collectd(void)
{
	restart_collectd(5, 7);
	CHECK_TEXT(instance(2), "web");
	CHECK_TEXT(instance(3), "web-11111111");
	restart_collectd(5, 7);
	CHECK_TEXT(instance(2), "web");
	/* The one with the suffix may restart. */
	restart_collectd(5, 9);
	CHECK_TEXT(instance(2), "web");
	CHECK_TEXT(instance(3), "web-11111111");
	/* The other one may not. */
	restart_collectd(11, 9);
	CHECK_TEXT(instance(2), "web-33333333");
	CHECK_TEXT(instance(3), "web");
}

static bool at_once(void *context, const struct series_owner *owner, const struct cell *cell)
{
	(void)context;
	(void)owner;
	(void)cell;
	return true;
}

static void remember_label(void *context, const struct series_owner *owner, const struct cell *cell, uint64_t value,
			   uint64_t realtime_ns)
{
	(void)cell;
	(void)value;
	(void)realtime_ns;
	CHECK(strcmp(owner->label->instance, "") != 0);
	CHECK(strncmp(owner->label->instance, "pid-", 4) != 0);
	++*(unsigned int *)context;
}

/* As long as it is not known who a guest is, it takes no label, and nothing is sent of it or of its vCPUs. */
static void nothing_is_sent_of_the_unknown(void)
{
	unsigned int emitted = 0;
	struct pass run = {
		.options = &options, .state = &state, .emit = remember_label, .arrived = at_once, .context = &emitted};
	struct kvmstat_sample *sample;

	CHECK(options_init(&options) == 0);
	fake.guests[0].guest.key = "";
	fake.guests[0].guest.name = "pid-1001";
	fake_vcpu_value(fake_add_vcpu(0, 0), 0, 1);
	fake_vcpu_value(fake_add_vcpu(1, 0), 0, 1);
	kvmstat_collect(NULL, &sample);
	CHECK(state_update(&state, sample, &by_name, true) == 1);
	pass_run(&run, sample);
	pass_end(&run, sample);
	CHECK(emitted == 2);
	CHECK(!state.guests[0].named);
	CHECK_TEXT(instance(1), "db");
	state_advance(&state, sample);
	options_exit(&options);
	/* It is another one, once it is known. */
	fake_remove_guest(0);
	fake_add_guest(3, "web", "");
	look(&by_name);
	CHECK_TEXT(instance(0), "db");
	CHECK_TEXT(instance(1), "web");
}

static void the_name_of_the_hypervisor_is_taken(void)
{
	fake_add_guest(3, "hv", "");
	look(&by_host);
	CHECK_TEXT(state.guests[0].label.host, "web");
	CHECK_TEXT(state.guests[2].label.host, "hv-2");
}

static void many_guests_of_one_name_do_not_take_long(void)
{
	for (uint64_t id = 3; id <= 1000; id++)
		fake_add_guest(id, "same", "");
	look(&by_name);
	CHECK_TEXT(instance(2), "same");
	CHECK_TEXT(instance(999), "same-998");
}

static void count_emit(void *context, const struct series_owner *owner, const struct cell *cell, uint64_t value,
		       uint64_t realtime_ns)
{
	(void)owner;
	(void)cell;
	(void)value;
	(void)realtime_ns;
	++*(unsigned int *)context;
}

static void steady_passes_do_not_allocate(void)
{
	unsigned int emitted = 0;
	struct pass run = {.options = &options, .state = &state, .emit = count_emit, .arrived = at_once, .context = &emitted};
	struct kvmstat_sample *sample;

	CHECK(options_init(&options) == 0);
	for (uint64_t id = 3; id < 100; id++)
		fake_add_guest(id, "many", "")->value[0] = id;
	for (uint32_t id = 0; id < FAKE_VCPUS; id++)
		fake_vcpu_value(fake_add_vcpu(7, id), 0, 1);
	look(&by_name);
	for (int i = 0; i < 3; i++) {
		fake.realtime_ns++;
		fake.guests[50].value[i]++;
		kvmstat_collect(NULL, &sample);
		allocations = 0;
		CHECK(state_update(&state, sample, &by_name, true) == 0);
		pass_run(&run, sample);
		pass_end(&run, sample);
		state_advance(&state, sample);
		CHECK(allocations == 0);
	}
	/* Two more woke up, and each sent its 0 first; they are there in the third pass as well. */
	CHECK(emitted == 3 * (99 + FAKE_VCPUS) + 2 + 3);
	options_exit(&options);
}

/* ---- series ------------------------------------------------------------- */

static void names_of_vcpus_sort_and_never_overlap(void)
{
	static const uint32_t ids[] = {0, 9, 10, 99, 100, 999, 1000, 16383, UINT32_MAX};
	char name[LABEL_SIZE], last[LABEL_SIZE] = "";
	struct cell cell = {.type_instance = "exits", .len = 5};
	struct suffix suffix;

	series_name(name, &cell, NULL);
	CHECK_TEXT(name, "exits");
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		suffix = series_suffix(ids[i]);
		series_name(name, &cell, &suffix);
		CHECK(ids[i] > 999 || strcmp(last, name) < 0);
		memcpy(last, name, sizeof(last));
	}
	CHECK_TEXT(name, "exits-vcpu4294967295");
	suffix = series_suffix(3);
	series_name(name, &cell, &suffix);
	CHECK_TEXT(name, "exits-vcpu003");
	/* The vCPU is never cut off. */
	memset(cell.type_instance, 'e', LABEL_SIZE - 1);
	cell.len = LABEL_SIZE - 1;
	suffix = series_suffix(UINT32_MAX);
	series_name(name, &cell, &suffix);
	CHECK(strlen(name) == LABEL_SIZE - 1);
	CHECK_TEXT(name + LABEL_SIZE - 1 - 15, "-vcpu4294967295");
}

static const struct test tests[] = {
	{"odd names get legal labels", odd_names_get_legal_labels},
	{"long names are cut and told apart", long_names_are_cut_and_told_apart},
	{"a host is never a way out of a directory", a_host_is_never_a_way_out_of_a_directory},
	{"formats join and do without a UUID", formats_join_and_do_without_a_uuid},
	{"guests of one name are told apart", guests_of_one_name_are_told_apart},
	{"a name like a suffixed one", a_name_like_a_suffixed_one_is_no_trap},
	{"labels stay when others come and go", labels_stay_when_others_come_and_go},
	{"twins swap when the older one restarted", twins_swap_when_the_older_one_restarted_and_then_collectd},
	{"twins keep their labels in whatever order", twins_keep_their_labels_in_whatever_order_they_are_found},
	{"nothing is sent of the unknown", nothing_is_sent_of_the_unknown},
	{"the name of the hypervisor is taken", the_name_of_the_hypervisor_is_taken},
	{"many guests of one name", many_guests_of_one_name_do_not_take_long},
	{"steady passes do not allocate", steady_passes_do_not_allocate},
	{"names of vCPUs sort", names_of_vcpus_sort_and_never_overlap},
};

static void finish(void)
{
	state_free(&state);
	CHECK(fake.samples == 0);
	CHECK(fake.configs == 0);
	fake_reset();
}

int main(void)
{
	fake_reset();
	return check_run(tests, sizeof(tests) / sizeof(tests[0]), finish);
}
