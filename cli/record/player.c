// SPDX-License-Identifier: MIT
/*
 * player.c - the samples of a recording, one after the other
 *
 * What is damaged is left out: the player looks for the next head, and for a block that needs no other.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "record/block.h"
#include "record/player.h"

struct player {
	int fd;
	const char *file;
	uint64_t at;		/* next byte */
	struct played *last;	/* the sample of the block that ends here; NULL: only a key can be read */
	uint64_t first_ns;	/* samples before this time are not shown */
};

/* A block that is in the file from at to end. */
struct place {
	uint64_t at;
	uint64_t end;
	struct block_head head;
};

static bool head_at(const struct player *player, uint64_t at, struct place *place)
{
	uint8_t data[BLOCK_HEAD];

	if (pread(player->fd, data, sizeof(data), (off_t)at) != (ssize_t)sizeof(data) || !block_read_head(data, &place->head))
		return false;
	place->at = at;
	place->end = at + BLOCK_HEAD + place->head.stored;
	return true;
}

/* The next head at or after at. False: there is none up to the end of the file. */
static bool find_head(const struct player *player, uint64_t at, struct place *place)
{
	uint8_t data[1 << 16];
	ssize_t length;

	if (head_at(player, at, place))
		return true;
	while ((length = pread(player->fd, data, sizeof(data), (off_t)at)) >= BLOCK_HEAD) {
		for (const uint8_t *from = data, *found; from < data + length; from = found + 1) {
			found = memmem(from, (size_t)(data + length - from), BLOCK_MAGIC, BLOCK_MAGIC_SIZE);
			if (!found)
				break;
			if (head_at(player, at + (uint64_t)(found - data), place))
				return true;
		}
		at += (uint64_t)length - BLOCK_MAGIC_SIZE + 1;
	}
	return false;
}

static uint64_t file_size(const struct player *player)
{
	off_t size = lseek(player->fd, 0, SEEK_END);

	return size < 0 ? 0 : (uint64_t)size;
}

/* A block that was cut is followed by something else than a head, or is longer than the file. */
static bool is_cut(const struct player *player, const struct place *place)
{
	struct place next;
	uint64_t size = file_size(player);

	return place->end > size || (place->end < size && !head_at(player, place->end, &next));
}

static struct played *read_block(const struct player *player, const struct place *place)
{
	const struct played *before = place->head.kind == BLOCK_KEY ? NULL : player->last;
	struct bytes body = { .data = NULL };
	struct played *played = NULL;
	uint8_t *stored;

	if (place->head.kind != BLOCK_KEY && !before)
		return NULL;
	if (place->end > file_size(player))
		return NULL;
	stored = get_memory(place->head.stored, 1);
	if (pread(player->fd, stored, place->head.stored, (off_t)(place->at + BLOCK_HEAD)) == (ssize_t)place->head.stored &&
	    !block_unpack(&place->head, stored, &body))
		played = sample_decode(&body, before);
	free(body.data);
	free(stored);
	return played;
}

static void forget(struct player *player)
{
	played_put(player->last);
	player->last = NULL;
}

/* The next block that can be read, with everything before it that cannot. */
static struct played *next_block(struct player *player)
{
	uint64_t from = player->at, at = from;
	struct played *played = NULL;
	struct place place;

	while (!played && find_head(player, at, &place)) {
		if (place.at > from)
			forget(player);
		played = read_block(player, &place);
		at = place.at + 1;
	}
	player->at = played ? place.end : file_size(player);
	at = played ? place.at : player->at;
	if (at > from)
		complain("%s: %llu bytes from byte %llu on are damaged or not whole; their samples are left out", player->file,
			 (unsigned long long)(at - from), (unsigned long long)from);
	return played;
}

struct played *player_next(struct player *player)
{
	struct played *played;

	do {
		played = next_block(player);
		played_put(player->last);
		player->last = played;
	} while (played && played->sample.realtime_ns < player->first_ns);
	player->first_ns = 0;
	if (played)
		played->refs++;
	return played;
}

/* A time of the day needs its date: recordings are played later. */
static bool parse_date(const char *word, uint64_t *ns)
{
	static const char *const forms[] = { "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%MZ", "%Y-%m-%dT%H:%M:%S",
					     "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M" };
	bool utc = *word && word[strlen(word) - 1] == 'Z';

	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		struct tm tm = { .tm_isdst = -1 };
		const char *end = strptime(word, forms[i], &tm);
		time_t seconds;

		if (!end || *end)
			continue;
		seconds = utc ? timegm(&tm) : mktime(&tm);
		*ns = (uint64_t)seconds * 1000000000;
		return seconds >= 0;
	}
	return false;
}

static bool parse_at(const char *word, uint64_t first_ns, uint64_t *ns)
{
	double seconds;
	char *end;

	if (*word != '+')
		return parse_date(word, ns);
	if (!word[1] || word[1 + strspn(word + 1, "0123456789.")])
		return false;
	seconds = strtod(word + 1, &end);
	*ns = first_ns + (uint64_t)(seconds * 1e9);
	return !*end && seconds < 1e9;
}

/*
 * Go to the last key before the first block of that time, by heads alone.
 * Whatever is damaged on the way is seen again, and reported, only from there on.
 */
static bool seek_time(struct player *player, uint64_t ns)
{
	struct place place;
	uint64_t at = 0;

	while (find_head(player, at, &place)) {
		bool cut = is_cut(player, &place);

		at = cut ? place.at + 1 : place.end;
		if (cut)
			continue;
		if (place.head.kind == BLOCK_KEY)
			player->at = place.at;
		if (place.head.time_ns >= ns)
			return true;
	}
	return false;
}

static int start(struct player *player, const char *at)
{
	struct place first;
	uint64_t ns;

	if (!find_head(player, 0, &first)) {
		complain("%s is not a recording of 'kvmstat record', or none of its samples is whole", player->file);
		return EXIT_FAILURE;
	}
	if (first.head.method == BLOCK_ZSTD && !WITH_ZSTD) {
		complain("cannot play %s: it is compressed, and this kvmstat was built without libzstd", player->file);
		return EXIT_FAILURE;
	}
	if (!at)
		return EXIT_SUCCESS;
	if (!parse_at(at, first.head.time_ns, &ns)) {
		complain("--at '%s' is not a time; expected +SECONDS, or a date and time as in 2026-03-29T04:00:00Z", at);
		return EXIT_USAGE;
	}
	if (!seek_time(player, ns)) {
		complain("%s ends before %s", player->file, at);
		return EXIT_FAILURE;
	}
	player->first_ns = ns;
	return EXIT_SUCCESS;
}

int player_open(struct player **player, const char *file, const char *at)
{
	int status;

	*player = get_memory(1, sizeof(**player));
	(*player)->file = file;
	(*player)->fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if ((*player)->fd < 0) {
		complain("cannot open %s: %s", file, strerror(errno));
		status = EXIT_FAILURE;
	} else {
		status = start(*player, at);
	}
	if (!status)
		return status;
	player_close(*player);
	*player = NULL;
	return status;
}

void player_close(struct player *player)
{
	if (!player)
		return;
	played_put(player->last);
	if (player->fd >= 0)
		close(player->fd);
	free(player);
}
