# SPDX-License-Identifier: MIT
"""The subagent for s390x, emulated, behind this machine's snmpd and behind its own, is walked as the native one is.

AgentX messages say in which byte order they are; a big-endian master and a little-endian one each hear both.
"""
import os
import shutil
import subprocess

import pytest

from machines import EMULATED, NATIVE, PATH, ROOT, make_tree, rig

UPTIME = ".1.3.6.1.2.1.1.3"
# The version (somebody may change the tree between two builds), when the sample was taken, its age, how long it took;
# and kvmGuestDiscontinuity, which counts from when snmpd was reached.
DIFFERS = tuple("%s.1.1.%d.0 " % (ROOT, scalar) for scalar in (1, 4, 5, 6)) + (ROOT + ".1.6.1.10.",)
KERNELS = ("s390x-4.18", "s390x-6.12")
GUESTS, VCPUS = 6, 2
VCPU_STATE = ROOT + ".1.10.1.3."
pytestmark = pytest.mark.skipif(not NATIVE.program("snmpd") or not shutil.which("snmpbulkwalk", path=PATH),
                                reason="no snmpd or no snmpbulkwalk here (Debian: snmpd, snmp)")


class Snmpd(rig.Program):
    def __init__(self, machine, directory):
        directory.mkdir()
        self.address, self.master = "127.0.0.1:%d" % rig.free_port(), str(directory / "master")
        config = directory / "snmpd.conf"
        config.write_text("agentAddress udp:%s\nrocommunity public 127.0.0.1\nmaster agentx\nagentXSocket %s\nagentXTimeout 4\n" %
                          (self.address, self.master))
        super().__init__([*machine.program("snmpd"), "-f", "-C", "-c", str(config), "-Lo", "-p", str(directory / "pid"),
                          "-I", "-smux,mteTrigger,mteTriggerConf"],
                         directory / "snmpd.log", env={"SNMP_PERSISTENT_DIR": str(directory), "MIBS": ""})
        # A request that comes before would be lost, and waited for.
        rig.wait_until(lambda: self.ask("0.3", UPTIME), "snmpd answers: " + self.text())

    def ask(self, seconds, below):
        done = subprocess.run(["snmpbulkwalk", "-v2c", "-cpublic", "-t" + seconds, "-On", "-Cr50", self.address, below],
                              capture_output=True, text=True, timeout=rig.PATIENCE, check=False, env=dict(os.environ, MIBS="", PATH=PATH))
        return done.stdout.splitlines()

    def walk(self):
        """What lies below our root, but for what may differ."""
        return [line for line in self.ask("20", ROOT) if not line.startswith(DIFFERS)]


def served(agent_of, snmpd_of, root, directory):
    """All that the subagent of one machine serves behind the snmpd of another, with the indices that the first one has given."""
    snmpd = Snmpd(snmpd_of, directory)
    state = directory.parent / "state"
    state.mkdir(exist_ok=True)
    options = ["-x", snmpd.master, "-c", "/dev/null", "-o", "StateDir=%s" % state, "-o", "Root=%s" % root,
               "-o", "Interval=60", "-o", "ReportVcpus=true", "-o", "ReportHistograms=true"]
    agent = rig.Program([*agent_of.built("kvmstat-agentx"), *options], directory / "agent.log")
    try:
        def complete():
            lines = snmpd.walk()
            return lines if len(lines) > 100 * GUESTS else None
        return rig.wait_until(complete, "all is served: " + agent.text() + snmpd.text())
    finally:
        agent.stop()
        snmpd.stop()


@pytest.mark.parametrize("kernel", KERNELS)
def test_same_walk(kernel, tmp_path):
    root = str(tmp_path / "root")
    make_tree(root, "--kernel", kernel, "--guests", str(GUESTS), "--vcpus", str(VCPUS))
    native = served(NATIVE, NATIVE, root, tmp_path / "native")
    assert served(EMULATED, EMULATED, root, tmp_path / "emulated") == native
    assert served(EMULATED, NATIVE, root, tmp_path / "mixed") == native
    assert served(NATIVE, EMULATED, root, tmp_path / "turned") == native
    assert sum("Counter64" in line for line in native) > 50 * GUESTS
    assert sum(line.startswith(VCPU_STATE) for line in native) == VCPUS * GUESTS
