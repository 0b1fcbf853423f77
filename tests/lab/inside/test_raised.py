# SPDX-License-Identifier: MIT
"""Lockdown is raised while guests run and somebody watches. It cannot be lowered: the order of the tests matters."""
import pytest

import machine
import rig
from views import check_denied, check_refused, counters, from_files, in_words, part

pytestmark = pytest.mark.usefixtures("kvm")


@pytest.fixture(scope="module", name="vmm")
def quiet_guests(tmp_path_factory):
    machine.load_kvm()
    vmm = rig.Vmm(tmp_path_factory.mktemp("vmm") / "log", "locked", vms=2, vcpus=2)
    vmm.command("run 150")
    yield vmm
    vmm.stop()


def test_integrity(vmm, watch, log):
    files, watching, by_debugfs = from_files(vmm), watch("events"), watch("--option=Source=debugfs", "events")
    assert watching.values() == by_debugfs.values() == files
    machine.lock_down("integrity")
    assert watching.values() == files
    assert {row["source"] for row in watching.next()["events"]} == {"bpf"}
    check_refused(by_debugfs.next()["events"], files)
    vmm.command("run 7")
    assert part(watching.values(), in_words(vmm)) == in_words(vmm)
    assert watching.said() == ""
    assert "lockdown=integrity" in by_debugfs.said()
    # The kernel is asked once more before the lockdown is noticed.
    assert len(log.lines("Lockdown: kvmstat")) <= 1


def test_integrity_for_newcomers(vmm, log):
    bpf, report = machine.values(vmm, "bpf"), machine.doctor()
    assert part(bpf, in_words(vmm)) == in_words(vmm)
    assert (report["status"], report["lockdown"]) == (0, "integrity")
    check_refused(machine.rows("locked", "debugfs").values(), counters(bpf))
    assert log.lines("Lockdown: kvmstat") == []


def test_confidentiality(vmm, watch, log):
    """A program that the kernel has taken could go on; it is given up when the lockdown is noticed."""
    watching = watch("events")
    before = watching.values()
    machine.lock_down("confidentiality")
    rig.wait_until(lambda: "lockdown=confidentiality forbids BPF" in watching.said(), "the lockdown is told")
    check_refused(watching.next()["events"], before)
    check_denied(before, len(vmm.guests()))
    assert log.lines("Lockdown: kvmstat") == []
