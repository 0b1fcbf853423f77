# SPDX-License-Identifier: MIT
"""kvm_stat, as the kernel's source has it, and kvmstat see the same."""
import argparse
import csv
import importlib.machinery
import importlib.util
import shutil

import pytest

import machine
import rig
from views import HISTOGRAMS, counters

KVM_STAT = ("/usr/bin/python3", "/kvm_stat")
# What kvm_stat leaves out of its list.
HIDDEN = ("halt_poll_fail_ns", "halt_poll_success_ns", "halt_wait_ns")
# What it counts at tracepoints, and the event that counts the same.
SAME = {
    "kvm_exit": "exits", "kvm_exit(IOIO)": "io_exits", "kvm_exit(HLT)": "halt_exits", "kvm_exit(INTR)": "irq_exits",
    "kvm_exit(NPF)": "pf_taken", "kvm_userspace_exit": "fpu_reload", "kvm_emulate_insn": "insn_emulation",
}
pytestmark = pytest.mark.usefixtures("kvm")


def kvm_stat(*args):
    """{event: total} of its debugfs view. A histogram's number is that of its first bucket: left out."""
    lines = rig.run(*KVM_STAT, "--once", "--debugfs", "--debugfs-include-past", *args).decode().splitlines()
    return counters({event: int(total) for event, total, _ in map(str.split, lines)})


def ours(*options):
    report = rig.kvmstat_json("--all", *("--option=" + option for option in options), "events", "0.1", "1")
    return {row["event"]: row["value"] for row in report["events"]}


def without(values, events):
    return {event: value for event, value in values.items() if event not in events}


def known(values):
    """Of ours, what kvm_stat shows."""
    return without(values, {*HIDDEN, *HISTOGRAMS})


def summable(values):
    """Of these, what can be added up: a peak of several guests is that of one of them, which kvm_stat does not know."""
    return {event: value for event, value in known(values).items() if not event.startswith("max_")}


@pytest.fixture(name="vmms")
def two_vmms(new_vmm):
    vmms = [new_vmm("first", vms=2, vcpus=2), new_vmm("second", vcpus=3)]
    for i, vmm in enumerate(vmms):
        vmm.command("run %d" % (700 + i))
        vmm.command("halt %d" % (50 + i))
    return vmms


# ---- files of debugfs ----

def test_list_of_events(vmms):
    del vmms
    listed = set(rig.run(*KVM_STAT, "--debugfs", "--fields", "help").decode().split())
    assert listed == ours("ReportHistograms=true").keys() - set(HIDDEN)


def test_totals(vmms):
    del vmms
    theirs = kvm_stat()
    assert len(theirs) > 40 and theirs.keys() == known(ours()).keys()
    assert summable(theirs) == summable(ours())


def test_one_process(vmms):
    assert kvm_stat("--pid", str(vmms[1].pid)) == known(ours("Guest=second"))


@pytest.mark.skipif(not shutil.which("ps"), reason="no ps on the host: kvm_stat looks for names with it")
def test_one_guest_by_its_name(vmms):
    del vmms
    assert kvm_stat("--guest", "second") == known(ours("Guest=second"))


def test_filter(vmms):
    del vmms
    theirs = kvm_stat("--fields", "^halt_|^exits$")
    assert theirs == without(ours("Event=/^halt_|^exits$/"), HIDDEN)
    assert theirs["halt_exits"] == 50 * 4 + 51 * 3


def test_by_guest(vmms):
    """Its view by guest: the sum of all events of a process, whatever they are. Without what is left out above."""
    loader = importlib.machinery.SourceFileLoader("kvm_stat", KVM_STAT[-1])
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("kvm_stat", loader))
    loader.exec_module(module)
    module.assign_globals()
    options = argparse.Namespace(debugfs=True, tracepoints=False, debugfs_include_past=True, pid=0, fields="^(?!.*hist|max_)")
    theirs = {pid: stat.value for pid, stat in module.Stats(options).get(by_guest=1).items() if pid.isdigit()}
    assert theirs == {str(vmm.pid): sum(summable(ours("Guest=" + vmm.name)).values()) for vmm in vmms}


def test_busy(new_vmm):
    """What it reads between two of our samples lies between them."""
    vmm = new_vmm("busy", vcpus=2, options=("--threads",))
    vmm.command("spin")
    rig.wait_until(lambda: ours()["exits"], "it runs")
    first, between, last = summable(ours()), kvm_stat(), summable(ours())
    counted = first.keys() - machine.levels()
    seen = {event: (first[event], between[event], last[event]) for event in counted}
    assert {event: values for event, values in seen.items() if list(values) != sorted(values)} == {}
    assert seen["exits"][0] < seen["exits"][-1]
    vmm.command("stop")


# ---- growth, line by line, as its service logs it ----

class Log(rig.Program):
    """kvm_stat that writes, again and again, how much each event has grown."""

    def __init__(self, path, *args):
        command = [*KVM_STAT, "--log", "--csv", "--set-delay", "0.2", *args]
        super().__init__(command, path, env={"PYTHONUNBUFFERED": "1"})
        rig.wait_until(lambda: "\n" in self.text() or self.process.poll() is not None, "kvm_stat counts")
        assert self.process.poll() is None, self.text()

    def growth(self):
        """{event: growth since the start}."""
        header, *lines = csv.reader(self.text().rpartition("\n")[0].splitlines())
        lines = [line for line in lines if line != header]  # which comes again and again
        return {event: sum(int(line[i]) for line in lines) for i, event in enumerate(header) if i}


@pytest.fixture(name="logged")
def kvm_stat_log(tmp_path):
    made = []

    def make(*args):
        made.append(Log(tmp_path / ("kvm_stat%d" % len(made)), *args))
        return made[-1]
    yield make
    for program in made:
        program.kill()


def check_growth(log, vmms, events, *options):
    """Of events by their names at kvm_stat: the growth that it sees is ours, and what the guests did."""
    before = ours(*options)
    for vmm in vmms:
        vmm.command("run 300")
        vmm.command("halt 40")
    after = ours(*options)
    expected = {theirs: after[name] - before[name] for theirs, name in events.items()}
    assert after["halt_exits"] - before["halt_exits"] == 40 * sum(vmm.vms * vmm.vcpus for vmm in vmms)
    def differences():
        seen = log.growth()
        return {event: (seen[event], growth) for event, growth in expected.items() if seen[event] != growth}
    rig.wait_until(lambda: not differences(), "kvm_stat has seen it: %s" % expected)


def test_log_of_debugfs(vmms, logged):
    check_growth(logged("--debugfs"), vmms, {event: event for event in summable(ours())})


def test_tracepoints(vmms, logged):
    check_growth(logged("--tracepoints"), vmms, SAME)


def test_tracepoints_of_one_process(vmms, logged):
    log = logged("--tracepoints", "--pid", str(vmms[1].pid))
    vmms[0].command("run 1000")
    check_growth(log, vmms[1:], SAME, "Guest=second")


def test_tracepoints_filtered(vmms, logged):
    log = logged("--tracepoints", "--fields", r"^kvm_exit\((IOIO|HLT)\)")
    shown = {event: name for event, name in SAME.items() if event in log.growth()}
    assert shown.keys() == {"kvm_exit", "kvm_exit(IOIO)", "kvm_exit(HLT)"}
    check_growth(log, vmms, shown)
