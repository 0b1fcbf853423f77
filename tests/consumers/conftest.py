# SPDX-License-Identifier: MIT
"""The rig of tests/integration, and the systems that the files of templates/ are for."""
import importlib.util
import os
import pathlib
import sys

import pytest

TESTS = pathlib.Path(__file__).resolve().parents[1]
MADE = pathlib.Path(os.environ["TEMPLATES"])
spec = importlib.util.spec_from_file_location("integration", TESTS / "integration" / "conftest.py")
integration = importlib.util.module_from_spec(spec)
spec.loader.exec_module(integration)
need = integration.need
started, count, place, tree, passing, snmpd, agent, collectd = (
    getattr(integration, name) for name in "started count place tree passing snmpd agent collectd".split())
integration.PROGRAMS.update({
    "prometheus": "prometheus", "promtool": "prometheus", "prometheus-snmp-exporter": "prometheus-snmp-exporter", "snmptt": "snmptt", "xmllint": "libxml2-utils"})

import rig  # noqa: E402
import snmp  # noqa: E402
from storm import write_baseline  # noqa: E402


@pytest.fixture
def made():
    return MADE


class Host:
    """A host of files with a snmpd and a subagent; a guest of it may begin to give up its vCPUs all the time."""

    def __init__(self, tree, place, passing, start, sinks=""):
        self.root, made = tree("s390x-6.12", guests=2, vcpus=64)
        (self.root / "sys/devices/system/cpu/online").write_text("0-13\n")
        self.sick, self.well = made["guests"]
        state = place("state") / "kvmstat"
        write_baseline(state, made["guests"])
        self.clock = passing(self.root)
        self.snmpd = start["snmpd"](extra=sinks)
        start["agent"]("Root %s\nStateDir %s\nDiagnoseGrace 1\nPingInterval 1" % (self.root, state), master=self.snmpd)
        rig.wait_until(lambda: self.snmpd.get("kvmAlarmsActive.0") == 0, "guests are judged")

    def storm(self):
        self.clock.storm(self.sick)
        rig.wait_until(lambda: self.snmpd.get("kvmAlarmsActive.0"), "an alarm is raised")

    def end(self):
        self.clock.end_guest(self.sick)
        rig.wait_until(lambda: self.snmpd.get("kvmAlarmsActive.0") == 0, "it is cleared")


@pytest.fixture
def host(tree, place, passing, snmpd, agent):
    return lambda sinks="": Host(tree, place, passing, {"snmpd": snmpd, "agent": agent}, sinks)


class Trapd(rig.Program):
    """snmptrapd as the lines of its configuration want it, to which an snmpd with sinks() sends as SNMPv1, v2c and v3."""
    USER = "-u operator -l authPriv -a SHA -A authentication -x AES -X encryption"

    def __init__(self, directory, lines, options=("-On",)):
        self.port = rig.free_port()
        conf = directory / "snmptrapd.conf"
        conf.write_text("createUser operator SHA authentication AES encryption\nauthUser log,execute operator\n" + lines)
        env = {"SNMPCONFPATH": str(directory), "SNMP_PERSISTENT_DIR": str(directory / "state"), "MIBDIRS": "%s:%s" % (snmp.base_mibs(), rig.BUILD)}
        super().__init__(["snmptrapd", "-f", "-Lo", "-C", "-c", str(conf), *options, "udp:127.0.0.1:%d" % self.port], directory / "log", env=env)
        rig.wait_until(lambda: "NET-SNMP version" in self.text(), "snmptrapd listens")

    def sinks(self):
        to = "127.0.0.1:%d" % self.port
        return "trapsink %s public\ntrap2sink %s public\ntrapsess -v 3 -Ci %s %s" % (to, to, self.USER, to)


@pytest.fixture
def trapd(started, place):
    def make(lines, **more):
        need("snmptrapd")
        program = Trapd(place("trapd"), lines, **more)
        started.append(program)
        return program
    return make
