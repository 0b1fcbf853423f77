# SPDX-License-Identifier: MIT
"""Hosts of every architecture and many kernels: each event of each guest, and no other, and nothing else is opened."""
import json
import os
import sys

import pytest
from host import run
from opened import Opened

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "trees"))
import kernels  # noqa: E402

NUMBERS = kernels.numbers()
NUMBER_FIXED_MAX = 65535


def events(root, guest, complaints=0):
    """{event: row} of a guest."""
    done = run("--json", "--all", "--root", str(root), "events", "pid:%d" % guest.pid, "0.1", "1")
    assert (done.returncode, done.stderr.count(b"\n")) == (0, complaints), done.stderr
    rows = json.loads(done.stdout)["events"]
    assert len({row["event"] for row in rows}) == len(rows)
    return {row["event"]: row for row in rows}


def shown(rows):
    """What the test compares, of rows that have a value."""
    return {name: (row["class"], row["unit"], row["scope"], row["source"], row["value"])
            for name, row in rows.items() if row["value"] is not None}


def wanted(guest):
    return {row.event: (row.cls, row.unit, row.scope, "debugfs", guest.values[row.event])
            for row in kernels.table(guest.kernel) + kernels.UNKNOWN if not kernels.is_histogram(row)}


def check_numbers(rows):
    for name, row in rows.items():
        if name in NUMBERS:
            assert row["number"] == NUMBERS[name], name
        else:
            assert row["number"] > NUMBER_FIXED_MAX, name


@pytest.mark.parametrize("kernel", kernels.names())
def test_every_event(tmp_path, kernel):
    guests = kernels.make(tmp_path, {"kvm": kernel})
    for guest in guests:
        rows = events(tmp_path, guest)
        assert shown(rows) == wanted(guest)
        assert set(rows) == set(wanted(guest))
        check_numbers(rows)


@pytest.mark.parametrize("kernel", kernels.names())
def test_nothing_else_is_opened(tmp_path, kernel):
    """Histograms show a part of themselves only, and other files may stop a guest."""
    guests = kernels.make(tmp_path, {"kvm": kernel})
    with Opened(tmp_path / "sys/kernel/debug") as opened:
        events(tmp_path, guests[0])
    assert opened.files() == {
        "kvm/%d-%d/%s" % (guest.pid, guest.fd, row.file) for guest in guests
        for row in kernels.table(kernel) + kernels.UNKNOWN if not kernels.is_histogram(row)}


@pytest.mark.parametrize("kernel", kernels.names())
def test_lockdown(tmp_path, kernel):
    """What may fall is still there, counters are missed with their reason, and those that never count are not missed."""
    guests = kernels.make(tmp_path, {"kvm": kernel}, lockdown="integrity")
    rows = kernels.table(kernel) + kernels.UNKNOWN
    levels = {row.event for row in rows if row.mode == 0o444}
    with Opened(tmp_path / "sys/kernel/debug") as opened:
        found = shown(events(tmp_path, guests[0], complaints=1))
    assert found == {event: row for event, row in wanted(guests[0]).items() if event in levels}
    assert {os.path.basename(path) for path in opened.files()} == {row.file for row in rows if row.event in levels}
    report = json.loads(run("--json", "--root", str(tmp_path), "doctor").stdout)
    missing = {event["event"] for event in report["missing_events"]}
    assert missing == {row.event for row in rows if row.mode == 0o644 and not row.dead and not kernels.is_histogram(row)}
    assert all("lockdown=integrity" in event["reason"] for event in report["missing_events"])


def test_two_kvms_side_by_side(tmp_path):
    """Mainframes that run guests of two architectures have two modules, each with a directory of its own."""
    guests = kernels.make(tmp_path, {"kvm": "s390x-7.1", "kvm-arm64": "arm64-7.1"})
    every = {row.event for kernel in ("s390x-7.1", "arm64-7.1") for row in kernels.table(kernel) if not kernels.is_histogram(row)}
    with Opened(tmp_path / "sys/kernel/debug") as opened:
        for guest in guests:
            rows = events(tmp_path, guest)
            assert shown(rows) == wanted(guest)
            assert set(rows) == every | {"zz_new_counter", "zz_new_level"}
    assert {path.split("/")[0] for path in opened.files()} == {"kvm", "kvm-arm64"}
    report = json.loads(run("--json", "--root", str(tmp_path), "0.1", "1").stdout)
    assert sorted(guest["name"] for guest in report["guests"]) == sorted(guest.name for guest in guests)
    assert all(guest["exits_total"] is not None for guest in report["guests"])


def test_tables_are_all_there():
    """None is lost unnoticed."""
    names = set(kernels.names(""))
    assert {"s390x-" + v for v in ("4.18", "5.4", "5.14", "6.1", "6.12", "7.1")} <= names
    assert {"x86", "arm64", "ppc64", "riscv"} <= {name.partition("-")[0] for name in names}
    for name in names:
        rows = kernels.table(name)
        assert len(rows) >= 6 and len({row.file for row in rows}) == len(rows)
        assert {row.mode for row in rows} <= {0o444, 0o644}
