# SPDX-License-Identifier: MIT
"""kvmstat vcpus and kvmstat histogram, where debugfs is all there is."""
import csv
import io
import json

import pytest
from host import Host, write


@pytest.fixture
def host(tmp_path):
    host = Host(tmp_path)
    host.guest("one", exits=5, io_exits=1)
    return host


def thread(host, pid, vcpu, tid, cpu_ns, wait_ns):
    task = "%s/proc/%d/task/%d" % (host.root, pid, tid)
    write(task + "/comm", "CPU %d/KVM\n" % vcpu)
    write(task + "/status", "Name:\tCPU %d/KVM\nTgid:\t%d\nPid:\t%d\n" % (vcpu, pid, tid))
    write(task + "/schedstat", "%d %d 9\n" % (cpu_ns, wait_ns))


@pytest.fixture
def threads(host):
    """vCPUs in the order of ids, which is not that of the threads."""
    thread(host, 1000, 1, 1004, 10**9, 10**6)
    thread(host, 1000, 0, 1005, 10**9, 10**6)


def test_vcpus_of_debugfs_have_times_and_it_is_told_once(host, threads):
    done = host.run("vcpus", "one", "0.1", "3")
    assert done.returncode == 0
    lines = [line.split() for line in done.stdout.decode().splitlines() if line.strip()]
    assert lines[1] == ["VCPU", "THREAD", "STATE", "%CPU", "%WAIT", "BUSIEST", "EVENTS,", "PER", "SECOND"]
    assert lines[2] == ["0", "1005", "unknown", "0.0", "0.0", "-"]
    assert lines[3] == ["1", "1004", "unknown", "0.0", "0.0", "-"]
    said = done.stderr.decode()
    assert said.count("debugfs has only the sum over all vCPUs") == 1
    assert said.count("kvmstat:   bpf: missing - ") == 1 and said.count("kvmstat:   statsfd: ") == 1


def test_vcpus_times_are_growth(host, threads):
    report = host.json_between(lambda: thread(host, 1000, 1, 1004, 10**9 + 3 * 10**8, 10**6 + 6 * 10**7), "vcpus", "one")
    rows = report["vcpus"]
    assert [(row["guest"], row["vcpu"], row["tid"]) for row in rows] == [("one", 0, 1005), ("one", 1, 1004)]
    assert (rows[0]["cpu_percent"], rows[0]["wait_percent"]) == (0, 0)
    assert rows[1]["cpu_percent"] * report["seconds"] == pytest.approx(30, rel=0.01)
    assert rows[1]["wait_percent"] * report["seconds"] == pytest.approx(6, rel=0.01)
    assert all(row["event_1"] is None and row["rate_1"] is None for row in rows)
    lines = list(csv.DictReader(io.StringIO(host.run("--csv", "vcpus", "one", "0.1", "2").stdout.decode())))
    assert [line["vcpu"] for line in lines] == ["0", "1", "0", "1"]
    assert set(lines[0]) == {"time", "guest", "vcpu", "tid", "state", "cpu_percent", "wait_percent", "event_1", "rate_1",
                             "event_2", "rate_2", "event_3", "rate_3"}


def test_vcpus_that_cannot_be_seen(host):
    done = host.run("vcpus", "one", "0.1", "1")
    assert done.returncode == 1 and done.stdout == b""
    assert b"cannot see the vCPUs of 'one'" in done.stderr and b"  bpf: missing" in done.stderr


def test_others_are_no_guest(host, threads):
    for name in ("two", "three"):
        host.guest(name, exits=1)
    done = host.run("-o", "TopGuests=1", "vcpus", "others", "0.1", "1")
    assert done.returncode == 1 and b"'others' is the sum of all guests that TopGuests leaves out" in done.stderr


@pytest.mark.parametrize("words", [["vcpus"], ["histogram", "halt_wait_hist"]], ids=lambda words: words[0])
def test_guest_that_is_not_there_or_not_unique(host, words):
    command, rest = words[0], words[1:]
    host.guest("twin", exits=1)
    host.guest("twin", exits=2)
    done = host.run(command, "nobody", *rest, "0.1", "1")
    assert done.returncode == 1 and b"there is no guest 'nobody'; these are running:" in done.stderr
    assert b"pid:1010" in done.stderr
    done = host.run(command, "twin", *rest, "0.1", "1")
    assert done.returncode == 1 and b"2 guests match 'twin'; select one by the first word of its line:" in done.stderr
    assert done.stdout == b""


@pytest.mark.parametrize("event, status, message", [
    ("halt_wait_hist", 1, "cannot read 'halt_wait_hist' on this host"),
    ("exits", 2, "'exits' is not a histogram"),
    ("halt_wait_hst", 2, "there is no event 'halt_wait_hst', did you mean 'halt_wait_hist'?"),
])
def test_histogram_where_there_is_none(host, event, status, message):
    done = host.run("histogram", "one", event, "0.1", "1")
    said = done.stderr.decode()
    assert (done.returncode, done.stdout) == (status, b"")
    assert message in said and "cannot read any histogram: debugfs and kernels before 5.15 have none" in said
    assert "kvmstat:   bpf: missing - " in said
