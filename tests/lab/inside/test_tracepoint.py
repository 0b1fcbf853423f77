# SPDX-License-Identifier: MIT
"""Exits by reason: what the VMM did, KVM's own counters, and kvm_stat's tracepoints; under lockdown too."""
import json
import os
import signal
import subprocess

import pytest

import machine
import rig
from test_kvm_stat import KVM_STAT

REASONS = "--option=ReportExitReasons=true"
SLEEPS = {"23", "230", "270"}  # select, clock_nanosleep, pselect6
pytestmark = pytest.mark.usefixtures("kvm")


def of(values, tracepoint):
    """Its total, and {reason: count} of what was counted."""
    reasons = {event[len(tracepoint) + 1:]: value for event, value in values.items() if event.startswith(tracepoint + "_")}
    return values[tracepoint], {reason: value for reason, value in reasons.items() if value}


def check_sums(values):
    for tracepoint in ("kvm_exit", "kvm_userspace_exit"):
        total, reasons = of(values, tracepoint)
        assert total == sum(reasons.values())


def test_doctor(log):
    done = subprocess.run([rig.built("kvmstat"), REASONS, "--json", "doctor"], capture_output=True, check=False, timeout=rig.PATIENCE)
    source = {source["name"]: source for source in json.loads(done.stdout)["sources"]}["tracepoint"]
    if machine.doctor()["lockdown"] == "confidentiality":
        assert source["state"] == "denied" and "lockdown=confidentiality forbids reading tracefs" in source["text"]
    else:
        assert source["state"] == "active"
    assert machine.doctor()["sources"]["tracepoint"]["state"] == "unused"
    assert log.lines("Lockdown: kvmstat") == []


def test_known_exits(new_vmm, watch):
    vmm, watching = new_vmm("reasons", vcpus=2, options=("--threads",)), watch(REASONS, "--option=Guest=reasons", "events")
    values = watching.values()
    assert of(values, "kvm_userspace_exit") == (0, {}) and of(values, "kvm_exit") == (0, {})
    vmm.command("run 300")
    vmm.command("halt 21")
    values = watching.values()
    assert of(values, "kvm_userspace_exit") == (642, {"IO": 600, "HLT": 42})
    reasons = of(values, "kvm_exit")[1]
    assert (reasons["IOIO"], reasons["HLT"]) == (600, 42)
    check_sums(values)
    if values.get("exits") is not None:
        assert values["kvm_exit"] == values["exits"]


def test_only_from_now_on(new_vmm, watch):
    vmm = new_vmm("before", options=("--threads",))
    vmm.command("run 50")
    watching = watch(REASONS, "--option=Guest=before", "events")
    assert watching.values()["kvm_userspace_exit"] == 0
    vmm.command("run 8")
    assert watching.values()["kvm_userspace_exit_IO"] == 8
    assert watch(REASONS, "--option=Guest=before", "events").values()["kvm_userspace_exit"] == 0


def test_recreated(new_vmm, watch):
    """Another guest, whose vCPU has another thread, begins at 0; nothing of the one before comes back."""
    vmm, watching = new_vmm("again", options=("--threads",)), watch(REASONS, "--option=Guest=again", "events")
    watching.values()
    for exits in (30, 4, 500, 0):
        vmm.command("recreate 0")
        vmm.command("run %d" % exits)
        values = watching.values()
        assert of(values, "kvm_userspace_exit") == (exits, {"IO": exits} if exits else {})
        check_sums(values)
    rates = [row["rate"] for report in watching.read() for row in report["events"] if row["rate"] is not None]
    assert min(rates) >= 0


def test_given_up(new_vmm, watch, log):
    """When it ends, nothing is left in the kernel: no program, and kvm can be unloaded."""
    vmm, watching = new_vmm("ends", options=("--threads",)), watch(REASONS, "--option=Guest=ends", "events")
    vmm.command("run 10")
    watching.values()
    watching.stop()
    vmm.stop()
    machine.unload_kvm()
    machine.load_kvm()
    assert log.lines("Lockdown: kvmstat") == []


def test_same_as_kvm_stat(new_vmm, watch):
    """Its tracepoints are counted with one filter for each reason, ours with one program: every number is the same."""
    vmm, watching = new_vmm("both", vcpus=2, options=("--threads",)), watch(REASONS, "--option=Guest=both", "events")
    watching.values()
    with subprocess.Popen([*KVM_STAT, "--once", "--tracepoints"], stdout=subprocess.PIPE) as theirs:
        # It counts while it sleeps, which is made longer.
        rig.wait_until(lambda: machine.text("/proc/%d/syscall" % theirs.pid).split()[0] in SLEEPS, "kvm_stat counts")
        os.kill(theirs.pid, signal.SIGSTOP)
        before = watching.values()
        vmm.command("run 400")
        vmm.command("halt 31")
        after = watching.values()
        os.kill(theirs.pid, signal.SIGCONT)
        lines = theirs.communicate(timeout=rig.PATIENCE)[0].decode().splitlines()
    expected = {line.split()[0]: int(line.split()[1]) for line in lines if line.startswith(("kvm_exit", "kvm_userspace_exit"))}
    grown = {event: value - before.get(event, 0) for event, value in after.items() if event.startswith(("kvm_exit", "kvm_userspace_exit"))}
    assert (expected["kvm_userspace_exit(IO)"], expected["kvm_exit(HLT)"]) == (800, 62)
    ours = {}
    for event, count in grown.items():
        tracepoint = "kvm_exit" if event.startswith("kvm_exit") else "kvm_userspace_exit"
        ours[tracepoint + "(%s)" % event[len(tracepoint) + 1:] if event != tracepoint else tracepoint] = count
    assert {event: count for event, count in ours.items() if count} == {
        event: count for event, count in expected.items() if count}
