/* SPDX-License-Identifier: MIT */
/*
 * vmm.h - a virtual machine monitor for tests: guests that make exits of a known number and kind
 */
#ifndef VMM_H
#define VMM_H

#include <linux/kvm.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What the guest's only page holds programs for. */
enum program {
	PROGRAM_IO,	/* leaves to user space at each turn: a port write, a diagnose nobody knows */
	PROGRAM_HALT,	/* an instruction that waits */
	PROGRAM_SPIN,	/* never leaves by itself */
	NPROGRAMS
};

struct options {
	unsigned int vms, vcpus;
	uint64_t exits;		/* of PROGRAM_IO that each vCPU makes at the start */
	bool keep_stats_fds;
	bool dup_fds;		/* hold each VM and vCPU fd a second time */
	bool holder;		/* a child process that has all fds too */
	bool helper_thread;	/* VMs are made by another thread than main */
	bool helper_ends;	/* and that thread is gone afterwards */
	bool threads;		/* one thread for each vCPU, named as QEMU names it */
	bool irqchip;		/* a halted vCPU waits in the kernel */
};

struct vcpu {
	struct vm *vm;
	unsigned int id;
	int fd, dup_fd, stats_fd;
	struct kvm_run *run;
	uint64_t done[NPROGRAMS];	/* exits made by each program since the VM was created */

	/* only with a thread of its own */
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool busy, quit, stop;
	enum program program;
	uint64_t todo;
	int result;
};

struct vm {
	int fd, dup_fd, stats_fd;
	pid_t creator;		/* thread id: the first half of the debugfs directory's name */
	struct vcpu *vcpus;
	unsigned int nvcpus;
};

/* The machine dependent part: arch.c. All return 0 or -errno. */
extern const char *const arch_run_event, *const arch_halt_event;
size_t arch_memory_size(void);
void arch_write_programs(void *memory);
int arch_init_vcpu(struct vcpu *vcpu);
int arch_start(struct vcpu *vcpu, enum program program);
bool arch_is_exit_of(const struct kvm_run *run, enum program program);

/* vm.c */
int vm_create(struct vm *vm, int kvm, void *memory, const struct options *options);
void vm_close(struct vm *vm);
int vcpu_run(struct vcpu *vcpu, enum program program, uint64_t count);

/* thread.c */
int vcpu_thread_create(struct vcpu *vcpu);
void vcpu_thread_end(struct vcpu *vcpu);
int vcpu_thread_start(struct vcpu *vcpu, enum program program, uint64_t count);
int vcpu_thread_wait(struct vcpu *vcpu);
void vcpu_thread_stop(struct vcpu *vcpu);

#endif
