# SPDX-License-Identifier: MIT
"""Guests of the kernel's distribution's own QEMU, whose firmware makes known exits."""
import pytest

import machine
import qemu
import rig
from views import check_between, check_same, counters, part

EXITS = 4321
KEEPS_STATISTICS = (8, 1)  # the first QEMU that does
pytestmark = pytest.mark.usefixtures("kvm")


def settled(guest, exits):
    """What its firmware did, once it has done it: {event: value}."""
    expected = {"io_exits": exits, "halt_exits": 1}
    rig.wait_until(lambda: part(machine.values(guest, "bpf"), expected) == expected, "%s has halted" % guest.name)
    return expected


def test_quiet(new_qemu, new_vmm):
    """By every way the same, and what the firmware did; beside each other."""
    vmm = new_vmm("third")
    guests = {new_qemu("first", qemu.quiet(EXITS), vcpus=3): EXITS, new_qemu("second", qemu.quiet(20)): 20}
    vmm.command("run 3")
    for guest, exits in guests.items():
        expected = settled(guest, exits)
        check_same(guest)
        check_statistics(guest, expected)
        assert [row["pid"] for row in machine.guests(guest.name)] == [guest.pid]
    assert machine.values(vmm)["io_exits"] == 3


def check_statistics(guest, expected):
    """Those that it keeps of its vCPUs; what is of the VM, another source has."""
    bpf, found = machine.values(guest, "bpf"), machine.rows(guest.name, "statsfd")
    kept = {event: row["value"] for event, row in found.items() if row["value"] is not None}
    if qemu.version() < KEEPS_STATISTICS:
        assert not kept and "8.1" in machine.doctor("--option=Source=statsfd")["sources"]["statsfd"]["text"]
        return
    of_vcpus = {event: row["value"] for event, row in machine.rows(guest.name, "bpf").items() if row["scope"] == "vcpu"}
    assert kept == of_vcpus and part(kept, expected) == expected and len(kept) > 30
    both = machine.rows(guest.name, "statsfd,debugfs")
    assert counters({event: row["value"] for event, row in both.items()}) == counters(bpf)
    assert {row["source"] for event, row in both.items() if event in kept} == {"statsfd"}


def test_busy(new_qemu):
    """What one source reads between two readings of another lies between them."""
    guest = new_qemu("busy", qemu.busy(), vcpus=2)
    rig.wait_until(lambda: machine.values(guest, "bpf").get("io_exits"), "it runs")
    check_between(guest, "bpf", "debugfs")
    check_between(guest, "debugfs", "bpf")
    if qemu.version() >= KEEPS_STATISTICS:
        check_between(guest, "bpf", "statsfd")


def test_killed_and_started_again(new_qemu, watch):
    """Under the same name: the numbers of the new one, from the start."""
    watching = watch("--option=Guest=again", "events")
    for exits in (900, 30):
        guest = new_qemu("again", qemu.quiet(exits))
        settled(guest, exits)
        assert watching.values()["io_exits"] == exits
        guest.kill()
        rig.wait_until(lambda: not machine.directories(), "its directory is gone")
    rates = [row["rate"] for report in watching.read() for row in report["events"] if row["rate"] is not None]
    assert rates and min(rates) >= 0
    assert [row for row in watching.next()["events"] if row["value"] is not None] == []
