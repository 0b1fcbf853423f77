# SPDX-License-Identifier: MIT
"""Debian's s390x kernel, booted under emulation: the BPF program is loaded with its types, the pair publishes a host.

The emulated processor cannot run guests, so that those are replayed.
"""
import json
import re
import sys

import pytest

from machines import HERE
from test_agentx import DIFFERS, ROOT

sys.path.insert(0, HERE + "/../trees")

import maketree  # noqa: E402

NAMES, STARTED = ROOT + ".1.6.1.2.", ROOT + ".1.6.1.7."
# The groups that are indexed by guest.
BY_GUEST = re.compile(re.escape(ROOT) + r"\.1\.([6-9]|1[0-3])\.1\.(\d+)\.(\d+)(.*)")


@pytest.fixture(scope="module", name="booted")
def booted_machine(booting):
    return booting.result()


def known_events():
    return {event.name for _, event in maketree.kernel_events("s390x-6.12")[1]}


def test_bpf_is_active(booted):
    report = booted.doctor("doctor")
    assert report["sources"]["bpf"]["state"] == "active", report
    assert (report["lockdown"], report["guests"]) == ("none", 0)


def test_names(booted):
    """From the kernel's own big-endian types."""
    report = json.loads(booted.answer("events")[-1])
    assert {row["event"] for row in report["events"]} == known_events()


def test_integrity(booted):
    report = booted.doctor("integrity")
    assert report["lockdown"] == "integrity"
    assert report["sources"]["bpf"]["state"] == "active", report


def test_same_values(booted):
    """By collectd: every value of every guest as it is on this machine."""
    found = {}
    for line in booted.answer("collectd"):
        path, _, value = line.split(",")
        found["/".join(path[:-len("-2000-01-01")].split("/")[-2:])] = value
    assert found == booted.values, "\n".join(booted.answer("logs"))


def by_name(lines):
    """A walk with guests' names in the place of their indices: which guest was found first is the file system's choice."""
    names = {line.split(" ")[0].rpartition(".")[2]: line.partition(" = ")[2] for line in lines if line.startswith(NAMES)}
    found = {}
    for line in lines:
        oid, _, value = line.partition(" = ")
        match = BY_GUEST.fullmatch(oid)
        if match:
            oid = (*match.group(1, 2, 4), names[match.group(3)])
        found[oid] = value
    return found


def test_same_walk(booted):
    """When a guest was started depends on when the machine was."""
    found = [line for line in booted.answer("walk") if not line.startswith((*DIFFERS, STARTED))]
    expected = [line for line in booted.walk if not line.startswith(STARTED)]
    assert by_name(found) == by_name(expected), "\n".join(booted.answer("logs"))
    assert sum("Counter64" in line for line in found) > 200
