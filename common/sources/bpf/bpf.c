/* SPDX-License-Identifier: MIT */
/*
 * bpf.c - the source that reads every guest of the host in one pass of a BPF iterator, locked down or not
 */
#include "core/pass.h"
#include "core/source.h"

#if WITH_BPF

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/refusal.h"
#include "sources/bpf/load.h"
#include "sources/bpf/stream.h"

/* The kernel hands out at most 32 KiB at once; with this much, whole records come in one read. */
enum { BUFFER_SIZE = 128 * 1024 };

struct bpf_state {
	struct bpf_loader *loader;
	struct layout layout;
	struct bpf_stream stream;
	struct bpf_walk walk;
	dev_t btf_dev;		/* of the kvm module's BTF, to notice that the module was reloaded */
	ino_t btf_ino;
	char buffer[BUFFER_SIZE];
};

static void btf_identity(const struct sysroot *root, dev_t *dev, ino_t *ino)
{
	struct stat st;
	bool is_module = sysroot_stat(root, &st, "sys/kernel/btf/kvm") == 0;

	*dev = is_module ? st.st_dev : 0;
	*ino = is_module ? st.st_ino : 0;
}

/*
 * Hints for an unknown event: the mode of its debugfs file shows whether it is an instant value,
 * and stat() works even under lockdown.
 */
static struct event_hint hint_for(const struct sysroot *root, const struct layout_event *event)
{
	struct event_hint hint = { .class = KVMSTAT_CUMULATIVE, .unit = KVMSTAT_COUNT, .scope = event->scope };
	struct stat st;

	if (event->cells > 1)
		hint.class = KVMSTAT_LOG_HIST;
	else if (sysroot_stat(root, &st, "sys/kernel/debug/kvm/%s", event->name) == 0 && (st.st_mode & 0777) == 0444)
		hint.class = KVMSTAT_INSTANT;
	return hint;
}

/* Offer each event of the layout; events above the limit (ENOSPC) are removed from it. */
static int offer_events(struct context *context, struct source *source, struct layout *layout)
{
	const char **names = calloc(layout->nevents + 1, sizeof(char *));
	const char *arch;
	size_t i = 0;
	int rc = 0;

	if (!names)
		return -ENOMEM;
	for (size_t k = 0; k < layout->nevents; k++)
		names[k] = layout->events[k].name;
	arch = registry_arch(names, layout->nevents, "");
	free(names);
	while (i < layout->nevents && rc == 0) {
		const struct layout_event *event = &layout->events[i];
		struct event_hint hint = hint_for(&context->root, event);
		const struct kvmstat_event *known = registry_intern(context->registry, arch, event->name, &hint);

		if (!known && errno == ENOSPC) {
			layout_drop(layout, i);
			continue;
		}
		rc = known ? source_offer(source, known, event->name, event->cells, false) : -errno;
		i++;
	}
	return rc;
}

static void bpf_close(struct source *source)
{
	struct bpf_state *state = source->state;

	bpf_stream_exit(&state->stream);
	bpf_walk_exit(&state->walk);
	layout_exit(&state->layout);
	bpf_loader_close(state->loader);
	free(state);
	source->state = NULL;
}

static int bpf_open(struct context *context, struct source *source)
{
	struct bpf_state *state;
	int rc;

	if (!context->root.live) {
		source_status(source, KVMSTAT_MISSING, "it reads only the running kernel; Root is "
						       "another host");
		return -ENOENT;
	}
	/*
	 * The iterator walks the tasks of this pid namespace: it would silently miss guests of
	 * others.
	 */
	if (context->guests.other_pid_namespace) {
		source_status(source, KVMSTAT_MISSING,
			      "it sees only processes of its own pid namespace, which is not the "
			      "host's; run in the host's (a container: --pid=host)");
		return -ENOENT;
	}
	state = calloc(1, sizeof(*state));
	if (!state)
		return -ENOMEM;
	rc = bpf_loader_open(&state->loader, &state->layout, &context->root, context->host.lockdown,
			     context->config->histograms, &source->status);
	if (rc < 0) {
		free(state);
		return rc;
	}
	source->state = state;
	btf_identity(&context->root, &state->btf_dev, &state->btf_ino);
	state->stream.page_size = (uint64_t)sysconf(_SC_PAGESIZE);
	rc = offer_events(context, source, &state->layout);
	if (rc < 0) {
		source_status(source, KVMSTAT_MISSING, "cannot use its events: %s", strerror(-rc));
		bpf_close(source);
	}
	return rc;
}

static int bpf_bind(struct context *context, struct source *source)
{
	struct bpf_state *state = source->state;

	return bpf_stream_bind(&state->stream, &state->layout, source->offers, context->columns->ncells);
}

/* Read until the end, taking records as they come. */
static int read_iterator(struct bpf_state *state, struct pass *pass, int fd)
{
	size_t have = 0;

	for (;;) {
		ssize_t got = read(fd, state->buffer + have, sizeof(state->buffer) - have);
		ssize_t taken;

		if (got < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			return have ? -EINVAL : 0;
		have += (size_t)got;
		taken = bpf_stream_feed(&state->stream, pass, state->buffer, have);
		if (taken < 0)
			return (int)taken;
		have -= (size_t)taken;
		memmove(state->buffer, state->buffer + taken, have);
	}
}

/* A module that was loaded again may have other structures. */
static bool is_stale(const struct bpf_state *state, const struct sysroot *root)
{
	dev_t dev;
	ino_t ino;

	btf_identity(root, &dev, &ino);
	return dev != state->btf_dev || ino != state->btf_ino;
}

/* Files of one process, or of all (0). */
static int read_files(struct bpf_state *state, struct pass *pass, pid_t pid)
{
	int fd = bpf_loader_iterate(state->loader, pid), rc;

	if (fd < 0)
		return fd;
	bpf_stream_begin(&state->stream, pid ? NULL : &state->walk);
	rc = read_iterator(state, pass, fd);
	close(fd);
	return rc;
}

/* Guests that were not seen in this pass, or not with all of their vCPUs. */
static uint32_t count_lacking(const struct pass *pass)
{
	const struct guests *guests = &pass->context->guests;
	uint32_t lacking = 0;

	for (uint32_t i = 0; i < guests->count; i++) {
		const struct guest *guest = guests->list[i];
		bool is_counted = guest->counted == pass->number && guest->vcpus_counted >= guest->vcpus;

		lacking += guest->pass != pass->number || (guest->wanted && !is_counted);
	}
	return lacking;
}

static int read_all(struct bpf_state *state, struct pass *pass)
{
	uint64_t before = bpf_loader_files(state->loader);
	int rc;

	/* With quiet_since set this is only the cheaper walk: other sources have not scanned everything. */
	if (!pass->quiet_since)
		uevents_look(&pass->context->uevents);
	bpf_walk_begin(&state->walk);
	rc = read_files(state, pass, 0);
	state->walk.files_of_all = bpf_loader_files(state->loader) - before;
	state->walk.lacking = count_lacking(pass);
	return rc;
}

/*
 * 0: done
 * 1: the walk did not see all; walk over all files
 * -errno
 */
static int read_vmms(struct bpf_state *state, struct pass *pass)
{
	uint64_t before = bpf_loader_files(state->loader);
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < state->walk.count; i++)
		rc = read_files(state, pass, state->walk.vmms[i]);
	state->walk.files_of_vmms = bpf_loader_files(state->loader) - before;
	if (rc == -E2BIG || rc == -EINVAL)
		state->walk.cannot = true;
	if (state->walk.cannot)
		return 1;
	return rc < 0 ? rc : count_lacking(pass) > state->walk.lacking;
}

static int bpf_find(struct source *source, struct pass *pass)
{
	struct bpf_state *state = source->state;
	int rc = 1;

	/* Loading and unloading a module also sends uevents. */
	if (!pass->quiet_since && is_stale(state, &pass->context->root))
		return -EAGAIN;
	if (pass->quiet_since && bpf_walk_is_limited(&state->walk))
		rc = read_vmms(state, pass);
	if (rc > 0)
		rc = read_all(state, pass);
	bpf_stream_end(&state->stream, pass);
	if (rc == -EINVAL)
		source_status(source, KVMSTAT_MISSING,
			      "the BPF iterator returned an invalid record; please report the kernel "
			      "version");
	else if (rc < 0)
		refusal_report(&source->status, &pass->context->root, CALL_BPF_ITERATOR, rc);
	return rc;
}

/* One read both finds the guests and fills their cells; after find() there is nothing left to do. */
static int bpf_pass(struct source *source, struct pass *pass)
{
	return pass->finds_guests ? 0 : bpf_find(source, pass);
}

#else

#include <errno.h>

static int bpf_open(struct context *context, struct source *source)
{
	(void)context;
	source_status(source, KVMSTAT_MISSING, "kvmstat was built without it (WITH_BPF=0): build it with clang and libbpf");
	return -ENOENT;
}

#define bpf_close NULL
#define bpf_bind NULL
#define bpf_find NULL
#define bpf_pass NULL

#endif

const struct source_ops bpf_source = {
	.id = KVMSTAT_BPF,
	.open = bpf_open,
	.close = bpf_close,
	.bind = bpf_bind,
	.find = bpf_find,
	.pass = bpf_pass,
};
