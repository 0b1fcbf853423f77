# SPDX-License-Identifier: MIT
"""A real guest of QEMU on this host's KVM."""
import json
import os
import shutil
import signal
import subprocess
import time

import pytest
from host import run

QEMU = shutil.which("qemu-system-" + os.uname().machine)
NAME = "kvmstat-cli-test-%d" % os.getpid()


@pytest.fixture(scope="module")
def guest():
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        pytest.skip("no access to /dev/kvm")
    if not QEMU:
        pytest.skip("no qemu-system-" + os.uname().machine)
    args = [QEMU, "-accel", "kvm", "-display", "none", "-nodefaults", "-name", "guest=" + NAME, "-m", "64", "-smp", "2"]
    with subprocess.Popen(args, stderr=subprocess.DEVNULL) as process:
        time.sleep(1.5)
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


def test_doctor_counts_it(readable):
    done = run("doctor", "--json", "-o", "Guest=" + NAME)
    report = json.loads(done.stdout)
    assert report["guests"] == 1 and report["vcpus"] == 2 and done.returncode == (0 if report["healthy"] else 1)
