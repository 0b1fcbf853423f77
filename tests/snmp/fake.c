/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake.h"

struct fake_remembered fake_remembered;

/* Guests are rows 0, 1, ... of the storage, vCPUs come after them. */
static void set_rows(struct fake *fake, const uint32_t *nvcpus)
{
	uint32_t ncells = fake->sample.ncells, vcpu = 0;

	for (uint32_t i = 0; i < fake->sample.nrows; i++) {
		char name[32], key[40], incarnation[40];

		snprintf(name, sizeof(name), "g%u", i);
		snprintf(key, sizeof(key), "name:%s", name);
		snprintf(incarnation, sizeof(incarnation), "boot/%s", name);
		fake->guests[i] = (struct kvmstat_guest){
			.id = i + 1, .name = strdup(name), .uuid = "", .vmm = "qemu"
		};
		fake_key(fake, i, key, incarnation);
		fake->rows[i] = (struct kvmstat_row){ .guest = &fake->guests[i],
						      .value = fake->value + (size_t)i * ncells,
						      .from = fake->from + (size_t)i * ncells,
						      .nvcpus = nvcpus ? nvcpus[i] : 0,
						      .vcpus = &fake->vcpus[vcpu] };
		for (uint32_t id = 0; nvcpus && id < nvcpus[i]; id++, vcpu++) {
			size_t start = (size_t)(fake->sample.nrows + vcpu) * ncells;

			fake->vcpus[vcpu] = (struct kvmstat_vcpu){ .id = id, .value = fake->value + start,
								   .from = fake->from + start };
		}
	}
}

struct fake *fake_new_vcpus(uint32_t nrows, uint32_t ncolumns, uint32_t ncells, const uint32_t *nvcpus)
{
	struct fake *fake = calloc(1, sizeof(*fake));
	uint32_t total = 0;

	for (uint32_t i = 0; nvcpus && i < nrows; i++)
		total += nvcpus[i];
	fake->guests = calloc(nrows + 1, sizeof(*fake->guests));
	fake->rows = calloc(nrows + 1, sizeof(*fake->rows));
	fake->columns = calloc(ncolumns + 1, sizeof(*fake->columns));
	fake->vcpus = calloc(total + 1, sizeof(*fake->vcpus));
	fake->value = calloc((size_t)(nrows + total) * ncells + 1, sizeof(*fake->value));
	fake->from = calloc((size_t)(nrows + total) * ncells + 1, sizeof(*fake->from));
	fake->sample.nguests = fake->sample.nrows = nrows;
	fake->sample.nvcpus = total;
	fake->sample.ncolumns = ncolumns;
	fake->sample.ncells = ncells;
	fake->sample.rows = fake->rows;
	fake->sample.vcpus = fake->vcpus;
	fake->sample.columns = fake->columns;
	set_rows(fake, nvcpus);
	return fake;
}

struct fake *fake_new(uint32_t nrows, uint32_t ncolumns, uint32_t ncells)
{
	return fake_new_vcpus(nrows, ncolumns, ncells, NULL);
}

void fake_free(struct fake *fake)
{
	for (uint32_t i = 0; i < fake->sample.nrows; i++) {
		free((char *)fake->guests[i].name);
		free((char *)fake->guests[i].key);
		free((char *)fake->guests[i].incarnation);
	}
	free(fake->guests);
	free(fake->rows);
	free(fake->columns);
	free(fake->vcpus);
	free(fake->value);
	free(fake->from);
	free(fake);
}

void fake_set(struct fake *fake, uint32_t row, uint32_t cell, uint64_t value)
{
	fake->value[row * fake->sample.ncells + cell] = value;
	fake->from[row * fake->sample.ncells + cell] = KVMSTAT_BPF;
}

void fake_set_vcpu(struct fake *fake, uint32_t vcpu, uint32_t cell, uint64_t value)
{
	fake_set(fake, fake->sample.nrows + vcpu, cell, value);
}

void fake_key(struct fake *fake, uint32_t row, const char *key, const char *incarnation)
{
	const char *old_key = fake->guests[row].key, *old_incarnation = fake->guests[row].incarnation;

	fake->guests[row].key = strdup(key);
	fake->guests[row].incarnation = strdup(incarnation);
	free((char *)old_key);
	free((char *)old_incarnation);
}

/* In the place of the core's: its samples carry more than the public part. */
struct kvmstat_sample *kvmstat_sample_get(struct kvmstat_sample *sample)
{
	__atomic_add_fetch(&((struct fake *)sample)->refs, 1, __ATOMIC_RELAXED);
	return sample;
}

void kvmstat_sample_put(struct kvmstat_sample *sample)
{
	if (sample)
		__atomic_sub_fetch(&((struct fake *)sample)->refs, 1, __ATOMIC_RELEASE);
}

int kvmstat_remember_event(struct kvmstat *kvmstat, const char *name, uint32_t number)
{
	(void)kvmstat;
	if (fake_remembered.count < FAKE_REMEMBERED) {
		snprintf(fake_remembered.name[fake_remembered.count], sizeof(fake_remembered.name[0]), "%s",
			 name);
		fake_remembered.number[fake_remembered.count++] = number;
	}
	return fake_remembered.result;
}
