# SPDX-License-Identifier: MIT
"""VMs begin and end while managers walk: each row is whole and of the right guest, and the subagent grows by nothing."""
import itertools
import os
import random
import shutil
import socket
import sys
import threading
import time

from conftest import HERE, times

sys.path.append(os.path.join(HERE, "..", "cli"))

import pytest  # noqa: E402
import rig  # noqa: E402
import snmp  # noqa: E402
import snmpwire  # noqa: E402
from host import Host  # noqa: E402

ALIVE, WALKERS, INTERVAL = 150, 10, 1
VMS = times(400, 20000)
NAMES = 4 * ALIVE  # guests that come again and again, as other VMs
WARM = times(200, 4000)  # VMs after which memory is looked at first
GROWTH = 8 << 20  # a view for each of the managers, and what malloc keeps between
COLUMNS = [(1, 3, 6, 1, 4, 1, 8072, 9999, 9999, 7619, 1, 7, 1, column) for column in (9, 10, 11)]  # counts of exits, I/O, idling
PATIENCE = 30


def uuid(number):
    return "5eed0000-0000-4000-8000-%012x" % number


class Fleet(Host):
    """So many VMs at a time. Each has a number, which is the value of all its counters, and ends some time after it was seen."""

    def __init__(self, root):
        super().__init__(root)
        self.place, self.trash = self.kvm, os.path.join(self.root, "trash")
        self.serials, self.alive, self.due, self.rng = itertools.count(1), {}, {}, random.Random(11)
        os.mkdir(self.trash)

    def begin(self):
        """It is there in one step, with all its files."""
        serial = next(self.serials)
        self.kvm = self.trash
        made = self.guest("guest%d" % (serial % NAMES), uuid(serial % NAMES), exits=serial, io_exits=serial, halt_exits=serial)
        self.alive[serial] = os.path.join(self.place, os.path.basename(made))
        os.rename(made, self.alive[serial])

    def end(self, serial):
        place = self.alive.pop(serial)
        away = os.path.join(self.trash, os.path.basename(place))
        os.rename(place, away)
        shutil.rmtree(away)
        shutil.rmtree(os.path.join(self.root, "proc", os.path.basename(place).split("-")[0]))


    def turn(self, is_seen):
        """Those that are due end, amid a pass as well as between two. Has any?"""
        now, before = time.monotonic(), len(self.due)
        for serial in [serial for serial, due in self.due.items() if due <= now]:
            del self.due[serial]
            self.end(serial)
            self.begin()
        changed = len(self.due) < before
        for serial in self.alive:
            if serial not in self.due and is_seen(serial):
                self.due[serial] = now + self.rng.uniform(0, INTERVAL)
        return changed


class Walker(threading.Thread):
    """A manager that walks the table of guests' activity, all columns at a time, until it is told to stop."""

    def __init__(self, port, stop):
        super().__init__(daemon=True)
        self.socket, self.stop_now = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), stop
        self.socket.settimeout(PATIENCE)
        self.socket.connect(("127.0.0.1", port))
        self.rows, self.walks, self.partial, self.errors = 0, 0, [], []
        self.seen, self.serials = set(), set()

    def take(self, row):
        """One repetition: the next instance of each column. False behind the last row."""
        indices = {name[len(column):] if name[:len(column)] == column else None for column, (name, _) in zip(COLUMNS, row)}
        if indices == {None}:
            return False
        self.rows += 1
        if len(indices) > 1 or len({value for _, value in row}) > 1:
            self.partial.append(row)
        elif None not in indices:
            self.seen.add((indices.pop()[0], row[0][1]))
            self.serials.add(row[0][1])
        return True

    def walk(self):
        names = COLUMNS
        while True:
            answer = snmpwire.getbulk(self.socket, names, 96 // len(COLUMNS))
            for at in range(0, len(answer), len(COLUMNS)):
                row = answer[at:at + len(COLUMNS)]
                if len(row) == len(COLUMNS) and not self.take(row):
                    self.walks += 1
                    return
            whole = len(answer) // len(COLUMNS) * len(COLUMNS)
            names = [name for name, _ in answer[whole - len(COLUMNS):whole]]

    def run(self):
        while not self.stop_now.is_set():
            try:
                self.walk()
            except (OSError, ValueError) as error:
                self.errors.append(repr(error))


def size(program):
    """(bytes in memory, descriptors)"""
    with open("/proc/%d/statm" % program.pid, encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE"), len(os.listdir("/proc/%d/fd" % program.pid))


def indices(state):
    """{index: UUID} of the subagent's file."""
    lines = (line.split() for line in state.read_text().splitlines() if line.startswith("guest "))
    return {int(words[1]): words[2].removeprefix("uuid:") for words in lines}


def test_lifecycles_with_walkers(tmp_path):
    if not shutil.which("snmpd"):
        pytest.skip("no snmpd (Debian: snmpd)")
    fleet, stop, began = Fleet(tmp_path / "root"), threading.Event(), time.monotonic()
    for _ in range(ALIVE):
        fleet.begin()
    snmpd = snmp.Snmpd(tmp_path / "snmpd")
    # What was freed is kept to be looked at: but only so much.
    agent = snmp.Agent(tmp_path / "agent", snmpd, "Root %s" % fleet.root, INTERVAL, env={"ASAN_OPTIONS": "quarantine_size_mb=4"})
    walkers = [Walker(snmpd.port, stop) for _ in range(WALKERS)]
    for walker in walkers:
        walker.start()

    def is_seen(serial):
        return any(serial in walker.serials for walker in walkers)

    def all_are_seen():
        return all(map(is_seen, fleet.alive))

    def only_they_are_seen():
        """So descriptors of those before are closed."""
        return all_are_seen() and len(snmpd.numbers("kvmGuestExitsCount")) == ALIVE

    first = None
    while max(fleet.alive) < VMS:
        rig.wait_until(lambda: fleet.turn(is_seen), "a VM that began is in some walk")
        if first is None and max(fleet.alive) > WARM:
            rig.wait_until(only_they_are_seen, "nothing else is there")
            first = size(agent)
    rig.wait_until(only_they_are_seen, "each VM is in some walk, and nothing else")
    stop.set()
    for walker in walkers:
        walker.join()
    rig.wait_until(lambda: size(agent)[1] <= first[1], "as few descriptors as before")
    last = size(agent)
    known = indices(tmp_path / "agent" / "state" / "index")
    assert agent.stop() == 0
    snmpd.kill()
    print("\n%d VMs, %d walks of %d managers, %d rows in %d s: %d errors, %d partial rows; memory %.1f MiB, then %.1f; descriptors %d, then %d" % (
        max(fleet.alive), sum(walker.walks for walker in walkers), WALKERS, sum(walker.rows for walker in walkers),
        time.monotonic() - began, sum(len(walker.errors) for walker in walkers), sum(len(walker.partial) for walker in walkers),
        first[0] / (1 << 20), last[0] / (1 << 20), first[1], last[1]))
    for walker in walkers:
        assert not walker.errors and not walker.partial, (walker.errors[:3], walker.partial[:3])
        for index, serial in walker.seen:
            assert known[index] == uuid(serial % NAMES), "index %d shows VM %d" % (index, serial)
    assert last[0] < first[0] + GROWTH
