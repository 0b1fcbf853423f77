# SPDX-License-Identifier: MIT
"""Booted with debugfs=off: the bpf source alone has it all."""
import os

import pytest

import machine
from views import check_all_known, in_words, part

pytestmark = pytest.mark.usefixtures("kvm")


def test_there_is_no_debugfs():
    with pytest.raises(OSError):
        machine.mount("debugfs", "/tmp")
    assert not os.path.exists("/sys/kernel/debug")


def test_doctor():
    report = machine.doctor()
    states = {name: source["state"] for name, source in report["sources"].items()}
    assert (report["status"], states["bpf"], states["debugfs"]) == (0, "active", "missing")


def test_values(new_vmm):
    vmms = [new_vmm("bare%d" % i, vms=i + 1, vcpus=2) for i in range(3)]
    for i, vmm in enumerate(vmms):
        vmm.command("run %d" % (1000 + i))
        vmm.command("halt 10")
    for vmm in vmms:
        check_all_known(vmm)
    assert [row for row in machine.rows("bare1", "debugfs").values() if row["value"] is not None] == []


def test_recreated(new_vmm, watch):
    """With no directory of its own, a guest is told from the one before it at the same fd all the same."""
    vmm, watching = new_vmm("bare", vcpus=2), watch("events")
    for exits in (1000, 10, 500, 501, 0):
        vmm.command("recreate 0")
        vmm.command("run %d" % exits)
        assert part(watching.values(), in_words(vmm)) == in_words(vmm)
    rates = [row["rate"] for report in watching.read() for row in report["events"] if row["rate"] is not None]
    assert min(rates) >= 0
