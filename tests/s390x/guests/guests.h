/* SPDX-License-Identifier: MIT */
/* guests.h - VMs on a kvm.ko without SIE (standin.c), and what they count */
#ifndef KVMSTAT_TESTS_GUESTS_H
#define KVMSTAT_TESTS_GUESTS_H

#include <linux/kvm.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>

#include "script.h"

enum { MAX_VCPUS = 4, MAX_COUNTS = 400, NAME_MAX_LEN = 64 };

#define PSW_64 0x0000000180000000ull
#define PSW_EXT 0x0100000000000000ull
#define PSW_IO 0x0200000000000000ull
#define PSW_MCHECK 0x0004000000000000ull
#define PSW_WAIT 0x0002000000000000ull
#define CR0_EXTERNAL 0x62e0ull		/* emergency signal, external call, service signal */
#define CR0_CLOCK_COMPARATOR 0x800ull
#define CR0_CPU_TIMER 0x400ull
#define CR14_CHANNEL_REPORT 0x10000000u

/* What the kernel should have counted, by event; of tracepoints by "TRACEPOINT:CODE". */
struct counts {
	struct {
		char name[NAME_MAX_LEN];
		uint64_t n;
	} at[MAX_COUNTS];
	int used;
};

struct vcpu {
	struct vm *vm;
	int fd, stats, id;
	struct kvm_run *run;
	uint64_t gprs[16];
	struct counts counts;
	pthread_t thread;
	sem_t go, done;
	void (*job)(struct vcpu *vcpu);
};

struct vm {
	int fd, stats, vcpu_count;
	int base;		/* makes its numbers other than another VM's */
	int rounds;		/* that are over */
	char name[32];		/* of its directory in debugfs */
	unsigned char *memory;
	struct counts counts;	/* of the VM itself */
	struct vcpu vcpus[MAX_VCPUS];
};

/* Ends the program if rc is negative. Returns rc. */
int check(int rc, const char *what);

void count(struct counts *counts, const char *name, uint64_t n);

void set_control(struct vcpu *vcpu, int number, uint64_t value);
void set_register(struct vcpu *vcpu, uint64_t id, uint64_t value);

/* Jobs of a vCPU: every intercept, interrupt and wait that the kernel counts. */
void do_kernel_orders(struct vcpu *vcpu);	/* before KVM_CAP_S390_USER_SIGP, in the first round */
void do_intercepts(struct vcpu *vcpu);
void do_interrupts(struct vcpu *vcpu);
void do_waits(struct vcpu *vcpu);

#endif
