/* SPDX-License-Identifier: MIT */
/*
 * The guests' programs and first register values, and the events that count their exits exactly: one counts
 * every KVM_RUN, the other the halts among them. A port write would have an event of its own on VMX and SVM
 * (io_exits), but not where the kernel emulates a guest in real mode.
 */
#include "vmm.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

static const uint16_t entry[NPROGRAMS] = {
	[PROGRAM_IO] = 0x200, [PROGRAM_HALT] = 0x240, [PROGRAM_SPIN] = 0x280,
};

#if defined(__x86_64__)

const char *const arch_run_event = "fpu_reload", *const arch_halt_event = "halt_exits";

static const uint8_t code[NPROGRAMS][3] = {
	[PROGRAM_IO] = { 0xee, 0xeb, 0xfd },	/* out %al,(%dx); jmp to it */
	[PROGRAM_HALT] = { 0xf4, 0xeb, 0xfd },	/* hlt; jmp to it */
	[PROGRAM_SPIN] = { 0xeb, 0xfe },	/* jmp to itself */
};

size_t arch_memory_size(void)
{
	return 4096;
}

int arch_init_vcpu(struct vcpu *vcpu)
{
	struct kvm_sregs sregs;

	if (ioctl(vcpu->fd, KVM_GET_SREGS, &sregs))
		return -errno;
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	return ioctl(vcpu->fd, KVM_SET_SREGS, &sregs) ? -errno : 0;
}

/* With an irqchip, a vCPU waits for its first interrupt, and stays halted when KVM_RUN was left. */
int arch_start(struct vcpu *vcpu, enum program program)
{
	struct kvm_regs regs = { .rip = entry[program], .rdx = 0x80, .rflags = 2 };
	struct kvm_mp_state runnable = { .mp_state = KVM_MP_STATE_RUNNABLE };

	if (ioctl(vcpu->fd, KVM_SET_REGS, &regs) || ioctl(vcpu->fd, KVM_SET_MP_STATE, &runnable))
		return -errno;
	return 0;
}

bool arch_is_exit_of(const struct kvm_run *run, enum program program)
{
	return run->exit_reason == (program == PROGRAM_IO ? KVM_EXIT_IO : KVM_EXIT_HLT);
}

#elif defined(__s390x__)

const char *const arch_run_event = "exit_userspace", *const arch_halt_event = "exit_wait_state";

static const uint8_t code[NPROGRAMS][8] = {
	[PROGRAM_IO] = { 0x83, 0x00, 0x09, 0x99, 0xa7, 0xf4, 0xff, 0xfe },	/* diag 0,0,0x999; j to it */
	[PROGRAM_SPIN] = { 0xa7, 0xf4, 0x00, 0x00 },				/* j to itself */
};

#define PSW_64BIT 0x0000000180000000ull
#define PSW_WAIT  0x0002000000000000ull

/* KVM wants whole segments; the pages that are never touched cost nothing. */
size_t arch_memory_size(void)
{
	return 1 << 20;
}

int arch_init_vcpu(struct vcpu *vcpu)
{
	return ioctl(vcpu->fd, KVM_S390_INITIAL_RESET, 0) ? -errno : 0;
}

int arch_start(struct vcpu *vcpu, enum program program)
{
	vcpu->run->psw_mask = PSW_64BIT | (program == PROGRAM_HALT ? PSW_WAIT : 0);
	vcpu->run->psw_addr = entry[program];
	return 0;
}

bool arch_is_exit_of(const struct kvm_run *run, enum program program)
{
	return run->exit_reason == KVM_EXIT_S390_SIEIC &&
	       run->s390_sieic.icptcode == (program == PROGRAM_IO ? 0x04 : 0x1c);
}

#else
#error "no guest programs for this architecture: x86-64 and s390x have some"
#endif

void arch_write_programs(void *memory)
{
	enum program program;

	for (program = 0; program < NPROGRAMS; program++)
		memcpy((uint8_t *)memory + entry[program], code[program], sizeof(code[program]));
}
