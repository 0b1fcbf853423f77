/* SPDX-License-Identifier: MIT */
/*
 * quiet_vm.h - a VM of this process that the statsfd source reads, and a collector that hears of no VM's beginning
 * or end unless a test wants it to
 */
#ifndef KVMSTAT_QUIET_VM_H
#define KVMSTAT_QUIET_VM_H

#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/collector.h"
#include "sources/statsfd/statsfd.h"

#ifndef KVM_GET_STATS_FD
#define KVM_GET_STATS_FD _IO(KVMIO, 0xce)
#endif

enum { VCPUS = LOAN_MAX + 4 };

extern int kvm; /* /dev/kvm */
extern char why[300]; /* there is nothing to test with; or empty */

extern struct kvmstat *kvmstat;
extern struct kvmstat_sample *sample; /* of the last pass */
extern int vm_fd, vcpus[VCPUS], stats[VCPUS];
extern bool heard; /* are announcements, or do they get lost? Others on this host may make VMs all the time */

void make_vcpu(int id);
void keep_stats(int id);
void make_vm(void);
void end_vm(void);
void close_fd(int *fd);

void open_with(const char *sources, const char *event);
void collect(void);
/* Of one guest. */
const struct kvmstat_row *pass(void);
struct guest *guest(void);

void seconds_pass(unsigned int seconds);
/* Is nothing looked for any more? */
bool is_quiet(void);
void settle(void);

uint32_t present(const struct kvmstat_row *row);
void expect_all(uint32_t number_of_vcpus);
void expect_none(const char *reason);

int group_setup(void **state);
int setup(void **state);
int teardown(void **state);
/* Skips the test where there is nothing to test with. */
void begin(void);

#define quiet_test(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

#endif
