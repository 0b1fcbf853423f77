/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "index/file.h"
#include "kvmstat.h"

enum { VERSION = 1, MAX_WORDS = 5 };

uint32_t index_hash(const char *data, size_t len)
{
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)data[i]) * 16777619u;
	return hash;
}

/* ---- reading ------------------------------------------------------------ */

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Undo put_word(), in place. A word that it did not write gives false. */
static bool unescape(char *word)
{
	char *to = word;

	for (const char *from = word; *from; from++) {
		if (*from == '%') {
			int high = hex_digit(from[1]), low = high < 0 ? -1 : hex_digit(from[2]);

			if (low < 0 || high * 16 + low == 0)
				return false;
			*to++ = (char)(high * 16 + low);
			from += 2;
		} else {
			*to++ = *from;
		}
	}
	*to = '\0';
	return true;
}

static bool parse_number(const char *word, uint32_t *number)
{
	char *end;
	unsigned long value;

	if (*word < '0' || *word > '9')
		return false;
	errno = 0;
	value = strtoul(word, &end, 10);
	*number = (uint32_t)value;
	return !errno && !*end && value <= INDEX_MAX;
}

/* Cut the checksum off a line; false if it is not the line's. */
static bool checksum_fits(char *line, size_t len)
{
	char expected[10], *space;

	if (strlen(line) != len)
		return false;
	space = strrchr(line, ' ');
	if (!space)
		return false;
	snprintf(expected, sizeof(expected), "%08" PRIx32, index_hash(line, (size_t)(space - line)));
	if (strcmp(space + 1, expected) != 0)
		return false;
	*space = '\0';
	return true;
}

struct reading {
	struct index_content *content;
	size_t left_out;	/* events */
	bool first, damaged, has_highest, ended;
};

/* A line whose checksum fits, as words. 1 if it makes sense, 0 if not, -errno. */
static int take_words(struct reading *reading, char *words[], int n)
{
	struct index_content *content = reading->content;
	uint32_t number, events;
	int rc;

	if (n < 2 || !parse_number(words[1], &number))
		return 0;
	if (strcmp(words[0], "guest") == 0 && n == 4 && number && unescape(words[2]) && unescape(words[3])) {
		rc = index_add_guest(content, number, words[2], words[3]);
		return rc < 0 ? rc : 1;
	}
	if (strcmp(words[0], "event") == 0 && n == 3 && content->nevents == INDEX_EVENTS_MAX) {
		reading->left_out++;
		return 1;
	}
	if (strcmp(words[0], "event") == 0 && n == 3) {
		rc = index_add_event(content, number, words[2]);
		return rc < 0 ? rc : 1;
	}
	if (strcmp(words[0], "highest") == 0 && n == 2) {
		if (number > content->highest)
			content->highest = number;
		reading->has_highest = true;
		return 1;
	}
	if (strcmp(words[0], "end") == 0 && n == 3 && parse_number(words[2], &events)) {
		reading->ended = true;
		return number == content->nguests && events == content->nevents + reading->left_out;
	}
	return 0;
}

static int take_line(struct reading *reading, char *line, size_t len)
{
	char *words[MAX_WORDS], *rest = line, *word;
	bool first = reading->first;
	uint32_t version;
	int n = 0, rc;

	reading->first = false;
	if (reading->ended || !checksum_fits(line, len)) {
		reading->damaged = true;
		return 0;
	}
	while (n < MAX_WORDS && (word = strsep(&rest, " ")))
		words[n++] = word;
	if (first) {
		if (n != 2 || strcmp(words[0], "kvmstat-index") != 0 || !parse_number(words[1], &version))
			reading->damaged = true;
		else if (version != VERSION)
			return -EPROTONOSUPPORT;
		return 0;
	}
	rc = take_words(reading, words, n);
	if (rc == 0)
		reading->damaged = true;
	return rc < 0 ? rc : 0;
}

static void finish_reading(struct reading *reading)
{
	struct index_content *content = reading->content;

	reading->damaged |= index_sort(content);
	if (!reading->ended || !reading->has_highest)
		reading->damaged = true;
	if (!reading->has_highest)
		content->highest = content->highest < INDEX_MAX - INDEX_MARGIN ?
				   content->highest + INDEX_MARGIN : INDEX_MAX;
	for (size_t i = 0; i < content->nguests; i++)
		content->guests[i].saved = content->guests[i].exact = true;
	for (size_t i = 0; i < content->nevents; i++)
		content->events[i].saved = true;
}

static int take_lines(struct reading *reading, char *data, size_t size)
{
	char *line = data, *end;
	int rc = 0;

	while (!rc && (end = memchr(line, '\n', size - (size_t)(line - data)))) {
		*end = '\0';
		rc = take_line(reading, line, (size_t)(end - line));
		line = end + 1;
	}
	if (line != data + size)
		reading->damaged = true;
	return rc;
}

/* What there is beyond the limit is not read: then the end is missing, as it is in a file that was cut. */
int index_read(int dirfd, struct index_content *content, size_t *left_out)
{
	struct reading reading = { .content = content, .first = true };
	char *data;
	size_t size;
	int rc = kvmstat_file_read(dirfd, INDEX_FILE, INDEX_SIZE_MAX, &data, &size);

	*left_out = 0;
	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	rc = take_lines(&reading, data, size);
	free(data);
	if (rc < 0) {
		index_content_free(content);
		return rc;
	}
	finish_reading(&reading);
	*left_out = reading.left_out;
	return reading.damaged;
}

int index_keep_bad(int dirfd)
{
	if (unlinkat(dirfd, INDEX_FILE_BAD, 0) < 0 && errno != ENOENT)
		return -errno;
	/* Some file systems have no links, and somebody else's file may not be linked (fs.protected_hardlinks). */
	if (linkat(dirfd, INDEX_FILE, dirfd, INDEX_FILE_BAD, 0) < 0 &&
	    renameat(dirfd, INDEX_FILE, dirfd, INDEX_FILE_BAD) < 0)
		return -errno;
	return 0;
}

void index_identify(int dirfd, struct index_identity *identity)
{
	struct stat st;

	*identity = (struct index_identity){ .exists = false };
	if (fstatat(dirfd, INDEX_FILE, &st, AT_SYMLINK_NOFOLLOW) == 0)
		*identity = (struct index_identity){ true, st.st_dev, st.st_ino, st.st_size, st.st_mtim };
}

bool index_identical(const struct index_identity *a, const struct index_identity *b)
{
	return a->exists == b->exists && a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	       a->written.tv_sec == b->written.tv_sec && a->written.tv_nsec == b->written.tv_nsec;
}

/* ---- writing ------------------------------------------------------------ */

static void put_word(FILE *out, const char *word)
{
	for (; *word; word++) {
		unsigned char c = (unsigned char)*word;

		if (c <= ' ' || c >= 0x7f || c == '%')
			fprintf(out, "%%%02X", c);
		else
			fputc(c, out);
	}
}

/* The stream is in memory: *data and *size are what was written to it. */
struct page {
	FILE *stream;
	char *data;
	size_t size;
	size_t line;		/* where the line that is being written starts */
};

static void end_line(struct page *page)
{
	fflush(page->stream);
	fprintf(page->stream, " %08" PRIx32 "\n",
		index_hash(page->data + page->line, page->size - page->line));
	fflush(page->stream);
	page->line = page->size;
}

static void put_content(struct page *page, const struct index_content *content)
{
	fprintf(page->stream, "kvmstat-index %d", VERSION);
	end_line(page);
	fprintf(page->stream, "highest %" PRIu32, content->highest);
	end_line(page);
	for (size_t i = 0; i < content->nguests; i++) {
		fprintf(page->stream, "guest %" PRIu32 " ", content->guests[i].index);
		put_word(page->stream, content->guests[i].key);
		fputc(' ', page->stream);
		put_word(page->stream, content->guests[i].incarnation);
		end_line(page);
	}
	for (size_t i = 0; i < content->nevents; i++) {
		fprintf(page->stream, "event %" PRIu32 " %s", content->events[i].number,
			content->events[i].name);
		end_line(page);
	}
	fprintf(page->stream, "end %zu %zu", content->nguests, content->nevents);
	end_line(page);
}

int index_write(int dirfd, const struct index_content *content)
{
	struct page page = { 0 };
	int rc;

	page.stream = open_memstream(&page.data, &page.size);
	if (!page.stream)
		return -ENOMEM;
	put_content(&page, content);
	if (fclose(page.stream) != 0) {
		free(page.data);
		return -ENOMEM;
	}
	rc = page.size > INDEX_SIZE_MAX ? -E2BIG : kvmstat_file_replace(dirfd, INDEX_FILE, page.data, page.size);
	free(page.data);
	return rc;
}
