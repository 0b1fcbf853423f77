/* SPDX-License-Identifier: MIT */
/*
 * proc.c - the last resort: guests as processes that hold a VM open, without any event
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/pass.h"
#include "core/source.h"
#include "guests/sighting.h"
#include "host/proc.h"
#include "host/refusal.h"

/* Scanning every process is expensive; between two scans only known guests are checked. */
enum { FULL_SCAN_PASSES = 6 };

struct proc_state {
	uint64_t next_scan;	/* number of a pass */
};

/* Can this process see other users' open files? Process 1 is the example. 0 or -errno. */
static int may_look(const struct sysroot *root)
{
	DIR *dir = sysroot_opendir(root, "proc/1/fd");
	struct dirent *entry;
	char target[32];
	/* hidepid hides even the process itself. */
	ssize_t len = dir || errno == ENOENT ? -EACCES : -errno;

	while (dir && len < 0 && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			len = sysroot_readlink(root, target, sizeof(target), "proc/1/fd/%s", entry->d_name);
	if (dir)
		closedir(dir);
	return len < 0 ? (int)len : 0;
}

static int proc_open(struct context *context, struct source *source)
{
	struct kvmstat_source_status why;
	int rc;

	if (!sysroot_exists(&context->root, "proc/.")) {
		source_status(source, KVMSTAT_MISSING, "there is no /proc");
		return -ENOENT;
	}
	source->state = calloc(1, sizeof(struct proc_state));
	if (!source->state)
		return -ENOMEM;
	rc = context->root.live ? may_look(&context->root) : 0;
	if (rc < 0) {
		refusal_report(&why, &context->root, CALL_GUEST_FDS, rc);
		source_status(source, KVMSTAT_PARTIAL, "no events, and guests of this user only: %s", why.text);
	} else {
		source_status(source, KVMSTAT_ACTIVE, "it finds guests but has no events");
	}
	return 0;
}

static void proc_close(struct source *source)
{
	free(source->state);
	source->state = NULL;
}

static int see(struct pass *pass, pid_t pid, int fd)
{
	struct sighting sighting = { .tgid = pid, .fd = fd };
	bool first;

	/* The pid may have been reused. */
	if (proc_start(&pass->context->root, pid, &sighting.start_ns) < 0)
		sighting.start_ns = 0;
	snprintf(sighting.dir, sizeof(sighting.dir), "%d-%d", pid, fd);
	return pass_see(pass, &sighting, &first) ? 0 : -ENOMEM;
}

static int scan_process(struct pass *pass, pid_t pid)
{
	struct proc_kvm kvm;
	int rc = 0;

	if (proc_kvm(&pass->context->root, pid, &kvm) < 0)
		return 0;
	for (uint32_t i = 0; rc == 0 && i < kvm.nvms; i++)
		rc = see(pass, pid, kvm.vms[i]);
	proc_kvm_free(&kvm);
	return rc;
}

static int scan_all(struct pass *pass)
{
	DIR *dir = sysroot_opendir(&pass->context->root, "proc");
	struct dirent *entry;
	int rc = dir ? 0 : -errno;

	while (rc == 0 && (entry = readdir(dir))) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (pid > 0)
			rc = scan_process(pass, pid);
	}
	if (dir)
		closedir(dir);
	return rc;
}

static int check_known(struct pass *pass)
{
	const struct guests *guests = &pass->context->guests;
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < guests->count; i++) {
		const struct sighting *s = &guests->list[i]->seen_as;

		if (sighting_is_vm(&pass->context->root, s->tgid, s->fd) > 0)
			rc = see(pass, s->tgid, s->fd);
	}
	return rc;
}

static int proc_find(struct source *source, struct pass *pass)
{
	struct proc_state *state = source->state;

	if (pass->quiet_since)
		return pass_see_known(pass);
	if (pass->number < state->next_scan)
		return check_known(pass);
	state->next_scan = pass->number + FULL_SCAN_PASSES;
	uevents_look(&pass->context->uevents);
	return scan_all(pass);
}

const struct source_ops proc_source = {
	.id = KVMSTAT_PROC,
	.lists_only = true,
	.open = proc_open,
	.close = proc_close,
	.find = proc_find,
};
