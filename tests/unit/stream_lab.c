/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "stream_lab.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct layout_event layout_events[] = {
	{(char *)"remote_tlb_flush", KVMSTAT_VM, 8, 1}, {(char *)"exits", KVMSTAT_VCPU, 0, 1},
	{(char *)"peak", KVMSTAT_VCPU, 16, 1},		{(char *)"hist", KVMSTAT_VCPU, 24, 2},
	{(char *)"unwanted", KVMSTAT_VCPU, 8, 1},
};

const struct kvmstat_event events[] = {
	{.name = "remote_tlb_flush", .number = 1, .scope = KVMSTAT_VM},
	{.name = "exits", .number = 2, .scope = KVMSTAT_VCPU},
	{.name = "peak", .number = 3, .scope = KVMSTAT_VCPU, .class = KVMSTAT_PEAK},
	{.name = "hist", .number = 4, .scope = KVMSTAT_VCPU, .class = KVMSTAT_LOG_HIST},
	{.name = "unwanted", .number = 5, .scope = KVMSTAT_VCPU},
};

struct stream_lab *s;

int setup(void **state)
{
	const struct layout layout = {layout_events, 5, VM_WORDS * 8, VCPU_WORDS * 8, {.vcpu_kvm = 0}};
	struct offer offers[5];

	(void)state;
	s = calloc(1, sizeof(*s));
	s->lab = lab_new();
	lab_process(s->lab, 100, "web", 500);
	lab_fd(s->lab, 100, 10, "anon_inode:kvm-vm");
	lab_process(s->lab, 200, "db", 600);
	lab_fd(s->lab, 200, 10, "anon_inode:kvm-vm");
	for (uint32_t i = 0; i < 5; i++)
		offers[i] = (struct offer){&events[i], events[i].name, layout_events[i].cells, false, i, false};
	offers[4].cell = NO_CELL;
	s->stream.page_size = 4096;
	assert_int_equal(bpf_stream_bind(&s->stream, &layout, offers, NCELLS), 0);
	return 0;
}

int teardown(void **state)
{
	(void)state;
	bpf_stream_exit(&s->stream);
	lab_free(s->lab);
	free(s);
	return 0;
}

void open_lab(void)
{
	if (!s->lab->kvmstat)
		lab_open(s->lab);
	s->set = (struct column_set){.ncells = NCELLS, .refs = 1000, .blocking = NO_CELL};
}

void begin(void)
{
	open_lab();
	s->pass = (struct pass){
		.context = &s->lab->kvmstat->context, .number = ++s->lab->kvmstat->context.pass, .finds_guests = true};
	s->pass.sample = sample_begin(&s->lab->kvmstat->pool, &s->set, 0);
	assert_non_null(s->pass.sample);
	bpf_stream_begin(&s->stream, NULL);
	s->len = 0;
}

void append(void *record, size_t header, const uint64_t *words, size_t count)
{
	struct kvmiter_record *head = record;

	head->size = (uint32_t)(header + count * 8);
	memcpy(s->data + s->len, record, header);
	memcpy(s->data + s->len + header, words, count * 8);
	s->len += head->size;
}

void vm(uint64_t kvm, uint32_t tgid, int fd, uint32_t vcpus, uint64_t flushes)
{
	const uint64_t words[VM_WORDS] = {0xdead, flushes};
	struct kvmiter_vm record = {
		.head = {.kind = KVMITER_VM, .kvm = kvm},
		.tgid = tgid,
		.fd = fd,
		.start_ns = tgid * 50000000ull + 123,
		.ino = 7 + tgid,
		.ctime_sec = 1700000000,
		.ctime_nsec = 999999999,
		.vcpus = vcpus,
		.memslot_pages = 3,
		.base = "kvm",
	};

	snprintf(record.dir, sizeof(record.dir), "%u-%d", tgid, 10);
	append(&record, sizeof(record), words, VM_WORDS);
}

void vcpu(uint64_t kvm, uint32_t id, uint64_t exits, uint64_t peak)
{
	const uint64_t words[VCPU_WORDS] = {exits, 0xdead, peak, exits + 1, exits + 2};
	struct kvmiter_vcpu record = {
		.head = {.kind = KVMITER_VCPU, .kvm = kvm},
		.id = id,
		.flags = KVMITER_HAS_CPU | KVMITER_HAS_WAIT,
		.cpu_ns = 1000 + id,
		.wait_ns = 10 + id,
	};

	append(&record, sizeof(record), words, VCPU_WORDS);
}

struct kvmiter_vcpu *last_vcpu(void)
{
	return (void *)(s->data + s->len - sizeof(struct kvmiter_vcpu) - VCPU_WORDS * 8);
}

ssize_t feed(void)
{
	return bpf_stream_feed(&s->stream, &s->pass, s->data, s->len);
}

void fed(void)
{
	assert_int_equal(feed(), s->len);
	bpf_stream_end(&s->stream, &s->pass);
}

const struct guest *guest(const char *name)
{
	const struct guests *guests = &s->lab->kvmstat->context.guests;
	const struct guest *found = NULL;

	for (uint32_t i = 0; i < guests->count; i++) {
		if (strcmp(guests->list[i]->public.name, name) != 0 ||
		    guests->list[i]->pass != s->pass.number)
			continue;
		assert_null(found);
		found = guests->list[i];
	}
	if (!found)
		fail_msg("no guest %s", name);
	return found;
}

void is(const char *name, uint32_t cell, uint64_t value)
{
	assert_int_equal(pass_from(&s->pass, guest(name))[cell], KVMSTAT_BPF);
	assert_int_equal(pass_values(&s->pass, guest(name))[cell], value);
}

void is_absent(const char *name, uint32_t cell)
{
	assert_int_equal(pass_from(&s->pass, guest(name))[cell], KVMSTAT_ABSENT);
}
