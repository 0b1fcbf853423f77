# SPDX-License-Identifier: MIT
"""How often events happen on a guest CPU of a moderately loaded host, per second; what is not here does not happen."""

S390 = {
    "exit_null": 120, "exit_external_interrupt": 45, "exit_external_request": 12, "exit_io_request": 60,
    "exit_program_interruption": 1.5, "exit_pei": 0.2, "exit_stop_request": 0.1, "exit_wait_state": 240,
    "exit_userspace": 14,
    "instruction_diagnose_10": 3, "instruction_diagnose_44": 25, "instruction_diagnose_9c": 70,
    "instruction_diagnose_500": 110, "instruction_sigp_sense": 4, "instruction_sigp_sense_running": 35,
    "instruction_sigp_external_call": 85, "instruction_sigp_emergency": 9, "instruction_essa": 6, "instruction_lctlg": 2,
    "instruction_stsi": 0.02, "instruction_io_other": 0.5, "instruction_sckpf": 0.01,
    "instruction_ptff": 0.3, "instruction_epsw": 0.2,
    "diag_9c_ignored": 8, "diag_9c_forward": 3,
    "deliver_ckc": 30, "deliver_io": 55, "deliver_external_call": 85, "deliver_emergency_signal": 9, "deliver_virtio": 2,
    "deliver_service_signal": 0.1, "deliver_program": 1.5,
    "inject_io": 60, "inject_external_call": 85, "inject_emergency_signal": 9, "inject_virtio": 2,
    "inject_service_signal": 0.1, "inject_program": 1.5, "inject_ckc": 30,
    "aen_forward": 4, "pfault_sync": 0.4, "io_390_adapter_map": 0.01, "io_set_adapter_int": 40,
    "gmap_shadow_create": 0.02, "gmap_shadow_reuse": 0.5,
}

X86 = {
    "exits": 900, "io_exits": 45, "mmio_exits": 20, "irq_exits": 150, "halt_exits": 190, "irq_window_exits": 30,
    "request_irq_exits": 1, "signal_exits": 0.5, "fpu_reload": 60, "insn_emulation": 65, "host_state_reload": 420,
    "irq_injections": 130, "hypercalls": 2, "pf_taken": 12, "pf_fixed": 10, "tlb_flush": 25, "req_event": 200,
    "preemption_reported": 40, "invlpg": 0.1,
}

GENERIC = {
    "halt_attempted_poll": 210, "halt_successful_poll": 120, "halt_poll_invalid": 12, "halt_wakeup": 160,
    "halt_poll_success_ns": 2.1e6, "halt_poll_fail_ns": 1.4e6, "halt_wait_ns": 6.2e8,
    "halt_poll_success_hist": 0.1, "remote_tlb_flush": 3, "remote_tlb_flush_requests": 4,
}

# Values that may fall: what they are now.
INSTANT = {"blocking": 1, "pages_4k": 51200, "pages_2m": 480, "pages_1g": 0, "mmu_unsync": 7}

# More than the sum of the children: instructions that have no event of their own.
REMAINDER = {"exit_instruction": 18}

BY_ARCH = {"s390": S390, "x86": X86}


def per_vcpu(arch, event):
    """Rate of an event, 0 if it never happens."""
    return BY_ARCH.get(arch, {}).get(event) or GENERIC.get(event, 0)
