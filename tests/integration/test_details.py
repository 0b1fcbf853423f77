# SPDX-License-Identifier: MIT
"""Down to the vCPU, and the histograms: what one vCPU did is what is said of it, and of no other."""
import json
import os
import subprocess

import pytest

import rig

RUNS, HALTS = (300, 0, 70), (0, 45, 8)  # of each vCPU


def options(name, *more):
    return "\n".join(['Guest "%s"' % name, *more])


def drive(guest):
    """Each vCPU does something else. {event: [value of each vCPU]} of the two events that are known."""
    for vcpu, (runs, halts) in enumerate(zip(RUNS, HALTS)):
        guest.command("run %d 0 %d" % (runs, vcpu))
        guest.command("halt %d 0 %d" % (halts, vcpu))
    return {guest.run_event: [runs + halts for runs, halts in zip(RUNS, HALTS)], guest.halt_event: list(HALTS)}


def split(values):
    """({event: value of the guest}, {event: {vCPU: value}})"""
    sums, vcpus = {}, {}
    for name, value in values.items():
        event, found, vcpu = name.rpartition("-vcpu")
        if found:
            vcpus.setdefault(event, {})[vcpu] = value
        else:
            sums[name] = value
    return sums, vcpus


def at_rest(daemon, name, event):
    """All values of a guest that does nothing any more: two passes from now, no value follows its 0."""
    before = len(daemon.rows(name, event))
    rig.wait_until(lambda: len(daemon.rows(name, event)) >= before + 2, "csv has two more passes")
    return daemon.values(name)


@pytest.mark.parametrize("source, times", [("auto", {"cpu_time_ns", "cpu_wait_ns"}), ("statsfd", set())])
def test_collectd_has_each_vcpu_beside_the_sum(vmm, collectd, source, times):
    """statsfd alone reads no times: what finds its guests is /proc."""
    guest = vmm(vcpus=3, options=("--threads", "--keep-stats-fds"))
    daemon = collectd(options(guest.name, "ReportVcpus true", "Source " + source))
    rig.wait_until(lambda: daemon.self_metric("guests") == 1, "collectd has the guest")
    expected = drive(guest)
    rig.wait_until(lambda: daemon.last(guest.name, guest.run_event) == sum(expected[guest.run_event]), "csv has the exits")
    sums, vcpus = split(at_rest(daemon, guest.name, guest.run_event))
    for event, values in expected.items():
        assert vcpus[event] == {"%03d" % vcpu: value for vcpu, value in enumerate(values) if value}
        assert sums[event] == sum(values)
    # Every event, times included: the parts add up to the whole, and there is no part without a whole.
    peaks = {name for name in sums if daemon.rows(guest.name, name, "gauge") and "max" in name}
    assert {guest.run_event, guest.halt_event} | times <= set(vcpus) <= set(sums)
    assert times or not any(name.startswith("cpu_") for name in sums)
    for event in set(vcpus) - peaks:
        assert sum(vcpus[event].values()) == sums[event], event
    assert not any("_hist" in event for event in sums)
    # A vCPU's series begins with the 0 before its first value, if it was there before.
    assert daemon.rows(guest.name, guest.halt_event + "-vcpu001")[0][1] == 0
    assert daemon.rows(guest.name, guest.halt_event + "-vcpu000") == []


def test_without_the_option_there_is_nothing_of_vcpus(vmm, collectd):
    guest = vmm(vcpus=3, options=("--threads",))
    daemon = collectd(options(guest.name))
    expected = drive(guest)
    rig.wait_until(lambda: daemon.last(guest.name, guest.run_event) == sum(expected[guest.run_event]), "csv has the exits")
    assert not any("vcpu0" in name or "cpu_" in name or "_hist" in name for name in daemon.values(guest.name))


def test_command_has_the_rates_of_each_vcpu(vmm, started, place):
    guest = vmm(vcpus=3, options=("--threads",))
    guest.command("halt 1")
    program = rig.Program([rig.built("kvmstat"), "--json", "-oEvent=" + guest.halt_event, "vcpus", guest.name, "0.2"],
                          place("command") / "log", stdout=subprocess.PIPE)
    started.append(program)
    counted, wanted = [0, 0, 0], list(HALTS)
    rows = json.loads(program.process.stdout.readline())["vcpus"]
    assert [row["rate_1"] for row in rows] == [None, None, None]
    assert len({row["tid"] for row in rows}) == 3 and [row["vcpu"] for row in rows] == [0, 1, 2]
    for vcpu, halts in enumerate(HALTS):
        guest.command("halt %d 0 %d" % (halts, vcpu))

    def next_report():
        report = json.loads(program.process.stdout.readline())
        for vcpu, row in enumerate(report["vcpus"]):
            counted[vcpu] += (row["rate_1"] or 0) * report["seconds"]
        return counted == pytest.approx(wanted, abs=0.4)  # three decimals are printed
    rig.wait_until(next_report, "the rates of each vCPU add up to %s" % wanted)


def buckets(daemon, name, event):
    """{name of the bucket: value}"""
    return {key: value for key, value in daemon.values(name).items() if key.startswith(event + "-")}


def all_in_state(name, state):
    rows = rig.kvmstat_json("vcpus", name, "0.1", "1")["vcpus"]
    return [row["state"] for row in rows] == [state] * len(rows) and rows


def test_halts_are_in_the_buckets_once_each(vmm, collectd):
    """Each time that its three vCPUs wait is one count in the histogram of waits, and a vCPU is blocked meanwhile."""
    times, vcpus, event = 6, 3, "halt_wait_hist"
    guest = vmm(vcpus=vcpus, options=("--threads", "--irqchip"))
    report = rig.kvmstat_json("-oReportHistograms=true", "--all", "events", guest.name, "0.1", "1")
    if event not in {row["event"] for row in report["events"]}:
        pytest.skip("this kernel has no " + event)
    daemon = collectd(options(guest.name, "ReportVcpus true", "ReportHistograms true"))
    rig.wait_until(lambda: daemon.self_metric("guests") == 1, "collectd has the guest")
    for _ in range(times):
        guest.command("block")
        rig.wait_until(lambda: all_in_state(guest.name, "blocked"), "every vCPU is blocked")
        guest.command("stop")
    assert all_in_state(guest.name, "running")

    # The same in the command, whose bounds are those of its names.
    rows = rig.kvmstat_json("--all", "histogram", guest.name, event, "0.1", "1")["buckets"]
    assert sum(row["value"] for row in rows) == times * vcpus
    named = {"%s-%02d-from-%dns" % (event, row["bucket"], row["from"]): row["value"] for row in rows if row["value"]}
    rig.wait_until(lambda: buckets(daemon, guest.name, event) == named, "csv has the buckets")
    # They are the guest's, not a vCPU's; and in each bucket the first count is not lost.
    assert not any("_hist" in event for event in split(daemon.values(guest.name))[1])
    assert all(daemon.rows(guest.name, bucket)[0][1] == 0 for bucket in named)


def test_tree_of_debugfs_has_times_and_says_what_it_has_not(tree, collectd):
    root, host = tree("s390x-6.12", guests=3)
    daemon = collectd('Root "%s"\nReportVcpus true\nReportHistograms true' % root)
    rig.wait_until(lambda: len(daemon.instances()) == 3, "collectd has the guests")
    for guest in host["guests"]:
        sums, vcpus = split(at_rest(daemon, guest["name"], "cpu_time_ns"))
        assert set(vcpus) == {"cpu_time_ns", "cpu_wait_ns"}
        assert not any("_hist" in event for event in sums)
        for index, event in enumerate(("cpu_time_ns", "cpu_wait_ns")):
            threads = {"%03d" % vcpu: schedstat(root, guest, vcpu)[index] for vcpu in range(guest["vcpus"])}
            assert vcpus[event] == threads and sums[event] == sum(threads.values())
    rig.wait_until(lambda: len(daemon.rows(host["guests"][0]["name"], "cpu_time_ns")) > 3, "more passes")
    for option in ("ReportVcpus", "ReportHistograms"):
        assert len([line for line in daemon.text().splitlines() if "kvmstat plugin: %s: " % option in line]) == 1, daemon.text()
    name = host["guests"][1]["name"]
    rows = rig.kvmstat_json("vcpus", name, "0.1", "1", root=root)["vcpus"]
    assert [row["vcpu"] for row in rows] == list(range(host["guests"][1]["vcpus"]))
    assert [row["tid"] for row in rows] == [host["guests"][1]["pid"] + 2 + row["vcpu"] for row in rows]


def schedstat(root, guest, vcpu):
    path = os.path.join(str(root), "proc/%d/task/%d/schedstat" % (guest["pid"], guest["pid"] + 2 + vcpu))
    with open(path, encoding="ascii") as file:
        return [int(word) for word in file.read().split()]
