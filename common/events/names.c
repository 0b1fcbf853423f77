/* SPDX-License-Identifier: MIT */
/*
 * names.c - the words for the enumerations of kvmstat.h
 */
#include "kvmstat.h"

#define NAME(table, value)                                                                                   \
	((size_t)(value) < sizeof(table) / sizeof((table)[0]) && (table)[value] ? (table)[value] : "unknown")

const char *kvmstat_class_name(enum kvmstat_class class)
{
	static const char *const names[] = {
		[KVMSTAT_CUMULATIVE] = "cumulative",
		[KVMSTAT_INSTANT] = "instant",
		[KVMSTAT_PEAK] = "peak",
		[KVMSTAT_LINEAR_HIST] = "linear_hist",
		[KVMSTAT_LOG_HIST] = "log_hist",
	};

	return NAME(names, class);
}

const char *kvmstat_unit_name(enum kvmstat_unit unit)
{
	static const char *const names[] = {
		[KVMSTAT_COUNT] = "count",   [KVMSTAT_NS] = "ns",	    [KVMSTAT_BYTES] = "bytes",
		[KVMSTAT_CYCLES] = "cycles", [KVMSTAT_BOOLEAN] = "boolean",
	};

	return NAME(names, unit);
}

const char *kvmstat_scope_name(enum kvmstat_scope scope)
{
	static const char *const names[] = {
		[KVMSTAT_VM] = "vm",
		[KVMSTAT_VCPU] = "vcpu",
	};

	return NAME(names, scope);
}

const char *kvmstat_category_name(enum kvmstat_category category)
{
	static const char *const names[] = {
		[KVMSTAT_EXITS] = "exits",	   [KVMSTAT_IO] = "io",
		[KVMSTAT_IDLE] = "idle",	   [KVMSTAT_INSTRUCTION] = "instruction",
		[KVMSTAT_INTERRUPT] = "interrupt", [KVMSTAT_YIELD] = "yield",
		[KVMSTAT_MEMORY] = "memory",	   [KVMSTAT_USERSPACE] = "userspace",
		[KVMSTAT_OTHER] = "other",
	};

	return NAME(names, category);
}

const char *kvmstat_source_name(enum kvmstat_source source)
{
	static const char *const names[] = {
		[KVMSTAT_ABSENT] = "absent",
		[KVMSTAT_BPF] = "bpf",
		[KVMSTAT_DEBUGFS] = "debugfs",
		[KVMSTAT_PROC] = "proc",
		[KVMSTAT_STATSFD] = "statsfd",
		[KVMSTAT_TRACEPOINT] = "tracepoint",
		[KVMSTAT_LIBVIRT] = "libvirt",
	};

	return NAME(names, source);
}

const char *kvmstat_state_name(enum kvmstat_source_state state)
{
	static const char *const names[] = {
		[KVMSTAT_UNUSED] = "unused",   [KVMSTAT_ACTIVE] = "active", [KVMSTAT_PARTIAL] = "partial",
		[KVMSTAT_MISSING] = "missing", [KVMSTAT_DENIED] = "denied",
	};

	return NAME(names, state);
}

const char *kvmstat_vcpu_state_name(enum kvmstat_vcpu_state state)
{
	static const char *const names[] = {
		[KVMSTAT_VCPU_UNKNOWN] = "unknown",
		[KVMSTAT_VCPU_RUNNING] = "running",
		[KVMSTAT_VCPU_BLOCKED] = "blocked",
		[KVMSTAT_VCPU_OFFLINE] = "offline",
	};

	return NAME(names, state);
}

const char *kvmstat_problem_name(enum kvmstat_problem problem)
{
	static const char *const names[] = {
		[KVMSTAT_NO_KVM] = "no-kvm",	   [KVMSTAT_NO_SOURCE] = "no-source",
		[KVMSTAT_REFUSED] = "refused",	   [KVMSTAT_UNREADABLE] = "unreadable",
		[KVMSTAT_MALFORMED] = "malformed", [KVMSTAT_UNNAMED] = "unnamed",
		[KVMSTAT_TOO_MANY] = "too-many",
	};

	return NAME(names, problem);
}

const char *kvmstat_lockdown_name(enum kvmstat_lockdown lockdown)
{
	static const char *const names[] = {
		[KVMSTAT_LOCKDOWN_UNKNOWN] = "unknown",
		[KVMSTAT_LOCKDOWN_NONE] = "none",
		[KVMSTAT_LOCKDOWN_INTEGRITY] = "integrity",
		[KVMSTAT_LOCKDOWN_CONFIDENTIALITY] = "confidentiality",
	};

	return NAME(names, lockdown);
}
