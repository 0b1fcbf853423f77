# SPDX-License-Identifier: MIT
"""Booted with debugfs=off: the bpf source alone has it all."""
import os
import shutil

import pytest

import machine
import rig
import snmp
from views import check_all_known, in_words, part

pytestmark = pytest.mark.usefixtures("kvm")


def test_there_is_no_debugfs():
    with pytest.raises(OSError):
        machine.mount("debugfs", "/tmp")
    assert not os.path.exists("/sys/kernel/debug")


def test_doctor():
    report = machine.doctor()
    states = {name: source["state"] for name, source in report["sources"].items()}
    assert (report["status"], states["bpf"], states["debugfs"]) == (0, "active", "unused")


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


@pytest.mark.skipif(not shutil.which("snmpd") or not os.path.exists(rig.built("kvmstat-agentx")), reason="no snmpd on the host")
def test_recreated_in_snmp(new_vmm, started, tmp_path):
    """Nobody knows when it was made, and it has counted more than the one before."""
    vmm = new_vmm("bare")
    vmm.command("run 20")
    manager = snmp.Snmpd(tmp_path / "snmpd")
    started.append(manager)
    started.append(snmp.Agent(tmp_path / "agent", manager))
    guest = rig.wait_until(lambda: manager.index_of("bare"), "the subagent has it")
    rig.wait_until(lambda: manager.values(guest).get(vmm.run_event) == 20, "its counts")
    before = manager.get("kvmGuestDiscontinuity.%d" % guest)
    vmm.command("recreate 0")
    vmm.command("run 50")
    rig.wait_until(lambda: manager.values(guest).get(vmm.run_event) == 50, "those of the new one")
    assert manager.get("kvmGuestDiscontinuity.%d" % guest) > before
