# SPDX-License-Identifier: MIT
"""kvm_stat, as the kernel's source has it, and kvmstat see the same."""
import os

import pytest

import machine
import rig
from views import HISTOGRAMS, counters

KVM_STAT = "/kvm_stat"
# What kvm_stat leaves out of its list.
HIDDEN = ("halt_poll_fail_ns", "halt_poll_success_ns", "halt_wait_ns")
pytestmark = [pytest.mark.usefixtures("kvm"),
              pytest.mark.skipif(not os.path.exists(KVM_STAT), reason="no kvm_stat: the kernel's source was not to be had")]


def kvm_stat(*args):
    """{event: total} of its debugfs view. A histogram's number is that of its first bucket: left out."""
    lines = rig.run("/usr/bin/python3", KVM_STAT, "--once", "--debugfs", "--debugfs-include-past", *args).decode().splitlines()
    return counters({event: int(total) for event, total, _ in map(str.split, lines)})


def ours(*options):
    report = rig.kvmstat_json("--all", *("--option=" + option for option in options), "events", "0.1", "1")
    return {row["event"]: row["value"] for row in report["events"]}


def without(values, events):
    return {event: value for event, value in values.items() if event not in events}


@pytest.fixture(name="vmms")
def two_vmms(new_vmm):
    vmms = [new_vmm("first", vms=2, vcpus=2), new_vmm("second", vcpus=3)]
    for i, vmm in enumerate(vmms):
        vmm.command("run %d" % (700 + i))
        vmm.command("halt %d" % (50 + i))
    return vmms


def test_totals(vmms):
    del vmms
    theirs, peaks = kvm_stat(), {event for event in machine.events() if event.startswith("max_")}
    assert len(theirs) > 40
    # It adds peaks up over the guests, where the highest of them is the peak.
    assert without(theirs, peaks) == without(ours(), {*HIDDEN, *HISTOGRAMS, *peaks})


def test_one_guest(vmms):
    assert kvm_stat("--pid", str(vmms[1].pid)) == without(ours("Guest=second"), {*HIDDEN, *HISTOGRAMS})


def test_filter(vmms):
    del vmms
    theirs = kvm_stat("--fields", "^halt_|^exits$")
    assert theirs == without(ours("Event=/^halt_|^exits$/"), HIDDEN)
    assert theirs["halt_exits"] == 50 * 4 + 51 * 3
