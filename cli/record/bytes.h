/* SPDX-License-Identifier: MIT */
/*
 * bytes.h - numbers and texts as bytes, whatever the byte order and word size of the machine
 */
#ifndef KVMSTAT_BYTES_H
#define KVMSTAT_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bytes {
	uint8_t *data;		/* to be freed */
	size_t size;
	size_t room;
};

/* Room for size bytes behind those that are there; the program ends without memory. */
uint8_t *bytes_reserve(struct bytes *bytes, size_t size);

void bytes_put(struct bytes *bytes, const void *data, size_t size);

/* Seven bits a byte, the lowest first; the highest bit is set in all but the last byte. */
void bytes_put_number(struct bytes *bytes, uint64_t number);

/* now - before modulo 2^64; small in either direction takes few bytes. */
void bytes_put_change(struct bytes *bytes, uint64_t before, uint64_t now);

/* 0 if text is before, else its length + 1 and its bytes. before may be NULL. */
void bytes_put_text(struct bytes *bytes, const char *before, const char *text);

/* What is read. After the first byte that makes no sense everything is 0, and bad is set. */
struct input {
	const uint8_t *at;
	const uint8_t *end;
	bool bad;
};

uint64_t input_number(struct input *input);

/* A number up to max. */
uint32_t input_small(struct input *input, uint32_t max);

uint64_t input_change(struct input *input, uint64_t before);

/*
 * A text, or before if it is the same; copied to *room, which moves on. It has no NUL inside.
 * There must be room for what the input has left, its NULs, and before.
 */
const char *input_text(struct input *input, const char *before, char **room);

/* Fixed sizes, the lowest byte first. */
void fixed_put(uint8_t *to, uint64_t number, size_t size);
uint64_t fixed_get(const uint8_t *from, size_t size);

#endif
