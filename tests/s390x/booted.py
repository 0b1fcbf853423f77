# SPDX-License-Identifier: MIT
"""What the emulated machine said, and what this one says of the same host."""
import json

import pytest

import machine
from machines import NATIVE, Collectd, make_tree
from test_agentx import ROOT, served

TREE = ("--kernel", "s390x-6.12", "--guests", "4", "--vcpus", "2")
OPTIONS = 'LoadPlugin kvmstat\n<Plugin kvmstat>\nRoot "%s"\n</Plugin>\n'


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
            return collectd.all_values()
        finally:
            collectd.stop()

    def answer(self, name):
        assert name in self.said and "end" in self.said, self.console[-3000:]
        return self.said[name]

    def doctor(self, name):
        report = json.loads(self.answer(name)[-1])
        report["sources"] = {source["name"]: source for source in report["sources"]}
        return report
