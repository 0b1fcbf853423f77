/* SPDX-License-Identifier: MIT */
/* What is said of every errno of every call that sources need, to processes with all kinds of rights. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "host/refusal.h"
#include "tree.h"

#define BIT(number) (1ull << (number))

enum { DAC_OVERRIDE = 1, DAC_READ_SEARCH = 2, SYS_PTRACE = 19, SYS_ADMIN = 21, PERFMON = 38, BPF = 39 };

static const struct rights nobody = {
	.knows_cap_bpf = true,
	.perf_paranoid = 2,
	.linux_version = 618,
	.max_files = 1024,
	.max_locked = UINT64_MAX,
	.max_memory = UINT64_MAX,
	.max_threads = UINT64_MAX,
	.max_tasks = UINT64_MAX,
};

static struct rights with(uint64_t capabilities)
{
	struct rights rights = nobody;

	rights.effective = capabilities;
	return rights;
}

static struct rights all(void)
{
	struct rights rights = with(~0ull);

	rights.is_root = true;
	return rights;
}

static const char *explain(enum refusal_call call, int error, struct rights rights, enum kvmstat_source_state state)
{
	static struct kvmstat_source_status status;

	memset(&status, 0xff, sizeof(status));
	refusal_explain(&status, call, -error, &rights);
	if (status.state != state)
		fail_msg("call %d, %s: %s, not %s: %s", call, strerror(error), kvmstat_state_name(status.state),
			 kvmstat_state_name(state), status.text);
	return status.text;
}

static void has_words(const char *text, const char *words)
{
	if (!strstr(text, words))
		fail_msg("'%s' is not in: %s", words, text);
}

static void lacks_words(const char *text, const char *words)
{
	if (strstr(text, words))
		fail_msg("'%s' is in: %s", words, text);
}

/* ---- not allowed ---- */

static void test_missing_capabilities(void **state)
{
	static const struct {
		enum refusal_call call;
		uint64_t held;
		const char *lacks;
	} rows[] = {
		{ CALL_BPF_ITERATOR, 0, "this process lacks CAP_BPF and CAP_PERFMON; run as root or add them" },
		{ CALL_BPF_ITERATOR, BIT(BPF), "this process lacks CAP_PERFMON; run as root or add it" },
		{ CALL_BPF_COUNTER, BIT(PERFMON), "this process lacks CAP_BPF; run as root or add it" },
		{ CALL_PERF, BIT(BPF), "this process lacks CAP_PERFMON;" },
		{ CALL_TRACEFS, BIT(BPF) | BIT(PERFMON), "this process lacks CAP_DAC_READ_SEARCH;" },
		{ CALL_DEBUGFS, 0, "this process lacks CAP_DAC_READ_SEARCH;" },
		{ CALL_PIDFD_GETFD, BIT(DAC_READ_SEARCH), "this process lacks CAP_SYS_PTRACE;" },
		{ CALL_GUEST_FDS, BIT(SYS_ADMIN), "this process lacks CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH;" },
		{ CALL_GUEST_FDS, BIT(DAC_OVERRIDE), "this process lacks CAP_SYS_PTRACE;" },
		{ CALL_GUEST_PROC, BIT(DAC_READ_SEARCH), "this process lacks CAP_SYS_PTRACE;" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		has_words(explain(rows[i].call, EPERM, with(rows[i].held), KVMSTAT_DENIED), rows[i].lacks);
		has_words(explain(rows[i].call, EACCES, with(rows[i].held), KVMSTAT_DENIED), rows[i].lacks);
	}
}

/* Whose capabilities a unit or a container took away is not sent to become root, which it is. */
static void test_root_lacks_capabilities(void **state)
{
	static const enum refusal_call calls[] = { CALL_BPF_ITERATOR, CALL_BPF_COUNTER, CALL_PERF, CALL_PIDFD_GETFD, CALL_GUEST_FDS,
						   CALL_GUEST_PROC };
	struct rights rights = with(0);

	(void)state;
	rights.is_root = true;
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		const char *text = explain(calls[i], EPERM, rights, KVMSTAT_DENIED);

		has_words(text, "this process lacks CAP_");
		has_words(text, "; add ");
		has_words(text, "(systemd: CapabilityBoundingSet=; container: --cap-add)");
		lacks_words(text, "run as root");
	}
}

/* Before Linux 5.8 there are no smaller ones. */
static void test_old_capabilities(void **state)
{
	struct rights rights = with(0);

	(void)state;
	rights.knows_cap_bpf = false;
	rights.linux_version = 418;
	has_words(explain(CALL_BPF_ITERATOR, EPERM, rights, KVMSTAT_DENIED), "this process lacks CAP_SYS_ADMIN; ");
	rights.effective = BIT(SYS_ADMIN);
	rights.max_locked = 64 * 1024;
	has_words(explain(CALL_BPF_ITERATOR, EPERM, rights, KVMSTAT_DENIED), "limited to 64 KiB for this process; raise LimitMEMLOCK=");
	rights.linux_version = 511;
	lacks_words(explain(CALL_BPF_ITERATOR, EPERM, rights, KVMSTAT_DENIED), "LimitMEMLOCK=");
}

static void test_confined(void **state)
{
	struct rights rights = all();
	const char *text;

	(void)state;
	for (enum refusal_call call = 0; call < CALL_COUNT; call++) {
		rights = all();
		has_words(explain(call, EACCES, rights, KVMSTAT_DENIED), "a security module forbids it");
		strcpy(rights.module, "AppArmor (/usr/sbin/kvmstat-agentx (enforce))");
		text = explain(call, EPERM, rights, KVMSTAT_DENIED);
		has_words(text, "AppArmor (/usr/sbin/kvmstat-agentx (enforce)) forbids it;");
		lacks_words(text, "seccomp");
		rights.is_filtered = true;
		text = explain(call, EPERM, rights, KVMSTAT_DENIED);
		has_words(text, "AppArmor (/usr/sbin/kvmstat-agentx (enforce)) or a seccomp filter forbids it;");
		rights.module[0] = '\0';
		text = explain(call, EPERM, rights, KVMSTAT_DENIED);
		has_words(text, "a seccomp filter forbids ");
		lacks_words(text, "security module");
	}
	has_words(explain(CALL_PIDFD_GETFD, EPERM, rights, KVMSTAT_DENIED), "forbids pidfd_getfd; allow it (systemd: SystemCallFilter=)");
}

/* Yama stands before pidfd_getfd() alone, which attaches to a process. */
static void test_yama(void **state)
{
	struct rights rights = with(0);
	const char *text;

	(void)state;
	lacks_words(explain(CALL_PIDFD_GETFD, EPERM, rights, KVMSTAT_DENIED), "yama");
	for (rights.ptrace_scope = 1; rights.ptrace_scope <= 2; rights.ptrace_scope++) {
		text = explain(CALL_PIDFD_GETFD, EPERM, rights, KVMSTAT_DENIED);
		has_words(text, "this process lacks CAP_SYS_PTRACE; run as root or add it, or, for guests of its own user, set "
				"kernel.yama.ptrace_scope=0 (sysctl)");
		lacks_words(explain(CALL_GUEST_FDS, EACCES, rights, KVMSTAT_DENIED), "yama");
		lacks_words(explain(CALL_GUEST_PROC, EACCES, rights, KVMSTAT_DENIED), "yama");
		lacks_words(explain(CALL_PIDFD_OPEN, EPERM, rights, KVMSTAT_DENIED), "yama");
		rights.is_root = true;
		has_words(explain(CALL_PIDFD_GETFD, EPERM, rights, KVMSTAT_DENIED), "container: --cap-add), or, for guests of its own user, set "
			  "kernel.yama.ptrace_scope=0 (sysctl)");
		rights.is_root = false;
		rights.effective = BIT(SYS_PTRACE);
		lacks_words(explain(CALL_PIDFD_GETFD, EPERM, rights, KVMSTAT_DENIED), "yama");
		rights.effective = 0;
	}
	has_words(explain(CALL_PIDFD_GETFD, EPERM, rights, KVMSTAT_DENIED),
		  "kernel.yama.ptrace_scope=3 forbids it to everyone until the next boot; reboot with 2 or less and add CAP_SYS_PTRACE");
	rights.effective = BIT(SYS_PTRACE);
	text = explain(CALL_PIDFD_GETFD, EPERM, rights, KVMSTAT_DENIED);
	has_words(text, "boot with 2 or less");
	lacks_words(text, "CAP_");
	rights.in_user_namespace = true;
	lacks_words(explain(CALL_PIDFD_GETFD, EPERM, rights, KVMSTAT_DENIED), "yama");
}

static void test_perf_event_paranoid(void **state)
{
	struct rights rights = with(BIT(BPF) | BIT(PERFMON));
	const char *text;

	(void)state;
	rights.perf_paranoid = 3;
	text = explain(CALL_PERF, EACCES, rights, KVMSTAT_DENIED);
	has_words(text, "kernel.perf_event_paranoid=3 requires CAP_SYS_ADMIN; set it to 2 (sysctl), or add CAP_SYS_ADMIN");
	lacks_words(text, "CAP_PERFMON");
	lacks_words(explain(CALL_BPF_COUNTER, EPERM, rights, KVMSTAT_DENIED), "paranoid");
	rights.effective = 0;
	has_words(explain(CALL_PERF, EACCES, rights, KVMSTAT_DENIED), "set it to 2 (sysctl) and add CAP_PERFMON, or add CAP_SYS_ADMIN");
	rights.effective = BIT(SYS_ADMIN);
	lacks_words(explain(CALL_PERF, EACCES, rights, KVMSTAT_DENIED), "paranoid");
	rights.effective = BIT(PERFMON);
	rights.perf_paranoid = 2;
	lacks_words(explain(CALL_PERF, EACCES, rights, KVMSTAT_DENIED), "paranoid");
}

/* riscv64 with Linux 7.2 and Debian's default. */
static void test_interpreted(void **state)
{
	struct rights rights = all();

	(void)state;
	lacks_words(explain(CALL_BPF_COUNTER, EINVAL, rights, KVMSTAT_MISSING), "bpf_jit_enable");
	rights.interprets_bpf = true;
	has_words(explain(CALL_BPF_COUNTER, EINVAL, rights, KVMSTAT_DENIED), "set net.core.bpf_jit_enable=1 (sysctl)");
	has_words(explain(CALL_BPF_ITERATOR, 524, rights, KVMSTAT_DENIED), "set net.core.bpf_jit_enable=1 (sysctl)");
	lacks_words(explain(CALL_BPF_COUNTER, EPERM, rights, KVMSTAT_DENIED), "bpf_jit_enable");
	lacks_words(explain(CALL_PERF, EINVAL, rights, KVMSTAT_MISSING), "bpf_jit_enable");
	rights.linux_version = 504;
	has_words(explain(CALL_BPF_COUNTER, EINVAL, rights, KVMSTAT_MISSING), "it requires Linux 5.11");
}

static void test_user_namespace(void **state)
{
	struct rights rights = all();

	(void)state;
	rights.in_user_namespace = true;
	has_words(explain(CALL_BPF_ITERATOR, EPERM, rights, KVMSTAT_DENIED), "user namespace, where capabilities do not count; ");
	/* It needs none. */
	lacks_words(explain(CALL_BTF, EACCES, rights, KVMSTAT_DENIED), "namespace");
}

static void test_lockdown(void **state)
{
	struct rights rights = all();

	(void)state;
	rights.lockdown = KVMSTAT_LOCKDOWN_CONFIDENTIALITY;
	has_words(explain(CALL_BPF_ITERATOR, EPERM, rights, KVMSTAT_DENIED), "lockdown=confidentiality forbids BPF");
	has_words(explain(CALL_BPF_ITERATOR, EINVAL, rights, KVMSTAT_DENIED), "lockdown=confidentiality forbids BPF");
	has_words(explain(CALL_TRACEFS, EPERM, rights, KVMSTAT_DENIED), "lockdown=confidentiality forbids reading tracefs");
	lacks_words(explain(CALL_BPF_ITERATOR, EMFILE, rights, KVMSTAT_DENIED), "lockdown");
	lacks_words(explain(CALL_PIDFD_GETFD, EPERM, rights, KVMSTAT_DENIED), "lockdown");
}

/* ---- not in this kernel ---- */

static void test_absent(void **state)
{
	struct rights rights = all();

	(void)state;
	has_words(explain(CALL_BPF_ITERATOR, ENOSYS, rights, KVMSTAT_MISSING), "it requires Linux 5.8 and CONFIG_BPF_SYSCALL");
	has_words(explain(CALL_PIDFD_GETFD, ENOSYS, rights, KVMSTAT_MISSING), "it requires Linux 5.6");
	has_words(explain(CALL_PERF, ENOSYS, rights, KVMSTAT_MISSING), "it requires CONFIG_PERF_EVENTS");
	has_words(explain(CALL_BTF, ENOENT, rights, KVMSTAT_MISSING), "it requires CONFIG_DEBUG_INFO_BTF");
	/* A filter may hide what the kernel has, but not what it cannot have. */
	rights.is_filtered = true;
	has_words(explain(CALL_BPF_ITERATOR, ENOSYS, rights, KVMSTAT_DENIED), "a seccomp filter forbids bpf;");
	rights.linux_version = 505;
	has_words(explain(CALL_PIDFD_GETFD, ENOSYS, rights, KVMSTAT_MISSING), "it requires Linux 5.6");
	has_words(explain(CALL_BPF_ITERATOR, EINVAL, rights, KVMSTAT_MISSING), "it requires Linux 5.8");
}

/* ---- no more of it ---- */

static void test_exhausted(void **state)
{
	struct rights rights = all();

	(void)state;
	for (enum refusal_call call = 0; call < CALL_COUNT; call++) {
		has_words(explain(call, EMFILE, rights, KVMSTAT_DENIED), "all 1024 descriptors that this process may have are in use; raise LimitNOFILE=");
		has_words(explain(call, ENFILE, rights, KVMSTAT_DENIED), "fs.file-max");
		has_words(explain(call, ENOMEM, rights, KVMSTAT_DENIED), "MemoryMax=");
		explain(call, EAGAIN, rights, KVMSTAT_DENIED);
		explain(call, EINTR, rights, KVMSTAT_DENIED);
	}
	rights.max_memory = 100 << 20;
	has_words(explain(CALL_BPF_ITERATOR, ENOMEM, rights, KVMSTAT_DENIED), "100 MiB of address space; raise LimitAS=");
	assert_true(refusal_passes(-EMFILE) && refusal_passes(-ENOMEM) && refusal_passes(-EAGAIN) && refusal_passes(-EINTR));
	assert_false(refusal_passes(-EPERM) || refusal_passes(-ENOSYS) || refusal_passes(-EINVAL) || refusal_passes(-EIO));
}

static void test_threads(void **state)
{
	struct rights rights = nobody;
	const char *text = explain(CALL_THREAD, EAGAIN, rights, KVMSTAT_DENIED);

	(void)state;
	lacks_words(text, "TasksMax=");
	lacks_words(text, "LimitNPROC=");
	rights.max_threads = 7;
	has_words(explain(CALL_THREAD, EAGAIN, rights, KVMSTAT_DENIED), "limited to 7 threads; raise LimitNPROC=");
	/* root is not bound by that. */
	rights.is_root = true;
	lacks_words(explain(CALL_THREAD, EAGAIN, rights, KVMSTAT_DENIED), "LimitNPROC=");
	rights.max_tasks = 9;
	has_words(explain(CALL_THREAD, EAGAIN, rights, KVMSTAT_DENIED), "limited to 9 threads; raise TasksMax=");
}

/* ---- every one ---- */

/* What no text may propose: what this process has, what this kernel has. */
static void check(enum refusal_call call, int error, struct rights rights)
{
	struct kvmstat_source_status status;

	refusal_explain(&status, call, -error, &rights);
	assert_true(status.state == KVMSTAT_MISSING || status.state == KVMSTAT_DENIED);
	if (strlen(status.text) + 1 >= sizeof(status.text) || !strstr(status.text, "; "))
		fail_msg("call %d, errno %d: %s", call, error, status.text);
	if (rights.effective == ~0ull) {
		lacks_words(status.text, "CAP_");
		lacks_words(status.text, "run as root");
	}
	if (rights.linux_version >= 511 && error != ENOSYS)
		lacks_words(status.text, "requires Linux");
	if (error != EPERM && error != EACCES && error != ENOSYS)
		lacks_words(status.text, "seccomp");
	if (strstr(status.text, "unknown reason"))
		assert_int_equal(status.state, KVMSTAT_MISSING);
	if (error == EIO) {
		has_words(status.text, "errno 5 for");
		has_words(status.text, "please report this");
	}
}

static void test_all(void **state)
{
	struct rights many[4] = { nobody, all(), all(), all() };

	(void)state;
	memset(many[2].module, 'x', sizeof(many[2].module) - 1);
	many[2].is_filtered = true;
	many[3].is_filtered = true;
	for (enum refusal_call call = 0; call < CALL_COUNT; call++)
		for (int error = 1; error <= 133; error++)
			for (int i = 0; i < 4; i++)
				check(call, error, many[i]);
}

/* ---- where it is read ---- */

static void test_read(void **state)
{
	struct tree *tree = tree_new();
	struct rights rights;

	(void)state;
	rights_read(&rights, &tree->root);
	assert_false(rights.is_filtered || rights.in_user_namespace || *rights.module || rights.interprets_bpf);
	assert_true(rights.max_tasks == UINT64_MAX && rights.linux_version > 400);
	tree_text(tree, "proc/self/status", "Name:\tx\nCapEff:\t000000c000000000\nNoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t1\n");
	tree_text(tree, "proc/self/attr/current", "/usr/sbin/kvmstat-agentx (enforce)\n");
	tree_text(tree, "sys/kernel/security/lsm", "lockdown,capability,landlock,yama,apparmor,tomoyo,bpf");
	tree_text(tree, "sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
	tree_text(tree, "proc/sys/kernel/perf_event_paranoid", "3\n");
	tree_text(tree, "proc/sys/kernel/yama/ptrace_scope", "2\n");
	tree_text(tree, "proc/sys/net/core/bpf_jit_enable", "0\n");
	tree_text(tree, "proc/self/cgroup", "0::/system.slice/kvmstat-agentx.service\n");
	tree_text(tree, "sys/fs/cgroup/system.slice/kvmstat-agentx.service/pids.max", "33\n");
	rights_read(&rights, &tree->root);
	assert_true(rights.is_filtered);
	/* Not capget(2)'s, which AppArmor changes. */
	assert_true(rights.effective == (BIT(BPF) | BIT(PERFMON)));
	assert_string_equal(rights.module, "AppArmor (/usr/sbin/kvmstat-agentx (enforce))");
	assert_int_equal(rights.lockdown, KVMSTAT_LOCKDOWN_INTEGRITY);
	assert_int_equal(rights.perf_paranoid, 3);
	assert_int_equal(rights.ptrace_scope, 2);
	assert_true(rights.interprets_bpf);
	assert_int_equal(rights.max_tasks, 33);
	tree_text(tree, "proc/self/attr/current", "unconfined\n");
	tree_text(tree, "sys/fs/cgroup/system.slice/kvmstat-agentx.service/pids.max", "max\n");
	tree_text(tree, "proc/self/status", "Name:\tx\nSeccomp:\t0\n");
	rights_read(&rights, &tree->root);
	assert_false(rights.is_filtered || *rights.module);
	assert_int_equal(rights.max_tasks, UINT64_MAX);
	/* cgroups of before, and SELinux, whose list of modules is not to be seen. */
	tree_text(tree, "proc/self/cgroup", "12:cpu:/a\n7:pids:/user.slice\n0::/x\n");
	tree_text(tree, "sys/fs/cgroup/pids/user.slice/pids.max", "44\n");
	tree_text(tree, "proc/self/attr/current", "system_u:system_r:collectd_t:s0");
	tree_text(tree, "sys/kernel/security/lsm", "lockdown,capability,selinux");
	rights_read(&rights, &tree->root);
	assert_int_equal(rights.max_tasks, 44);
	assert_string_equal(rights.module, "SELinux (system_u:system_r:collectd_t:s0)");
	tree_text(tree, "sys/fs/selinux/enforce", "0");
	rights_read(&rights, &tree->root);
	assert_string_equal(rights.module, "");
	tree_free(tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_missing_capabilities),
		cmocka_unit_test(test_root_lacks_capabilities),
		cmocka_unit_test(test_old_capabilities),
		cmocka_unit_test(test_confined),
		cmocka_unit_test(test_perf_event_paranoid), cmocka_unit_test(test_yama),
		cmocka_unit_test(test_interpreted),
		cmocka_unit_test(test_user_namespace),
		cmocka_unit_test(test_lockdown),
		cmocka_unit_test(test_absent),
		cmocka_unit_test(test_exhausted),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
