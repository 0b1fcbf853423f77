# SPDX-License-Identifier: MIT
"""
What guests of two kinds of hosts count: rates of events as functions of what a guest does.

A guest does four things: it computes (CPUs), asks disks (requests a second), gets packets (a second) and wakes up (a second).
Its habits are factors between these and the events; each guest of each seed has others.
"""

S390 = ["cpu_ns", "wait_ns", "exit_wait_state", "exit_instruction", "exit_null", "exit_external_request", "exit_io_request", "exit_userspace",
        "exit_program_interruption", "deliver_ckc", "deliver_external_call", "deliver_io", "inject_io", "inject_ckc", "instruction_tsch",
        "instruction_diagnose_500", "instruction_diagnose_44", "instruction_diagnose_9c", "diag_9c_ignored", "instruction_sigp_external_call",
        "instruction_sigp_emergency", "instruction_sie", "gmap_shadow_create", "pfault_sync", "inject_pfault_init", "halt_wakeup",
        "halt_attempted_poll", "halt_successful_poll", "instruction_stsi", "instruction_essa"]

X86 = ["cpu_ns", "wait_ns", "exits", "halt_exits", "io_exits", "mmio_exits", "irq_exits", "irq_window_exits", "irq_injections", "req_event",
       "insn_emulation", "hypercalls", "signal_exits", "directed_yield_attempted", "preemption_reported", "nested_run", "pf_fixed", "pf_taken",
       "pf_fast", "tlb_flush", "remote_tlb_flush", "halt_wakeup", "halt_attempted_poll", "halt_successful_poll", "fpu_reload", "nmi_injections"]


def habits(random, arch, kind, vcpus):
    """The factors of one guest."""
    def some(low, high):
        return low * (high / low) ** random.random()
    habit = {
        "tick": some(2, 12) * vcpus, "timer": some(0.1, 0.5), "ipi": some(0.02, 0.4) if vcpus > 1 else 0, "ipi_cpu": some(5, 60) if vcpus > 1 else 0,
        "request": some(0.3, 1.0), "interrupt": some(0.4, 1.0), "packet_kick": some(0.02, 0.4), "packet_irq": some(0.1, 0.8), "tsch": some(0.005, 0.1),
        "user": some(0.3, 4), "user_disk": some(0.001, 0.05), "lock": some(0.3, 12) * (vcpus - 1) ** 0.7, "contended": some(0.3, 3),
        "yield_old": random.random() < 0.4, "ignored": some(0.2, 0.8), "poll": some(0.1, 0.8), "exit_cost": some(3e-6, 12e-6),
        "fault": some(0.5, 8), "fault_cpu": some(5, 80), "nested": some(200, 2000) if kind == "lab" else 0, "mmio": some(0.5, 8), "window": some(0.02, 0.3),
        "pv_ipi": random.random() < 0.7, "preempt": some(0.3, 4),
    }
    return habit


def s390(h, do, add):
    """Rates a second of S390, in its order. do: (cpu, disk, net, wake, wait); add: what faults add by name."""
    cpu, disk, net, wake, wait = do
    get = add.get
    more_disk = disk + get("disk", 0)
    ckc = h["tick"] * (0.3 + cpu) + wake * h["timer"] + get("timer", 0)
    ipi = wake * h["ipi"] + cpu * h["ipi_cpu"] + get("ipi", 0)
    kick = more_disk * h["request"] + net * h["packet_kick"]
    irq = more_disk * h["interrupt"] + net * h["packet_irq"] + get("interrupt", 0)
    tsch = more_disk * h["tsch"]
    yields = cpu * h["lock"] * (1 + h["contended"] * wait) + get("yield", 0)
    user = h["user"] + more_disk * h["user_disk"] + get("user", 0)
    old, new = (yields, 0) if h["yield_old"] else (yields * 0.002, yields)
    sie = h["nested"] * cpu + get("nested", 0)
    pfault = get("paging", 0)
    wait_state = wake * 0.8 + 0.3 * more_disk + 0.4 * net + 0.5 * get("timer", 0)
    instr = kick + tsch + yields + ipi + sie + user * 0.3 + 0.3
    exits = wait_state + instr + ckc + irq
    used = min(cpu + exits * h["exit_cost"], get("most", 1e9))
    return (used * 1e9, wait * 1e9, wait_state, instr, 20 * cpu + 0.05 * exits, 0.6 * ckc + 0.4 * ipi, 0.8 * irq, user, 0.2, ckc, 0.7 * ipi, irq, irq, 0.9 * ckc,
            tsch, kick, old, new, new * h["ignored"], ipi, ipi * 0.1, sie, sie * 0.01, pfault, pfault * 0.6, 0.9 * wait_state, wait_state, wait_state * h["poll"],
            0, cpu * 0.5)


def x86(h, do, add):
    """The same of X86."""
    cpu, disk, net, wake, wait = do
    get = add.get
    more_disk = disk + get("disk", 0)
    timer = h["tick"] * (0.3 + cpu) + wake * h["timer"] + get("timer", 0)
    ipi = wake * h["ipi"] + cpu * h["ipi_cpu"] + get("ipi", 0)
    kick = more_disk * h["request"] + net * h["packet_kick"]
    irq = timer + more_disk * h["interrupt"] + net * h["packet_irq"] + get("interrupt", 0)
    yields = cpu * h["lock"] * 0.2 * (1 + h["contended"] * wait) + get("yield", 0)
    mmio = h["mmio"] + get("user", 0)
    signal = h["user"] * 0.3 + get("user", 0) * 0.1
    nested = h["nested"] * cpu + get("nested", 0)
    halt = wake * 0.8 + 0.3 * more_disk + 0.4 * net + 0.5 * get("timer", 0)
    fixed = h["fault"] + cpu * h["fault_cpu"] + disk * 0.05 + get("paging", 0) + get("touch", 0)
    hyper = (ipi if h["pv_ipi"] else 0.02 * ipi) + yields
    exits = kick + mmio + halt + irq * 0.5 + hyper + nested + fixed + 60 * cpu
    used = min(cpu + exits * h["exit_cost"] * 0.5, get("most", 1e9))
    return (used * 1e9, wait * 1e9, exits, halt, kick, mmio, 60 * cpu + 0.2 * irq, irq * h["window"], irq, 1.2 * irq, mmio * 0.9, hyper, signal, yields,
            wait * 200 * h["preempt"], nested, fixed, fixed * 1.1, cpu * 2 + get("dirty", 0), cpu * 20, fixed * 0.02 + get("dirty", 0) * 0.01, 0.9 * halt, halt,
            halt * h["poll"], 5 * cpu + 0.3 * kick, 0.001)


HOSTS = {"s390": (S390, s390), "x86": (X86, x86)}
