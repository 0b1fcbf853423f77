/* SPDX-License-Identifier: MIT */
#include "sources/statsfd/format.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

enum {
	FILE_MAX = 1 << 20,	/* where the parts of a file may begin */
	BUCKETS_MAX = 1024,
};

/* A descriptor in front of its name, as it is in the file. */
struct raw_desc {
	uint32_t flags;
	int16_t exponent;
	uint16_t size;
	uint32_t offset;
	uint32_t bucket_size;
};

_Static_assert(sizeof(struct stats_header) == STATS_HEADER_SIZE, "a header without holes");
_Static_assert(sizeof(struct raw_desc) == STATS_DESC_SIZE, "a descriptor without holes");

int stats_parse_header(const void *file, size_t len, struct stats_header *header)
{
	if (len < sizeof(*header))
		return -EBADMSG;
	memcpy(header, file, sizeof(*header));
	/* No flags exist yet; a flag might change the meaning of the rest. */
	if (header->flags || !header->name_size || header->name_size > STATS_NAME_MAX ||
	    header->num_desc > STATS_DESCS_MAX)
		return -EBADMSG;
	if (header->id_offset < sizeof(*header) || header->id_offset > FILE_MAX ||
	    header->desc_offset < sizeof(*header) || header->desc_offset > FILE_MAX ||
	    header->data_offset < sizeof(*header) || header->data_offset > FILE_MAX)
		return -EBADMSG;
	return 0;
}

/* Parse a decimal number without sign and move *text past it. -1: there is none. */
static int take_number(const char **text)
{
	const char *begin = *text;
	uint64_t number = 0;

	for (; **text >= '0' && **text <= '9' && number <= INT_MAX; ++*text)
		number = number * 10 + (uint64_t)(**text - '0');
	return *text == begin || number > INT_MAX ? -1 : (int)number;
}

int stats_parse_id(const char *text, size_t size, struct stats_id *id)
{
	if (strnlen(text, size) == size || strncmp(text, "kvm-", 4) != 0)
		return -EBADMSG;
	text += 4;
	*id = (struct stats_id){ .tid = take_number(&text), .vcpu = -1 };
	if (id->tid < 0)
		return -EBADMSG;
	if (!*text)
		return 0;
	if (strncmp(text, "/vcpu-", 6) != 0)
		return -EBADMSG;
	text += 6;
	id->vcpu = take_number(&text);
	return id->vcpu < 0 || *text ? -EBADMSG : 0;
}

size_t stats_descs_size(const struct stats_header *header)
{
	return (size_t)header->num_desc * (STATS_DESC_SIZE + header->name_size);
}

/* Bits 0-3 of the flags. false: unknown type. */
static bool class_of(uint32_t flags, enum kvmstat_class *class)
{
	static const enum kvmstat_class classes[] = {
		KVMSTAT_CUMULATIVE, KVMSTAT_INSTANT, KVMSTAT_PEAK, KVMSTAT_LINEAR_HIST, KVMSTAT_LOG_HIST,
	};
	uint32_t type = flags & 0xf;

	if (type >= sizeof(classes) / sizeof(classes[0]))
		return false;
	*class = classes[type];
	return true;
}

/* Bits 4-7 are the unit, 8-11 the base that exponent is of. Of the multiples only nanoseconds have a word. */
static enum kvmstat_unit unit_of(uint32_t flags, int exponent)
{
	static const struct {
		uint32_t unit, base;
		int exponent;
		enum kvmstat_unit is;
	} units[] = {
		{ 1, 0, 0, KVMSTAT_BYTES },  { 1, 1, 0, KVMSTAT_BYTES },  { 2, 0, -9, KVMSTAT_NS },
		{ 3, 0, 0, KVMSTAT_CYCLES }, { 3, 1, 0, KVMSTAT_CYCLES }, { 4, 0, 0, KVMSTAT_BOOLEAN },
		{ 4, 1, 0, KVMSTAT_BOOLEAN },
	};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (units[i].unit == (flags >> 4 & 0xf) && units[i].base == (flags >> 8 & 0xf) &&
		    units[i].exponent == exponent)
			return units[i].is;
	return KVMSTAT_COUNT;
}

/* 1: valid, 0: unknown type, or -EBADMSG. */
static int parse_desc(const char *text, uint32_t name_size, struct stats_desc *desc)
{
	struct raw_desc raw;

	memcpy(&raw, text, sizeof(raw));
	*desc = (struct stats_desc){ .name = text + sizeof(raw), .offset = raw.offset, .cells = raw.size };
	if (!desc->name[0] || strnlen(desc->name, name_size) == name_size)
		return -EBADMSG;
	if (!class_of(raw.flags, &desc->class))
		return 0;
	desc->unit = unit_of(raw.flags, raw.exponent);
	if (!raw.size || raw.size > (kvmstat_is_histogram(desc->class) ? BUCKETS_MAX : 1))
		return -EBADMSG;
	if (raw.offset % sizeof(uint64_t) || raw.offset > STATS_DATA_MAX ||
	    raw.size * sizeof(uint64_t) > STATS_DATA_MAX - raw.offset)
		return -EBADMSG;
	return 1;
}

static uint32_t end_of(const struct stats_desc *desc)
{
	return desc->offset + desc->cells * (uint32_t)sizeof(uint64_t);
}

/* Two descriptors with one name or one place. */
static bool collides(const struct stats_desc *descs, int count, const struct stats_desc *desc)
{
	for (int i = 0; i < count; i++)
		if (strcmp(descs[i].name, desc->name) == 0 ||
		    (descs[i].offset < end_of(desc) && desc->offset < end_of(&descs[i])))
			return true;
	return false;
}

int stats_parse_descs(const struct stats_header *header, const void *text, size_t len, struct stats_desc *descs,
		      uint32_t *data_size)
{
	int count = 0;

	*data_size = 0;
	if (len < stats_descs_size(header))
		return -EBADMSG;
	for (uint32_t i = 0; i < header->num_desc; i++) {
		const char *at = (const char *)text + (size_t)i * (STATS_DESC_SIZE + header->name_size);
		struct stats_desc desc;
		int rc = parse_desc(at, header->name_size, &desc);

		if (rc < 0 || (rc && collides(descs, count, &desc)))
			return -EBADMSG;
		if (!rc)
			continue;
		descs[count++] = desc;
		if (end_of(&desc) > *data_size)
			*data_size = end_of(&desc);
	}
	return count;
}
