# SPDX-License-Identifier: MIT
"""One request costs snmpd and the subagent little, even one that has to step over the big tables."""
import glob
import re

import pytest

import rig
import snmp

ROOT = "1.3.6.1.4.1.8072.9999.9999.7619"
BEFORE_64_BIT = "KVMSTAT-MIB::kvmGuestEventHCTable"
NO_RETRY = ("-t", str(rig.PATIENCE), "-r", "0")
VIEWS = """
view narrow included .1
view narrow excluded .{root}.1.9
view narrow excluded .{root}.1.12
view narrow excluded .{root}.1.13
rocommunity old 127.0.0.1 -V narrow
view names included .1
view names excluded .{root}.1.8
view names excluded .{root}.1.9
rocommunity names 127.0.0.1 -V names
""".format(root=ROOT)
FEW = 20  # as much as so many plain GETs
RUNS = 5


def cpu_ns(program):
    """CPU time of all threads so far."""
    total = 0
    for path in glob.glob("/proc/%d/task/*/schedstat" % program.pid):
        with open(path, encoding="ascii") as file:
            total += int(file.readline().split()[0])
    return total


@pytest.fixture
def big(tree, agent, snmpd):
    """5,000 rows, and no sample is taken meanwhile."""
    root, _ = tree("s390x-6.12", guests=40, vcpus=1)
    return agent("Root %s" % root, master=snmpd(extra=VIEWS), interval=60)


def cost(subagent, *args, **more):
    """CPU time of snmpd and the subagent for a command, and what it says. Of several runs the cheapest: others only disturb it."""
    found = []
    for _ in range(RUNS):
        before = cpu_ns(subagent) + cpu_ns(subagent.snmpd)
        text = subagent.snmpd.tool(*args, options=NO_RETRY, **more)
        found.append(cpu_ns(subagent) + cpu_ns(subagent.snmpd) - before)
    return min(found), text


def cost_of_few(subagent):
    return FEW * cost(subagent, "snmpget", "KVMSTAT-MIB::kvmHostGuests.0")[0]


def test_v1_getnext_with_the_view_of_the_documentation(big):
    few = cost_of_few(big)
    spent, text = cost(big, "snmpgetnext", BEFORE_64_BIT, auth=("-v1", "-c", "old"), check=False)
    assert b"Counter64" not in text
    assert spent < few
    # The measure can tell: without the view each of the rows is stepped over.
    assert cost(big, "snmpgetnext", BEFORE_64_BIT, auth=snmp.V1, check=False)[0] > 5 * few


def test_v1_getnext_with_vcpus_and_histograms(bpf, vmm, agent, snmpd):
    """The other tables with values of 64 bits: 8 x 8 vCPUs with all their events, and the histograms."""
    guests = vmm(vms=8, vcpus=8)
    big = agent("Guest /^%s/\nReportVcpus true\nReportHistograms true" % guests.name, master=snmpd(extra=VIEWS), interval=60)
    assert len(big.snmpd.walk("kvmVcpuEventHCCount")) > 1000 and len(big.snmpd.walk("kvmHistogramCount")) > 500
    few = cost_of_few(big)
    for before in ("KVMSTAT-MIB::kvmVcpuEventHCTable", "KVMSTAT-MIB::kvmHistogramTable"):
        spent, text = cost(big, "snmpgetnext", before, auth=("-v1", "-c", "old"), check=False)
        assert b"Counter64" not in text
        assert spent < few
    assert cost(big, "snmpgetnext", "KVMSTAT-MIB::kvmVcpuEventHCTable", auth=snmp.V1, check=False)[0] > 5 * few


def test_excluded_view_is_skipped_in_one_step(big):
    few = cost_of_few(big)
    spent, text = cost(big, "snmpgetnext", "KVMSTAT-MIB::kvmGuestEventTable", auth=("-v2c", "-c", "names"))
    assert b"kvmGuestEvent" not in text
    assert spent < few


def test_v1_walk_ends(big):
    text = big.snmpd.tool("snmpwalk", "KVMSTAT-MIB::kvmstatMIB", auth=("-v1", "-c", "old"), options=NO_RETRY, check=False)
    assert b"kvmGuestEventCount" in text and b"Counter64" not in text
    assert text.count(b"kvmGuestName") == 40


def test_getbulk_of_two_tables_agrees(big):
    """40 rows of the 32-bit and of the 64-bit counter in one request: every pair is one number of one sample."""
    text = big.snmpd.tool("snmpbulkget", "KVMSTAT-MIB::kvmSampleTime", "KVMSTAT-MIB::kvmGuestEventCount",
                          "KVMSTAT-MIB::kvmGuestEventHCCount", options=("-Cn1", "-Cr40", "-OnQU")).decode()
    rows = {}
    for table, guest, event, value in re.findall(r"7619\.1\.([89])\.1\.\d\.(\d+)\.(\d+) = (\d+)$", text, re.MULTILINE):
        rows.setdefault((int(guest), int(event)), {})[table] = int(value)
    assert len(rows) == 40 and list(rows) == sorted(rows)
    assert all(row["8"] == row["9"] % 2**32 for row in rows.values())
    assert any(row["9"] >= 2**32 for row in rows.values())
