/* SPDX-License-Identifier: MIT */
#include "host/refusal.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "host/host.h"


/* Newer than some kernels' headers. */
enum { BIT_PERFMON = 38, BIT_BPF = 39 };

#define CAPABILITY(bit) (1ull << (bit))
#define BPF_CAPABILITIES (CAPABILITY(BIT_BPF) | CAPABILITY(BIT_PERFMON))

/* ---- the table ---- */

static const struct call {
	const char *failed;	/* what could not be done */
	const char *name;	/* name of the system call in filters */
	const char *requires;	/* requirement of the kernel; NULL: no errno shows that it is missing */
	int since;		/* Linux version that has the call for certain */
	uint64_t needs;		/* capabilities */
	bool or_root;		/* it opens files of root, who needs no capability */
	bool is_file;		/* ENOENT: the kernel does not have it */
	const char *lockdown;	/* what lockdown=confidentiality does to it */
} calls[CALL_COUNT] = {
	[CALL_BTF] = { "reading the kernel's BTF (/sys/kernel/btf) failed", "openat", "CONFIG_DEBUG_INFO_BTF", 0, 0, false, true,
		       NULL },
	[CALL_BPF_ITERATOR] = { "using the BPF iterator failed", "bpf", "Linux 5.8 and CONFIG_BPF_SYSCALL", 508,
				BPF_CAPABILITIES, false, false,
				"lockdown=confidentiality forbids BPF programs to read kernel "
				"memory; lockdown=integrity allows it" },
	[CALL_BPF_COUNTER] = { "loading the BPF programs failed", "bpf", "Linux 5.11, CONFIG_BPF_EVENTS and BTF", 511,
			       BPF_CAPABILITIES, false, false,
			       "lockdown=confidentiality forbids BPF programs to read kernel memory; "
			       "lockdown=integrity allows it" },
	[CALL_PERF] = { "opening kvm's tracepoints failed", "perf_event_open", "CONFIG_PERF_EVENTS", 400, CAPABILITY(BIT_PERFMON),
			false, false, NULL },
	[CALL_TRACEFS] = { "reading tracefs (/sys/kernel/tracing) failed", "openat", "CONFIG_EVENT_TRACING", 0,
			   CAPABILITY(CAP_DAC_READ_SEARCH), true, true,
			   "lockdown=confidentiality forbids reading tracefs; lockdown=integrity "
			   "allows it" },
	[CALL_DEBUGFS] = { "reading /sys/kernel/debug failed", "openat", "CONFIG_DEBUG_FS", 0, CAPABILITY(CAP_DAC_READ_SEARCH), true,
			   true, NULL },
	[CALL_PIDFD_OPEN] = { "opening a guest's process failed", "pidfd_open", "Linux 5.6", 506, 0, false, false, NULL },
	[CALL_PIDFD_GETFD] = { "borrowing a guest's descriptors failed", "pidfd_getfd", "Linux 5.6", 506, CAPABILITY(CAP_SYS_PTRACE),
			       false, false, NULL },
	[CALL_GUEST_FDS] = { "reading /proc/PID/fd of guests failed", "openat", NULL, 0,
			     CAPABILITY(CAP_SYS_PTRACE) | CAPABILITY(CAP_DAC_READ_SEARCH), false, false, NULL },
	/* hidepid hides processes from users that may not trace them. */
	[CALL_GUEST_PROC] = { "reading /proc/PID of guests failed", "openat", NULL, 0, CAPABILITY(CAP_SYS_PTRACE), false,
			      false, NULL },
	[CALL_THREAD] = { "starting the thread that calls libvirt failed", "clone", NULL, 0, 0, false, false, NULL },
};

enum meaning {
	UNKNOWN,
	ABSENT,			/* the kernel does not have it */
	TOO_OLD,		/* likewise, if it is older than the call */
	NO_FILE,		/* likewise, if it is about a file */
	FORBIDDEN,
	NO_DESCRIPTORS, NO_HOST_DESCRIPTORS, NO_MEMORY,
	BUSY,
};

/* Every other errno is unknown. */
static const struct {
	int error;
	enum meaning meaning;
} errors[] = {
	{ ENOSYS, ABSENT },
	{ EINVAL, TOO_OLD },
	{ E2BIG, TOO_OLD },
	{ EOPNOTSUPP, TOO_OLD },
	{ 524, TOO_OLD },	/* the kernel's own ENOTSUPP */
	{ ENOENT, NO_FILE },
	{ EPERM, FORBIDDEN },
	{ EACCES, FORBIDDEN },
	{ EMFILE, NO_DESCRIPTORS },
	{ ENFILE, NO_HOST_DESCRIPTORS },
	{ ENOMEM, NO_MEMORY },
	{ EAGAIN, BUSY },
	{ EBUSY, BUSY },
	{ EINTR, BUSY },
};

static enum meaning meaning_of(int error)
{
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (errors[i].error == -error)
			return errors[i].meaning;
	return UNKNOWN;
}

bool refusal_passes(int error)
{
	return meaning_of(error) >= NO_DESCRIPTORS;
}

/* ---- this process ---- */

static uint64_t effective_capabilities(void)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (syscall(SYS_capget, &header, data) < 0)
		return 0;
	return data[0].effective | (uint64_t)data[1].effective << 32;
}

static uint64_t limit_of(int resource)
{
	struct rlimit limit;

	return getrlimit((__rlimit_resource_t)resource, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY ? UINT64_MAX :
													 limit.rlim_cur;
}

static int linux_version(void)
{
	int major = 0, minor = 0;
	struct utsname host;

	if (uname(&host) < 0 || sscanf(host.release, "%d.%d", &major, &minor) != 2)
		return 0;
	return 100 * major + minor;
}

/* Read a number from a file; returns otherwise if there is none. */
__attribute__((format(printf, 3, 4)))
static int64_t number_in(const struct sysroot *root, int64_t otherwise, const char *format, ...)
{
	char path[256], text[32], *end;
	int64_t number;
	va_list args;

	va_start(args, format);
	vsnprintf(path, sizeof(path), format, args);
	va_end(args);
	if (sysroot_read(root, text, sizeof(text), "%s", path) <= 0)
		return otherwise;
	number = strtoll(text, &end, 10);
	return end == text ? otherwise : number;
}

/*
 * Capabilities come from /proc: AppArmor removes those that it forbids from the answer of
 * capget(2), so they would seem to be missing. capget(2) is used only if /proc cannot be read.
 */
static void read_status(struct rights *rights, const struct sysroot *root)
{
	static const char capabilities[] = "\nCapEff:\t", seccomp[] = "\nSeccomp:\t";
	const char *line;
	char text[4096];

	rights->effective = effective_capabilities();
	if (sysroot_read(root, text, sizeof(text), "proc/self/status") <= 0)
		return;
	line = strstr(text, capabilities);
	if (line)
		rights->effective = strtoull(line + sizeof(capabilities) - 1, NULL, 16);
	line = strstr(text, seccomp);
	rights->is_filtered = line && line[sizeof(seccomp) - 1] == '2';
}

static bool is_in_user_namespace(const struct sysroot *root)
{
	char target[40];

	/* The inode number of the initial one is fixed. */
	return sysroot_readlink(root, target, sizeof(target), "proc/self/ns/user") > 0 &&
	       strcmp(target, "user:[4026531837]") != 0;
}

/* Find an active security module that confines this process and may refuse what capabilities allow. */
static void find_module(struct rights *rights, const struct sysroot *root)
{
	static const struct {
		const char *name, *title;
	} modules[] = { { "selinux", "SELinux" }, { "apparmor", "AppArmor" }, { "smack", "Smack" } };
	const char *title = "a security module";
	char active[256], label[64];

	if (sysroot_read(root, label, sizeof(label), "proc/self/attr/current") <= 0)
		return;
	label[strcspn(label, "\n")] = '\0';
	if (sysroot_read(root, active, sizeof(active), "sys/kernel/security/lsm") <= 0)
		active[0] = '\0';
	for (size_t i = 0; i < sizeof(modules) / sizeof(modules[0]); i++)
		if (strstr(active, modules[i].name))
			title = modules[i].title;
	if (!*label || strcmp(label, "unconfined") == 0 || number_in(root, 1, "sys/fs/selinux/enforce") == 0)
		return;
	snprintf(rights->module, sizeof(rights->module), "%s (%s)", title, label);
}

/* pids.max of this process's cgroup, which systemd calls TasksMax=; of cgroups v2 or v1. */
static uint64_t read_max_tasks(const struct sysroot *root)
{
	char text[4096], *rest = text, *line;

	if (sysroot_read(root, text, sizeof(text), "proc/self/cgroup") <= 0)
		return UINT64_MAX;
	while ((line = strsep(&rest, "\n"))) {
		char *controller = strchr(line, ':'), *path = controller ? strchr(controller + 1, ':') : NULL;
		int64_t tasks;

		if (!path)
			continue;
		*path++ = '\0';
		if (controller[1] && strcmp(controller + 1, "pids") != 0)
			continue;
		tasks = number_in(root, -1, "sys/fs/cgroup%s%s/pids.max", controller[1] ? "/pids" : "", path);
		if (tasks >= 0)
			return (uint64_t)tasks;
	}
	return UINT64_MAX;
}

void rights_read(struct rights *rights, const struct sysroot *root)
{
	int version = linux_version();

	*rights = (struct rights){
		.knows_cap_bpf = number_in(root, version < 508 ? 0 : BIT_BPF, "proc/sys/kernel/cap_last_cap") >= BIT_BPF,
		.is_root = geteuid() == 0,
		.in_user_namespace = is_in_user_namespace(root),
		.lockdown = host_lockdown(root),
		.perf_paranoid = (int)number_in(root, 0, "proc/sys/kernel/perf_event_paranoid"),
		.ptrace_scope = (int)number_in(root, 0, "proc/sys/kernel/yama/ptrace_scope"),
		.interprets_bpf = number_in(root, 1, "proc/sys/net/core/bpf_jit_enable") == 0,
		.linux_version = version,
		.max_files = limit_of(RLIMIT_NOFILE),
		.max_locked = limit_of(RLIMIT_MEMLOCK),
		.max_memory = limit_of(RLIMIT_AS),
		.max_threads = limit_of(RLIMIT_NPROC),
		.max_tasks = read_max_tasks(root),
	};
	read_status(rights, root);
	find_module(rights, root);
}

static bool has(const struct rights *rights, int bit)
{
	return rights->effective & CAPABILITY(bit);
}

/* The capabilities that the call needs and the process lacks. */
static uint64_t missing_capabilities(const struct call *call, const struct rights *rights)
{
	uint64_t missing = call->needs & ~rights->effective;

	if (call->or_root && rights->is_root)
		return 0;
	if (has(rights, CAP_DAC_OVERRIDE))
		missing &= ~CAPABILITY(CAP_DAC_READ_SEARCH);
	if (has(rights, CAP_SYS_ADMIN))
		missing &= ~BPF_CAPABILITIES;
	if (missing & BPF_CAPABILITIES && !rights->knows_cap_bpf)
		missing = (missing & ~BPF_CAPABILITIES) | CAPABILITY(CAP_SYS_ADMIN);
	return missing;
}

bool refusal_lacks(enum refusal_call call, const struct sysroot *root)
{
	struct rights rights;

	rights_read(&rights, root);
	return missing_capabilities(&calls[call], &rights) != 0;
}

/* ---- words ---- */

/* "CAP_BPF and CAP_PERFMON" */
static void name_capabilities(char *text, size_t size, uint64_t capabilities)
{
	static const struct {
		int bit;
		const char *name;
	} names[] = { { BIT_BPF, "CAP_BPF" }, { BIT_PERFMON, "CAP_PERFMON" }, { CAP_SYS_PTRACE, "CAP_SYS_PTRACE" },
		      { CAP_DAC_READ_SEARCH, "CAP_DAC_READ_SEARCH" }, { CAP_SYS_ADMIN, "CAP_SYS_ADMIN" } };
	size_t len = 0;

	text[0] = '\0';
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (capabilities & CAPABILITY(names[i].bit) && len < size)
			len += (size_t)snprintf(text + len, size - len, "%s%s", len ? " and " : "", names[i].name);
}

__attribute__((format(printf, 4, 5)))
static void report(struct kvmstat_source_status *status, const struct call *call, int error, const char *format, ...)
{
	int len = snprintf(status->text, sizeof(status->text), "%s (%s): ", call->failed, strerror(-error));
	va_list args;

	va_start(args, format);
	vsnprintf(status->text + len, sizeof(status->text) - (size_t)len, format, args);
	va_end(args);
}

/* The process has every capability that the call needs. */
static void explain_confined(struct kvmstat_source_status *status, const struct call *call, int error,
			     const struct rights *rights)
{
	bool locked = rights->max_locked != UINT64_MAX && rights->linux_version < 511 && call->needs & BPF_CAPABILITIES;

	if (locked && error == -EPERM)
		report(status, call, error,
		       "before Linux 5.11 BPF maps count as locked memory, which is limited to "
		       "%" PRIu64 " KiB for this process; raise LimitMEMLOCK= or ulimit -l", rights->max_locked / 1024);
	else if (*rights->module && rights->is_filtered)
		report(status, call, error, "%s or a seccomp filter forbids it; allow %s there (journalctl -k shows denials)",
		       rights->module, call->name);
	else if (*rights->module)
		report(status, call, error, "%s forbids it; allow it there (journalctl -k or ausearch -m avc shows the denial)",
		       rights->module);
	else if (rights->is_filtered)
		report(status, call, error, "a seccomp filter forbids %s; allow it (systemd: SystemCallFilter=)", call->name);
	else
		report(status, call, error,
		       "no capability is missing: a security module forbids it; see its log for "
		       "which one (journalctl -k)");
}

/*
 * Yama restricts attaching to a process, and pidfd_getfd(2) counts as that. From scope 1 on,
 * processes of the same user need CAP_SYS_PTRACE, as processes of others always do. With scope 3,
 * which lasts until the next boot, the capability does not help.
 */
static void explain_yama(struct kvmstat_source_status *status, const struct call *call, int error, const struct rights *rights,
			 const char *missing)
{
	if (rights->ptrace_scope > 2)
		report(status, call, error, "kernel.yama.ptrace_scope=%d forbids it to everyone "
					    "until the next boot; reboot with 2 or less%s%s",
		       rights->ptrace_scope, *missing ? " and add " : "", missing);
	else
		report(status, call, error, "this process lacks %s; %sadd it%s, or, for guests of its own user, set kernel.yama.ptrace_scope=0 (sysctl)",
		       missing, rights->is_root ? "" : "run as root or ",
		       rights->is_root ? " (systemd: CapabilityBoundingSet=; container: --cap-add)" : "");
}

static void explain_forbidden(struct kvmstat_source_status *status, const struct call *call, int error,
			      const struct rights *rights)
{
	uint64_t missing = missing_capabilities(call, rights);
	bool paranoid = call == &calls[CALL_PERF] && rights->perf_paranoid > 2 && !has(rights, CAP_SYS_ADMIN);
	bool yama = call == &calls[CALL_PIDFD_GETFD] && (rights->ptrace_scope > 2 || (rights->ptrace_scope > 0 && missing));
	char names[96];

	name_capabilities(names, sizeof(names), missing);
	if (call->needs && rights->in_user_namespace)
		report(status, call, error,
		       "this process runs in a user namespace, where capabilities do not count; run it in the host's (PrivateUsers=no)");
	else if (paranoid)
		/* A patch of Debian and Ubuntu. */
		report(status, call, error,
		       "kernel.perf_event_paranoid=%d requires CAP_SYS_ADMIN; set it to 2 "
		       "(sysctl)%s%s, or add CAP_SYS_ADMIN",
		       rights->perf_paranoid, missing ? " and add " : "", names);
	else if (yama)
		explain_yama(status, call, error, rights, names);
	else if (missing)
		report(status, call, error, "this process lacks %s; %sadd %s%s", names, rights->is_root ? "" : "run as root or ",
		       missing & (missing - 1) ? "them" : "it",
		       rights->is_root ? " (systemd: CapabilityBoundingSet=; container: --cap-add)" : "");
	else
		explain_confined(status, call, error, rights);
}

static void explain_memory(struct kvmstat_source_status *status, const struct call *call, int error,
			   const struct rights *rights)
{
	if (rights->max_memory != UINT64_MAX)
		report(status, call, error, "this process is limited to %" PRIu64 " MiB of address "
					    "space; raise LimitAS= or ulimit -v",
		       rights->max_memory >> 20);
	else
		report(status, call, error, "the host or this process's cgroup is short of memory; free some or raise MemoryMax=");
}

static void explain_threads(struct kvmstat_source_status *status, const struct call *call, int error,
			    const struct rights *rights)
{
	/* The limit of a user's processes does not apply to these. */
	bool exempt = rights->is_root || has(rights, CAP_SYS_RESOURCE) || has(rights, CAP_SYS_ADMIN);

	if (rights->max_tasks != UINT64_MAX)
		report(status, call, error, "this process's cgroup is limited to %" PRIu64 " "
					    "threads; raise TasksMax= (pids.max)",
		       rights->max_tasks);
	else if (rights->max_threads != UINT64_MAX && !exempt)
		report(status, call, error, "this user is limited to %" PRIu64 " threads; raise "
					    "LimitNPROC= or ulimit -u",
		       rights->max_threads);
	else
		report(status, call, error, "the host is short of memory or of threads; free some or raise sysctl kernel.threads-max");
}

static void explain_absent(struct kvmstat_source_status *status, const struct call *call, int error)
{
	report(status, call, error, "this kernel does not support it; it requires %s", call->requires);
}

/* What newer kernels' interpreters of BPF leave to the compiler, they refuse like a wrong program. */
static bool is_program(const struct call *call)
{
	return call == &calls[CALL_BPF_ITERATOR] || call == &calls[CALL_BPF_COUNTER];
}

static void explain_unknown(struct kvmstat_source_status *status, const struct call *call, int error)
{
	report(status, call, error, "%s returned errno %d for an unknown reason; please report this "
				    "with the kernel version",
	       call->name, -error);
}

/* Resolve an errno that has several meanings. */
static enum meaning resolve_meaning(enum meaning meaning, const struct call *call, const struct rights *rights)
{
	/* Some filters hide a call as if the kernel lacked it. */
	if (meaning == ABSENT && rights->linux_version >= call->since && rights->is_filtered)
		return FORBIDDEN;
	if (meaning == TOO_OLD)
		meaning = rights->linux_version < call->since ? ABSENT : UNKNOWN;
	if (meaning == NO_FILE)
		meaning = call->is_file ? ABSENT : UNKNOWN;
	return meaning == ABSENT && !call->requires ? UNKNOWN : meaning;
}

void refusal_explain(struct kvmstat_source_status *status, enum refusal_call which, int error, const struct rights *rights)
{
	const struct call *call = &calls[which];
	enum meaning meaning = resolve_meaning(meaning_of(error), call, rights);

	status->state = meaning == ABSENT || meaning == UNKNOWN ? KVMSTAT_MISSING : KVMSTAT_DENIED;
	if (call->lockdown && rights->lockdown == KVMSTAT_LOCKDOWN_CONFIDENTIALITY && !refusal_passes(error)) {
		status->state = KVMSTAT_DENIED;
		snprintf(status->text, sizeof(status->text), "%s", call->lockdown);
	} else if (meaning == ABSENT) {
		explain_absent(status, call, error);
	} else if (meaning == FORBIDDEN) {
		explain_forbidden(status, call, error, rights);
	} else if (meaning == NO_DESCRIPTORS) {
		report(status, call, error, "all %" PRIu64 " descriptors that this process may have "
					    "are in use; raise LimitNOFILE= or ulimit -n",
		       rights->max_files);
	} else if (meaning == NO_HOST_DESCRIPTORS) {
		report(status, call, error, "all descriptors of the host are in use; raise sysctl fs.file-max");
	} else if (meaning == NO_MEMORY) {
		explain_memory(status, call, error, rights);
	} else if (error == -EAGAIN && call == &calls[CALL_THREAD]) {
		explain_threads(status, call, error, rights);
	} else if (meaning == UNKNOWN && is_program(call) && rights->interprets_bpf && meaning_of(error) == TOO_OLD) {
		status->state = KVMSTAT_DENIED;
		report(status, call, error, "this kernel does not interpret the program; set "
					    "net.core.bpf_jit_enable=1 (sysctl)");
	} else if (meaning == BUSY) {
		report(status, call, error, "interrupted or busy; will retry");
	} else {
		explain_unknown(status, call, error);
	}
}

int refusal_report(struct kvmstat_source_status *status, const struct sysroot *root, enum refusal_call call, int error)
{
	struct rights rights;

	rights_read(&rights, root);
	refusal_explain(status, call, error, &rights);
	return error;
}
