/* SPDX-License-Identifier: MIT */
/*
 * Two bodies of a recording, a key and changes, behind the length of the first in two bytes. What was read is written,
 * and that is read and written again as the same bytes.
 */
#include "fuzz.h"
#include "kvmstat.h"
#include "record/sample.h"

static void again(const struct played *played)
{
	struct bytes first = { .data = NULL }, second = { .data = NULL };
	struct played *other;

	sample_encode(&first, NULL, &played->sample, played->session);
	other = sample_decode(&first, NULL);
	must(other != NULL);
	sample_encode(&second, NULL, &other->sample, other->session);
	must(first.size == second.size && !memcmp(first.data, second.data, first.size));
	free(first.data);
	free(second.data);
	played_put(other);
}

/* From one sample to the other, as a recorder and a player do it. */
static void follow(const struct played *before, const struct played *now)
{
	struct bytes changes = { .data = NULL }, whole = { .data = NULL }, copy = { .data = NULL };
	struct played *other;

	sample_encode(&changes, &before->sample, &now->sample, now->session);
	other = sample_decode(&changes, before);
	must(other != NULL);
	sample_encode(&whole, NULL, &now->sample, now->session);
	sample_encode(&copy, NULL, &other->sample, other->session);
	must(whole.size == copy.size && !memcmp(whole.data, copy.data, whole.size));
	free(changes.data);
	free(whole.data);
	free(copy.data);
	played_put(other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t length = size < 2 ? 0 : data[0] | (size_t)data[1] << 8;
	struct played *key, *now = NULL;
	struct bytes body;
	char *copy;

	if (size < 2 || length > size - 2)
		return 0;
	copy = fuzz_copy(data + 2, length);
	body = (struct bytes){ (uint8_t *)copy, length, length };
	key = sample_decode(&body, NULL);
	free(copy);
	if (!key)
		return 0;
	again(key);
	copy = fuzz_copy(data + 2 + length, size - 2 - length);
	body = (struct bytes){ (uint8_t *)copy, size - 2 - length, size - 2 - length };
	now = sample_decode(&body, key);
	free(copy);
	if (now)
		follow(key, now);
	played_put(now);
	played_put(key);
	return 0;
}
