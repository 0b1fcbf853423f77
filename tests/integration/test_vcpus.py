# SPDX-License-Identifier: MIT
"""Every vCPU one by one, and histograms: what the guest did on each, and in all what SNMP says of the guest."""
import glob
import json
import socket

import pytest

import rig
import snmp

EXITS, HALTS = 700, 40
VCPU, PEAK, LOG_HIST = 2, 3, 5  # of kvmEventScope and kvmEventClass
OPTIONS = 'Guest "%s"\nReportVcpus true\nReportHistograms true'


@pytest.fixture
def served(bpf, agent):
    """make(guest): (the manager, the guest's index)."""
    def make(guest, options=OPTIONS, **more):
        manager = agent(options % guest.name, **more).snmpd
        return manager, rig.wait_until(lambda: manager.index_of(guest.name), "SNMP has the guest")
    return make


def threads(pid):
    """{vCPU: thread id}, by the names that the threads have."""
    found = {}
    for path in glob.glob("/proc/%d/task/*/comm" % pid):
        with open(path, encoding="ascii") as file:
            words = file.read().split()
        if words[0] == "CPU":
            found[int(words[1].split("/")[0])] = int(path.split("/")[4])
    return found


def in_one_request(manager, names):
    """Numbers that are of one sample, since a transaction sees only one."""
    text = manager.tool("snmpget", *["KVMSTAT-MIB::" + name for name in names], options=("-OQUvet",)).decode()
    return [int(line) for line in text.split()]


def by_event(values, combine):
    """{(guest, event): value} of {(guest, vcpu, event): value}"""
    found = {}
    for (guest, _, event), value in values.items():
        found[guest, event] = combine(found[guest, event], value) if (guest, event) in found else value
    return found


@pytest.mark.parametrize("source", ["bpf", "statsfd"])
def test_each_vcpu_did_what_it_did(vmm, served, source):
    guest = vmm(vcpus=3, options=("--keep-stats-fds",))
    guest.command("run %d" % EXITS)
    guest.command("halt %d" % HALTS)
    # Without bpf, guests are found by a look at every process of the host: a sample takes its time on a busy one.
    manager, index = served(guest, OPTIONS + "\nSource " + source, interval=1 if source == "bpf" else 4)
    numbers = manager.event_numbers()
    for auth in (snmp.V2C, snmp.V3):
        for event, count in ((guest.run_event, EXITS + HALTS), (guest.halt_event, HALTS)):
            for vcpu in range(3):
                where = "%d.%d.%d" % (index, vcpu, numbers[event])
                assert manager.get("kvmVcpuEventHCCount." + where, auth) == count
                assert manager.get("kvmVcpuEventCount." + where, auth) == count
    assert set(manager.walk("kvmVcpuState")) == {(index, vcpu) for vcpu in range(3)}

    table = manager.tool("snmptable", "KVMSTAT-MIB::kvmVcpuEventTable", options=("-OU", "-Ci", "-CH", "-Cf", "|")).decode()
    rows = {line.split("|")[0].strip(): line.split("|") for line in table.splitlines() if "|" in line}
    assert int(rows["%d.2.%d" % (index, numbers[guest.halt_event])][2]) == HALTS

    guest.command("halt %d" % HALTS)
    where = "%d.1.%d" % (index, numbers[guest.halt_event])
    rig.wait_until(lambda: manager.get("kvmVcpuEventHCCount." + where) == 2 * HALTS, "SNMP follows")


def test_guest_is_the_sum_of_its_vcpus(vmm, served):
    """Every event of a quiet guest: the sum, of a peak the maximum, and no vCPU has what only the VM counts."""
    guest = vmm(vcpus=3, options=("--threads", "--irqchip"))
    guest.command("run %d" % EXITS)
    guest.command("block")
    guest.command("stop")
    manager, index = served(guest)
    scope, cls = manager.numbers("kvmEventScope"), manager.numbers("kvmEventClass")
    for column in ("HCCount", "HCLevel"):
        whole = manager.numbers("kvmGuestEvent%s.%d" % (column, index))
        parts = manager.numbers("kvmVcpuEvent%s.%d" % (column, index))
        peaks = {key: value for key, value in by_event(parts, max).items() if cls[key[1:]] == PEAK}
        assert {**by_event(parts, int.__add__), **peaks} == {
            key: value for key, value in whole.items() if scope[key[1:]] == VCPU}
        assert any(parts.values()) or column == "HCLevel"
        low = manager.numbers("kvmVcpuEvent%s.%d" % (column[2:], index))
        assert low == {key: value % 2**32 for key, value in parts.items()}


def test_one_sample_in_one_request(vmm, served):
    """A guest that is busy: the sum is exact all the same, since both numbers are of one sample."""
    guest = vmm(vcpus=2, options=("--threads",))
    manager, index = served(guest)
    event = manager.event_numbers()[guest.run_event]
    seen = set()

    def new_sum():
        parts = ["kvmVcpuEventHCCount.%d.%d.%d" % (index, vcpu, event) for vcpu in (0, 1)]
        whole, *each = in_one_request(manager, ["kvmGuestEventHCCount.%d.%d" % (index, event), *parts])
        assert whole == sum(each)
        seen.add(whole)
        guest.command("run 1000")
        return len(seen) > 3
    rig.wait_until(new_sum, "three more samples")


def test_state_thread_and_time(vmm, served):
    guest = vmm(vcpus=2, options=("--threads", "--irqchip"))
    manager, index = served(guest)
    names = ["kvmGuestCpuTime.%d" % index] + ["kvmVcpuCpuTime.%d.%d" % (index, vcpu) for vcpu in (0, 1)]
    guest.command("run 1")  # KVM knows a vCPU's thread once it has run
    rig.wait_until(lambda: len(manager.walk("kvmVcpuThread")) == 2, "there are threads")
    assert {vcpu: tid for (_, vcpu), tid in manager.numbers("kvmVcpuThread").items()} == threads(guest.pid)
    if "blocking" not in manager.event_numbers():
        pytest.skip("this kernel does not say what state a vCPU is in (before 5.17)")

    def states():
        return manager.numbers("kvmVcpuState")
    guest.command("block")
    rig.wait_until(lambda: set(states().values()) == {3}, "both vCPUs are blocked")
    guest.command("stop")
    rig.wait_until(lambda: set(states().values()) == {2}, "none is blocked any more")
    guest.command("spin")
    rig.wait_until(lambda: all(rate > 0 for rate in manager.numbers("kvmVcpuCpuRate").values()), "both use CPU time")
    whole, *each = in_one_request(manager, names)
    assert whole > 0 and sum(each) <= whole <= sum(each) + len(each)  # hundredths of a second are cut, not rounded
    assert len(manager.numbers("kvmVcpuWaitTime")) == len(manager.numbers("kvmVcpuWaitRate")) == 2
    guest.command("stop")


def test_vcpu_is_plugged_in(bpf, qemu, unique, agent, tmp_path):
    """It appears with a row for each event that the first one has; nobody else's numbers move to it."""
    path, name = tmp_path / "qmp", unique()
    guest = qemu(name, "-smp", "1,maxcpus=2", "-qmp", "unix:%s,server=on,wait=off" % path)
    rig.wait_until(path.exists, "QEMU listens")
    manager = agent('Guest "%s"\nReportVcpus true' % name).snmpd
    index = rig.wait_until(lambda: manager.index_of(name), "SNMP has the guest")

    def vcpus():
        return sorted(key[1] for key in manager.walk("kvmVcpuState"))
    rig.wait_until(lambda: vcpus() == [0], "SNMP has the guest's first vCPU")
    with socket.socket(socket.AF_UNIX) as monitor:
        monitor.connect(str(path))
        stream = monitor.makefile("rw", encoding="utf-8")
        for command, arguments in (("qmp_capabilities", {}), ("query-hotpluggable-cpus", {})):
            answer = ask(stream, command, arguments)
        free = next(cpu for cpu in answer if "qom-path" not in cpu)
        ask(stream, "device_add", {"driver": free["type"], "id": "second", **free["props"]})
        rig.wait_until(lambda: vcpus() == [0, 1], "and its second")
        new = ask(stream, "query-cpus-fast", {})[1]
    events = {vcpu: {key[2] for key in manager.walk("kvmVcpuEventHCCount.%d.%d" % (index, vcpu))} for vcpu in (0, 1)}
    assert events[0] == events[1] and events[0]
    rig.wait_until(lambda: manager.get("kvmVcpuThread.%d.1" % index) == new["thread-id"], "it has the thread that QEMU says")
    rig.wait_until(lambda: manager.get("kvmVcpuCpuRate.%d.1" % index) is not None, "and a rate, with the next sample")


def ask(stream, command, arguments):
    """What QEMU returns for a command."""
    stream.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
    stream.flush()
    while True:
        answer = json.loads(stream.readline())
        assert "error" not in answer, answer
        if "return" in answer:
            return answer["return"]


def test_histogram_agrees_with_the_sum(vmm, served):
    """Times waited are counted in halt_wait_ns too: it must be within what the buckets and their bounds say."""
    guest = vmm(vcpus=3, options=("--threads", "--irqchip"))
    manager, index = served(guest)
    numbers = manager.event_numbers()
    if not {"halt_wait_hist", "blocking"} <= set(numbers):
        pytest.skip("this kernel has no histogram of waits, or does not say which vCPUs wait (before 5.17)")
    for _ in range(2):
        guest.command("block")
        rig.wait_until(lambda: manager.get("kvmGuestEventLevel.%d.%d" % (index, numbers["blocking"])) == 3, "all wait")
        guest.command("stop")

    def buckets_of(name):
        return {key[2]: value for key, value in manager.numbers(
            "kvmHistogram%s.%d.%d" % (name, index, numbers["halt_wait_hist"])).items()}
    rig.wait_until(lambda: sum(buckets_of("Count").values()) >= 6, "each wait is counted")
    rig.wait_until(lambda: set(buckets_of("Rate").values()) == {0}, "nothing happens any more, and the rates say so")
    column = {name: buckets_of(name) for name in ("Lower", "Upper", "Count")}
    buckets = sorted(column["Count"])
    assert buckets == list(range(32)) == sorted(column["Lower"]) and sorted(column["Upper"]) == buckets[:-1]
    assert all(column["Lower"][bucket + 1] == upper for bucket, upper in column["Upper"].items())
    assert column["Lower"][0] == 0 and column["Upper"][0] == 1
    waits = sum(column["Count"].values())
    total = manager.get("kvmGuestEventHCCount.%d.%d" % (index, numbers["halt_wait_ns"]))
    assert sum(count * column["Lower"][bucket] for bucket, count in column["Count"].items()) <= total
    if not column["Count"][31]:
        assert total < sum(count * column["Upper"].get(bucket, 0) for bucket, count in column["Count"].items())
    report = rig.kvmstat_json("--all", "-oReportHistograms=true", "events", guest.name, "0.1", "1")
    assert waits == next(row["value"] for row in report["events"] if row["event"] == "halt_wait_hist")
    assert manager.numbers("kvmEventClass")[numbers["halt_wait_hist"],] == LOG_HIST


def test_without_events_of_vcpus(tree, agent):
    """debugfs has only sums: vCPUs that have a thread of their name are there, and no event of any."""
    root, host = tree("s390x-6.12", guests=3, vcpus=2)
    manager = agent("Root %s\nReportVcpus true\nReportHistograms true" % root).snmpd
    pids = {index[0]: pid for index, pid in manager.numbers("kvmGuestPid").items()}
    assert {(pids[guest], vcpu) for guest, vcpu in manager.walk("kvmVcpuState")} == {
        (guest["pid"], vcpu) for guest in host["guests"] for vcpu in range(guest["vcpus"])}
    assert set(manager.numbers("kvmVcpuState").values()) == {1}
    cpu = manager.numbers("kvmGuestCpuTime")
    for (guest, total) in ((index[0], value) for index, value in cpu.items()):
        parts = [value for index, value in manager.numbers("kvmVcpuCpuTime").items() if index[0] == guest]
        assert sum(parts) <= total <= sum(parts) + len(parts)
    for table in ("kvmVcpuEventTable", "kvmVcpuEventHCTable", "kvmHistogramTable"):
        assert manager.walk(table) == {}


def test_switched_off(vmm, served):
    """Nothing of it is there, and what is there is as before."""
    guest = vmm(vcpus=2)
    guest.command("run %d" % EXITS)
    manager, index = served(guest, 'Guest "%s"')
    where = "%d.%d" % (index, manager.event_numbers()[guest.run_event])
    assert manager.get("kvmGuestEventHCCount." + where) == 2 * EXITS
    for table in ("kvmVcpuTable", "kvmVcpuEventTable", "kvmVcpuEventHCTable", "kvmHistogramTable"):
        assert manager.walk(table) == {}
    assert manager.get("kvmGuestVcpus.%d" % index) == 2
