# SPDX-License-Identifier: MIT
"""Nothing in a guest's name breaks an output, and no two guests become one."""
import collections
import csv
import io
import json
import os
import re
import signal

import maketree
import rig
import snmp

LABEL = re.compile(r"[A-Za-z0-9_.:-]{1,127}")


def make_guests(vmm):
    """[(name, program)], each with a number of halts that no other has."""
    guests = []
    for i, name in enumerate(maketree.ODD_NAMES):
        program = vmm(os.fsdecode(name))
        program.command("halt %d" % (1009 + 7 * i))
        guests.append((name, program))
    return guests


def check_snmp(manager, guests):
    def pids_of_all():
        """A walk ends early where values have become too old meanwhile, as they do on a busy host."""
        found = manager.numbers("kvmGuestPid")
        return {program.pid for _, program in guests} <= set(found.values()) and found
    pids = rig.wait_until(pids_of_all, "all guests are there")
    names, halts = manager.names(), manager.event_numbers()[guests[0][1].halt_event]
    counts = manager.numbers("kvmGuestEventHCCount")
    by_pid = collections.defaultdict(list)
    for index, pid in pids.items():
        by_pid[pid].append(index[0])
    for name, program in guests:
        assert len(by_pid[program.pid]) == 1, name
        index = by_pid[program.pid][0]
        assert names[index] == snmp.shown(name)
        assert counts[index, halts] == program.events()[program.halt_event]


def instances_of(daemon, guests):
    """{number of halts: what the guest is called in collectd}; each must be there once."""
    halts = guests[0][1].halt_event
    wanted = {program.events()[halts]: name for name, program in guests}

    def found():
        seen = collections.Counter()
        where = {}
        for instance in daemon.instances():
            value = daemon.last(instance, halts)
            if value in wanted:
                seen[value] += 1
                where[value] = instance
        assert all(number == 1 for number in seen.values()), seen
        return len(where) == len(wanted) and where
    return rig.wait_until(found, "every guest has a place of its own")


def test_odd_names(vmm, collectd, agent):
    guests = make_guests(vmm)
    manager = agent().snmpd
    check_snmp(manager, guests)

    daemon = collectd()
    first = instances_of(daemon, guests)
    for line in daemon.listval():
        assert len(line.split("/")) == 3, line
    for (name, program) in guests:
        label = first[program.events()[program.halt_event]]
        assert LABEL.fullmatch(label), label
        if LABEL.fullmatch(name.decode(errors="replace")) and len(name) < 100 and name not in (b"twin", b".."):
            assert label == name.decode()
    daemon.stop()
    # Names are the same in the next life of collectd; which twin is which may be told by nothing but their number.
    second = instances_of(collectd(), guests)
    twins = {program.events()[program.halt_event] for name, program in guests if name == b"twin"}
    assert {k: v for k, v in first.items() if k not in twins} == {k: v for k, v in second.items() if k not in twins}
    assert {first[k] for k in twins} == {second[k] for k in twins}

    report = rig.kvmstat_json("guests", "0.1", "1")
    pids = [guest["pid"] for guest in report["guests"]]
    table = list(csv.reader(io.StringIO(rig.kvmstat("--csv", "guests", "0.1", "1").decode(errors="replace"), newline="")))
    assert len({len(row) for row in table}) == 1
    pid_column = [row[table[0].index("pid")] for row in table]
    for _, program in guests:
        assert pids.count(program.pid) == 1 and pid_column.count(str(program.pid)) == 1


def test_frozen_qemu_with_an_odd_name_is_the_same_everywhere(qemu, collectd, agent, unique):
    """Every event, byte for byte of its number, in the three outputs; whatever the guest did before it was stopped."""
    name = os.fsdecode(unique().encode() + b" a\n\xff\"b/,c;\xc3\xa9")
    guest = qemu(name)
    pattern = 'Guest "/^%s/"' % name.split(" ", maxsplit=1)[0]

    def values():
        return rig.kvmstat_values("pid:%d" % guest.pid)
    rig.wait_until(lambda: "exits" in json.dumps(rig.kvmstat_json("guests", "0.1", "1")) and
                   any(g["pid"] == guest.pid and (g["exits_total"] or 0) > 100 for g in
                       rig.kvmstat_json("guests", "0.1", "1")["guests"]), "the guest does something")
    guest.signal(signal.SIGSTOP)
    expected = rig.wait_until(lambda: (lambda a, b: a == b and a)(values(), values()), "the guest stands still")

    manager = agent(pattern).snmpd
    index = rig.wait_until(lambda: manager.index_of(name), "SNMP has the guest")
    daemon = collectd(pattern)
    nonzero = {event: value for event, value in expected.items() if value}
    assert len(nonzero) > 3
    rig.wait_until(lambda: len(daemon.instances()) == 1, "collectd has the guest")
    label = daemon.instances().pop()
    rig.wait_until(lambda: {event: value for event, value in daemon.values(label).items() if value} == nonzero, "collectd says the same")
    assert manager.values(index) == expected
    guest.signal(signal.SIGCONT)
