/* SPDX-License-Identifier: MIT */
/*
 * The subagent's file of indices. With an even first byte each line gets the checksum that fits, or nothing behind
 * the checksums would ever be reached.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

#include "fuzz.h"
#include "index/file.h"

static int dir = -1;
static char name[] = "/dev/shm/kvmstat-fuzz-XXXXXX";

/* Not the disk's speed is to be tested. */
int fsync(int fd)
{
	(void)fd;
	return 0;
}

static void clean(void)
{
	unlinkat(dir, INDEX_FILE, 0);
	rmdir(name);
}

static void prepare(void)
{
	must(mkdtemp(name) && atexit(clean) == 0);
	dir = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	must(dir >= 0);
}

static void put(const uint8_t *data, size_t size)
{
	int fd = openat(dir, INDEX_FILE, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	FILE *out = fdopen(fd, "w");
	char *copy = fuzz_copy(data + 1, size - 1), *rest = copy, *line;

	must(out != NULL);
	if (data[0] & 1)
		must(fwrite(data + 1, 1, size - 1, out) == size - 1);
	else
		while ((line = strsep(&rest, "\n")))
			if (rest)
				fprintf(out, "%s %08" PRIx32 "\n", line, index_hash(line, strlen(line)));
	must(fclose(out) == 0);
	free(copy);
}

static void check(const struct index_content *content)
{
	must(content->highest <= INDEX_MAX);
	for (size_t i = 0; i < content->nguests; i++) {
		const struct index_guest *guest = &content->guests[i];

		must(guest->index && guest->index <= content->highest && guest->key && guest->incarnation);
		must(!i || content->guests[i - 1].index < guest->index);
	}
	for (size_t i = 0; i < content->nevents; i++)
		must(content->events[i].name && content->events[i].number <= INDEX_MAX);
}

/* What was read is written so that the same is read again. */
static void check_again(const struct index_content *content)
{
	struct index_content again = {0};
	size_t left_out;

	must(index_write(dir, content) == 0);
	must(index_read(dir, &again, &left_out) == 0 && !left_out);
	must(again.highest == content->highest && again.nguests == content->nguests &&
	     again.nevents == content->nevents);
	for (size_t i = 0; i < again.nguests; i++)
		must(again.guests[i].index == content->guests[i].index &&
		     strcmp(again.guests[i].key, content->guests[i].key) == 0 &&
		     strcmp(again.guests[i].incarnation, content->guests[i].incarnation) == 0);
	for (size_t i = 0; i < again.nevents; i++)
		must(again.events[i].number == content->events[i].number &&
		     strcmp(again.events[i].name, content->events[i].name) == 0);
	index_content_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct index_content content = {0}, merged = {0};
	size_t left_out;
	int rc;

	if (!size)
		return 0;
	if (dir < 0)
		prepare();
	put(data, size);
	rc = index_read(dir, &content, &left_out);
	must(rc == 0 || rc == 1 || rc == -EPROTONOSUPPORT);
	if (rc >= 0) {
		check(&content);
		check_again(&content);
		must(index_merge(&merged, &content) == 0);
		check(&merged);
		index_forget_guests(&merged, 1);
		check(&merged);
		check_again(&merged);
	}
	index_content_free(&merged);
	index_content_free(&content);
	return 0;
}
