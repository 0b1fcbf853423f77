# SPDX-License-Identifier: MIT
"""A kernel that hides nothing: each number is the same by every way to it. The tests run in this order."""
import os

import pytest

import machine
import rig
from views import HISTOGRAMS, check_all_ways, check_between, check_same, counters, from_files, in_words

pytestmark = pytest.mark.usefixtures("kvm")


def test_doctor():
    report = machine.doctor()
    assert (report["status"], report["lockdown"]) == (0, "none")
    states = {name: source["state"] for name, source in report["sources"].items()}
    assert states.pop("bpf") == "active" and set(states.values()) == {"unused"}
    assert not any(problem["active"] for problem in report["problems"].values())
    assert report["events"] == len(machine.events()) - len(HISTOGRAMS) > 40


# ---- quiet guests: equal, exactly ----

@pytest.mark.parametrize("vms, vcpus, options", [
    (1, 1, ()), (1, 8, ()), (7, 3, ()), (3, 2, ("--threads",)), (2, 2, ("--dup-fds", "--keep-stats-fds", "--holder")),
    (2, 1, ("--helper-ends",)), (1, 3, ("--keep-stats-fds",))])
def test_equal(new_vmm, vms, vcpus, options):
    vmm = new_vmm("quiet", vms=vms, vcpus=vcpus, options=options)
    check_all_ways(vmm)
    vmm.command("run 1000")
    vmm.command("halt 77")
    assert in_words(vmm)[vmm.run_event] == 1077 * vms * vcpus
    check_all_ways(vmm)
    vmm.command("run 33 0")
    check_all_ways(vmm)
    if vms == 1 and "--keep-stats-fds" in options:
        assert machine.values(vmm, "statsfd") == machine.values(vmm, "bpf")


def test_equal_beside_each_other(new_vmm):
    vmms = [new_vmm("beside%d" % i, vcpus=i + 1) for i in range(4)]
    for i, vmm in enumerate(vmms):
        vmm.command("run %d" % (100 + i))
    for vmm in vmms:
        check_all_ways(vmm)


def test_waiting_and_histograms(new_vmm):
    vmm = new_vmm("waiting", vcpus=2, options=("--threads", "--irqchip"))
    vmm.command("block")
    rig.wait_until(lambda: from_files(vmm)["blocking"] == 2, "both vCPUs wait")
    assert machine.values(vmm, "bpf")["blocking"] == 2
    vmm.command("stop")
    assert machine.values(vmm, "bpf")["halt_wait_hist"] == 2
    check_same(vmm)


def test_guest_that_runs(new_vmm, watch):
    """Samples while it counts: never less than before, and in the end what it did."""
    vmm = new_vmm("runs", vcpus=2)
    watching = watch("events")
    for _ in range(20):
        vmm.command("run 500")
    seen = [row["value"] for report in watching.read() for row in report["events"] if row["event"] == vmm.run_event]
    assert seen == sorted(seen) and len(seen) > 3
    assert watching.values()[vmm.run_event] == in_words(vmm)[vmm.run_event] == 20000


@pytest.mark.parametrize("outer, inner", [("bpf", "debugfs"), ("statsfd", "bpf"), ("bpf", "statsfd")])
def test_busy(new_vmm, outer, inner):
    """What one source reads between two readings of another lies between them."""
    vmm = new_vmm("busy", vcpus=2, options=("--threads", "--keep-stats-fds"))
    vmm.command("spin")
    rig.wait_until(lambda: machine.values(vmm, "bpf").get("exits"), "it runs")
    check_between(vmm, outer, inner)
    vmm.command("stop")


# ---- things that happen to counters and directories ----

def test_cleared_counter(new_vmm, watch):
    vmm = new_vmm("cleared")
    vmm.command("run 400")
    watching = watch("events")
    assert watching.values()[vmm.run_event] == 400
    guest = vmm.guests()[0]
    before = len(watching.read())
    with open(os.path.join(machine.directory(guest), vmm.run_event), "w", encoding="utf-8") as file:
        file.write("0")
    assert watching.values()[vmm.run_event] == 0
    rates = [row["rate"] for report in watching.read()[before:] for row in report["events"] if row["event"] == vmm.run_event]
    assert None in rates and not any(rates)


def test_recreated_at_the_same_fd(new_vmm, watch):
    vmm = new_vmm("again", vcpus=2)
    watching = watch("events")
    for exits in (1000, 10, 500, 0):
        before = vmm.guests()[0]["fd"]
        vmm.command("recreate 0")
        assert vmm.guests()[0]["fd"] == before
        vmm.command("run %d" % exits)
        assert watching.values()[vmm.run_event] == 2 * exits
        check_all_ways(vmm)
    rates = [row["rate"] for report in watching.read() for row in report["events"] if row["rate"] is not None]
    assert min(rates) >= 0


def test_debugfs_is_not_mounted(new_vmm, watch):
    vmm = new_vmm("unmounted", vcpus=2)
    vmm.command("run 200")
    files, watching = from_files(vmm), watch("events")
    try:
        machine.unmount("/sys/kernel/debug")
        assert counters(machine.values(vmm)) == files
        assert watching.values()[vmm.run_event] == 400
        refused = machine.rows("unmounted", "debugfs")
        assert not [event for event, row in refused.items() if row["value"] is not None]
        vmm.command("recreate 0")
        vmm.command("run 50")
        assert watching.values()[vmm.run_event] == 100
    finally:
        machine.mount("debugfs", "/sys/kernel/debug")
    check_all_ways(vmm)
