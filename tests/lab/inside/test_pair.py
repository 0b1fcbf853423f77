# SPDX-License-Identifier: MIT
"""The real collectd and the real snmpd of this distribution, on this kernel, publish what the guests did."""
import os
import shutil

import pytest

import machine
import rig
import snmp
from views import check_all_known, counters

pytestmark = pytest.mark.usefixtures("kvm")


@pytest.mark.skipif(not shutil.which("collectd") or not os.path.exists(rig.built("kvmstat.so")), reason="no collectd on the host")
def test_collectd(new_vmm, started, tmp_path):
    vmm = new_vmm("paired", vcpus=2)
    vmm.command("run 1000")
    collectd = rig.Collectd(tmp_path / "collectd")
    started.append(collectd)
    expected = counters(check_all_known(vmm))
    seen = {event: value for event, value in expected.items() if value}

    def published():
        return collectd.values("paired") if "paired" in collectd.instances() else {}
    rig.wait_until(lambda: published().items() >= seen.items(), "collectd has it")


@pytest.mark.skipif(not shutil.which("snmpd") or not os.path.exists(rig.built("kvmstat-agentx")), reason="no snmpd on the host")
def test_snmp(new_vmm, started, tmp_path):
    vmm = new_vmm("paired", vcpus=2)
    vmm.command("run 1000")
    snmpd = snmp.Snmpd(tmp_path / "snmpd")
    started.append(snmpd)
    started.append(snmp.Agent(tmp_path / "agent", snmpd))
    guest = rig.wait_until(lambda: snmpd.index_of("paired"), "the subagent has it")
    values = counters(check_all_known(vmm))
    rig.wait_until(lambda: snmpd.values(guest) == values, "and all its values")
    assert snmpd.walk("kvmHostLockdown")[(0,)] == {"integrity": "3"}.get(machine.doctor()["lockdown"], "2")
