# SPDX-License-Identifier: MIT
"""Booted with lockdown=integrity, as Secure Boot does it."""
import json
import shutil

import pytest

import machine
import rig
from views import check_all_known, check_refused, counters, in_words, part

pytestmark = pytest.mark.usefixtures("kvm")


def test_doctor():
    report = machine.doctor()
    assert (report["status"], report["lockdown"]) == (0, "integrity")
    assert report["sources"]["bpf"]["state"] == "active"


def test_values(new_vmm, log):
    vmm = new_vmm("locked", vms=3, vcpus=2)
    vmm.command("run 1000")
    vmm.command("halt 10")
    bpf = check_all_known(vmm)
    check_refused(machine.rows("locked", "debugfs").values(), counters(bpf))
    assert log.lines("Lockdown: kvmstat") == []


def test_recreated(new_vmm, watch):
    vmm, watching = new_vmm("locked"), watch("events")
    for exits in (1000, 10, 500, 0):
        vmm.command("recreate 0")
        vmm.command("run %d" % exits)
        assert part(watching.values(), in_words(vmm)) == in_words(vmm)


def test_nobody_knows_of_the_lockdown(new_vmm):
    vmm = new_vmm("locked", vcpus=2)
    vmm.command("run 50")
    bpf = check_all_known(vmm)
    machine.unmount("/sys/kernel/security")
    try:
        assert machine.doctor()["lockdown"] == "unknown"
        assert machine.values(vmm) == bpf
        check_refused(machine.rows("locked", "debugfs").values(), counters(bpf))
    finally:
        machine.mount("securityfs", "/sys/kernel/security")


@pytest.mark.skipif(not shutil.which("setpriv"), reason="no setpriv on the host")
def test_user_with_capabilities(new_vmm):
    """Not root: what the subagent's unit gives it is enough, with a kvm that is a module."""
    vmm, given = new_vmm("locked", vms=2, vcpus=2), "+bpf,+perfmon,+sys_ptrace,+dac_read_search"
    vmm.command("run 60")
    output = rig.run("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=" + given,
                     "--ambient-caps=" + given, rig.built("kvmstat"), "--json", "--all", "events", "0.1", "1")
    found = {row["event"]: row["value"] for row in json.loads(output)["events"]}
    assert part(found, in_words(vmm)) == in_words(vmm)
    assert found == counters(check_all_known(vmm))
