/* SPDX-License-Identifier: MIT */
/* work.c - the intercepts, interrupts and waits of a vCPU, and what the kernel counts of each */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "guests.h"

_Static_assert(sizeof(struct kvm_run) <= SCRIPT_AT, "the script lies after struct kvm_run");

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

enum { INSTRUCTION = 0x04, STOP = 0x28, VALIDITY = 0x20, WAIT = 0x1c, OPERATION = 0x2c };

/* Every event another number, and another one in each vCPU and VM. */
static unsigned int number(const struct vcpu *vcpu, size_t event)
{
	return 2 + (unsigned int)event + 61 * (unsigned int)vcpu->id + (unsigned int)vcpu->vm->base;
}

/* ---- running ---- */

static void trace(struct vcpu *vcpu, const char *tracepoint, unsigned long code, uint64_t n)
{
	char name[NAME_MAX_LEN];

	if (!n)
		return;
	snprintf(name, sizeof(name), "%s:0x%lx", tracepoint, code);
	count(&vcpu->counts, name, n);
}

static void trace_intercepts(struct vcpu *vcpu, const struct script *script)
{
	trace(vcpu, "kvm_s390_sie_exit", script->code, script->count);
	if (script->code == INSTRUCTION)
		trace(vcpu, "kvm_s390_intercept_instruction", (unsigned long)script->ipa << 48 | (unsigned long)script->ipb << 16,
		      script->count);
	if (script->code == INSTRUCTION && script->ipa >> 8 == 0x83)
		trace(vcpu, "kvm_s390_handle_diag", script->ipb >> 16 & 0xfff, script->count);
}

/* Returns whether the script is at its end. */
static int enter(struct vcpu *vcpu, const struct script *script, uint64_t psw_mask)
{
	struct kvm_run *run = vcpu->run;
	int rc;

	run->psw_mask = psw_mask;
	run->psw_addr = 0x10000;
	rc = ioctl(vcpu->fd, KVM_RUN, 0);
	count(&vcpu->counts, "exit_userspace", 1);
	trace(vcpu, "kvm_userspace_exit", rc < 0 ? 0xffff : run->exit_reason, 1);
	if (rc < 0) {
		/* A validity intercept is an error of the VMM's. */
		check(script->code == VALIDITY && errno == EINVAL ? 0 : -1, "KVM_RUN");
		return 0;
	}
	if (run->exit_reason != KVM_EXIT_S390_SIEIC || run->s390_sieic.icptcode != SCRIPT_END)
		return 0;
	trace(vcpu, "kvm_s390_sie_exit", SCRIPT_END, 1);
	return 1;
}

static void load(struct vcpu *vcpu, const struct script *script)
{
	trace_intercepts(vcpu, script);
	memcpy((char *)vcpu->run + SCRIPT_AT, script, sizeof(*script));
	memcpy(vcpu->run->s.regs.gprs, vcpu->gprs, sizeof(vcpu->gprs));
	vcpu->run->kvm_dirty_regs = KVM_SYNC_GPRS;
}

/* Run a vCPU through an intercept, until the script ends. Counts returns and tracepoints. */
static void play(struct vcpu *vcpu, struct script script, uint64_t psw_mask)
{
	load(vcpu, &script);
	while (!enter(vcpu, &script, psw_mask))
		;
}

/* With everything enabled what is pending is delivered before SIE is entered. */
static void deliver(struct vcpu *vcpu, const char *event)
{
	play(vcpu, (struct script){ 0 }, PSW_64 | PSW_EXT | PSW_IO | PSW_MCHECK);
	if (event)
		count(&vcpu->counts, event, 1);
}

/* ---- intercepts ---- */

enum effect {
	NOTHING,
	PROGRAM,	/* the kernel injects a program interruption */
	EMERGENCY, CALL, /* another vCPU gets a signal */
	TO_ITSELF,	/* a yield that has nobody to yield to */
};

struct instruction {
	const char *event;
	uint16_t ipa;
	uint32_t ipb;
	enum effect effect;
};

/* Those that the kernel carries out, or knows, only until user space asks for them. */
static const struct instruction orders[] = {
	{ "instruction_sigp_sense", 0xae04, 0x00010000, NOTHING },
	{ "instruction_sigp_sense_running", 0xae04, 0x00150000, NOTHING },
	{ "instruction_sigp_cond_emergency", 0xae04, 0x00130000, EMERGENCY },
	{ "instruction_sigp_emergency", 0xae04, 0x00030000, EMERGENCY },
	{ "instruction_sigp_external_call", 0xae04, 0x00020000, CALL },
	{ "instruction_sigp_arch", 0xae04, 0x00120000, NOTHING },	/* the last one: see do_orders() */
};

static const struct instruction instructions[] = {
	{ "instruction_diagnose_10", 0x8323, 0x00100000, NOTHING },
	{ "instruction_diagnose_44", 0x8300, 0x00440000, NOTHING },
	{ "instruction_diagnose_9c", 0x8340, 0x009c0000, TO_ITSELF },
	{ "instruction_diagnose_258", 0x8356, 0x02580000, PROGRAM },
	{ "instruction_diagnose_308", 0x8300, 0x03080000, NOTHING },
	{ "instruction_diagnose_500", 0x8300, 0x05000000, NOTHING },
	{ "instruction_diagnose_other", 0x8300, 0x01110000, NOTHING },
	{ "instruction_sigp_start", 0xae04, 0x00040000, NOTHING },
	{ "instruction_sigp_restart", 0xae04, 0x00060000, NOTHING },
	{ "instruction_sigp_stop", 0xae04, 0x00050000, NOTHING },
	{ "instruction_sigp_stop_store_status", 0xae04, 0x00090000, NOTHING },
	{ "instruction_sigp_store_status", 0xae04, 0x000e0000, NOTHING },
	{ "instruction_sigp_store_adtl_status", 0xae04, 0x00170000, NOTHING },
	{ "instruction_sigp_prefix", 0xae04, 0x000d0000, NOTHING },
	{ "instruction_sigp_init_cpu_reset", 0xae04, 0x000b0000, NOTHING },
	{ "instruction_sigp_cpu_reset", 0xae04, 0x000c0000, NOTHING },
	{ "instruction_sigp_unknown", 0xae04, 0x00700000, NOTHING },
	{ "instruction_ri", 0xaa00, 0, PROGRAM },
	{ "instruction_gs", 0xe300, 0x00000049, PROGRAM },
	{ "instruction_sck", 0xb204, 0x07000000, NOTHING },
	{ "instruction_spx", 0xb210, 0x07800000, NOTHING },
	{ "instruction_stpx", 0xb211, 0x07880000, NOTHING },
	{ "instruction_stap", 0xb212, 0x07900000, NOTHING },
	{ "instruction_stidp", 0xb202, 0x07980000, NOTHING },
	{ "instruction_sie", 0xb214, 0x02000000, NOTHING },
	{ "instruction_stfl", 0xb2b1, 0, NOTHING },
	{ "instruction_stsi", 0xb27d, 0, NOTHING },
	{ "instruction_lpsw", 0x8200, 0x07a00000, NOTHING },
	{ "instruction_lpswe", 0xb2b2, 0x07b00000, NOTHING },
	{ "instruction_lpswey", 0xeb00, 0x07b00071, PROGRAM },
	{ "instruction_epsw", 0xb98d, 0x00780000, NOTHING },
	{ "instruction_pfmf", 0xb9af, 0x00780000, PROGRAM },
	{ "instruction_essa", 0xb9ab, 0x00780000, PROGRAM },
	{ "instruction_ipte_interlock", 0xb98a, 0, NOTHING },
	{ "instruction_iske", 0xb229, 0x00780000, NOTHING },
	{ "instruction_sske", 0xb22b, 0x00780000, NOTHING },
	{ "instruction_rrbe", 0xb22a, 0x00780000, NOTHING },
	{ "instruction_tb", 0xb22c, 0x00020000, NOTHING },
	{ "instruction_tpi", 0xb236, 0x07c00000, NOTHING },
	{ "instruction_tsch", 0xb235, 0x07c00000, NOTHING },
	{ "instruction_io_other", 0xb230, 0, NOTHING },
	{ "instruction_lctl", 0xb799, 0x07d00000, NOTHING },
	{ "instruction_stctl", 0xb699, 0x07d80000, NOTHING },
	{ "instruction_lctlg", 0xeb99, 0x07e0002f, NOTHING },
	{ "instruction_stctg", 0xeb99, 0x07e80025, NOTHING },
	{ "instruction_tprot", 0xe501, 0x07000000, NOTHING },
	{ "instruction_ptff", 0x0104, 0, NOTHING },
	{ "instruction_sckpf", 0x0107, 0, NOTHING },
};

/* By other ways than an instruction. */
static const struct {
	const char *event, *second;
	struct script script;
	enum effect effect;
} exits[] = {
	{ "exit_null", NULL, { .code = 0x00 }, NOTHING },
	{ "exit_external_request", NULL, { .code = 0x10 }, NOTHING },
	{ "exit_io_request", NULL, { .code = 0x18 }, NOTHING },
	{ "exit_program_interruption", NULL, { .code = 0x08, .program = 0x00040002 }, PROGRAM },
	{ "exit_external_interrupt", NULL, { .code = 0x14 }, NOTHING },
	{ "exit_stop_request", NULL, { .code = STOP }, NOTHING },
	{ "exit_validity", NULL, { .code = VALIDITY, .ipb = 0x00440000 }, NOTHING },
	{ "exit_operation_exception", NULL, { .code = OPERATION, .ipa = 0x0001 }, PROGRAM },
	{ "exit_operation_exception", "instruction_sthyi", { .code = OPERATION, .ipa = 0xb256, .ipb = 0x00110000 }, PROGRAM },
	{ "exit_pei", NULL, { .code = 0x38 }, NOTHING },
	{ "exit_wait_state", NULL, { .code = WAIT }, NOTHING },	/* disabled: it returns at once */
};

static void count_effect(struct vcpu *vcpu, enum effect effect, uint64_t n)
{
	struct vcpu *other = &vcpu->vm->vcpus[(vcpu->id + 1) % vcpu->vm->vcpu_count];

	if (effect == PROGRAM) {
		count(&vcpu->counts, "inject_program", n);
		count(&vcpu->counts, "deliver_program", n);
	} else if (effect == EMERGENCY) {
		count(&other->counts, "inject_emergency_signal", n);
	} else if (effect == CALL) {
		count(&other->counts, "inject_external_call", n);
	} else if (effect == TO_ITSELF) {
		count(&vcpu->counts, "diag_9c_ignored", n);
	}
}

static void intercept(struct vcpu *vcpu, const struct instruction *it, const char *event, unsigned int n)
{
	int signals = it->ipa >> 8 == 0xae;

	memset(vcpu->gprs, 0, sizeof(vcpu->gprs));
	vcpu->gprs[2] = vcpu->gprs[3] = 0x20000;
	vcpu->gprs[4] = (uint64_t)(signals ? (vcpu->id + 1) % vcpu->vm->vcpu_count : vcpu->id);
	vcpu->gprs[5] = 1; /* no doubleword's address */
	vcpu->gprs[8] = 0x30000;
	play(vcpu, (struct script){ .count = n, .code = INSTRUCTION, .ipa = it->ipa, .ipb = it->ipb }, PSW_64);
	count(&vcpu->counts, event, n);
	count(&vcpu->counts, "exit_instruction", n);
	count_effect(vcpu, it->effect, n);
}

void do_kernel_orders(struct vcpu *vcpu)
{
	for (size_t i = 0; i < COUNT_OF(orders); i++) {
		unsigned int n = number(vcpu, i);
		/* Once user space is asked, it is asked for this one, without a look at what it is. */
		int asked = vcpu->vm->rounds && i == COUNT_OF(orders) - 1;

		intercept(vcpu, &orders[i], asked ? "instruction_sigp_unknown" : orders[i].event, n);
		if (!asked)
			trace(vcpu, "kvm_s390_handle_sigp", orders[i].ipb >> 16, n);
	}
}

void do_intercepts(struct vcpu *vcpu)
{
	for (size_t i = 0; i < COUNT_OF(instructions); i++)
		intercept(vcpu, &instructions[i], instructions[i].event, number(vcpu, COUNT_OF(orders) + i));
	for (size_t i = 0; i < COUNT_OF(exits); i++) {
		struct script script = exits[i].script;

		script.count = number(vcpu, COUNT_OF(orders) + COUNT_OF(instructions) + i);
		play(vcpu, script, PSW_64);
		count(&vcpu->counts, exits[i].event, script.count);
		if (exits[i].second)
			count(&vcpu->counts, exits[i].second, script.count);
		count_effect(vcpu, exits[i].effect, script.count);
	}
}

/* ---- interrupts ---- */

enum {
	OF_VM = 1,	/* floating: any vCPU may take it, and the VM counts it */
	TO_SELF = 2,	/* the parameter is the vCPU's number */
	STAYS = 4,	/* it is taken with another one of the VM's */
	STOPPED = 8,	/* it is taken in the stopped state */
};

static const struct {
	const char *injected, *delivered;
	uint32_t type, parm;
	uint64_t parm64;
	int how;
} interrupts[] = {
	{ "inject_emergency_signal", "deliver_emergency_signal", KVM_S390_INT_EMERGENCY, 0, 0, TO_SELF },
	{ "inject_external_call", "deliver_external_call", KVM_S390_INT_EXTERNAL_CALL, 0, 0, TO_SELF },
	{ "inject_program", "deliver_program", KVM_S390_PROGRAM_INT, 1, 0, 0 },
	{ "inject_restart", "deliver_restart_signal", KVM_S390_RESTART, 0, 0, 0 },
	/* Only hints: what is delivered is a timer that has run out. */
	{ "inject_cputm", NULL, KVM_S390_INT_CPU_TIMER, 0, 0, 0 },
	{ "inject_ckc", NULL, KVM_S390_INT_CLOCK_COMP, 0, 0, 0 },
	{ "inject_service_signal", "deliver_service_signal", KVM_S390_INT_SERVICE, 0x1000, 0, OF_VM },
	{ "inject_virtio", "deliver_virtio", KVM_S390_INT_VIRTIO, 0, 0, OF_VM },
	{ "inject_io", "deliver_io", KVM_S390_INT_IO(0, 0, 0, 1), 0x00010001, 0, OF_VM },
	{ "inject_mchk", NULL, KVM_S390_MCHK, CR14_CHANNEL_REPORT, 0x00400f1d40330000, STAYS },
	{ "inject_float_mchk", "deliver_machine_check", KVM_S390_MCHK, CR14_CHANNEL_REPORT, 0x00400f1d40330000, OF_VM },
	{ "inject_pfault_init", NULL, KVM_S390_INT_PFAULT_INIT, 0, 0x1000, 0 },
	{ "inject_pfault_done", NULL, KVM_S390_INT_PFAULT_DONE, 0, 0x1000, OF_VM },
	{ "inject_set_prefix", "deliver_prefix_signal", KVM_S390_SIGP_SET_PREFIX, 0, 0, STOPPED },
};

static const struct {
	const char *delivered;
	uint64_t enabled, reg, due, calm;
} timers[] = {
	{ "deliver_cputm", CR0_CPU_TIMER, KVM_REG_S390_CPU_TIMER, UINT64_MAX, INT64_MAX },
	{ "deliver_ckc", CR0_CLOCK_COMPARATOR, KVM_REG_S390_CLOCK_COMP, 0, UINT64_MAX },
};

/* It is counted even if one is pending already. */
static void inject(struct vcpu *vcpu, struct kvm_s390_interrupt interrupt, const char *event, int of_vm)
{
	int rc = ioctl(of_vm ? vcpu->vm->fd : vcpu->fd, KVM_S390_INTERRUPT, &interrupt);

	check(rc < 0 && errno == EBUSY ? 0 : rc, event);
	count(of_vm ? &vcpu->vm->counts : &vcpu->counts, event, 1);
}

static void set_state(struct vcpu *vcpu, uint32_t state)
{
	struct kvm_mp_state mp_state = { state };

	check(ioctl(vcpu->fd, KVM_SET_MP_STATE, &mp_state), "KVM_SET_MP_STATE");
}

static void interrupt(struct vcpu *vcpu, size_t i)
{
	int how = interrupts[i].how;
	struct kvm_s390_interrupt irq = { interrupts[i].type, how & TO_SELF ? (uint32_t)vcpu->id : interrupts[i].parm, interrupts[i].parm64 };

	if (how & STOPPED)
		set_state(vcpu, KVM_MP_STATE_STOPPED);
	inject(vcpu, irq, interrupts[i].injected, how & OF_VM);
	if (how & STOPPED)
		set_state(vcpu, KVM_MP_STATE_OPERATING);
	if (!(how & STAYS))
		deliver(vcpu, interrupts[i].delivered);
}

static void stop(struct vcpu *vcpu)
{
	inject(vcpu, (struct kvm_s390_interrupt){ .type = KVM_S390_SIGP_STOP }, "inject_stop_signal", 0);
	play(vcpu, (struct script){ .count = 1, .code = STOP }, PSW_64);
	count(&vcpu->counts, "exit_stop_request", 1);
}

void do_interrupts(struct vcpu *vcpu)
{
	unsigned int n = 3 + (unsigned int)vcpu->vm->base / 7 + 10 * (unsigned int)vcpu->id;

	/* What other vCPUs sent: one of each is pending, however many there were. */
	deliver(vcpu, "deliver_emergency_signal");
	deliver(vcpu, "deliver_external_call");
	for (unsigned int k = 0; k < n; k++)
		stop(vcpu);
	for (size_t i = 0; i < COUNT_OF(interrupts); i++)
		for (unsigned int k = 0; k <= n + i; k++)
			interrupt(vcpu, i);
	for (size_t i = 0; i < COUNT_OF(timers); i++) {
		set_control(vcpu, 0, CR0_EXTERNAL | timers[i].enabled);
		set_register(vcpu, timers[i].reg, timers[i].due);
		for (unsigned int k = 0; k < n + 20 + i; k++)
			deliver(vcpu, timers[i].delivered);
		set_register(vcpu, timers[i].reg, timers[i].calm);
	}
	set_control(vcpu, 0, CR0_EXTERNAL);
}

/* ---- waits ---- */

/*
 * An enabled wait of 20 ms, which the clock comparator ends. On a slow machine the 20 ms may be over before it begins: then the
 * interrupt comes first, the wait is a disabled one, and must not be taken again with the comparator as it is.
 */
static void wait_once(struct vcpu *vcpu)
{
	const struct script script = { .count = 1, .code = WAIT };
	uint64_t now, psw_mask = PSW_64 | PSW_EXT | PSW_WAIT;
	int ended;
	struct kvm_device_attr clock = { .group = KVM_S390_VM_TOD, .attr = KVM_S390_VM_TOD_LOW, .addr = (uintptr_t)&now };

	check(ioctl(vcpu->vm->fd, KVM_GET_DEVICE_ATTR, &clock), "the guest's clock");
	set_register(vcpu, KVM_REG_S390_CLOCK_COMP, now + (20000ull << 12));
	load(vcpu, &script);
	ended = enter(vcpu, &script, psw_mask);
	set_register(vcpu, KVM_REG_S390_CLOCK_COMP, UINT64_MAX);
	while (!ended)
		ended = enter(vcpu, &script, psw_mask);
	count(&vcpu->counts, "exit_wait_state", 1);
	count(&vcpu->counts, "deliver_ckc", 1);
}

void do_waits(struct vcpu *vcpu)
{
	unsigned int n = 4 + (unsigned int)vcpu->vm->base / 7 + 3 * (unsigned int)vcpu->id;

	set_control(vcpu, 0, CR0_EXTERNAL | CR0_CLOCK_COMPARATOR);
	for (unsigned int k = 0; k < n; k++)
		wait_once(vcpu);
	set_control(vcpu, 0, CR0_EXTERNAL);
}
