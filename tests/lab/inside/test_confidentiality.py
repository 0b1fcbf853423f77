# SPDX-License-Identifier: MIT
"""Booted with lockdown=confidentiality: BPF may not read the kernel, debugfs has no counters."""
import os

import pytest

import machine
from views import HISTOGRAMS, check_denied, in_words, part

pytestmark = pytest.mark.usefixtures("kvm")


def levels(vmm):
    """{event: value}, with None for what the kernel refuses to everybody."""
    total = dict.fromkeys(set(machine.events()) - set(HISTOGRAMS))
    for event in machine.levels():
        total[event] = sum(int(machine.text(os.path.join(machine.directory(guest), event))) for guest in vmm.guests())
    return total


def test_values(new_vmm, log):
    vmm = new_vmm("locked", vms=2, vcpus=2)
    vmm.command("run 100")
    check_denied(levels(vmm), 2)
    assert log.lines("Lockdown: kvmstat") == []


def test_watched(new_vmm, watch):
    vmm, watching = new_vmm("locked"), watch("events")
    for exits in (10, 20):
        vmm.command("run %d" % exits)
        assert watching.values() == levels(vmm)
    assert watching.said().count("lockdown=confidentiality forbids BPF") == 1


def test_statistics_that_the_vmm_keeps(new_vmm):
    vmm = new_vmm("kept", vcpus=3, options=("--keep-stats-fds",))
    vmm.command("run 100")
    vmm.command("halt 20")
    found = machine.rows("kept")
    assert part({event: row["value"] for event, row in found.items()}, in_words(vmm)) == in_words(vmm)
    assert found[vmm.run_event]["source"] == "statsfd"
