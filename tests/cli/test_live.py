# SPDX-License-Identifier: MIT
"""A real guest of QEMU on this host's KVM."""
import json
import os
import shutil
import signal
import subprocess

import pytest
from host import rig, run

QEMU = shutil.which("qemu-system-" + os.uname().machine)
NAME = "kvmstat-cli-test-%d" % os.getpid()


def runs():
    """It is there, and does something as far as that can be read."""
    rows = [row for row in json.loads(run("--json", "0.1", "1").stdout)["guests"] if row["name"] == NAME]
    return rows and rows[0]["exits_total"] != 0


@pytest.fixture(scope="module")
def guest():
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        pytest.skip("no access to /dev/kvm")
    if not QEMU:
        pytest.skip("no qemu-system-" + os.uname().machine)
    args = [QEMU, "-accel", "kvm", "-display", "none", "-nodefaults", "-name", "guest=" + NAME, "-m", "64", "-smp", "2"]
    with subprocess.Popen(args, stderr=subprocess.DEVNULL) as process:
        rig.wait_until(lambda: process.poll() is not None or runs(), "QEMU runs a guest, or ends")
        if process.poll() is not None:
            pytest.skip("QEMU starts no guest here")
        yield process
        process.send_signal(signal.SIGTERM)


@pytest.fixture(scope="module")
def readable(guest):
    rows = json.loads(run("--json", "0.1", "1").stdout)["guests"]
    if all(row["exits_total"] is None for row in rows):
        pytest.skip("this process can read no counter here; 'kvmstat doctor' says why")


def test_row(guest, readable):
    rows = {row["name"]: row for row in json.loads(run("--json", "1", "1").stdout)["guests"]}
    row = rows[NAME]
    assert row["pid"] == guest.pid and row["vcpus"] == 2 and row["vmm"] == "qemu"
    assert row["memory_bytes"] == 64 << 20
    assert row["exits_total"] > 0


def test_events(readable):
    rows = json.loads(run("--json", "events", NAME, "0.5", "1").stdout)["events"]
    values = {row["event"]: row for row in rows}
    assert all(row["guest"] == NAME and row["source"] != "absent" for row in rows)
    assert values and all(row["value"] > 0 for row in rows)


def test_totals_grow(readable):
    lines = run("--json", "-o", "Guest=" + NAME, "0.5", "3").stdout.splitlines()
    totals = [json.loads(line)["guests"][0]["exits_total"] for line in lines]
    assert totals == sorted(totals)


def test_vcpus(guest, readable):
    done = run("--json", "vcpus", NAME, "0.5", "1")
    rows = json.loads(done.stdout)["vcpus"]
    threads = {int(name) for name in os.listdir("/proc/%d/task" % guest.pid)}
    assert [row["vcpu"] for row in rows] == [0, 1] and all(row["guest"] == NAME for row in rows)
    assert len({row["tid"] for row in rows} & threads) == 2
    # A busy host may read a thread's time later than the sample's.
    assert all(0 <= row["cpu_percent"] < 1000 and row["wait_percent"] >= 0 for row in rows)
    assert all(row["state"] in ("running", "blocked", "unknown") for row in rows)
    for row in rows:
        rates = [row["rate_%d" % i] for i in (1, 2, 3) if row["rate_%d" % i] is not None]
        assert rates == sorted(rates, reverse=True)


def test_histogram(guest, readable):
    done = run("histogram", NAME, "nonsense", "0.1", "1")
    if b"cannot read any histogram" in done.stderr:
        pytest.skip("no source has histograms here; 'kvmstat doctor' says why")
    assert done.returncode == 2
    names = done.stderr.decode().splitlines()[-1].partition(" are: ")[2].split()
    for name in names:
        rows = json.loads(run("--json", "--all", "histogram", NAME, name, "0.1", "1").stdout)["buckets"]
        assert [row["bucket"] for row in rows] == list(range(len(rows)))
        assert [row["from"] for row in rows] == [0] + [2**i for i in range(len(rows) - 1)]
        assert [row["below"] for row in rows] == [row["from"] for row in rows[1:]] + [None]
        total = sum(row["value"] for row in rows)
        assert all(row["unit"] == "ns" and row["event"] == name and row["guest"] == NAME for row in rows)
        if total:
            assert rows[-1]["cumulative_percent"] == pytest.approx(100, abs=0.01)
            assert sum(row["percent"] for row in rows) == pytest.approx(100, abs=0.05)


def test_doctor_counts_it(readable):
    done = run("doctor", "--json", "-o", "Guest=" + NAME)
    report = json.loads(done.stdout)
    assert report["guests"] == 1 and report["vcpus"] == 2 and done.returncode == (0 if report["healthy"] else 1)
