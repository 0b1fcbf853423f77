/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "indexfile.h"

enum { VERSION = 1, MAX_WORDS = 5 };

uint32_t index_hash(const char *data, size_t len)
{
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)data[i]) * 16777619u;
	return hash;
}

void index_content_free(struct index_content *content)
{
	for (size_t i = 0; i < content->nguests; i++) {
		free(content->guests[i].key);
		free(content->guests[i].incarnation);
	}
	for (size_t i = 0; i < content->nevents; i++)
		free(content->events[i].name);
	free(content->guests);
	free(content->events);
	memset(content, 0, sizeof(*content));
}

/* Room for one more in an array. 0 or -ENOMEM. */
static int grow(void *array, size_t *size, size_t used, size_t item)
{
	size_t more = *size ? *size * 2 : 64;
	void *bigger;

	if (used < *size)
		return 0;
	bigger = reallocarray(*(void **)array, more, item);
	if (!bigger)
		return -ENOMEM;
	*(void **)array = bigger;
	*size = more;
	return 0;
}

int index_add_guest(struct index_content *content, uint32_t index, const char *key, const char *incarnation)
{
	struct index_guest guest = { .index = index };

	if (grow(&content->guests, &content->guests_size, content->nguests, sizeof(guest)) < 0)
		return -ENOMEM;
	guest.key = strdup(key);
	guest.incarnation = strdup(incarnation);
	if (!guest.key || !guest.incarnation) {
		free(guest.key);
		free(guest.incarnation);
		return -ENOMEM;
	}
	content->guests[content->nguests++] = guest;
	if (index > content->highest)
		content->highest = index;
	return 0;
}

int index_add_event(struct index_content *content, uint32_t number, const char *name)
{
	struct index_event event = { .number = number };

	if (grow(&content->events, &content->events_size, content->nevents, sizeof(event)) < 0)
		return -ENOMEM;
	event.name = strdup(name);
	if (!event.name)
		return -ENOMEM;
	content->events[content->nevents++] = event;
	return 0;
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

/* Cut the checksum and the newline off a line; false if it is not the line's. */
static bool checksum_fits(char *line, size_t len)
{
	char expected[10], *space;

	if (!len || line[len - 1] != '\n' || strlen(line) != len)
		return false;
	line[--len] = '\0';
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
		return number == content->nguests && events == content->nevents;
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

static int by_index(const void *a, const void *b)
{
	const struct index_guest *left = a, *right = b;

	return (left->index > right->index) - (left->index < right->index);
}

/* Drop every guest that has the index of the one before it. True if there were any. */
static bool drop_duplicates(struct index_content *content)
{
	struct index_guest *guests = content->guests;
	size_t kept = 0;
	bool dropped;

	for (size_t i = 0; i < content->nguests; i++) {
		if (kept && guests[kept - 1].index == guests[i].index) {
			free(guests[i].key);
			free(guests[i].incarnation);
		} else {
			guests[kept++] = guests[i];
		}
	}
	dropped = kept != content->nguests;
	content->nguests = kept;
	return dropped;
}

static void finish_reading(struct reading *reading)
{
	struct index_content *content = reading->content;

	if (content->nguests) {
		qsort(content->guests, content->nguests, sizeof(*content->guests), by_index);
		reading->damaged |= drop_duplicates(content);
	}
	if (!reading->ended || !reading->has_highest)
		reading->damaged = true;
	if (!reading->has_highest)
		content->highest = content->highest < INDEX_MAX - INDEX_MARGIN ?
				   content->highest + INDEX_MARGIN : INDEX_MAX;
	for (size_t i = 0; i < content->nguests; i++)
		content->guests[i].saved = true;
	for (size_t i = 0; i < content->nevents; i++)
		content->events[i].saved = true;
}

int index_read(int dirfd, struct index_content *content)
{
	struct reading reading = { .content = content, .first = true };
	int fd = openat(dirfd, INDEX_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	char *line = NULL;
	size_t size = 0;
	ssize_t len;
	FILE *file;
	int rc = 0;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	file = fdopen(fd, "r");
	if (!file) {
		close(fd);
		return -ENOMEM;
	}
	while (!rc && (len = getline(&line, &size, file)) >= 0)
		rc = take_line(&reading, line, (size_t)len);
	if (!rc && ferror(file))
		rc = -EIO;
	free(line);
	fclose(file);
	if (rc < 0) {
		index_content_free(content);
		return rc;
	}
	finish_reading(&reading);
	return reading.damaged;
}

int index_keep_bad(int dirfd)
{
	if (unlinkat(dirfd, INDEX_FILE_BAD, 0) < 0 && errno != ENOENT)
		return -errno;
	return linkat(dirfd, INDEX_FILE, dirfd, INDEX_FILE_BAD, 0) < 0 ? -errno : 0;
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

static int write_all(int fd, const char *data, size_t size)
{
	while (size) {
		ssize_t n = write(fd, data, size);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			data += n;
			size -= (size_t)n;
		}
	}
	return 0;
}

static int write_new(int dirfd, const char *data, size_t size)
{
	int fd = openat(dirfd, INDEX_FILE_NEW, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	int rc;

	if (fd < 0)
		return -errno;
	rc = write_all(fd, data, size);
	if (!rc && fsync(fd) < 0)
		rc = -errno;
	if (close(fd) < 0 && !rc)
		rc = -errno;
	return rc;
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
	rc = write_new(dirfd, page.data, page.size);
	free(page.data);
	if (!rc && renameat(dirfd, INDEX_FILE_NEW, dirfd, INDEX_FILE) < 0)
		rc = -errno;
	if (rc < 0) {
		unlinkat(dirfd, INDEX_FILE_NEW, 0);
		return rc;
	}
	return fsync(dirfd) < 0 ? -errno : 0;
}
