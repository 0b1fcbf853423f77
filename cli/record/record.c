// SPDX-License-Identifier: MIT
/*
 * record.c - kvmstat record: append samples to a file
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "record/block.h"
#include "record/sample.h"

enum { KEY_EVERY = 60 };	/* blocks; a player decodes as many to show one */

struct recorder {
	const char *file;
	int fd;
	off_t size;
	uint64_t session;
	unsigned int since_key;
};

/* Whatever is there is kept: it must be a recording, whole or cut. */
static int check_content(const struct recorder *recorder)
{
	char data[BLOCK_MAGIC_SIZE];
	ssize_t length = pread(recorder->fd, data, sizeof(data), 0);

	if (length >= 0 && !memcmp(data, BLOCK_MAGIC, (size_t)length))
		return EXIT_SUCCESS;
	complain("cannot append to %s: it is not a recording of 'kvmstat record'; specify a new file", recorder->file);
	return EXIT_FAILURE;
}

static int open_file(struct recorder *recorder)
{
	struct stat stat;

	recorder->fd = open(recorder->file, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
	if (recorder->fd < 0 || fstat(recorder->fd, &stat) < 0) {
		complain("cannot open %s: %s", recorder->file, strerror(errno));
		return EXIT_FAILURE;
	}
	if (!S_ISREG(stat.st_mode)) {
		complain("cannot record to %s: it is not a regular file", recorder->file);
		return EXIT_FAILURE;
	}
	if (flock(recorder->fd, LOCK_EX | LOCK_NB) < 0) {
		complain("cannot record to %s: %s", recorder->file,
			 errno == EWOULDBLOCK ? "another kvmstat records to it" : strerror(errno));
		return EXIT_FAILURE;
	}
	recorder->size = lseek(recorder->fd, 0, SEEK_END);
	return check_content(recorder);
}

/* Remove a part of a block. If that fails, a player leaves the part out. */
static void take_back(const struct recorder *recorder)
{
	if (ftruncate(recorder->fd, recorder->size) < 0)
		complain("cannot shorten %s: %s", recorder->file, strerror(errno));
}

/* All of it, or nothing: a part would be of no use to a player. */
static int append(struct recorder *recorder, const struct bytes *block)
{
	size_t done = 0;

	while (done < block->size) {
		ssize_t length = write(recorder->fd, block->data + done, block->size - done);

		if (length < 0 && errno == EINTR)
			continue;
		if (length < 0) {
			complain("cannot write to %s: %s; what was recorded before is whole", recorder->file, strerror(errno));
			take_back(recorder);
			return EXIT_FAILURE;
		}
		done += (size_t)length;
	}
	recorder->size += (off_t)block->size;
	return EXIT_SUCCESS;
}

static int record_sample(struct recorder *recorder, const struct watch *watch)
{
	const struct kvmstat_sample *before = watch->before, *now = watch->now;
	struct bytes body = { .data = NULL }, block = { .data = NULL };
	int status;

	/* Changes are of the same cells. */
	if (before && (before->event_generation != now->event_generation || recorder->since_key == KEY_EVERY))
		before = NULL;
	recorder->since_key = before ? recorder->since_key + 1 : 1;
	sample_encode(&body, before, now, recorder->session);
	if (block_write(&block, before ? BLOCK_CHANGES : BLOCK_KEY, now->realtime_ns, &body)) {
		status = append(recorder, &block);
	} else {
		complain("cannot record more than %d bytes a sample; select fewer events or guests", BLOCK_MAX);
		status = EXIT_FAILURE;
	}
	free(body.data);
	free(block.data);
	return status;
}

static int record(struct recorder *recorder, const struct options *options)
{
	struct watch watch;
	int status = watch_start(&watch, options);

	if (!status) {
		recorder->session = watch.now->realtime_ns;
		status = record_sample(recorder, &watch);
	}
	for (unsigned long n = 1; !status && (!options->count || n < options->count); n++) {
		status = watch_next(&watch, options);
		if (!status)
			status = record_sample(recorder, &watch);
	}
	watch_stop(&watch);
	return status;
}

int record_command(const struct options *options)
{
	struct recorder recorder = { .file = options->file };
	int status = open_file(&recorder);

	if (!status)
		status = record(&recorder, options);
	if (recorder.fd >= 0)
		close(recorder.fd);
	return status;
}
