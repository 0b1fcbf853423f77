/* SPDX-License-Identifier: MIT */
#include "sources/tracepoint/format.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "events/reason_table.h"
#include "host/refusal.h"

/* The longest, x86's kvm_exit with all its names, is 8 KiB. */
enum { FORMAT_MAX = 64 * 1024 };

/* ---- the file "format" ---- */

/* "\tfield:unsigned int exit_reason;\toffset:8;\tsize:4;\tsigned:0;": is the declaration's last word this name? */
static bool declares(const char *declaration, const char *end, const char *name)
{
	size_t len = strlen(name);

	return (size_t)(end - declaration) > len && strncmp(end - len, name, len) == 0 &&
	       isspace((unsigned char)end[-(ptrdiff_t)len - 1]);
}

static bool parse_number(const char *line, const char *word, unsigned long *number)
{
	const char *at = strstr(line, word);
	const char *end = strchr(line, '\n');
	char *after;

	if (!at || (end && at > end) || !isdigit((unsigned char)at[strlen(word)]))
		return false;
	*number = strtoul(at + strlen(word), &after, 10);
	return *after == ';';
}

static int member_of(const char *line)
{
	unsigned long offset, size;

	if (!parse_number(line, "\toffset:", &offset) || !parse_number(line, "\tsize:", &size))
		return -EINVAL;
	if (size != 1 && size != 2 && size != 4 && size != 8)
		return -EINVAL;
	if (offset < TRACEPOINT_FIRST || offset + size > TRACEPOINT_END || offset % size)
		return -EINVAL;
	return (int)TRACEPOINT_MEMBER(offset, size);
}

int tracepoint_find_member(const char *format, const char *name)
{
	static const char field[] = "\tfield:";
	const char *line = format;

	if (!strstr(format, field))
		return -EINVAL;
	for (; line; line = strchr(line, '\n')) {
		const char *end;

		line += *line == '\n';
		if (strncmp(line, field, sizeof(field) - 1) != 0)
			continue;
		end = line + strcspn(line, ";\n");
		if (*end == ';' && declares(line, end, name))
			return member_of(line);
	}
	return -ENOENT;
}

/* ---- tracefs ---- */

static int fail(struct kvmstat_source_status *status, enum kvmstat_source_state state, int rc, const char *text)
{
	status->state = state;
	snprintf(status->text, sizeof(status->text), "%s", text);
	return rc;
}

/* Where the events of kvm are. 0, or -errno with the reason in status. */
static int find_tracefs(const struct sysroot *root, const char **tracefs, struct kvmstat_source_status *status)
{
	static const char *const places[] = { "sys/kernel/tracing", "sys/kernel/debug/tracing" };
	bool mounted = false;
	int refused = 0;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		DIR *dir = sysroot_opendir(root, "%s/events/kvm", places[i]);

		if (dir) {
			closedir(dir);
			*tracefs = places[i];
			return 0;
		}
		/* Who may not enter debugfs may still enter tracefs. */
		if (errno != ENOENT && errno != ENOTDIR && !refused)
			refused = -errno;
		mounted |= sysroot_exists(root, "%s/events", places[i]);
	}
	if (refused)
		return refusal_report(status, root, CALL_TRACEFS, refused);
	if (mounted)
		return fail(status, KVMSTAT_MISSING, -ENOENT, "KVM has no tracepoints here: it is not loaded (modprobe kvm)");
	if (sysroot_exists(root, "sys/kernel/tracing"))
		return fail(status, KVMSTAT_MISSING, -ENOENT,
			    "tracefs is not mounted: mount -t tracefs tracefs /sys/kernel/tracing");
	return fail(status, KVMSTAT_MISSING, -ENOENT,
		    "this kernel has no tracefs: it needs CONFIG_EVENT_TRACING (CONFIG_FTRACE)");
}

static int read_id(const struct sysroot *root, const char *tracefs, const char *group, const char *name, uint64_t *id)
{
	char text[32], *end;
	ssize_t len = sysroot_read(root, text, sizeof(text), "%s/events/%s/%s/id", tracefs, group, name);

	if (len < 0)
		return (int)len;
	*id = strtoull(text, &end, 10);
	return isdigit((unsigned char)text[0]) && (*end == '\n' || !*end) ? 0 : -EINVAL;
}

/* Book3S has two ways to run guests, whose tracepoints are in groups of their own. */
static const char *const groups[] = { "kvm", "kvm_hv", "kvm_pr" };

/* A tracepoint's format, to be freed, and the group that it is in. 0, or -errno: -ENOENT if no group has it. */
static int read_format(const struct sysroot *root, const char *tracefs, const char *name, char **text, const char **group)
{
	int rc = -ENOENT;

	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]) && rc == -ENOENT; i++) {
		*group = groups[i];
		rc = (int)sysroot_slurp(root, text, FORMAT_MAX, "%s/events/%s/%s/format", tracefs, *group, name);
	}
	return rc < 0 ? rc : 0;
}

static enum tracepoint_decode decode_of(const struct known_format *known)
{
	if (strcmp(known->code, "instruction") == 0)
		return TRACEPOINT_S390;
	return known->class && strcmp(known->class, "errno") == 0 ? TRACEPOINT_RETURN : TRACEPOINT_CODE;
}

/*
 * 1: it exists
 * 0: this kernel has no such format
 * -EINVAL: its format is invalid
 * another -errno
 */
static int find_one(const struct sysroot *root, const char *tracefs, size_t number, struct tracepoint *tracepoint)
{
	const struct known_format *known = &format_table[number];
	const char *group;
	char *text = NULL;
	int code, class = 0;
	int rc = read_format(root, tracefs, known->tracepoint, &text, &group);

	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	code = tracepoint_find_member(text, known->code);
	if (code >= 0 && known->class)
		class = tracepoint_find_member(text, known->class);
	free(text);
	if (code < 0 || class < 0)
		return code == -ENOENT ? 0 : -EINVAL;
	tracepoint->config = (struct tracepoint_config){
		.code = (__u32)code,
		.class = (__u32)class,
		.format = (__u32)number,
		.decode = decode_of(known),
	};
	rc = read_id(root, tracefs, group, known->tracepoint, &tracepoint->id);
	return rc < 0 ? rc : 1;
}

int tracepoint_find_all(const struct sysroot *root, struct tracepoint tracepoints[TRACEPOINT_MAX],
			struct kvmstat_source_status *status)
{
	const char *tracefs = NULL;
	int count = find_tracefs(root, &tracefs, status);

	if (!tracefs)
		return count;
	for (size_t i = 0; i < format_table_count && count < TRACEPOINT_MAX; i++) {
		int rc = find_one(root, tracefs, i, &tracepoints[count]);

		if (rc == -EINVAL) {
			snprintf(status->text, sizeof(status->text), "cannot parse the format of "
								     "kvm:%s",
				 format_table[i].tracepoint);
			status->state = KVMSTAT_MISSING;
			return rc;
		}
		if (rc < 0)
			return refusal_report(status, root, CALL_TRACEFS, rc);
		count += rc;
	}
	if (!count)
		return fail(status, KVMSTAT_MISSING, -ENOENT, "this kernel's kvm has no known "
							      "tracepoint");
	return count;
}
