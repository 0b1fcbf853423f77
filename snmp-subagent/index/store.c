/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "index/store.h"

enum {
	/*
	 * Where indices begin without a file, and how many each run with new ones skips: random, so
	 * that indices are not assigned again if the file is lost or an older one is restored.
	 * There is room for about 7,500 runs.
	 */
	START_RANGE = 250000000,
	GAP_RANGE = 500000,
};

int indexstore_init(struct indexstore *store, const char *dir)
{
	*store = (struct indexstore){ .dirfd = -1, .loaded = !dir, .current = !dir };
	if (!dir)
		return 0;
	store->dir = strdup(dir);
	return store->dir ? 0 : -ENOMEM;
}

static void close_dir(struct indexstore *store)
{
	if (store->dirfd >= 0)
		close(store->dirfd);
	store->dirfd = -1;
}

void indexstore_exit(struct indexstore *store)
{
	close_dir(store);
	free(store->dir);
}

static uint32_t random_below(uint32_t limit)
{
	struct timespec now;
	uint64_t number;

	/* Early in the boot there may be no random numbers yet. */
	if (getrandom(&number, sizeof(number), GRND_NONBLOCK) != sizeof(number)) {
		clock_gettime(CLOCK_REALTIME, &now);
		number = (uint64_t)now.tv_sec * 1000000007 + (uint64_t)now.tv_nsec;
	}
	return (uint32_t)(number % limit);
}

/* ---- messages ----------------------------------------------------------- */

static const char *advice(int rc)
{
	switch (-rc) {
	case EBUSY:
		return "another kvmstat-agentx uses this directory; stop it, or give each its own "
		       "with the option StateDir";
	case EPROTONOSUPPORT:
		return "the file was written by a later version of kvmstat-agentx; run that version, "
		       "or move the file away";
	case ENXIO:
	case ELOOP:
		return "move it away";
	case E2BIG:
		return "more guests run than the file can hold; select fewer with the option Guest";
	case EACCES:
	case EPERM:
	case EROFS:
		return "allow the user of kvmstat-agentx to write to this directory (systemd: "
		       "StateDirectory=kvmstat), or choose another one with the option StateDir";
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return "the file system is full; free some space";
	default:
		return "check the directory, or choose another one with the option StateDir";
	}
}

static const char *reason(int rc)
{
	switch (-rc) {
	case EPROTONOSUPPORT:
		return "unknown version";
	case ENXIO:
	case ELOOP:
		return "it is not a regular file";
	case E2BIG:
		return "it would be too large";
	default:
		return strerror(-rc);
	}
}

static void complain_of_reading(struct indexstore *store, int rc)
{
	complain(&store->trouble,
		 "cannot use %s/%s, which keeps the indices of guests: %s; until it can be used, %s "
		 "are not served, since an index might be assigned twice; %s",
		 store->dir, INDEX_FILE, reason(rc), store->loaded ? "new guests" : "guests", advice(rc));
}

static void report_damage(const struct indexstore *store, const struct index_content *found)
{
	message(LOG_WARNING,
		"%s/%s is damaged: %zu guests could be read, new guests get indices above %u; the "
		"file is kept as %s when it is replaced",
		store->dir, INDEX_FILE, found->nguests, found->highest, INDEX_FILE_BAD);
}

static void report_events(const struct indexstore *store, size_t left_out)
{
	if (left_out)
		message(LOG_WARNING,
			"%s/%s has %zu events more than the limit of %d: they are forgotten and get "
			"numbers computed from their names, nearly always the same; nothing needs to "
			"be done",
			store->dir, INDEX_FILE, left_out, INDEX_EVENTS_MAX);
}

/* ---- reading ------------------------------------------------------------ */

static bool is_open(const struct indexstore *store)
{
	struct stat path, held;

	return store->dirfd >= 0 && stat(store->dir, &path) == 0 && fstat(store->dirfd, &held) == 0 &&
	       path.st_dev == held.st_dev && path.st_ino == held.st_ino;
}

/* The state directory for this process alone. 0 or -errno. */
static int open_dir(struct indexstore *store)
{
	if (is_open(store))
		return 0;
	close_dir(store);
	if (mkdir(store->dir, 0755) < 0 && errno != EEXIST && errno != EROFS && errno != EACCES)
		return -errno;
	store->dirfd = open(store->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (store->dirfd < 0)
		return -errno;
	if (flock(store->dirfd, LOCK_EX | LOCK_NB) < 0) {
		int rc = errno == EWOULDBLOCK ? -EBUSY : -errno;

		close_dir(store);
		return rc;
	}
	return 0;
}

/* The first time: where new indices begin. */
static void choose_start(struct indexstore *store, struct index_content *found)
{
	if (store->file.exists) {
		store->gap = random_below(GAP_RANGE);
		return;
	}
	found->highest = random_below(START_RANGE);
	message(LOG_NOTICE, "%s/%s does not exist: guest indices start at %u", store->dir, INDEX_FILE,
		found->highest + 1);
}

static int take_up(struct indexstore *store, struct index_content *content)
{
	struct index_content found = { 0 };
	size_t left_out;
	int rc = open_dir(store);

	if (rc < 0)
		return rc;
	index_identify(store->dirfd, &store->file);
	rc = index_read(store->dirfd, &found, &left_out);
	if (rc < 0)
		return rc;
	store->damaged = rc > 0;
	if (store->damaged)
		report_damage(store, &found);
	report_events(store, left_out);
	if (store->loaded)
		message(LOG_WARNING,
			"%s/%s was replaced, changed or removed while in use: it was read again (%zu "
			"guests); served guests keep their indices",
			store->dir, INDEX_FILE, found.nguests);
	else
		choose_start(store, &found);
	store->dirty = store->damaged || store->loaded;
	return index_merge(content, &found);
}

int indexstore_look(struct indexstore *store, struct index_content *content)
{
	struct index_identity now;
	int rc;

	if (!store->dir)
		return 0;
	if (store->current && is_open(store)) {
		index_identify(store->dirfd, &now);
		if (index_identical(&now, &store->file))
			return 0;
	}
	rc = take_up(store, content);
	store->current = rc >= 0;
	store->loaded |= store->current;
	if (rc == -ENOMEM)
		return rc;
	if (rc < 0)
		complain_of_reading(store, rc);
	return 1;
}

/* ---- writing ------------------------------------------------------------ */

static void mark_saved(struct index_content *content)
{
	for (size_t i = 0; i < content->nguests; i++)
		content->guests[i].saved = content->guests[i].exact = true;
	for (size_t i = 0; i < content->nevents; i++)
		content->events[i].saved = true;
}

static int write_file(struct indexstore *store, const struct index_content *content)
{
	int rc = store->damaged ? index_keep_bad(store->dirfd) : 0;

	if (rc < 0) {
		complain(&store->trouble,
			 "cannot keep the damaged %s/%s as %s: %s; until it can, the file is left "
			 "unchanged and new guests are not served; %s",
			 store->dir, INDEX_FILE, INDEX_FILE_BAD, reason(rc), advice(rc));
		return rc;
	}
	store->damaged = false;
	rc = index_write(store->dirfd, content);
	if (rc < 0)
		complain(&store->trouble,
			 "cannot save %s/%s, which keeps the indices of guests: %s; until it is "
			 "saved, new guests are not served; %s",
			 store->dir, INDEX_FILE, reason(rc), advice(rc));
	return rc;
}

void indexstore_save(struct indexstore *store, struct index_content *content)
{
	int rc;

	if (!store->dirty || !store->current)
		return;
	rc = store->dir ? write_file(store, content) : 0;
	if (store->dir)
		index_identify(store->dirfd, &store->file);
	if (rc < 0)
		return;
	mark_saved(content);
	store->dirty = false;
}

void indexstore_recovered(struct indexstore *store)
{
	complaint_over(&store->trouble, "guest indices are saved in %s/%s again: all guests are served",
		       store->dir, INDEX_FILE);
}
