# SPDX-License-Identifier: MIT
"""The subagent for s390x, emulated, behind this machine's snmpd: AgentX messages say in which byte order they are."""
import os
import shutil
import socket
import subprocess
import sys
import time

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
MAKETREE = os.path.join(HERE, "..", "trees", "maketree.py")
ROOT = ".1.3.6.1.4.1.8072.9999.9999.7619"
# The version (somebody may change the tree between two builds), when the sample was taken, its age, how long it took;
# and kvmGuestDiscontinuity, which counts from when snmpd was reached.
DIFFERS = tuple("%s.1.1.%d.0 " % (ROOT, scalar) for scalar in (1, 4, 5, 6)) + (ROOT + ".1.6.1.10.",)
SNMPD = shutil.which("snmpd", path=os.environ["PATH"] + ":/usr/sbin")
GUESTS, VCPUS = 6, 2
VCPU_STATE = ROOT + ".1.10.1.3."


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


@pytest.fixture(scope="module", name="host")
def generated_host(tmp_path_factory):
    root = tmp_path_factory.mktemp("host")
    subprocess.run([sys.executable, MAKETREE, root, "--guests", str(GUESTS), "--vcpus", str(VCPUS)], check=True,
                   stdout=subprocess.DEVNULL)
    return root


@pytest.fixture(name="snmpd")
def running_snmpd(tmp_path):
    if not SNMPD or not shutil.which("snmpbulkwalk"):
        pytest.skip("no snmpd or no snmpbulkwalk here (Debian: snmpd, snmp)")
    address, master = "127.0.0.1:%d" % free_port(), str(tmp_path / "master")
    config = tmp_path / "snmpd.conf"
    config.write_text("agentAddress udp:%s\nrocommunity public 127.0.0.1\nmaster agentx\nagentXSocket %s\n" %
                      (address, master))
    command = [SNMPD, "-f", "-C", "-c", config, "-Lf", tmp_path / "snmpd.log", "-p", tmp_path / "pid"]
    with subprocess.Popen(command, env=dict(os.environ, SNMP_PERSISTENT_DIR=str(tmp_path))) as process:
        yield address, master
        process.terminate()


def walk(address):
    done = subprocess.run(["snmpbulkwalk", "-v2c", "-cpublic", "-On", "-Cr50", address, ROOT], capture_output=True,
                          text=True, timeout=30, check=False)
    return [line for line in done.stdout.splitlines() if not line.startswith(DIFFERS)]


def served(command, snmpd, host, state):
    """All that the subagent of this command serves."""
    address, master = snmpd
    state.mkdir()
    options = ["-x", master, "-c", "/dev/null", "-o", "StateDir=%s" % state, "-o", "Root=%s" % host,
               "-o", "Interval=60", "-o", "ReportVcpus=true", "-o", "ReportHistograms=true"]
    with subprocess.Popen([*command, *options], stderr=subprocess.DEVNULL) as process:
        try:
            end = time.monotonic() + 20
            while time.monotonic() < end:
                lines = walk(address)
                if len(lines) > 100 * GUESTS:
                    return lines
                time.sleep(0.3)
            pytest.fail("nothing is served: %s" % lines[:3])
        finally:
            process.terminate()


def test_same_walk(snmpd, host, tmp_path):
    native = served(os.environ["NATIVE_AGENT"].split(), snmpd, host, tmp_path / "native")
    emulated = served(os.environ["EMULATED_AGENT"].split(), snmpd, host, tmp_path / "emulated")
    assert emulated == native
    assert sum("Counter64" in line for line in native) > 100 * GUESTS
    assert sum(line.startswith(VCPU_STATE) for line in native) == VCPUS * GUESTS
