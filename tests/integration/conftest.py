# SPDX-License-Identifier: MIT
import itertools
import json
import os
import shutil
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "trees")]
sys.path.append(os.path.join(HERE, "..", "cli"))

import maketree  # noqa: E402
import rig  # noqa: E402
import snmp  # noqa: E402
import storm  # noqa: E402

PROGRAMS = {
    "collectd": "collectd-core", "collectdctl": "collectd-utils", "carbon-cache": "graphite-carbon",
    "whisper-fetch": "python3-whisper", "snmpd": "snmpd", "snmpget": "snmp", "qemu-system-x86_64": "qemu-system-x86",
    "setpriv": "util-linux", "snmptrapd": "snmptrapd",
}
os.environ["PATH"] += ":/usr/sbin:/sbin"


def need(*programs):
    for program in programs:
        if not shutil.which(program):
            pytest.skip("no %s (Debian: %s)" % (program, PROGRAMS[program]))


def need_built(name):
    if not os.path.exists(rig.built(name)):
        pytest.skip("%s is not built" % rig.built(name))


@pytest.fixture
def started():
    """Programs to be ended with the test, the last first."""
    programs = []
    yield programs
    for program in reversed(programs):
        program.stop()


@pytest.fixture
def count():
    return itertools.count()


@pytest.fixture
def place(tmp_path, count):
    """A new directory for each program."""
    def make(name):
        directory = tmp_path / ("%s%d" % (name, next(count)))
        directory.mkdir()
        return directory
    return make


@pytest.fixture(scope="session")
def live():
    """Guests can be made here and their counters can be read."""
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        pytest.skip("no /dev/kvm for this user: no real guests")
    if not os.path.exists(rig.built("tests/vmm/kvmtestvmm")):
        pytest.skip("kvmtestvmm is not built")
    report = json.loads(rig.kvmstat("--json", "doctor", check=False))
    sources = {source["name"]: source for source in report["sources"]}
    if "active" not in (sources["bpf"]["state"], sources["debugfs"]["state"]):
        pytest.skip("no source can read counters here: bpf: %s; debugfs: %s" % (sources["bpf"]["text"], sources["debugfs"]["text"]))
    return report


@pytest.fixture(scope="session")
def bpf(live):
    """Whatever the VMM, vCPUs can be told apart."""
    source = next(source for source in live["sources"] if source["name"] == "bpf")
    if source["state"] != "active":
        pytest.skip("vCPUs are told apart by bpf, which is %s: %s" % (source["state"], source["text"]))


@pytest.fixture
def unique(request, count):
    """A name for a guest that no other guest of this host has."""
    return lambda: "it-%d-%d-%s" % (os.getpid(), next(count), request.node.name[:30].replace("[", "-").replace("]", ""))


@pytest.fixture
def vmm(live, started, place, unique):
    def make(name=None, **more):
        program = rig.Vmm(place("vmm") / "log", unique() if name is None else name, **more)
        started.append(program)
        return program
    return make


@pytest.fixture
def qemu(live, started, place):
    def make(name, *options):
        need("qemu-system-x86_64")
        escaped = b"guest=" + os.fsencode(name).replace(b",", b",,")
        program = rig.Program([b"qemu-system-x86_64", b"-name", escaped, b"-accel", b"kvm", b"-m", b"16", b"-display", b"none",
                               b"-serial", b"null", b"-monitor", b"none", *options], place("qemu") / "log")
        started.append(program)
        return program
    return make


@pytest.fixture
def carbon(started, place):
    need("carbon-cache", "whisper-fetch")
    program = rig.Carbon(place("carbon"))
    started.append(program)
    return program


@pytest.fixture
def collectd(started, place):
    def make(options="", **more):
        need("collectd", "collectdctl")
        need_built("kvmstat.so")
        program = rig.Collectd(place("collectd"), options, **more)
        started.append(program)
        return program
    return make


@pytest.fixture
def snmpd(started, place):
    """make(); or make(before) to start the one before again, at the same port."""
    def make(before=None, extra=""):
        need("snmpd", "snmpget")
        need_built("kvmstat-agentx")
        need_built("KVMSTAT-MIB")
        if not snmp.base_mibs():
            pytest.skip("no IETF base modules for the MIB (Debian: erlang-snmp)")
        program = snmp.Snmpd(before.directory if before else place("snmpd"), extra, before.port if before else None)
        started.append(program)
        return program
    return make


@pytest.fixture
def agent(started, place, snmpd):
    """make(options); the snmpd is agent.snmpd. again= a dead agent: in its directory, with its state."""
    def make(options="", master=None, again=None, **more):
        master = master or (again.snmpd if again else snmpd())
        program = snmp.Agent(again.conf.parent if again else place("agent"), master, options, **more)
        started.append(program)
        return program
    return make


@pytest.fixture
def tree(tmp_path, count):
    """make(kernel, ...): (directory, what is in it)."""
    def make(kernel="s390x-6.12", **more):
        directory = tmp_path / ("tree%d" % next(count))
        return directory, maketree.make_tree(str(directory), kernel, **more)
    return make


@pytest.fixture
def passing():
    """make(root, ...): time passes there until the end of the test."""
    clocks = []
    yield lambda root, **more: clocks.append(storm.Time(root, **more)) or clocks[-1]
    for clock in clocks:
        clock.end()


@pytest.fixture
def trapd(started, place):
    need("snmptrapd")
    program = snmp.Trapd(place("trapd"))
    started.append(program)
    return program
