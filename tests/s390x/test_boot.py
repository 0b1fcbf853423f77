# SPDX-License-Identifier: MIT
"""Debian's s390x kernel, booted under emulation: the BPF program is loaded with its types, the pair publishes a host.

The emulated processor cannot run guests, so that those are replayed.
"""
import json
import re
import sys

import pytest

import machine
from machines import HERE, NATIVE, Collectd, make_tree, rig
from test_agentx import DIFFERS, ROOT, served

sys.path.insert(0, HERE + "/../trees")

import maketree  # noqa: E402

TREE = ("--kernel", "s390x-6.12", "--guests", "4", "--vcpus", "2")
OPTIONS = 'LoadPlugin kvmstat\n<Plugin kvmstat>\nRoot "%s"\n</Plugin>\n'
NAMES, STARTED = ROOT + ".1.6.1.2.", ROOT + ".1.6.1.7."
# The groups that are indexed by guest.
BY_GUEST = re.compile(re.escape(ROOT) + r"\.1\.([6-9])\.1\.(\d+)\.(\d+)(.*)")


class Booted:
    def __init__(self, directory):
        where, missing = machine.kernel()
        if missing:
            pytest.skip(missing)
        for name in ("collectd", "snmpd"):
            if not NATIVE.program(name):
                pytest.skip("no %s here to compare with" % name)
        self.root = str(directory / "root")
        make_tree(self.root, *TREE)
        self.walk = served(NATIVE, NATIVE, self.root, directory / "snmp")
        self.values = self.collectd_values(directory / "collectd")
        expected = "values=%d walked=%d oid=%s\n" % (len(self.values), len(self.walk), ROOT)
        machine.write_initramfs(directory / "initrd", where, self.root, OPTIONS % "/tree", expected)
        self.said, self.console = machine.boot(directory, where)

    def collectd_values(self, directory):
        collectd = Collectd(NATIVE, directory, OPTIONS % self.root, ("csv", "unixsock"))
        try:
            def complete():
                values = collectd.values()
                return values if len(values) == len(collectd.files()) and len(values) > 100 else None
            return rig.wait_until(complete, "collectd has written each value twice: " + collectd.text(), 30)
        finally:
            collectd.stop()

    def answer(self, name):
        assert name in self.said and "end" in self.said, self.console[-3000:]
        return self.said[name]

    def doctor(self, name):
        report = json.loads(self.answer(name)[-1])
        report["sources"] = {source["name"]: source for source in report["sources"]}
        return report


@pytest.fixture(scope="module", name="booted")
def booted_machine(tmp_path_factory):
    return Booted(tmp_path_factory.mktemp("booted"))


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
