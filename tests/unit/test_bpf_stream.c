/* SPDX-License-Identifier: MIT */
/* The iterator's records, made by hand, and what becomes of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "stream_lab.h"

static void test_one_guest(void **state)
{
	const struct guest *web;

	(void)state;
	begin();
	vm(0x1000, 100, 10, 3, 77);
	vcpu(0x1000, 0, 5, 40);
	vcpu(0x1000, 1, 6, 90);
	vcpu(0x1000, 2, 1ull << 40, 60);
	fed();
	is("web", FLUSH, 77);
	is("web", EXITS, (1ull << 40) + 11);
	is("web", PEAK, 90);
	is("web", HIST, (1ull << 40) + 14);
	is("web", HIST + 1, (1ull << 40) + 17);
	is_absent("web", NOT_OURS);
	web = guest("web");
	assert_int_equal(web->vcpus, 3);
	assert_true(web->has_cpu);
	assert_int_equal(web->cpu_ns, 3003);
	assert_int_equal(web->wait_ns, 33);
	assert_int_equal(web->public.pid, 100);
	assert_int_equal(web->public.fd, 10);
	assert_int_equal(web->public.memory, 3 * 4096);
	assert_int_equal(web->public.created_ns, 1700000000999999999ull);
	assert_int_equal(web->public.start_ns, 100 * 50000000ull);
	assert_int_equal(s->pass.seen, 1);
}

/* What the kernel says of a VM without vCPUs is 0: no vCPU has counted anything. */
static void test_no_vcpus(void **state)
{
	(void)state;
	begin();
	vm(0x1000, 100, 10, 0, 7);
	fed();
	is("web", FLUSH, 7);
	is("web", EXITS, 0);
	is("web", PEAK, 0);
	assert_int_equal(guest("web")->vcpus, 0);
	assert_false(guest("web")->has_cpu);
}

/* A sum over some of the vCPUs is not the kernel's number. */
static void test_vcpu_not_seen(void **state)
{
	(void)state;
	begin();
	vm(0x1000, 100, 10, 2, 7);
	vcpu(0x1000, 0, 5, 40);
	vm(0x2000, 200, 10, 1, 8);
	vcpu(0x2000, 0, 6, 50);
	fed();
	is("web", FLUSH, 7);
	is_absent("web", EXITS);
	is_absent("web", PEAK);
	is_absent("web", HIST);
	is_absent("web", HIST + 1);
	assert_false(guest("web")->has_cpu);
	assert_int_equal(guest("web")->vcpus, 2);
	is("db", EXITS, 6);
}

/* One was added between the VM's record and its own: it counts. */
static void test_vcpu_added(void **state)
{
	(void)state;
	begin();
	vm(0x1000, 100, 10, 1, 7);
	vcpu(0x1000, 0, 5, 40);
	vcpu(0x1000, 1, 6, 40);
	fed();
	is("web", EXITS, 11);
}

static void test_second_pass(void **state)
{
	uint64_t id;

	(void)state;
	begin();
	vm(0x1000, 100, 10, 2, 7);
	vcpu(0x1000, 0, 5, 40);
	vcpu(0x1000, 1, 5, 40);
	fed();
	id = guest("web")->public.id;
	begin();
	vm(0x1000, 100, 10, 2, 8);
	vcpu(0x1000, 1, 6, 30);
	vcpu(0x1000, 0, 6, 20);
	fed();
	is("web", FLUSH, 8);
	is("web", EXITS, 12);
	is("web", PEAK, 30);
	assert_int_equal(guest("web")->public.id, id);
	assert_int_equal(guest("web")->cpu_ns, 2001);
}

/* A VM may be open twice in one process and in another one too, and so may its vCPUs. */
static void test_duplicates(void **state)
{
	(void)state;
	begin();
	for (int i = 0; i < 3; i++) {
		vm(0x1000, 100, 10 + i, 2, 7);
		vcpu(0x1000, 0, 5, 40);
		vcpu(0x1000, 0, 5, 40);
		vcpu(0x1000, 1, 5, 40);
	}
	fed();
	is("web", FLUSH, 7);
	is("web", EXITS, 10);
	assert_int_equal(guest("web")->cpu_ns, 2001);
	assert_int_equal(s->pass.seen, 1);
}

/* The same without debugfs: only the VM's address tells that it is one. */
static void without_debugfs(uint64_t kvm, uint32_t tgid, int fd, uint64_t flushes)
{
	struct kvmiter_vm *record = (void *)(s->data + s->len);

	vm(kvm, tgid, fd, 1, flushes);
	record->ino = 0;
	record->dir[0] = record->base[0] = '\0';
	record->ctime_sec = 0;
	record->ctime_nsec = 0;
	vcpu(kvm, 0, 5, 40);
}

static void test_duplicates_without_debugfs(void **state)
{
	uint64_t id = 0;

	(void)state;
	for (int pass = 0; pass < 3; pass++) {
		begin();
		without_debugfs(0x1000, 100, 10, 7);
		without_debugfs(0x1000, 100, 12, 7);
		without_debugfs(0x1000, 200, 10, 7);
		fed();
		assert_int_equal(s->pass.seen, 1);
		is("web", EXITS, 5);
		assert_true(!id || id == guest("web")->public.id);
		id = guest("web")->public.id;
		guests_sweep(&s->lab->kvmstat->context.guests, s->pass.number);
		assert_int_equal(s->lab->kvmstat->context.guests.count, 1);
	}
}

/* A pid that was used again is another guest, even with the same fd and the same address. */
static void test_pid_reused(void **state)
{
	struct kvmiter_vm *record = (void *)s->data;
	uint64_t id;

	(void)state;
	begin();
	without_debugfs(0x1000, 100, 10, 7);
	fed();
	id = guest("web")->public.id;
	begin();
	without_debugfs(0x1000, 100, 10, 7);
	record->start_ns += 20000000;
	fed();
	assert_int_not_equal(guest("web")->public.id, id);
	begin();
	without_debugfs(0x1000, 100, 10, 7);
	record->start_ns += 20000000;
	fed();
	assert_int_equal(guest("web")->public.id, id + 1);
}

/* Two VMs whose vCPUs come in turn: the iterator writes the VM's record again at each turn. */
static void test_two_guests(void **state)
{
	(void)state;
	begin();
	vm(0x1000, 100, 10, 2, 7);
	vcpu(0x1000, 0, 5, 40);
	vm(0x2000, 200, 10, 1, 8);
	vcpu(0x2000, 0, 50, 41);
	vm(0x1000, 100, -1, 2, 7);
	vcpu(0x1000, 1, 6, 42);
	fed();
	is("web", EXITS, 11);
	is("web", PEAK, 42);
	is("db", FLUSH, 8);
	is("db", EXITS, 50);
}

static void test_cpu_time(void **state)
{
	(void)state;
	for (int unknown = 0; unknown < 3; unknown++) {
		begin();
		vm(0x1000, 100, 10, 3, 7);
		for (int id = 0; id < 3; id++) {
			vcpu(0x1000, (uint32_t)id, 5, 40);
			if (id == unknown)
				last_vcpu()->flags = KVMITER_HAS_CPU;
		}
		fed();
		assert_false(guest("web")->has_cpu);
		is("web", EXITS, 15);
	}
}

static void refused(void)
{
	assert_int_equal(feed(), -EINVAL);
}

static void test_impossible(void **state)
{
	static const struct {
		size_t offset; /* of 4 bytes in the record of the VM or vCPU */
		uint32_t value;
	} vm_words[] =
		{
			{offsetof(struct kvmiter_record, kind), 0},
			{offsetof(struct kvmiter_record, kind), KVMITER_VCPU},
			{offsetof(struct kvmiter_record, kind), 0x314d564b},
			{offsetof(struct kvmiter_record, size), 0},
			{offsetof(struct kvmiter_record, size), 8},
			{offsetof(struct kvmiter_record, size), 0xfffffff8},
			{offsetof(struct kvmiter_record, size), sizeof(struct kvmiter_vm) + VM_WORDS * 8 + 8},
			{offsetof(struct kvmiter_vm, vcpus), BPF_MAX_VCPUS + 1},
			{offsetof(struct kvmiter_vm, vcpus), 0xffffffff},
		},
	  vcpu_words[] = {
		  {offsetof(struct kvmiter_record, kind), KVMITER_VM},
		  {offsetof(struct kvmiter_record, size), sizeof(struct kvmiter_vcpu)},
		  {offsetof(struct kvmiter_vcpu, id), BPF_MAX_VCPUS},
		  {offsetof(struct kvmiter_vcpu, id), 0xffffffff},
	  };

	(void)state;
	for (size_t i = 0; i < sizeof(vm_words) / sizeof(vm_words[0]); i++) {
		begin();
		vm(0x1000, 100, 10, 1, 7);
		memcpy(s->data + vm_words[i].offset, &vm_words[i].value, 4);
		vcpu(0x1000, 0, 5, 40);
		refused();
	}
	for (size_t i = 0; i < sizeof(vcpu_words) / sizeof(vcpu_words[0]); i++) {
		begin();
		vm(0x1000, 100, 10, 1, 7);
		vcpu(0x1000, 0, 5, 40);
		memcpy((char *)last_vcpu() + vcpu_words[i].offset, &vcpu_words[i].value, 4);
		vcpu(0x1000, 1, 5, 40);
		refused();
	}
}

static void test_vcpu_of_nobody(void **state)
{
	(void)state;
	begin();
	vcpu(0x1000, 0, 5, 40);
	refused();
	begin();
	vcpu(0, 0, 5, 40);
	refused();
	begin();
	vm(0x1000, 100, 10, 1, 7);
	vcpu(0x2000, 0, 5, 40);
	refused();
	/* The last pass' VM is nobody's in this one. */
	begin();
	vcpu(0x1000, 0, 5, 40);
	refused();
}

static void some_guests(void)
{
	begin();
	vm(0x1000, 100, 10, 2, 7);
	vcpu(0x1000, 0, 5, 40);
	vcpu(0x1000, 1, 6, 41);
	vm(0x2000, 200, 10, 1, 8);
	vcpu(0x2000, 0, 50, 43);
}

static void check_some_guests(void)
{
	bpf_stream_end(&s->stream, &s->pass);
	is("web", EXITS, 11);
	is("web", FLUSH, 7);
	is("db", EXITS, 50);
	is("db", PEAK, 43);
}

/* Cut off at every byte: what is whole is taken, the rest is left for the next read. */
static void test_truncated(void **state)
{
	(void)state;
	some_guests();
	for (size_t cut = 0; cut <= s->len; cut++) {
		ssize_t first, second;
		char *copy;

		some_guests();
		copy = malloc(cut + 1);
		memcpy(copy, s->data, cut);
		first = bpf_stream_feed(&s->stream, &s->pass, copy, cut);
		free(copy);
		assert_true(first >= 0 && (size_t)first <= cut);
		second = bpf_stream_feed(&s->stream, &s->pass, s->data + first, s->len - (size_t)first);
		assert_int_equal(first + second, s->len);
		check_some_guests();
	}
}

static void test_byte_by_byte(void **state)
{
	size_t taken = 0;

	(void)state;
	some_guests();
	for (size_t end = 1; end <= s->len; end++) {
		ssize_t got = bpf_stream_feed(&s->stream, &s->pass, s->data + taken, end - taken);

		assert_true(got >= 0);
		taken += (size_t)got;
	}
	assert_int_equal(taken, s->len);
	check_some_guests();
}

static void test_filtered(void **state)
{
	(void)state;
	lab_set(s->lab, "ExcludeGuest", "web");
	some_guests();
	fed();
	is("db", EXITS, 50);
	assert_false(guest("web")->wanted);
	assert_int_equal(s->pass.sample->slots, 1);
}

/* Many vCPUs, and then a smaller guest: nothing of the first is left in the second. */
static void test_many_vcpus(void **state)
{
	(void)state;
	begin();
	vm(0x1000, 100, 10, 500, 7);
	for (uint32_t id = 0; id < 500; id++)
		vcpu(0x1000, id * 131 % 500, 1, id);
	vm(0x2000, 200, 10, 1, 7);
	vcpu(0x2000, BPF_MAX_VCPUS - 1, 2, 3);
	fed();
	is("web", EXITS, 500);
	is("web", PEAK, 499);
	is("db", EXITS, 2);
	is("db", PEAK, 3);
}

/* 32 characters without an end, as no kernel writes them. */
static void test_unterminated_names(void **state)
{
	struct kvmiter_vm *record = (void *)s->data;

	(void)state;
	begin();
	vm(0x1000, 100, 10, 0, 7);
	memset(record->dir, '1', sizeof(record->dir));
	memset(record->base, 'k', sizeof(record->base));
	fed();
	assert_int_equal(s->pass.seen, 1);
}

#define stream_test(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		stream_test(test_one_guest),
		stream_test(test_no_vcpus),
		stream_test(test_vcpu_not_seen),
		stream_test(test_vcpu_added),
		stream_test(test_second_pass),
		stream_test(test_duplicates),
		stream_test(test_duplicates_without_debugfs),
		stream_test(test_pid_reused),
		stream_test(test_two_guests),
		stream_test(test_cpu_time),
		stream_test(test_impossible),
		stream_test(test_vcpu_of_nobody),
		stream_test(test_truncated),
		stream_test(test_byte_by_byte),
		stream_test(test_filtered),
		stream_test(test_many_vcpus),
		stream_test(test_unterminated_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
