/* SPDX-License-Identifier: MIT */
/* Guests whose process does not say who they are: because it hangs, or because we are short of something. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>

#include "interpose.h"
#include "lab.h"

static struct lab *lab;

static int setup(void **state)
{
	(void)state;
	lab = lab_new();
	lab_event(lab, "kvm", "exit_null", 0644);
	lab_qemu(lab, 100, "web");
	lab_value(lab, "kvm/100-10", "exit_null", "7\n");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	on_open = NULL;
	lab_free(lab);
	return 0;
}

/* Who opens a FIFO waits for its writer, as who reads the memory of a process may wait for that. */
static void hang(int pid)
{
	char path[64];

	snprintf(path, sizeof(path), "proc/%d/cmdline", pid);
	tree_remove(lab->tree, path);
	assert_int_equal(mkfifoat(lab->tree->root.fd, path, 0600), 0);
}

static void answer(int pid, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "proc/%d/cmdline", pid);
	tree_remove(lab->tree, path);
	lab_process(lab, pid, name, 1000ul + (unsigned long)pid);
}

static const char *complaint(void)
{
	const struct kvmstat_problem_status *problem = &lab->sample->problems[KVMSTAT_UNNAMED];

	return problem->active ? problem->text : "";
}

/* A helper that was killed dies when it gets a processor, and quick passes are no time: pause between them, for a minute at most. */
static void pass_again(int *passes)
{
	static const struct timespec pause = { .tv_nsec = 5000000 };

	assert_true(++*passes < 12000);
	nanosleep(&pause, NULL);
	lab_pass(lab);
}

static void pass_until_known(const char *name)
{
	int passes = 0;

	lab_pass(lab);
	while (!lab_find(lab->sample, name) || *complaint())
		pass_again(&passes);
}

/* Wait until every child has died: none is left behind. */
static void assert_no_children(void)
{
	pid_t child;

	do
		child = waitpid(-1, NULL, __WALL);
	while (child > 0 || (child < 0 && errno == EINTR));
	assert_int_equal(errno, ECHILD);
}

/* Its numbers come all the same, the others are not touched, and the process is named. */
static void test_hangs(void **state)
{
	uint64_t id;

	(void)state;
	lab_qemu(lab, 99, "db");
	lab_value(lab, "kvm/99-10", "exit_null", "9\n");
	hang(99);
	lab_pass(lab);
	lab_is(lab->sample, "qemu-system-s39-99", "exit_null", 9);
	lab_is(lab->sample, "web", "exit_null", 7);
	assert_string_equal(lab_row(lab->sample, "qemu-system-s39-99")->guest->key, "");
	assert_string_equal(lab_row(lab->sample, "web")->guest->key, "name:web");
	assert_non_null(strstr(complaint(), "process 99"));
	assert_non_null(strstr(complaint(), "1 of 2 guests"));

	/* It is not hidden for ever: from the third time that it does not answer, it has a key, but not that of its name. */
	for (int passes = 0; passes < 3; passes++)
		lab_pass(lab);
	lab_is(lab->sample, "qemu-system-s39-99", "exit_null", 9);
	assert_memory_equal(lab_row(lab->sample, "qemu-system-s39-99")->guest->key, "dir:", 4);
	id = lab_row(lab->sample, "qemu-system-s39-99")->guest->id;
	assert_non_null(strstr(complaint(), "process 99"));

	answer(99, "db");
	pass_until_known("db");
	assert_int_equal(lab->sample->nrows, 2);
	assert_true(lab_row(lab->sample, "db")->guest->id > id);
	assert_string_equal(lab_row(lab->sample, "db")->guest->key, "name:db");
	lab_is(lab->sample, "db", "exit_null", 9);
}

static bool all_have_keys(void)
{
	for (uint32_t i = 0; i < lab->sample->nrows; i++)
		if (!*lab->sample->rows[i].guest->key)
			return false;
	return true;
}

/* As long as all but those that hang answer at once, and what hangs hangs for ever, less patience shows the same, sooner. */
static void be_impatient(void)
{
	lab_open(lab);
	lab->kvmstat->context.guests.helper.pass_patience_ns = 60000000;
}

/* However many hang, in whatever order they are met: a pass is short, helpers are few, and the others are known in the end. */
static void test_many_hang(void **state)
{
	enum { MANY = 12 };
	uint64_t longest = 0;
	int passes = 0;

	(void)state;
	for (int pid = 200; pid < 200 + MANY; pid++) {
		lab_qemu(lab, pid, "hostage");
		hang(pid);
	}
	be_impatient();
	do {
		pass_again(&passes);
		assert_int_equal(lab->sample->nrows, MANY + 1);
		assert_true(lab->kvmstat->context.guests.helper.nhung <= PROC_MAX_HUNG);
		if (lab->sample->duration_ns > longest)
			longest = lab->sample->duration_ns;
	} while (!all_have_keys());
	assert_non_null(lab_find(lab->sample, "web"));
	assert_string_equal(lab_row(lab->sample, "web")->guest->key, "name:web");
	/* Of each pass: the patience, and what everyone has after it. */
	assert_true(longest < 20000000000ull);
	for (int pid = 200; pid < 200 + MANY; pid++)
		answer(pid, "free");
	pass_until_known("free");
	kvmstat_sample_put(lab->sample);
	lab->sample = NULL;
	kvmstat_close(lab->kvmstat);
	lab->kvmstat = NULL;
	assert_no_children();
}

/* A helper holds nothing of the program: what the program has locked is free when it closes it. */
static void test_holds_nothing(void **state)
{
	char path[PATH_MAX], link[PATH_MAX];
	struct proc_helper *helper;
	const char *cmdline;
	pid_t pid;

	(void)state;
	lab_pass(lab);
	helper = &lab->kvmstat->context.guests.helper;
	assert_int_equal(helper->pid, 0);
	proc_helper_begin(helper);
	assert_true(proc_helper_cmdline(helper, &lab->tree->root, 100, &cmdline) > 0);
	pid = helper->pid;
	assert_true(pid > 0);
	for (int fd = 0, held = 0; fd < 1024; fd++) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)pid, fd);
		held += readlink(path, link, sizeof(link)) > 0;
		assert_true(held <= 2);
	}
	/* Somebody kills it: another one takes its place. */
	kill(pid, SIGKILL);
	assert_int_equal(proc_helper_cmdline(helper, &lab->tree->root, 100, &cmdline), -EAGAIN);
	assert_true(proc_helper_cmdline(helper, &lab->tree->root, 100, &cmdline) > 0);
	assert_int_not_equal(helper->pid, pid);
	proc_helper_end(helper);
	assert_int_equal(helper->pid, 0);
	assert_no_children();
}

/* ---- short of something ---- */

static const char *refused;
static int refusal;

static int refuse(int dirfd, const char *path)
{
	(void)dirfd;
	return strcmp(path, refused) == 0 ? refusal : 0;
}

/* Whatever of it cannot be opened for a moment, and why: it gets no key before, and the right one then. */
static void test_shortage(void **state)
{
	static const char *const paths[] = {
		"proc/301/status", "proc/300/stat", "proc/300/comm", "proc/300/cmdline", "proc/300/cgroup", "proc",
	};
	static const int errors[] = { EMFILE, ENFILE, ENOMEM, EINTR, EAGAIN };

	(void)state;
	lab_pass(lab);
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths) * 5; i++) {
		bool nameless = strcmp(paths[i / 5], "proc/300/cgroup") == 0, ended = strcmp(paths[i / 5], "proc") == 0;
		const char *name = nameless ? "myvmm-300" : "late";
		const struct kvmstat_guest *guest;

		/* Each error for the first file, and for the one that a helper reads; one for each of the others. */
		if (i / 5 != 0 && strcmp(paths[i / 5], "proc/300/cmdline") != 0 && i / 5 % 5 != i % 5)
			continue;
		/* Its thread 301 made the VM, and may have ended. */
		lab_guest(lab, "kvm/301-10");
		lab_process(lab, 300, nameless ? NULL : "late", 1300);
		lab_fd(lab, 300, 10, "anon_inode:kvm-vm");
		if (!ended)
			lab_thread(lab, 301, 300);
		refused = paths[i / 5];
		refusal = errors[i % 5];
		on_open = refuse;
		/* As long as it takes. */
		for (int passes = 0; passes < 5; passes++) {
			lab_pass(lab);
			assert_int_equal(lab->sample->nrows, 2);
			assert_string_equal(lab->sample->rows[1].guest->key, "");
			if (!strstr(complaint(), strerror(refusal)))
				fail_msg("%s, %s: %s", refused, strerror(refusal), complaint());
			assert_null(strstr(complaint(), "root"));
			assert_string_equal(lab_row(lab->sample, "web")->guest->key, "name:web");
		}
		on_open = NULL;
		pass_until_known(name);
		guest = lab_row(lab->sample, name)->guest;
		assert_int_equal(lab->sample->nrows, 2);
		assert_string_equal(complaint(), "");
		assert_int_equal(guest->pid, 300);
		assert_memory_equal(guest->key, nameless ? "dir:" : "name:late", nameless ? 4 : 9);
		assert_true(guest->start_ns > 0);
		lab_end_guest(lab, "kvm/301-10");
		lab_discard(lab, "proc/300");
		if (!ended)
			lab_discard(lab, "proc/301");
		assert_int_equal(lab_pass(lab)->nrows, 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_hangs, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many_hang, setup, teardown),
		cmocka_unit_test_setup_teardown(test_holds_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_shortage, setup, teardown),
	};

	return cmocka_run_group_tests_name("unknown", tests, NULL, NULL);
}
