# SPDX-License-Identifier: MIT
"""What real guests did is what every reader says."""
import pytest

import rig
import snmp

EXITS, HALTS = 700, 40


def guest_option(name):
    return 'Guest "%s"' % name


@pytest.mark.parametrize("options", [
    (), ("--keep-stats-fds",), ("--dup-fds", "--holder"), ("--helper-thread",), ("--helper-ends",), ("--threads",),
], ids=lambda options: "".join(options) or "plain")
def test_command_counts_each_exit_once(live, vmm, options):
    guests = vmm(vms=2, vcpus=3, options=options)
    guests.command("run %d" % EXITS)
    guests.command("halt %d 1" % HALTS)
    report = rig.kvmstat_json("-oGuest=/^%s/" % guests.name, "guests", "0.1", "1")
    assert len(report["guests"]) == 2
    if {"name": "bpf", "state": "active", "text": ""} in live["sources"]:
        assert [guest["vcpus"] for guest in report["guests"]] == [3, 3]
    assert all(guest["pid"] == guests.pid for guest in report["guests"])
    total = rig.kvmstat_json("-oGuest=/^%s/" % guests.name, "--all", "events", "0.1", "1")
    values = {row["event"]: row["value"] for row in total["events"]}
    expected = [guests.events(0), guests.events(1)]
    for event in (guests.run_event, guests.halt_event):
        assert values[event] == expected[0][event] + expected[1][event]


def test_collectd_csv_unixsock_and_graphite(vmm, collectd, carbon):
    guest = vmm(vcpus=2)
    daemon = collectd(guest_option(guest.name), carbon=carbon, interval=2)  # twice carbon's step: no two values share one
    halts = guest.halt_event
    rig.wait_until(lambda: daemon.self_metric("guests") == 1, "collectd has the guest")

    # Nothing is sent of an event that never happened; its 0 comes before the first value.
    assert daemon.rows(guest.name, halts) == []
    guest.command("halt %d" % HALTS)
    rig.wait_until(lambda: daemon.last(guest.name, halts) == 2 * HALTS, "csv has the halts")
    assert daemon.rows(guest.name, halts)[0][1] == 0

    guest.command("run %d" % EXITS)
    guest.command("halt %d" % HALTS)
    expected = guest.events()
    rig.wait_until(lambda: daemon.last(guest.name, halts) == expected[halts], "csv has all halts")
    rig.wait_until(lambda: daemon.last(guest.name, guest.run_event) == expected[guest.run_event], "csv has all exits")
    assert daemon.rate(guest.name, halts) is not None

    metric = "%s." + "%s.kvmstat-%s.derive-%s" % (daemon.HOST, guest.name, halts)
    rig.wait_until(lambda: [v for _, v in carbon.values(metric % "raw")][-1:] == [expected[halts]], "whisper has the count")

    # Each rate is that between two values of csv; a busy machine stretches intervals.
    def rates():
        return [rate for _, rate in carbon.values(metric % "rate")]
    rig.wait_until(lambda: max(rates(), default=0) > 0, "whisper has a rate")
    rows = daemon.rows(guest.name, halts)
    possible = [(after[1] - before[1]) / (after[0] - before[0]) for before, after in zip(rows, rows[1:])]
    assert [rate for rate in rates() if not any(rate == pytest.approx(one, rel=0.01, abs=0.01) for one in possible)] == []


def test_unixsock_rate(vmm, collectd):
    """While a guest halts 50 times between two looks, the rates seen are never more than that, and not 0."""
    guest = vmm()
    guest.command("halt 1")
    daemon = collectd(guest_option(guest.name), interval=0.5)
    rig.wait_until(lambda: daemon.rate(guest.name, guest.halt_event) == 0, "a rate of 0")
    guest.command("halt 50")
    rate = rig.wait_until(lambda: daemon.rate(guest.name, guest.halt_event), "a rate")
    assert 0 < rate < 150


def test_snmp_get_walk_table_v2c_v3(vmm, agent):
    guest = vmm(vcpus=2)
    guest.command("run %d" % EXITS)
    guest.command("halt %d" % HALTS)
    expected = guest.events()
    manager = agent(guest_option(guest.name)).snmpd
    index = rig.wait_until(lambda: manager.index_of(guest.name), "SNMP has the guest")
    numbers = manager.event_numbers()
    for event, value in expected.items():
        where = "%d.%d" % (index, numbers[event])
        for auth in (snmp.V2C, snmp.V3):
            assert manager.get("kvmGuestEventHCCount." + where, auth) == value
            assert manager.get("kvmGuestEventCount." + where, auth) == value
        assert manager.numbers("kvmGuestEventHCCount.%d" % index, snmp.V3)[index, numbers[event]] == value
    assert manager.get("kvmGuestVcpus.%d" % index) == 2
    assert manager.get("kvmGuestPid.%d" % index) == guest.pid
    assert manager.get("kvmHostGuests.0") == 1

    table = manager.tool("snmptable", "KVMSTAT-MIB::kvmGuestEventTable", options=("-OU", "-Ci", "-CH", "-Cf", "|")).decode()
    rows = {line.split("|")[0].strip(): line.split("|") for line in table.splitlines() if "|" in line}
    halts = rows["%d.%d" % (index, numbers[guest.halt_event])]
    assert int(halts[2]) == expected[guest.halt_event]

    guest.command("halt %d" % HALTS)
    where = "%d.%d" % (index, numbers[guest.halt_event])
    rig.wait_until(lambda: manager.get("kvmGuestEventHCCount." + where) == expected[guest.halt_event] + 2 * HALTS, "SNMP follows")


def test_counter32_is_the_low_half(vmm, agent):
    """And what may fall is a level, no counter."""
    guest = vmm(vcpus=3, options=("--threads", "--irqchip"))
    manager = agent(guest_option(guest.name)).snmpd
    index = rig.wait_until(lambda: manager.index_of(guest.name), "SNMP has the guest")
    numbers = manager.event_numbers()
    if "halt_wait_ns" not in numbers:
        pytest.skip("this kernel has no halt_wait_ns")
    guest.command("block")
    where = "%d.%d" % (index, numbers["blocking"])
    rig.wait_until(lambda: manager.get("kvmGuestEventLevel." + where) == 3, "three vCPUs wait")
    assert manager.get("kvmGuestEventHCLevel." + where) == 3
    assert manager.get("kvmGuestEventCount." + where) is None
    guest.command("stop")
    rig.wait_until(lambda: manager.get("kvmGuestEventLevel." + where) == 0, "none waits any more")
    where = "%d.%d" % (index, numbers["halt_wait_ns"])
    high = manager.get("kvmGuestEventHCCount." + where)
    assert high > 10**8
    assert manager.get("kvmGuestEventCount." + where) == high % 2**32


def test_cpu_time(vmm, agent):
    guest = vmm(options=("--threads",))
    manager = agent(guest_option(guest.name)).snmpd
    index = rig.wait_until(lambda: manager.index_of(guest.name), "SNMP has the guest")
    before = rig.wait_until(lambda: manager.get("kvmGuestCpuTime.%d" % index) is not None, "there is a CPU time") and \
        manager.get("kvmGuestCpuTime.%d" % index)
    guest.command("spin")
    rig.wait_until(lambda: manager.get("kvmGuestCpuTime.%d" % index) > before, "CPU time grows")
    rig.wait_until(lambda: manager.get("kvmGuestCpuRate.%d" % index), "and has a rate")
    guest.command("stop")
