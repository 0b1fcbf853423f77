# SPDX-License-Identifier: MIT
"""Counts that begin again are told as such by the real collectd and the real snmpd, and make no rate."""
import math
import os
import shutil
import socketserver
import threading

import pytest

import machine
import rig
import snmp

BEFORE, AFTER, MORE = 4000, 30, 200
pytestmark = pytest.mark.usefixtures("kvm")


class Graphite(socketserver.ThreadingTCPServer):
    """Keeps what write_graphite sends."""
    daemon_threads = allow_reuse_address = True

    def __init__(self):
        self.lines = []
        super().__init__(("127.0.0.1", 0), self.make_handler(self.lines))
        self.port = self.server_address[1]
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @staticmethod
    def make_handler(lines):
        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                for line in self.rfile:
                    lines.append(line.decode().split())
        return Handler

    def of(self, kind, guest, event):
        """Values of a series, oldest first; what is no number, too. kind: "rate" or "raw"."""
        name = "%s.%s.kvmstat-%s.derive-%s" % (kind, rig.Collectd.HOST, guest, event)
        return [float(line[1]) for line in list(self.lines) if line[0] == name]


class InOrder(rig.Collectd):
    """write_graphite sends the rate of the last value that collectd's cache has: with more threads it may be the next one's."""
    WRITE_THREADS = 1


@pytest.fixture(name="graphite")
def ended_graphite():
    with Graphite() as server:
        yield server
        server.shutdown()


@pytest.fixture(name="vmm")
def guest_with_a_past(new_vmm):
    vmm = new_vmm("past")
    vmm.command("run %d" % BEFORE)
    return vmm


def clear(vmm):
    """As root may, through debugfs."""
    with open(os.path.join(machine.directory(vmm.guests()[0]), vmm.run_event), "w", encoding="utf-8") as file:
        file.write("0")


def recreate(vmm):
    """A new guest in a directory of the same name."""
    before = machine.directories()
    vmm.command("recreate 0")
    assert machine.directories() == before


BEGINNINGS = pytest.mark.parametrize("begin_again", [clear, recreate])


@pytest.mark.skipif(not shutil.which("collectd") or not os.path.exists(rig.built("kvmstat.so")), reason="no collectd on the host")
@BEGINNINGS
@pytest.mark.parametrize("source", ["bpf", "debugfs"])
def test_collectd(vmm, started, graphite, tmp_path, source, begin_again):
    daemon = InOrder(tmp_path / "collectd", 'Source "%s"\nGuest "past"' % source, carbon=graphite)
    started.append(daemon)

    def shows(value):
        return daemon.last("past", vmm.run_event) == value
    rig.wait_until(lambda: shows(BEFORE) and graphite.of("rate", "past", vmm.run_event), "its counts and their rate")
    begin_again(vmm)
    vmm.command("run %d" % AFTER)
    rig.wait_until(lambda: shows(AFTER), "its counts begin again")
    vmm.command("run %d" % MORE)
    rig.wait_until(lambda: graphite.of("rate", "past", vmm.run_event)[-1] > 0, "there are rates again")
    rates, raw = (graphite.of(kind, "past", vmm.run_event) for kind in ("rate", "raw"))
    assert all(rate >= 0 for rate in rates if not math.isnan(rate)), rates
    # A rate only of what grew. How high it is depends on the time between two samples, which a busy machine shortens.
    assert all((rate > 0) == (now > was) for rate, was, now in zip(rates[1:], raw, raw[1:])), (rates, raw)
    # No rate where there is nothing before it.
    assert sum(map(math.isnan, rates)) == 2 and math.isnan(rates[0]), rates
    falls = [(was, now) for was, now in zip(raw, raw[1:]) if now < was]
    assert len(falls) == 1 and falls[0][0] == BEFORE and falls[0][1] <= AFTER, raw


@pytest.mark.skipif(not shutil.which("snmpd") or not os.path.exists(rig.built("kvmstat-agentx")), reason="no snmpd on the host")
@BEGINNINGS
def test_snmp(vmm, started, tmp_path, begin_again):
    manager = snmp.Snmpd(tmp_path / "snmpd")
    started.append(manager)
    started.append(snmp.Agent(tmp_path / "agent", manager, 'Guest "past"'))
    guest = rig.wait_until(lambda: manager.index_of("past"), "the subagent has it")
    number = rig.wait_until(lambda: manager.event_numbers().get(vmm.run_event), "the event has a number")
    row = "%d.%d" % (guest, number)
    rig.wait_until(lambda: manager.get("kvmGuestEventHCCount." + row) == BEFORE, "its counts")
    since = manager.get("kvmGuestDiscontinuity.%d" % guest)
    # More than before, if it is a new guest: only the time tells that it is one.
    again = AFTER if begin_again == clear else BEFORE + AFTER
    begin_again(vmm)
    vmm.command("run %d" % again)
    rig.wait_until(lambda: manager.get("kvmGuestEventHCCount." + row) == again, "its counts begin again")
    told = manager.get("kvmGuestDiscontinuity.%d" % guest)
    assert told > since and manager.index_of("past") == guest
    sample = manager.get("kvmSampleNumber.0")
    rig.wait_until(lambda: manager.get("kvmSampleNumber.0") > sample, "another sample")
    assert manager.get("kvmGuestDiscontinuity.%d" % guest) == told
    assert manager.get("kvmGuestEventRate." + row) == 0
