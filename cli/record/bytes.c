// SPDX-License-Identifier: MIT
/*
 * bytes.c - numbers and texts as bytes, whatever the byte order and word size of the machine
 */
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "record/bytes.h"

uint8_t *bytes_reserve(struct bytes *bytes, size_t size)
{
	if (!bytes->data || bytes->room - bytes->size < size) {
		bytes->room = bytes->room * 2 + size + 1;
		bytes->data = realloc(bytes->data, bytes->room);
		if (!bytes->data)
			out_of_memory();
	}
	return bytes->data + bytes->size;
}

void bytes_put(struct bytes *bytes, const void *data, size_t size)
{
	memcpy(bytes_reserve(bytes, size), data, size);
	bytes->size += size;
}

void bytes_put_number(struct bytes *bytes, uint64_t number)
{
	uint8_t data[10];
	size_t size = 0;

	while (number > 0x7f) {
		data[size++] = (uint8_t)(number | 0x80);
		number >>= 7;
	}
	data[size++] = (uint8_t)number;
	bytes_put(bytes, data, size);
}

void bytes_put_change(struct bytes *bytes, uint64_t before, uint64_t now)
{
	uint64_t change = now - before;

	/* The sign becomes the lowest bit. */
	bytes_put_number(bytes, change << 1 ^ (change >> 63 ? UINT64_MAX : 0));
}

void bytes_put_text(struct bytes *bytes, const char *before, const char *text)
{
	size_t length = strlen(text);

	if (before && !strcmp(before, text)) {
		bytes_put_number(bytes, 0);
		return;
	}
	bytes_put_number(bytes, length + 1);
	bytes_put(bytes, text, length);
}

static uint64_t spoil(struct input *input)
{
	input->bad = true;
	input->at = input->end;
	return 0;
}

uint64_t input_number(struct input *input)
{
	uint64_t number = 0;

	for (unsigned int shift = 0; shift < 64 && input->at < input->end; shift += 7) {
		uint8_t byte = *input->at++;

		if (shift == 63 && byte > 1)
			break;
		number |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return number;
	}
	return spoil(input);
}

uint32_t input_small(struct input *input, uint32_t max)
{
	uint64_t number = input_number(input);

	return (uint32_t)(number > max ? spoil(input) : number);
}

uint64_t input_change(struct input *input, uint64_t before)
{
	uint64_t number = input_number(input);

	return before + (number >> 1 ^ (number & 1 ? UINT64_MAX : 0));
}

const char *input_text(struct input *input, const char *before, char **room)
{
	uint64_t number = input_number(input);
	const char *from = (const char *)input->at, *text = *room;
	size_t length = (size_t)number - 1;

	if (input->bad)
		return "";
	if (!number) {
		from = before ? before : "";
		length = strlen(from);
	} else if (length > (size_t)(input->end - input->at) || memchr(from, '\0', length)) {
		spoil(input);
		return "";
	} else {
		input->at += length;
	}
	memcpy(*room, from, length);
	(*room)[length] = '\0';
	*room += length + 1;
	return text;
}

void fixed_put(uint8_t *to, uint64_t number, size_t size)
{
	for (size_t i = 0; i < size; i++)
		to[i] = (uint8_t)(number >> 8 * i);
}

uint64_t fixed_get(const uint8_t *from, size_t size)
{
	uint64_t number = 0;

	for (size_t i = 0; i < size; i++)
		number |= (uint64_t)from[i] << 8 * i;
	return number;
}
