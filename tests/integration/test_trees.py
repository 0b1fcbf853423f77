# SPDX-License-Identifier: MIT
"""Whole hosts made of files, through both front ends and the command: every number arrives, and no other."""
import os

import pytest

import maketree
import rig
import snmp

COUNTERS, LEVELS = ("cumulative",), ("instant", "peak")


def expected_values(root, host):
    """{pid: {event: value}}, without histograms, and the events by name."""
    events = {event.name: event for _, event in maketree.kernel_events(host["kernel"])[1]}
    plain = {name for name, event in events.items() if not event.cls.endswith("hist")}
    return {guest["pid"]: {event: value for event, value in maketree.values(str(root), guest).items() if event in plain}
            for guest in host["guests"]}, events


def fixed_numbers():
    """{event: number} of events.tsv."""
    with open(maketree.EVENTS, encoding="utf-8") as table:
        fields = [line.split("\t") for line in table if line[0].isdigit()]
    return {field[1]: int(field[0]) for field in fields}


def snmp_values(manager):
    """{pid: {event: value}}, counters and levels apart."""
    pids = {index[0]: pid for index, pid in manager.numbers("kvmGuestPid").items()}
    names = {number: name for name, number in manager.event_numbers().items()}
    tables = []
    for column in ("kvmGuestEventHCCount", "kvmGuestEventHCLevel"):
        found = {pid: {} for pid in pids.values()}
        for (guest, number), value in manager.numbers(column).items():
            found[pids[guest]][names[number]] = value
        tables.append(found)
    return tables


def of_class(values, events, classes):
    return {pid: {event: value for event, value in row.items() if events[event].cls in classes} for pid, row in values.items()}


def collectd_values(daemon):
    return sorted(sorted((e, v) for e, v in daemon.values(instance).items() if v) for instance in daemon.instances())


def check_all(root, host, manager, daemon):
    expected, events = expected_values(root, host)

    def snmp_has_it():
        counters, levels = snmp_values(manager)
        return counters == of_class(expected, events, COUNTERS) and levels == of_class(expected, events, LEVELS)
    rig.wait_until(snmp_has_it, "SNMP has every number of the host")
    wanted = sorted(sorted((e, v) for e, v in row.items() if v) for row in expected.values())
    rig.wait_until(lambda: collectd_values(daemon) == wanted, "collectd has every number of the host")
    for pid in list(expected)[::9]:
        assert rig.kvmstat_values("pid:%d" % pid, root=root) == expected[pid]


@pytest.mark.parametrize("kernel", ["s390x-4.18", "s390x-6.12", "x86-6.1"])
def test_host(tree, agent, collectd, kernel):
    root, host = tree(kernel, guests=6, odd=kernel == "s390x-6.12")
    manager = agent("Root %s" % root).snmpd
    daemon = collectd('Root "%s"' % root)
    check_all(root, host, manager, daemon)

    numbers = fixed_numbers()
    assert all(numbers[event] == number for event, number in manager.event_numbers().items())
    assert sorted(manager.names().values()) == sorted(snmp.shown(os.fsencode(guest["name"])) for guest in host["guests"])
    vcpus = manager.numbers("kvmGuestVcpus")
    assert {pid: vcpus[index] for index, pid in manager.numbers("kvmGuestPid").items()} == \
        {guest["pid"]: guest["vcpus"] for guest in host["guests"]}

    maketree.tick(str(root), 100)
    check_all(root, host, manager, daemon)


def test_lockdown_keeps_counters_away(tree, agent, collectd):
    """Their files are there with numbers in them; under lockdown the kernel would refuse, and log, each look."""
    root, host = tree("s390x-6.12", guests=4, lockdown="integrity")
    manager = agent("Root %s" % root).snmpd
    daemon = collectd('Root "%s"\nSkipNeverSeen false' % root)
    expected, events = expected_values(root, host)
    counters, levels = snmp_values(manager)
    assert levels == of_class(expected, events, LEVELS)
    assert not any(counters.values())
    rig.wait_until(lambda: len(daemon.instances()) == 4, "collectd has the guests")
    assert all(set(daemon.values(instance)) == {"blocking"} for instance in daemon.instances())
    assert b"integrity" in manager.tool("snmpget", "KVMSTAT-MIB::kvmHostLockdown.0")
    reasons = manager.plain_walk("kvmEventReason")
    assert all("lockdown" in reason for index, reason in reasons.items() if index[0] == fixed_numbers()["exit_instruction"])
    rig.wait_until(lambda: len(daemon.rows(sorted(daemon.instances())[0], "blocking", "gauge")) > 3, "three more passes")
    assert len([line for line in daemon.text().splitlines() if "lockdown" in line]) == 1, daemon.text()


def test_counter_that_was_cleared(tree, agent):
    """An administrator may write 0 to a counter: no rate, no negative one, and a discontinuity that says so."""
    root, host = tree(guests=2)
    manager = agent("Root %s" % root).snmpd
    guest = host["guests"][0]
    index = manager.index_of(guest["name"])
    where = "%d.%d" % (index, fixed_numbers()["exit_null"])
    rig.wait_until(lambda: manager.get("kvmGuestEventRate." + where) == 0, "there is a rate")
    before = {i: manager.get("kvmGuestDiscontinuity.%d" % i) for i in manager.names()}
    with open(os.path.join(maketree.guest_dir(str(root), guest), "exit_null"), "r+", encoding="ascii") as file:
        file.write("7\n")
        file.truncate()
    rig.wait_until(lambda: manager.get("kvmGuestEventHCCount." + where) == 7, "the new value is there")
    after = {i: manager.get("kvmGuestDiscontinuity.%d" % i) for i in manager.names()}
    assert after.pop(index) > before.pop(index)
    assert after == before
    rig.wait_until(lambda: manager.get("kvmGuestEventRate." + where) == 0, "there is a rate again")
