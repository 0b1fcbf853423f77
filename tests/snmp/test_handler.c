/* SPDX-License-Identifier: MIT */
/*
 * test_handler.c - GET and GETNEXT against one expected tree, without snmpd
 *
 * What GETNEXT of any OID has to give follows from the tree: the first entry after it. So every OID that
 * can be made from an entry, by cutting, appending and changing, is asked for.
 */
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "fake.h"
#include "handler.h"
#include "octets.h"

#define S UINT64_C(1000000000)
#define BIG (UINT64_C(1) << 32)
#define BIT(category) (1u << (category))
#define REALTIME (UINT64_C(1709210096) * S + S / 2)	/* 2024-02-29 12:34:56.5 UTC */

enum { ROOT_LEN = 4 };

static const struct oid root = { ROOT_LEN, { 1, 3, 99, 4294967295 } };

/* In ascending order of number. */
static const struct kvmstat_event events[] = {
	{ .name = "exits", .text = "Left guest mode.", .number = 10, .class = KVMSTAT_CUMULATIVE,
	  .scope = KVMSTAT_VCPU, .category = KVMSTAT_EXITS, .adds_to = BIT(KVMSTAT_EXITS), .known = true },
	{ .name = "io_exits", .text = "", .parent = &events[0], .number = 20, .class = KVMSTAT_CUMULATIVE,
	  .scope = KVMSTAT_VCPU, .category = KVMSTAT_IO, .adds_to = BIT(KVMSTAT_IO), .known = true },
	{ .name = "pages", .text = "", .number = 30, .class = KVMSTAT_INSTANT, .unit = KVMSTAT_BYTES,
	  .category = KVMSTAT_MEMORY, .known = true },
	{ .name = "max_pages", .text = "", .number = 40, .class = KVMSTAT_PEAK, .category = KVMSTAT_MEMORY,
	  .known = true },
	{ .name = "wait_hist", .text = "", .number = 50, .class = KVMSTAT_LOG_HIST, .unit = KVMSTAT_NS,
	  .category = KVMSTAT_OTHER, .known = true },
	{ .name = "size_hist", .text = "", .number = 60, .class = KVMSTAT_LINEAR_HIST, .unit = KVMSTAT_BYTES,
	  .category = KVMSTAT_OTHER },
	{ .name = "new", .text = "", .number = 2147483647, .class = KVMSTAT_CUMULATIVE,
	  .category = KVMSTAT_OTHER },
};

enum { EXITS, IO, PAGES, MAX_PAGES, HIST, HIST1, HIST2, SIZES, SIZES1, NEW, NCELLS, NEVENTS = 7 };

/* Column and index below the table's OID; "*" is any value. */
static const struct expected {
	uint8_t group;
	uint32_t suffix[4];
	uint8_t len;
	const char *value;
} expected[] = {
	{ 1, { 1, 0 }, 2, "*" },
	{ 1, { 2, 0 }, 2, "gauge 10" },
	{ 1, { 3, 0 }, 2, "counter 2" },
	{ 1, { 4, 0 }, 2, "string \\x07\\xe8\\x02\\x1d\\x0c\"8\\x05+\\x00\\x00" },
	{ 1, { 5, 0 }, 2, "*" },
	{ 1, { 6, 0 }, 2, "gauge 1234" },
	{ 1, { 7, 0 }, 2, "counter 5" },
	{ 2, { 1, 0 }, 2, "gauge 3" },
	{ 2, { 2, 0 }, 2, "gauge 2" },
	{ 2, { 3, 0 }, 2, "gauge 8" },
	{ 2, { 4, 0 }, 2, "integer 3" },
	{ 2, { 5, 0 }, 2, "gauge 7" },
	{ 3, { 2, 1 }, 2, "string bpf" },
	{ 3, { 2, 2 }, 2, "string debugfs" },
	{ 3, { 2, 3 }, 2, "string proc" },
	{ 3, { 2, 4 }, 2, "string statsfd" },
	{ 3, { 2, 5 }, 2, "string tracepoint" },
	{ 3, { 2, 6 }, 2, "string libvirt" },
	{ 3, { 3, 1 }, 2, "integer 2" },
	{ 3, { 3, 2 }, 2, "integer 5" },
	{ 3, { 3, 3 }, 2, "integer 1" },
	{ 3, { 3, 4 }, 2, "integer 1" },
	{ 3, { 3, 5 }, 2, "integer 1" },
	{ 3, { 3, 6 }, 2, "integer 1" },
	{ 3, { 4, 1 }, 2, "string " },
	{ 3, { 4, 2 }, 2, "string closed\\x5cx0aopen it" },
	{ 3, { 4, 3 }, 2, "string " },
	{ 3, { 4, 4 }, 2, "string " },
	{ 3, { 4, 5 }, 2, "string " },
	{ 3, { 4, 6 }, 2, "string " },
	{ 4, { 2, 1 }, 2, "string no-kvm" },
	{ 4, { 2, 2 }, 2, "string no-source" },
	{ 4, { 2, 3 }, 2, "string refused" },
	{ 4, { 2, 4 }, 2, "string unreadable" },
	{ 4, { 2, 5 }, 2, "string malformed" },
	{ 4, { 2, 6 }, 2, "string unnamed" },
	{ 4, { 2, 7 }, 2, "string too-many" },
	{ 4, { 3, 1 }, 2, "integer 2" },
	{ 4, { 3, 2 }, 2, "integer 2" },
	{ 4, { 3, 3 }, 2, "integer 1" },
	{ 4, { 3, 4 }, 2, "integer 2" },
	{ 4, { 3, 5 }, 2, "integer 2" },
	{ 4, { 3, 6 }, 2, "integer 2" },
	{ 4, { 3, 7 }, 2, "integer 2" },
	{ 4, { 4, 1 }, 2, "counter 0" },
	{ 4, { 4, 2 }, 2, "counter 0" },
	{ 4, { 4, 3 }, 2, "counter 2" },
	{ 4, { 4, 4 }, 2, "counter 3" },
	{ 4, { 4, 5 }, 2, "counter 0" },
	{ 4, { 4, 6 }, 2, "counter 0" },
	{ 4, { 4, 7 }, 2, "counter 0" },
	{ 4, { 5, 1 }, 2, "string " },
	{ 4, { 5, 2 }, 2, "string " },
	{ 4, { 5, 3 }, 2, "string lockdown" },
	{ 4, { 5, 4 }, 2, "string " },
	{ 4, { 5, 5 }, 2, "string " },
	{ 4, { 5, 6 }, 2, "string " },
	{ 4, { 5, 7 }, 2, "string " },
	{ 5, { 2, 10 }, 2, "string exits" },
	{ 5, { 2, 20 }, 2, "string io_exits" },
	{ 5, { 2, 30 }, 2, "string pages" },
	{ 5, { 2, 40 }, 2, "string max_pages" },
	{ 5, { 2, 50 }, 2, "string wait_hist" },
	{ 5, { 2, 60 }, 2, "string size_hist" },
	{ 5, { 2, 2147483647 }, 2, "string new" },
	{ 5, { 3, 10 }, 2, "integer 1" },
	{ 5, { 3, 20 }, 2, "integer 1" },
	{ 5, { 3, 30 }, 2, "integer 2" },
	{ 5, { 3, 40 }, 2, "integer 3" },
	{ 5, { 3, 50 }, 2, "integer 5" },
	{ 5, { 3, 60 }, 2, "integer 4" },
	{ 5, { 3, 2147483647 }, 2, "integer 1" },
	{ 5, { 4, 10 }, 2, "integer 1" },
	{ 5, { 4, 20 }, 2, "integer 1" },
	{ 5, { 4, 30 }, 2, "integer 3" },
	{ 5, { 4, 40 }, 2, "integer 1" },
	{ 5, { 4, 50 }, 2, "integer 2" },
	{ 5, { 4, 60 }, 2, "integer 3" },
	{ 5, { 4, 2147483647 }, 2, "integer 1" },
	{ 5, { 5, 10 }, 2, "integer 2" },
	{ 5, { 5, 20 }, 2, "integer 2" },
	{ 5, { 5, 30 }, 2, "integer 1" },
	{ 5, { 5, 40 }, 2, "integer 1" },
	{ 5, { 5, 50 }, 2, "integer 1" },
	{ 5, { 5, 60 }, 2, "integer 1" },
	{ 5, { 5, 2147483647 }, 2, "integer 1" },
	{ 5, { 6, 10 }, 2, "integer 1" },
	{ 5, { 6, 20 }, 2, "integer 2" },
	{ 5, { 6, 30 }, 2, "integer 7" },
	{ 5, { 6, 40 }, 2, "integer 7" },
	{ 5, { 6, 50 }, 2, "integer 9" },
	{ 5, { 6, 60 }, 2, "integer 9" },
	{ 5, { 6, 2147483647 }, 2, "integer 9" },
	{ 5, { 7, 10 }, 2, "gauge 0" },
	{ 5, { 7, 20 }, 2, "gauge 10" },
	{ 5, { 7, 30 }, 2, "gauge 0" },
	{ 5, { 7, 40 }, 2, "gauge 0" },
	{ 5, { 7, 50 }, 2, "gauge 0" },
	{ 5, { 7, 60 }, 2, "gauge 0" },
	{ 5, { 7, 2147483647 }, 2, "gauge 0" },
	{ 5, { 8, 10 }, 2, "integer 2" },
	{ 5, { 8, 20 }, 2, "integer 3" },
	{ 5, { 8, 30 }, 2, "integer 2" },
	{ 5, { 8, 40 }, 2, "integer 2" },
	{ 5, { 8, 50 }, 2, "integer 1" },
	{ 5, { 8, 60 }, 2, "integer 2" },
	{ 5, { 8, 2147483647 }, 2, "integer 2" },
	{ 5, { 9, 10 }, 2, "string Left guest mode." },
	{ 5, { 9, 20 }, 2, "string " },
	{ 5, { 9, 30 }, 2, "string " },
	{ 5, { 9, 40 }, 2, "string " },
	{ 5, { 9, 50 }, 2, "string " },
	{ 5, { 9, 60 }, 2, "string " },
	{ 5, { 9, 2147483647 }, 2, "string " },
	{ 5, { 10, 10 }, 2, "string " },
	{ 5, { 10, 20 }, 2, "string " },
	{ 5, { 10, 30 }, 2, "string " },
	{ 5, { 10, 40 }, 2, "string " },
	{ 5, { 10, 50 }, 2, "string not read" },
	{ 5, { 10, 60 }, 2, "string " },
	{ 5, { 10, 2147483647 }, 2, "string " },
	/* Row 2 of the sample has no index yet; index 2 is row 1, a newcomer of whom little is known. */
	{ 6, { 2, 2 }, 2, "string b\\x5cx0ata\\x5cxff\\xc3\\xa9" },
	{ 6, { 2, 7 }, 2, "string alpha" },
	{ 6, { 3, 2 }, 2, "string " },
	{ 6, { 3, 7 }, 2, "string 11111111-2222-3333-4444-555555555555" },
	{ 6, { 4, 7 }, 2, "gauge 123" },
	{ 6, { 5, 7 }, 2, "gauge 2" },
	{ 6, { 6, 7 }, 2, "gauge 64" },
	{ 6, { 7, 7 }, 2, "string \\x07\\xe8\\x02\\x1d\\x0c\"\\x00\\x00+\\x00\\x00" },
	{ 6, { 8, 7 }, 2, "counter 500" },
	{ 6, { 9, 7 }, 2, "counter 100" },
	{ 6, { 10, 2 }, 2, "*" },
	{ 6, { 10, 7 }, 2, "*" },
	{ 6, { 11, 2 }, 2, "string m\\x5cxc3\\x5cxb6" },
	{ 6, { 11, 7 }, 2, "string qemu" },
	{ 6, { 12, 2 }, 2, "gauge 0" },
	{ 6, { 12, 7 }, 2, "gauge 3" },
	{ 6, { 13, 7 }, 2, "gauge 9" },
	{ 7, { 1, 7 }, 2, "gauge 100" },
	{ 7, { 9, 7 }, 2, "counter 2000" },
	{ 7, { 10, 2 }, 2, "counter 3" },
	{ 7, { 10, 7 }, 2, "counter 5" },
	{ 7, { 17, 7 }, 2, "gauge 200" },
	{ 7, { 18, 7 }, 2, "gauge 50" },
	{ 8, { 1, 7, 10 }, 3, "gauge 100" },
	{ 8, { 1, 7, 2147483647 }, 3, "gauge 4294967295" },
	{ 8, { 2, 2, 20 }, 3, "counter 3" },
	{ 8, { 2, 7, 10 }, 3, "counter 2000" },
	{ 8, { 2, 7, 20 }, 3, "counter 5" },
	{ 8, { 2, 7, 2147483647 }, 3, "counter 7" },
	{ 8, { 3, 2, 40 }, 3, "gauge 9" },
	{ 8, { 3, 7, 30 }, 3, "gauge 4294967295" },
	{ 8, { 4, 7, 10 }, 3, "gauge 61" },
	{ 9, { 1, 2, 20 }, 3, "counter64 3" },
	{ 9, { 1, 7, 10 }, 3, "counter64 2000" },
	{ 9, { 1, 7, 20 }, 3, "counter64 5" },
	{ 9, { 1, 7, 2147483647 }, 3, "counter64 429496729607" },
	{ 9, { 2, 2, 40 }, 3, "counter64 9" },
	{ 9, { 2, 7, 30 }, 3, "counter64 4294967301" },
	/* Guest 2 has one vCPU, of which nothing is known; guest 7 has 0, and 3, which is new in this sample. */
	{ 10, { 2, 7, 0 }, 3, "gauge 124" },
	{ 10, { 2, 7, 3 }, 3, "gauge 126" },
	{ 10, { 3, 2, 0 }, 3, "integer 1" },
	{ 10, { 3, 7, 0 }, 3, "integer 3" },
	{ 10, { 3, 7, 3 }, 3, "integer 2" },
	{ 10, { 4, 7, 0 }, 3, "counter 300" },
	{ 10, { 5, 7, 0 }, 3, "counter 60" },
	{ 10, { 6, 7, 0 }, 3, "gauge 150" },
	{ 10, { 7, 7, 0 }, 3, "gauge 40" },
	{ 11, { 1, 7, 0, 10 }, 4, "gauge 90" },
	{ 11, { 2, 7, 0, 10 }, 4, "counter 1700" },
	{ 11, { 2, 7, 3, 10 }, 4, "counter 300" },
	{ 11, { 2, 7, 3, 20 }, 4, "counter 7" },
	{ 11, { 3, 7, 0, 40 }, 4, "gauge 4294967295" },
	{ 11, { 3, 7, 3, 40 }, 4, "gauge 2" },
	{ 12, { 1, 7, 0, 10 }, 4, "counter64 1700" },
	{ 12, { 1, 7, 3, 10 }, 4, "counter64 300" },
	{ 12, { 1, 7, 3, 20 }, 4, "counter64 4294967303" },
	{ 12, { 2, 7, 0, 40 }, 4, "counter64 4294967297" },
	{ 12, { 2, 7, 3, 40 }, 4, "counter64 2" },
	/* A logarithmic histogram, and a linear one, whose bounds nobody knows. */
	{ 13, { 2, 7, 50, 0 }, 4, "counter64 0" },
	{ 13, { 2, 7, 50, 1 }, 4, "counter64 1" },
	{ 13, { 2, 7, 50, 2 }, 4, "counter64 2" },
	{ 13, { 3, 7, 50, 0 }, 4, "counter64 1" },
	{ 13, { 3, 7, 50, 1 }, 4, "counter64 2" },
	{ 13, { 4, 2, 60, 1 }, 4, "counter64 1" },
	{ 13, { 4, 7, 50, 0 }, 4, "counter64 429496729605" },
	{ 13, { 4, 7, 50, 1 }, 4, "counter64 0" },
	{ 13, { 4, 7, 50, 2 }, 4, "counter64 30" },
	{ 13, { 4, 7, 60, 0 }, 4, "counter64 6" },
	{ 13, { 5, 7, 50, 0 }, 4, "gauge 4294967295" },
	{ 13, { 5, 7, 50, 2 }, 4, "gauge 2" },
	{ 14, { 1, 0 }, 2, "gauge 2" },
	{ 14, { 2, 0 }, 2, "counter 5" },
	{ 14, { 3, 0 }, 2, "counter 1" },
	{ 14, { 4, 0 }, 2, "*" },
	{ 14, { 5, 0 }, 2, "integer 1" },
	/* A guest's, the host's that is over, and one of a guest that is not here any more. */
	{ 15, { 2, 3 }, 2, "gauge 7" },
	{ 15, { 2, 9 }, 2, "gauge 0" },
	{ 15, { 3, 3 }, 2, "string alpha" },
	{ 15, { 3, 9 }, 2, "string " },
	{ 15, { 3, 4000000000 }, 2, "string b\\x5cx0aad" },
	{ 15, { 4, 3 }, 2, "string uuid:11111111-2222-3333-4444-555555555555" },
	{ 15, { 4, 9 }, 2, "string " },
	{ 15, { 4, 4000000000 }, 2, "string name:b\\x5cx0aad" },
	{ 15, { 5, 3 }, 2, "integer 3" },
	{ 15, { 5, 9 }, 2, "integer 4" },
	{ 15, { 5, 4000000000 }, 2, "integer 15" },
	{ 15, { 6, 3 }, 2, "integer 4" },
	{ 15, { 6, 9 }, 2, "integer 1" },
	{ 15, { 6, 4000000000 }, 2, "integer 6" },
	{ 15, { 7, 3 }, 2, "integer 1" },
	{ 15, { 7, 9 }, 2, "integer 2" },
	{ 15, { 7, 4000000000 }, 2, "integer 1" },
	{ 15, { 8, 3 }, 2, "gauge 1252" },
	{ 15, { 8, 9 }, 2, "gauge 0" },
	{ 15, { 8, 4000000000 }, 2, "gauge 65535" },
	{ 15, { 9, 3 }, 2, "string instruction_diagnose_44" },
	{ 15, { 9, 9 }, 2, "string " },
	{ 15, { 9, 4000000000 }, 2, "string wait_ns" },
	{ 15, { 10, 3 }, 2, "string exit_instruction" },
	{ 15, { 10, 9 }, 2, "string " },
	{ 15, { 10, 4000000000 }, 2, "string " },
	{ 15, { 11, 3 }, 2, "gauge 2400" },
	{ 15, { 11, 9 }, 2, "gauge 0" },
	{ 15, { 11, 4000000000 }, 2, "gauge 2500" },
	{ 15, { 12, 3 }, 2, "gauge 61" },
	{ 15, { 12, 9 }, 2, "gauge 0" },
	{ 15, { 12, 4000000000 }, 2, "gauge 0" },
	{ 15, { 13, 3 }, 2, "string \\x07\\xe8\\x02\\x1d\\x0c\"8\\x05+\\x00\\x00" },
	{ 15, { 13, 9 }, 2, "string \\x07\\xe8\\x02\\x1d\\x0c\"8\\x05+\\x00\\x00" },
	{ 15, { 13, 4000000000 }, 2, "string \\x07\\xe8\\x02\\x1d\\x0c\"8\\x05+\\x00\\x00" },
	{ 15, { 14, 9 }, 2, "string \\x07\\xe8\\x02\\x1d\\x0c\"9\\x05+\\x00\\x00" },
	{ 15, { 15, 3 }, 2, "gauge 2" },
	{ 15, { 15, 9 }, 2, "gauge 0" },
	{ 15, { 15, 4000000000 }, 2, "gauge 32" },
	{ 15, { 16, 3 }, 2, "string alpha: a lot\\x5cx0aof it" },
	{ 15, { 16, 9 }, 2, "string " },
	{ 15, { 16, 4000000000 }, 2, "string " },
};

enum { NEXPECTED = sizeof(expected) / sizeof(expected[0]) };

/* ---- the sample --------------------------------------------------------- */

static uint64_t boottime(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * S + (uint64_t)ts.tv_nsec;
}

static void set_columns(struct fake *fake)
{
	uint32_t cell = 0;

	for (uint32_t i = 0; i < NEVENTS; i++) {
		fake->columns[i] = (struct kvmstat_column){ .event = &events[i], .first_cell = cell, .cells = 1,
							    .source = KVMSTAT_BPF, .reason = "" };
		cell += fake->columns[i].cells = i == HIST ? 3 : i == HIST + 1 ? 2 : 1;
	}
	fake->columns[IO].source = KVMSTAT_DEBUGFS;
	fake->columns[HIST].source = KVMSTAT_ABSENT;	/* for kvmEventSource; what counts is the source of each cell */
	fake->columns[HIST].reason = "not read";
}

static void set_guest(struct kvmstat_guest *guest, uint64_t id, const char *name)
{
	free((char *)guest->name);
	guest->id = id;
	guest->name = strdup(name);
}

/* vCPU 1 is unplugged, and 3 plugged in, between the two samples. */
static void first_vcpus(struct fake *fake)
{
	fake->vcpus[0].has_cpu = true;
	fake->vcpus[0].cpu_ns = 3 * S / 2;
	fake->vcpus[0].wait_ns = S / 5;
	fake_set_vcpu(fake, 0, EXITS, 800);
	fake_set_vcpu(fake, 0, MAX_PAGES, 1);
	fake_set_vcpu(fake, 1, EXITS, 200);
	fake_set_vcpu(fake, 1, IO, 1);
}

static void second_vcpus(struct fake *fake)
{
	fake->vcpus[0].tid = 124;
	fake->vcpus[0].state = KVMSTAT_VCPU_BLOCKED;
	fake->vcpus[0].has_cpu = true;
	fake->vcpus[0].cpu_ns = 3 * S;
	fake->vcpus[0].wait_ns = 3 * S / 5;
	fake->vcpus[1].id = 3;
	fake->vcpus[1].tid = 126;
	fake->vcpus[1].state = KVMSTAT_VCPU_RUNNING;
	fake_set_vcpu(fake, 0, EXITS, 1700);
	fake_set_vcpu(fake, 0, MAX_PAGES, BIG + 1);
	fake_set_vcpu(fake, 0, HIST, 4);
	fake_set_vcpu(fake, 1, EXITS, 300);
	fake_set_vcpu(fake, 1, IO, BIG + 7);
	fake_set_vcpu(fake, 1, MAX_PAGES, 2);
	fake_set_vcpu(fake, 3, EXITS, 1);
}

static struct fake *first_sample(uint64_t time_ns)
{
	struct fake *fake = fake_new_vcpus(1, NEVENTS, NCELLS, (const uint32_t[]){ 2 });

	fake->sample.number = 1;
	fake->sample.time_ns = time_ns;
	fake->sample.realtime_ns = REALTIME - 10 * S;
	set_columns(fake);
	set_guest(&fake->guests[0], 1, "alpha");
	fake_set(fake, 0, EXITS, 1000);
	fake_set(fake, 0, PAGES, 3);
	fake_set(fake, 0, NEW, 7);
	fake_set(fake, 0, HIST, 5);
	fake_set(fake, 0, HIST2, 10);
	fake->rows[0].has_cpu = true;
	fake->rows[0].cpu_ns = 3 * S;
	fake->rows[0].wait_ns = S / 2;
	first_vcpus(fake);
	return fake;
}

static struct fake *second_sample(uint64_t time_ns)
{
	struct fake *fake = fake_new_vcpus(3, NEVENTS, NCELLS, (const uint32_t[]){ 2, 1, 1 });
	struct kvmstat_sample *sample = &fake->sample;

	sample->number = 2;
	sample->time_ns = time_ns;
	sample->realtime_ns = REALTIME;
	sample->duration_ns = 1234567;
	sample->cpus = 8;
	sample->lockdown = KVMSTAT_LOCKDOWN_INTEGRITY;
	sample->sources[KVMSTAT_BPF].state = KVMSTAT_ACTIVE;
	sample->sources[KVMSTAT_DEBUGFS].state = KVMSTAT_DENIED;
	strcpy(sample->sources[KVMSTAT_DEBUGFS].text, "closed\nopen it");
	sample->problems[KVMSTAT_REFUSED] = (struct kvmstat_problem_status){ .active = true, .count = 2,
									     .text = "lockdown" };
	sample->problems[KVMSTAT_UNREADABLE].count = 3;
	set_columns(fake);
	set_guest(&fake->guests[0], 1, "alpha");
	set_guest(&fake->guests[1], 2, "b\nta\xff\xc3\xa9");
	fake->guests[0].uuid = "11111111-2222-3333-4444-555555555555";
	fake->guests[0].pid = 123;
	fake->guests[0].memory = 64 << 20;
	fake->guests[0].began_ns = time_ns - 56 * S - S / 2;
	fake->guests[0].began_realtime_ns = REALTIME - 56 * S - S / 2;
	fake->guests[1].vmm = "m\xc3\xb6";
	fake->rows[0].vcpu_count = 2;
	fake->rows[0].has_cpu = true;
	fake->rows[0].cpu_ns = 5 * S;
	fake->rows[0].wait_ns = S;
	fake_set(fake, 0, EXITS, 2000);
	fake_set(fake, 0, IO, 5);
	fake_set(fake, 0, PAGES, BIG + 5);
	fake_set(fake, 0, HIST, 100 * BIG + 5);
	fake_set(fake, 0, HIST1, 0);
	fake_set(fake, 0, HIST2, 30);
	fake_set(fake, 0, SIZES, 6);
	fake_set(fake, 1, SIZES1, 1);
	fake_set(fake, 0, NEW, 100 * BIG + 7);
	fake_set(fake, 1, IO, 3);
	fake_set(fake, 1, MAX_PAGES, 9);
	fake_set(fake, 2, EXITS, 1);
	second_vcpus(fake);
	return fake;
}

struct world {
	struct views *views;
	struct reader reader;
	struct fake *samples[2];
	struct assignment assignment;
};

/* As a diagnosis would leave them: event 10 alone is judged, and learnt of guest 7 alone. */
static void set_learnt(struct view *view)
{
	view->njudged = 1;
	for (uint32_t i = 0; i < view->nevents; i++)
		view->judged[i] = VIEW_NOT_JUDGED;
	view->judged[EXITS] = 0;
	free(view->usual);
	view->usual = calloc(view->nguests, sizeof(*view->usual));
	view->usual_size = view->nguests;
	view->usual[0] = NAN;
	view->usual[1] = 61.2f;
	view->guests[1].alarm = 3;
	view->guests[1].learnt = 9.9f;
}

static void set_alarms(struct view *view)
{
	const struct kvmstat_alarm alarms[] = {
		{ .number = 3, .guest = "alpha", .key = "uuid:11111111-2222-3333-4444-555555555555", .cause = kvmstat_cause(3),
		  .event = kvmstat_judged(1252), .rate = 2400.4, .usual = 61, .since_ns = REALTIME, .nevents = 2,
		  .text = "alpha: a lot\nof it" },
		{ .number = 9, .guest = "", .key = "", .cause = kvmstat_cause(4), .rate = NAN, .usual = NAN,
		  .since_ns = REALTIME, .cleared_ns = REALTIME + S },
		{ .number = 4000000000, .guest = "b\nad", .key = "name:b\nad", .cause = kvmstat_cause(15),
		  .event = kvmstat_judged(KVMSTAT_NUMBER_WAIT), .rate = 2.5e9, .usual = NAN, .since_ns = REALTIME, .nevents = 32 },
	};
	const struct kvmstat_alarm *all[] = { &alarms[0], &alarms[1], &alarms[2] };

	assert_int_equal(alarmlist_copy(&view->alarms, all, (const uint32_t[]){ 7, 0, 0 }, 3), 0);
	view->alarms.judged = view->alarms.notify = true;
	view->alarms.active = 2;
	view->alarms.raised = 5;
	view->alarms.suppressed = 1;
	view->alarms.changed_ns = view->sample->time_ns;
}

static void publish(struct world *world, struct fake *fake, const uint32_t *index)
{
	static const bool every[256] = { [0 ... 255] = true };
	struct view *view;

	world->assignment = (struct assignment){ index, every, world->assignment.generation + 1 };
	assert_int_equal(views_build(world->views, &fake->sample, &world->assignment, &view), 0);
	if (fake == world->samples[1]) {
		set_learnt(view);
		set_alarms(view);
	}
	assert_int_equal(views_show(world->views, view), 0);
}

static int make_world(void **state)
{
	static const uint32_t index[] = { 7, 2, 0 };
	struct world *world = calloc(1, sizeof(*world));
	uint64_t now = boottime();

	world->views = views_new();
	reader_init(&world->reader, world->views, 10);
	world->samples[0] = first_sample(now - 10 * S);
	world->samples[1] = second_sample(now);
	publish(world, world->samples[0], index);
	publish(world, world->samples[1], index);
	*state = world;
	return 0;
}

static int free_world(void **state)
{
	struct world *world = *state;

	reader_exit(&world->reader);
	views_free(world->views);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(world->samples[i]->refs, 0);	/* every view gave its sample back */
		fake_free(world->samples[i]);
	}
	free(world);
	return 0;
}

/* ---- requests ----------------------------------------------------------- */

enum request_mode { GET, GETNEXT };

/* One request of one table. */
struct call {
	const struct table *table;
	enum request_mode mode;
	struct reader *reader;
	uint32_t transaction;
	struct oid name;		/* that was asked for, then of the answer */
	enum oid_type type;		/* END_OF_MIB_VIEW: nothing comes after it */
	struct value value;
};

static size_t table_oid(const struct table *table, uint32_t out[OID_MAX])
{
	static struct tree tree;
	size_t i = 0;

	/* Once: it is asked for a million times. */
	if (!tree.at[0].len)
		handler_tree(&tree, &root);
	while (tables[i]->group != table->group)
		i++;
	memcpy(out, tree.at[i].subid, sizeof(tree.at[i].subid));
	return tree.at[i].len;
}

static struct oid as_oid(const uint32_t *subids, size_t len)
{
	struct oid oid = { .len = (uint32_t)len };

	memcpy(oid.subid, subids, len * sizeof(*subids));
	return oid;
}

static int compare(const uint32_t *a, size_t a_len, const uint32_t *b, size_t b_len)
{
	struct oid x = as_oid(a, a_len), y = as_oid(b, b_len);

	return oid_compare(&x, &y);
}

static void begin(struct call *call, struct world *world, const struct table *table, enum request_mode mode,
		  const uint32_t *name, size_t len)
{
	call->table = table;
	call->mode = mode;
	call->reader = &world->reader;
	call->transaction = 0;
	call->name = as_oid(name, len);
}

static void run(struct call *call)
{
	uint32_t subids[OID_MAX];
	size_t len = table_oid(call->table, subids);
	struct oid at = as_oid(subids, len);
	struct ask ask;

	handler_ask(&ask, call->reader, call->transaction);
	call->type = END_OF_MIB_VIEW;
	if (call->mode == GET)
		call->type = handler_get(call->table, &at, &ask, &call->name, &call->value);
	else
		handler_next(call->table, &at, &ask, &call->name, &call->type, &call->value);
}

static void octets_as_text(char *text, size_t size, const uint8_t *octets, size_t len)
{
	size_t used = (size_t)snprintf(text, size, "string ");

	for (size_t i = 0; i < len && used + 5 < size; i++)
		used += (size_t)snprintf(text + used, size - used,
					 octets[i] < ' ' || octets[i] > '~' || octets[i] == '\\' ? "\\x%02x"
												 : "%c",
					 octets[i]);
}

static const char *value_as_text(const struct call *call)
{
	static char text[4096];

	if (call->type == TYPE_STRING)
		octets_as_text(text, sizeof(text), call->value.data, call->value.len);
	else if (call->type == TYPE_COUNTER64)
		snprintf(text, sizeof(text), "counter64 %llu", (unsigned long long)call->value.number);
	else
		snprintf(text, sizeof(text), "%s %lu", call->type == TYPE_GAUGE ? "gauge" :
			 call->type == TYPE_COUNTER ? "counter" : call->type == TYPE_INTEGER ? "integer" :
			 call->type == TYPE_TICKS ? "ticks" : "?", (unsigned long)(uint32_t)call->value.number);
	return text;
}

static const struct table *table_of(uint8_t group)
{
	for (size_t i = 0; i < ntables; i++)
		if (tables[i]->group == group)
			return tables[i];
	return NULL;
}

static size_t full_name(const struct expected *entry, uint32_t name[OID_MAX])
{
	size_t len = table_oid(table_of(entry->group), name);

	memcpy(name + len, entry->suffix, entry->len * sizeof(*name));
	return len + entry->len;
}

static void check_is(const struct call *call, const struct expected *entry)
{
	uint32_t name[OID_MAX];
	size_t len = full_name(entry, name);

	assert_int_equal(compare(call->name.subid, call->name.len, name, len), 0);
	if (strcmp(entry->value, "*") != 0)
		assert_string_equal(value_as_text(call), entry->value);
}

/* The first entry of this group after name, or NULL. */
static const struct expected *successor(uint8_t group, const uint32_t *name, size_t len)
{
	for (int i = 0; i < NEXPECTED; i++) {
		uint32_t entry[OID_MAX];

		if (expected[i].group == group && compare(entry, full_name(&expected[i], entry), name, len) > 0)
			return &expected[i];
	}
	return NULL;
}

static void check_next(struct world *world, uint8_t group, const uint32_t *name, size_t len)
{
	const struct expected *next = successor(group, name, len);
	struct call call;

	begin(&call, world, table_of(group), GETNEXT, name, len);
	run(&call);
	if (next) {
		check_is(&call, next);
	} else {
		assert_int_equal(call.type, END_OF_MIB_VIEW);
		assert_int_equal(compare(call.name.subid, call.name.len, name, len), 0);
	}
}

static int get_type_in(struct world *world, uint32_t transaction, uint8_t group, const uint32_t *name, size_t len)
{
	struct call call;
	int type;

	begin(&call, world, table_of(group), GET, name, len);
	call.transaction = transaction;
	run(&call);
	type = call.type;
	return type;
}

static int get_type(struct world *world, uint8_t group, const uint32_t *name, size_t len)
{
	return get_type_in(world, 0, group, name, len);
}

/* ---- tests -------------------------------------------------------------- */

static void test_tree_ascends(void **state)
{
	uint32_t before[OID_MAX], name[OID_MAX];
	size_t before_len = 0;

	(void)state;
	for (int i = 0; i < NEXPECTED; i++) {
		size_t len = full_name(&expected[i], name);

		assert_true(compare(before, before_len, name, len) < 0);
		memcpy(before, name, sizeof(name));
		before_len = len;
	}
	for (size_t i = 1; i < ntables; i++)
		assert_true(tables[i - 1]->group < tables[i]->group);
	for (size_t i = 0; i < ntables; i++)
		for (size_t j = 1; j < tables[i]->ncolumns; j++)
			assert_true(tables[i]->columns[j - 1].number < tables[i]->columns[j].number);
}

static void test_tree(void **state)
{
	struct tree tree;

	(void)state;
	handler_tree(&tree, &root);
	for (size_t i = 0; i < ntables; i++) {
		assert_int_equal(tree.at[i].len, ROOT_LEN + (tables[i]->scalars ? 2 : 3));
		assert_int_equal(tree.at[i].subid[ROOT_LEN + 1], tables[i]->group);
		assert_true(i == 0 || oid_compare(&tree.at[i - 1], &tree.at[i]) < 0);
	}
}

static void check_get(struct world *world, const struct expected *entry)
{
	uint32_t name[OID_MAX];
	size_t len = full_name(entry, name);
	struct call call;

	begin(&call, world, table_of(entry->group), GET, name, len);
	run(&call);
	check_is(&call, entry);
}

static void test_get(void **state)
{
	for (int i = 0; i < NEXPECTED; i++)
		check_get(*state, &expected[i]);
}

/* Everything near an entry that is no entry. */
static void test_get_nothing(void **state)
{
	for (int i = 0; i < NEXPECTED; i++) {
		uint32_t name[OID_MAX];
		size_t len = full_name(&expected[i], name), column = len - expected[i].len;
		uint8_t group = expected[i].group;

		assert_int_equal(get_type(*state, group, name, column), NO_SUCH_OBJECT);
		assert_int_equal(get_type(*state, group, name, len - 1), NO_SUCH_INSTANCE);
		name[len] = 0;
		assert_int_equal(get_type(*state, group, name, len + 1), NO_SUCH_INSTANCE);
		name[len - 1] = 4294967295;
		assert_int_equal(get_type(*state, group, name, len), NO_SUCH_INSTANCE);
		name[column] = 0;
		assert_int_equal(get_type(*state, group, name, len), NO_SUCH_OBJECT);
		name[column] = 200;
		assert_int_equal(get_type(*state, group, name, len), NO_SUCH_OBJECT);
	}
}

static void test_get_absent_cells(void **state)
{
	static const struct expected absent[] = {
		{ 8, { 1, 2, 20 }, 3, "" },    { 8, { 1, 7, 20 }, 3, "" },    { 8, { 1, 7, 30 }, 3, "" },
		{ 8, { 2, 7, 30 }, 3, "" },    { 8, { 2, 2, 10 }, 3, "" },    { 8, { 3, 7, 10 }, 3, "" },
		{ 8, { 3, 7, 40 }, 3, "" },    { 8, { 2, 7, 50 }, 3, "" },    { 8, { 3, 7, 50 }, 3, "" },
		{ 8, { 2, 0, 10 }, 3, "" },    { 8, { 2, 3, 10 }, 3, "" },    { 10, { 2, 7, 1 }, 3, "" },
		{ 10, { 3, 7, 1 }, 3, "" },    { 10, { 4, 7, 3 }, 3, "" },    { 10, { 6, 7, 3 }, 3, "" },
		{ 10, { 2, 2, 0 }, 3, "" },    { 10, { 3, 0, 0 }, 3, "" },    { 10, { 3, 8, 0 }, 3, "" },
		{ 11, { 1, 7, 3, 10 }, 4, "" }, { 11, { 2, 7, 0, 20 }, 4, "" }, { 11, { 2, 7, 1, 10 }, 4, "" },
		{ 11, { 2, 2, 0, 10 }, 4, "" }, { 11, { 2, 7, 0, 40 }, 4, "" }, { 11, { 2, 7, 0, 50 }, 4, "" },
		{ 11, { 2, 0, 0, 10 }, 4, "" }, { 11, { 3, 7, 0, 10 }, 4, "" }, { 12, { 1, 7, 1, 10 }, 4, "" },
		{ 13, { 3, 7, 50, 2 }, 4, "" }, { 13, { 2, 7, 60, 0 }, 4, "" }, { 13, { 4, 7, 60, 1 }, 4, "" },
		{ 13, { 4, 7, 50, 3 }, 4, "" }, { 13, { 4, 2, 50, 0 }, 4, "" }, { 13, { 5, 7, 50, 1 }, 4, "" },
		{ 13, { 4, 7, 10, 0 }, 4, "" }, { 13, { 4, 0, 50, 0 }, 4, "" },
		{ 6, { 13, 2 }, 2, "" },       { 8, { 4, 2, 10 }, 3, "" },    { 8, { 4, 7, 20 }, 3, "" },
		{ 15, { 2, 4000000000 }, 2, "" }, { 15, { 14, 3 }, 2, "" },   { 15, { 3, 0 }, 2, "" },
		{ 15, { 3, 4 }, 2, "" },
	};

	for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++) {
		uint32_t name[OID_MAX];
		size_t len = full_name(&absent[i], name);

		assert_int_equal(get_type(*state, absent[i].group, name, len), NO_SUCH_INSTANCE);
	}
}

static void test_getnext_chain(void **state)
{
	for (size_t i = 0; i < ntables; i++) {
		uint32_t name[OID_MAX];
		size_t len = table_oid(tables[i], name);
		const struct expected *next;

		while ((next = successor(tables[i]->group, name, len))) {
			check_next(*state, tables[i]->group, name, len);
			len = full_name(next, name);
		}
		check_next(*state, tables[i]->group, name, len);
	}
}

/* Every prefix, and every sub-identifier changed, with nothing, 0 and the largest after it. */
static void test_getnext_edges(void **state)
{
	static const uint32_t tails[] = { 0, 1, 4294967295 };
	struct world *world = *state;

	for (int i = 0; i < NEXPECTED; i++) {
		uint32_t name[OID_MAX], changed[OID_MAX];
		size_t len = full_name(&expected[i], name);
		uint8_t group = expected[i].group;

		/* However long the test takes, the sample does not become stale. */
		world->samples[1]->sample.time_ns = boottime();
		for (size_t cut = 1; cut <= len; cut++) {
			const uint32_t others[] = { name[cut - 1], name[cut - 1] - 1, name[cut - 1] + 1, 0,
					       200,	      2147483648,	 4294967295 };

			for (size_t j = 0; j < sizeof(others) / sizeof(others[0]); j++) {
				memcpy(changed, name, sizeof(name));
				changed[cut - 1] = others[j] & 0xffffffff;
				check_next(world, group, changed, cut);
				for (size_t k = 0; k < 3; k++) {
					changed[cut] = tails[k];
					check_next(world, group, changed, cut + 1);
				}
			}
		}
	}
}

/* kvmSampleNumber, as a request of this transaction sees it. */
static unsigned long sample_number(struct world *world, uint32_t transaction)
{
	uint32_t name[OID_MAX];
	size_t len = table_oid(table_of(1), name);
	struct call call;
	unsigned long number;

	name[len++] = 3;
	name[len++] = 0;
	begin(&call, world, table_of(1), GET, name, len);
	call.transaction = transaction;
	run(&call);
	number = (unsigned long)call.value.number;
	return number;
}

static void test_transaction_sees_one_sample(void **state)
{
	static const uint32_t index[] = { 7, 2, 0 };
	struct world *world = *state;

	assert_int_equal(sample_number(world, 41), 2);
	publish(world, world->samples[0], index);
	assert_int_equal(sample_number(world, 41), 2);
	assert_int_equal(sample_number(world, 42), 1);
	assert_int_equal(sample_number(world, 41), 2);
	publish(world, world->samples[1], index);
	assert_int_equal(sample_number(world, 42), 1);
	assert_int_equal(sample_number(world, 43), 2);
	for (int i = 0; i < 4; i++)		/* its view is not used again meanwhile */
		publish(world, world->samples[0], index);
	assert_int_equal(sample_number(world, 43), 2);
	assert_int_equal(sample_number(world, 44), 1);
	for (int i = 0; i < 4; i++)
		publish(world, world->samples[0], index);
	assert_int_equal(sample_number(world, 43), 2);
	publish(world, world->samples[1], index);
	for (long i = 100; i < 200; i++)	/* many at once: the oldest are forgotten, nothing leaks */
		assert_int_equal(sample_number(world, i), 2);
	assert_int_equal(sample_number(world, 42), 2);
	assert_int_equal(sample_number(world, 0), 2);
	publish(world, world->samples[0], index);
	reader_expire(&world->reader, boottime() + 60 * S);
	assert_int_equal(sample_number(world, 199), 1);
}

/* An old view is hidden; the collector's group, which says how old it is, is not. */
static void test_stale(void **state)
{
	struct world *world = *state;

	world->samples[1]->sample.time_ns = boottime() - 31 * S;
	for (int i = 0; i < NEXPECTED; i++) {
		uint32_t name[OID_MAX];
		size_t len = full_name(&expected[i], name);
		int type = get_type(world, expected[i].group, name, len);

		if (expected[i].group == 1)
			assert_int_not_equal(type, NO_SUCH_INSTANCE);
		else
			assert_int_equal(type, NO_SUCH_INSTANCE);
	}
	world->samples[1]->sample.time_ns = boottime() - 9 * S;
	test_get(state);
}

/* Counters did not start again because somebody set the wall clock. */
static void test_wall_clock_is_set(void **state)
{
	static const uint32_t index[] = { 7, 2, 0 };
	static const uint64_t steps[] = { 0, 2 * S, 86400 * S };
	struct world *world = *state;
	struct kvmstat_sample *sample = &world->samples[1]->sample;

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		const struct view *view;

		sample->realtime_ns = REALTIME + steps[i];
		publish(world, world->samples[1], index);
		view = reader_view(&world->reader, 0, boottime());
		assert_int_equal(view->guests[1].index, 7);
		assert_int_equal(view->guests[1].since_ns, sample->time_ns - 56 * S - S / 2);
		for (int j = 0; j < NEXPECTED; j++)
			if (expected[j].group == 6)
				check_get(world, &expected[j]);
	}
}

static void test_before_first_sample(void **state)
{
	struct world world = { .views = views_new() };

	(void)state;
	reader_init(&world.reader, world.views, 10);
	for (int i = 0; i < NEXPECTED; i++) {
		uint32_t name[OID_MAX];
		size_t len = full_name(&expected[i], name);
		bool shown =
			expected[i].group == 1 && (expected[i].suffix[0] <= 3 || expected[i].suffix[0] == 7);

		assert_int_equal(get_type(&world, expected[i].group, name, len) == NO_SUCH_INSTANCE,
				 !shown);
	}
	assert_int_equal(sample_number(&world, 5), 0);
	reader_exit(&world.reader);
	views_free(world.views);
}

static void test_empty_host(void **state)
{
	struct world *world = *state;
	struct fake *fake = fake_new(0, 0, 0);

	fake->sample.time_ns = boottime();
	publish(world, fake, NULL);
	for (size_t i = 4; i < ntables; i++) {
		uint32_t name[OID_MAX];
		size_t len = table_oid(tables[i], name);
		struct call call;

		begin(&call, world, tables[i], GETNEXT, name, len);
		run(&call);
		assert_int_equal(call.type, END_OF_MIB_VIEW);
		}
	publish(world, world->samples[0], (const uint32_t[]){ 7 });
	reader_expire(&world->reader, boottime());
	publish(world, world->samples[1], (const uint32_t[]){ 7, 2, 0 });
	assert_int_equal(fake->refs, 0);
	fake_free(fake);
}

/* Where only /proc is to be had, from the first sample on. The sanitizers look on. */
static void test_guests_without_events(void **state)
{
	struct world world = { .views = views_new() };
	struct fake *fake = fake_new(2, 0, 0);
	uint32_t name[OID_MAX];
	size_t len = table_oid(table_of(6), name);
	struct call call;

	(void)state;
	fake->sample.time_ns = boottime();
	reader_init(&world.reader, world.views, 10);
	publish(&world, fake, (const uint32_t[]){ 7, 2 });
	memcpy(name + len, (const uint32_t[]){ 2, 2 }, 2 * sizeof(*name));
	assert_int_equal(get_type(&world, 6, name, len + 2), TYPE_STRING);
	for (uint8_t group = 8; group <= 9; group++) {
		len = table_oid(table_of(group), name);
		begin(&call, &world, table_of(group), GETNEXT, name, len);
		run(&call);
		assert_int_equal(call.type, END_OF_MIB_VIEW);
		}
	reader_exit(&world.reader);
	views_free(world.views);
	assert_int_equal(fake->refs, 0);
	fake_free(fake);
}

/* ---- two threads -------------------------------------------------------- */

enum { ROUNDS = 3000 };

/* Its vCPU is in the second sample, and in no other. */
static const struct expected only_second = { 12, { 1, 7, 3, 10 }, 4, "counter64 300" };

static void *publish_many(void *arg)
{
	struct world *world = arg;

	for (int i = 0; i < ROUNDS; i++)
		publish(world, world->samples[i % 2], (const uint32_t[]){ 7, 2, 0 });
	return NULL;
}

/* The number of the sample and what it holds fit together, however fast samples come. */
static void test_threads(void **state)
{
	struct world *world = *state;
	uint32_t name[OID_MAX];
	size_t len = full_name(&only_second, name);
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, publish_many, world), 0);
	for (long i = 1; i <= ROUNDS; i++) {
		unsigned long number = sample_number(world, i);
		int type = get_type_in(world, i, only_second.group, name, len);

		assert_int_equal(type, number == 2 ? TYPE_COUNTER64 : NO_SUCH_INSTANCE);
		if (i % 7 == 0)
			reader_expire(&world->reader, boottime());
	}
	pthread_join(thread, NULL);
}

/* ---- many --------------------------------------------------------------- */

enum { GUESTS = 200, CUMULATIVE = 99, CELLS = CUMULATIVE + 1 };

/* 200 guests x 100 events; the last event is a level, and only the last guest has it. */
static struct fake *many(struct kvmstat_event *many_events)
{
	struct fake *fake = fake_new(GUESTS, CELLS, CELLS);

	fake->sample.time_ns = boottime();
	for (uint32_t i = 0; i < CELLS; i++) {
		many_events[i] = (struct kvmstat_event){ .name = "e",
							 .text = "",
							 .number = i * 3 + 1,
							 .class = i < CUMULATIVE ? KVMSTAT_CUMULATIVE
										 : KVMSTAT_INSTANT };
		fake->columns[i] = (struct kvmstat_column){ .event = &many_events[i], .first_cell = i, .cells = 1,
							    .reason = "" };
	}
	for (uint32_t row = 0; row < GUESTS; row++)
		for (uint32_t i = 0; i < CUMULATIVE; i++)
			fake_set(fake, row, i, row * 1000 + i);
	fake_set(fake, GUESTS - 1, CELLS - 1, 77);
	return fake;
}

/* Rows are discovered in another order than their indices have. */
static uint32_t index_of_row(uint32_t row)
{
	return (row * 77) % GUESTS * 5 + 1;
}

static void check_many_cell(const struct call *call, uint32_t i, const uint32_t *row_of_index)
{
	const uint32_t *end = call->name.subid + call->name.len;
	uint32_t row = row_of_index[i / CUMULATIVE], event = i % CUMULATIVE;

	assert_int_equal(end[-3], 2);
	assert_int_equal(end[-2], index_of_row(row));
	assert_int_equal(end[-1], event * 3 + 1);
	assert_int_equal(call->value.number, row * 1000 + event);
}

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void walk_many(struct world *world, const uint32_t *row_of_index)
{
	uint32_t name[OID_MAX];
	size_t len = table_oid(table_of(8), name);

	name[len++] = 2;
	for (uint32_t seen = 0; seen < GUESTS * CUMULATIVE; seen++) {
		struct call call;

		begin(&call, world, table_of(8), GETNEXT, name, len);
		run(&call);
		check_many_cell(&call, seen, row_of_index);
		len = call.name.len;
		memcpy(name, call.name.subid, len * sizeof(*name));
	}
}

/* From anywhere in an almost empty column, the only cell is found without a search of all others. */
static void find_the_last_cell(struct world *world)
{
	uint32_t name[OID_MAX];
	size_t len = table_oid(table_of(8), name);

	name[len] = 3;
	for (uint32_t i = 0; i < 20000; i++) {
		struct call call;

		name[len + 1] = i % 100;
		begin(&call, world, table_of(8), GETNEXT, name, len + 2);
		run(&call);
		assert_int_equal(call.value.number, 77);
		}
}

static void test_20000_rows(void **state)
{
	struct world *world = *state;
	struct kvmstat_event many_events[CELLS];
	struct fake *fake = many(many_events);
	uint32_t index[GUESTS], row_of_index[GUESTS];
	double start;

	for (uint32_t row = 0; row < GUESTS; row++) {
		index[row] = index_of_row(row);
		row_of_index[(row * 77) % GUESTS] = row;
	}
	publish(world, fake, index);
	start = seconds();
	walk_many(world, row_of_index);
	find_the_last_cell(world);
	assert_true(seconds() - start < 3);	/* 0.1 s */
	publish(world, world->samples[0], index);
	publish(world, world->samples[1], index);
	reader_reset(&world->reader);
	reader_expire(&world->reader, boottime());
	assert_int_equal(fake->refs, 0);
	fake_free(fake);
}

/* ---- vCPUs -------------------------------------------------------------- */

enum { VCPU_GUESTS = 100, VCPUS = 8, VCPU_EVENTS = 50, COMPARISONS = 40 };

/* 100 guests x 8 vCPUs x 50 events; the last event is a level, and only the very last vCPU has it, and a thread. */
static struct fake *many_vcpus(struct kvmstat_event *many_events)
{
	uint32_t nvcpus[VCPU_GUESTS], last = VCPU_GUESTS * VCPUS - 1;
	struct fake *fake;

	for (uint32_t i = 0; i < VCPU_GUESTS; i++)
		nvcpus[i] = VCPUS;
	fake = fake_new_vcpus(VCPU_GUESTS, VCPU_EVENTS, VCPU_EVENTS, nvcpus);
	fake->sample.time_ns = boottime();
	for (uint32_t i = 0; i < VCPU_EVENTS; i++) {
		many_events[i] = (struct kvmstat_event){ .name = "e", .text = "", .number = i + 1,
							 .class = i < VCPU_EVENTS - 1 ? KVMSTAT_CUMULATIVE
										      : KVMSTAT_INSTANT };
		fake->columns[i] = (struct kvmstat_column){ .event = &many_events[i], .first_cell = i, .cells = 1,
							    .reason = "" };
	}
	for (uint32_t vcpu = 0; vcpu <= last; vcpu++)
		for (uint32_t i = 0; i < VCPU_EVENTS - 1; i++)
			fake_set_vcpu(fake, vcpu, i, vcpu * 1000 + i);
	fake_set_vcpu(fake, last, VCPU_EVENTS - 1, 77);
	fake->vcpus[last].tid = 4711;
	return fake;
}

/* A table whose looks at rows are counted. */
static unsigned int looks;

static uint32_t counted_guest(const struct view *view, uint32_t row)
{
	looks++;
	return table_of(11)->rows.subid[0](view, row);
}

/* GETNEXT from name, which becomes what was found. False at the end. */
static bool step(struct world *world, const struct table *table, uint32_t *name, size_t *len, uint64_t *value)
{
	struct call call;
	bool found;

	begin(&call, world, table, GETNEXT, name, *len);
	run(&call);
	found = call.type != END_OF_MIB_VIEW;
	if (found) {
		*len = call.name.len;
		memcpy(name, call.name.subid, *len * sizeof(*name));
		*value = (uint64_t)call.value.number;
	}
	return found;
}

static void walk_vcpus(struct world *world, const struct table *table)
{
	uint32_t name[OID_MAX];
	size_t len = table_oid(table, name), start = len;
	uint64_t value;

	name[len++] = 2;
	for (uint32_t guest = 0; guest < VCPU_GUESTS; guest++) {
		for (uint32_t i = 0; i < VCPUS * (VCPU_EVENTS - 1); i++) {
			uint32_t id = i / (VCPU_EVENTS - 1), event = i % (VCPU_EVENTS - 1);
			/* The guest of the lowest index is the last row. */
			uint32_t row = VCPU_GUESTS - 1 - guest;

			looks = 0;
			assert_true(step(world, table, name, &len, &value));
			assert_true(looks < COMPARISONS);
			assert_int_equal(len, start + 4);
			assert_int_equal(name[start + 1], guest + 1);
			assert_int_equal(name[start + 2], id);
			assert_int_equal(name[start + 3], event + 1);
			assert_int_equal(value, (row * VCPUS + id) * 1000 + event);
		}
	}
	assert_true(step(world, table, name, &len, &value));
	assert_int_equal(name[start], 3);
	assert_int_equal(value, 77);
	assert_false(step(world, table, name, &len, &value));
}

static void test_many_vcpus(void **state)
{
	struct world *world = *state;
	struct kvmstat_event many_events[VCPU_EVENTS];
	struct fake *fake = many_vcpus(many_events);
	struct table counted = *table_of(11);
	uint32_t name[OID_MAX];
	size_t len = table_oid(table_of(10), name), start = len;
	uint32_t index[VCPU_GUESTS];
	uint64_t value;

	for (uint32_t row = 0; row < VCPU_GUESTS; row++)
		index[row] = VCPU_GUESTS - row;
	publish(world, fake, index);
	counted.rows.subid[0] = counted_guest;
	walk_vcpus(world, &counted);
	assert_true(step(world, table_of(10), name, &len, &value));
	assert_int_equal(name[start], 2);
	assert_int_equal(name[start + 1], 1);
	assert_int_equal(name[start + 2], VCPUS - 1);
	assert_int_equal(value, 4711);
	publish(world, world->samples[0], index);
	publish(world, world->samples[1], (const uint32_t[]){ 7, 2, 0 });
	reader_expire(&world->reader, boottime());
	assert_int_equal(fake->refs, 0);
	fake_free(fake);
}

/* Without vCPUs and histograms in the sample there is nothing to be found, and nothing is kept for it. */
static void test_switched_off(void **state)
{
	struct world world = { .views = views_new() };
	struct fake *fake = fake_new(2, NEVENTS, NCELLS);
	struct view *view;

	(void)state;
	reader_init(&world.reader, world.views, 10);
	fake->sample.time_ns = boottime();
	fake->sample.ncolumns = HIST;
	set_columns(fake);
	publish(&world, fake, (const uint32_t[]){ 1, 2 });
	for (uint8_t group = 10; group <= 13; group++) {
		uint32_t name[OID_MAX];
		size_t len = table_oid(table_of(group), name);
		uint64_t value;

		assert_false(step(&world, table_of(group), name, &len, &value));
	}
	view = world.reader.newest;
	assert_non_null(view->cells.bits);
	assert_null(view->vcpus);
	assert_null(view->vcpu_cells.bits);
	assert_null(view->vcpu_cells.next);
	assert_null(view->vcpu_facts.bits);
	assert_null(view->vcpu_facts.next);
	assert_null(view->buckets);
	assert_null(view->bucket_cells.bits);
	assert_null(view->bucket_cells.next);
	reader_exit(&world.reader);
	views_free(world.views);
	fake_free(fake);
}

/* ---- values ------------------------------------------------------------- */

static void test_timestamp(void **state)
{
	struct reader reader;
	uint64_t t = 1000 * S;

	(void)state;
	reader_init(&reader, NULL, 10);
	assert_int_equal(reader_timestamp(&reader, t - 5 * S, t, 2000), 1500);
	assert_int_equal(reader_timestamp(&reader, t - 5 * S, t + S, 2103),
			 1500);							/* jitter is not passed on */
	assert_int_equal(reader_timestamp(&reader, t - 60 * S, t, 2000), 0);	/* before sysUpTime began */
	assert_int_equal(reader_timestamp(&reader, 0, t, 2000), 0);
	assert_int_equal(reader_timestamp(&reader, t - 5 * S, t + S, 200),
			 0); /* snmpd was restarted 2 s ago */
	assert_int_equal(reader_timestamp(&reader, t, t + S, 200), 100);
}

/* As long as the same sysUpTime runs, what was given stays, whatever happens to the host. */
static void test_timestamp_stays(void **state)
{
	const uint64_t t = 1000 * S, slept = 3600 * S, wrap = UINT64_C(1) << 32, cs = S / 100;
	struct reader reader;

	(void)state;
	reader_init(&reader, NULL, 10);
	assert_int_equal(reader_timestamp(&reader, t - 5 * S, t, 2000), 1500);
	/* The host slept for an hour, which sysUpTime does not count. */
	assert_int_equal(reader_timestamp(&reader, t - 5 * S, t + slept + 10 * S, 3000), 1500);
	assert_int_equal(reader_timestamp(&reader, t, t + slept + 10 * S, 3000), 2000);
	/* Between the waking and that look. */
	assert_int_equal(reader_timestamp(&reader, t + slept + 5 * S, t + slept + 20 * S, 4000), 2500);
	for (uint64_t i = 2; i < READER_BASES; i++)
		assert_int_equal(reader_timestamp(&reader, t - 5 * S, t + i * slept + 20 * S, 4000), 1500);
	assert_int_equal(reader_timestamp(&reader, t + slept + 5 * S, t + (READER_BASES - 1) * slept + 20 * S, 4000), 2500);
	/* What is left of more than can be kept is no nonsense. */
	for (uint64_t i = READER_BASES; i < 3 * READER_BASES; i++)
		assert_int_equal(reader_timestamp(&reader, t + i * slept + 20 * S, t + i * slept + 20 * S, 4000), 4000);
	/* sysUpTime begins again after 497 days. */
	reader_reset(&reader);
	assert_int_equal(reader_timestamp(&reader, t, t, wrap - 1000), wrap - 1000);
	assert_int_equal(reader_timestamp(&reader, t, t + 2000 * cs, 1000), wrap - 1000);
	assert_int_equal(reader_timestamp(&reader, t + 1500 * cs, t + 2000 * cs, 1000), 500);
}

static void check_clean(const char *bytes, size_t size, bool ascii, const char *want)
{
	char out[64];

	assert_int_equal(octets_clean(out, size, bytes, ascii), strlen(want));
	assert_string_equal(out, want);
}

static void test_octets(void **state)
{
	(void)state;
	check_clean("plain", 64, false, "plain");
	check_clean("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\xa7", 64, false,
		    "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\xa7");
	check_clean("gr\xc3\xbc", 64, true, "gr\\xc3\\xbc");
	check_clean("a\nb\x7f", 64, false, "a\\x0ab\\x7f");
	check_clean("\xc2\x85", 64, false, "\\xc2\\x85");		/* NEL, a control character */
	check_clean("\xc0\xaf", 64, false, "\\xc0\\xaf");		/* overlong */
	check_clean("\xe0\x80\xaf", 64, false, "\\xe0\\x80\\xaf");
	check_clean("\xed\xa0\x80", 64, false, "\\xed\\xa0\\x80");	/* surrogate */
	check_clean("\xf4\x90\x80\x80", 64, false, "\\xf4\\x90\\x80\\x80");	/* above U+10FFFF */
	check_clean("\xe2\x82", 64, false, "\\xe2\\x82");		/* cut */
	check_clean("\xff", 64, false, "\\xff");
	check_clean("ab\xc3\xbc", 4, false, "ab");			/* no half characters */
	check_clean("ab\xc3\xbc", 5, false, "ab\xc3\xbc");
	check_clean("a\n", 5, false, "a");
	check_clean("", 1, false, "");
}

static void test_dates(void **state)
{
	(void)state;
	for (int64_t day = 0; day < 80000; day += 13) {
		time_t t = (time_t)(day * 86400 + day % 86400);
		uint8_t date[DATE_SIZE];
		struct tm tm;

		gmtime_r(&t, &tm);
		octets_date(date, (uint64_t)t * S + 9 * S / 10);
		assert_int_equal(date[0] * 256 + date[1], tm.tm_year + 1900);
		assert_int_equal(date[2], tm.tm_mon + 1);
		assert_int_equal(date[3], tm.tm_mday);
		assert_int_equal(date[4], tm.tm_hour);
		assert_int_equal(date[5], tm.tm_min);
		assert_int_equal(date[6], tm.tm_sec);
		assert_int_equal(date[7], 9);
	}
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, make_world, free_world)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_tree_ascends),
		TEST(test_get),
		TEST(test_get_nothing),
		TEST(test_get_absent_cells),
		TEST(test_getnext_chain),
		TEST(test_getnext_edges),
		TEST(test_transaction_sees_one_sample),
		TEST(test_stale),
		TEST(test_wall_clock_is_set),
		cmocka_unit_test(test_before_first_sample),
		TEST(test_empty_host),
		cmocka_unit_test(test_guests_without_events),
		TEST(test_threads),
		TEST(test_20000_rows),
		TEST(test_many_vcpus),
		cmocka_unit_test(test_switched_off),
		cmocka_unit_test(test_timestamp), cmocka_unit_test(test_timestamp_stays),
		cmocka_unit_test(test_octets),
		cmocka_unit_test(test_dates),
		TEST(test_tree),
	};

	return cmocka_run_group_tests_name("handler", tests, NULL, NULL);
}
