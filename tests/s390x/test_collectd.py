# SPDX-License-Identifier: MIT
"""collectd for s390x with the plugin for s390x, emulated, and this machine's collectd publish the same of the same host."""
import pytest

from machines import EMULATED, NATIVE, Collectd, make_tree, rig

KERNELS = ("s390x-4.18", "s390x-6.12")
OPTIONS = 'LoadPlugin kvmstat\n<Plugin kvmstat>\nRoot "%s"\nReportHistograms true\nSkipNeverSeen false\n</Plugin>'
GUESTS = 4
pytestmark = pytest.mark.skipif(not NATIVE.program("collectd"), reason="no collectd here (Debian: collectd-core)")


@pytest.fixture(name="started")
def ended_programs():
    programs = []
    yield programs
    for program in reversed(programs):
        program.stop()


@pytest.mark.parametrize("kernel", KERNELS)
def test_same_values(kernel, started, tmp_path):
    root = str(tmp_path / "root")
    make_tree(root, "--kernel", kernel, "--guests", str(GUESTS), "--odd-names")
    collectds = {}
    for machine in (NATIVE, EMULATED):
        collectds[machine.name] = Collectd(machine, tmp_path / machine.name, OPTIONS % root)
        started.append(collectds[machine.name])
    native, emulated = collectds["native"], collectds["emulated"]
    expected = native.all_values()
    assert len(expected) >= GUESTS * 50
    assert emulated.all_values() == expected
    # By another way out of the daemon, with what the plugin says of itself; a value that comes late is not there for a while.
    rig.wait_until(lambda: native.listed() == emulated.listed() and len(native.listed()) > len(expected), "both list the same")


def test_over_the_network(started, tmp_path):
    """The packets that the emulated daemon sends, read by this machine's."""
    if not NATIVE.collectd_plugin("network") or not EMULATED.collectd_plugin("network"):
        pytest.skip("collectd's plugin network is not here")
    root, port = str(tmp_path / "root"), rig.free_port()
    make_tree(root, "--guests", "3")
    listen = 'LoadPlugin network\n<Plugin network>\nListen "127.0.0.1" "%d"\n</Plugin>' % port
    send = 'LoadPlugin network\n<Plugin network>\nServer "127.0.0.1" "%d"\n</Plugin>\n' % port
    plugins = ("csv", "unixsock", "network")
    receiver = Collectd(NATIVE, tmp_path / "native", listen, plugins)
    started.append(receiver)
    sender = Collectd(EMULATED, tmp_path / "emulated", send + OPTIONS % root, plugins)
    started.append(sender)
    expected = sender.all_values()
    rig.wait_until(lambda: len(receiver.values()) == len(expected), "all has arrived: " + receiver.text() + sender.text())
    assert receiver.values() == expected
